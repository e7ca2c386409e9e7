//! The program as a user meets it: help, errors, exit statuses.

mod common;

use std::fs;
use std::process::{Output, Stdio};

fn run(args: &[&str]) -> Output {
    common::zerttap().args(args).output().expect("the program runs")
}

fn case(name: &str) -> String {
    common::case(name).display().to_string()
}

#[track_caller]
fn fails(args: &[&str], says: &str) {
    let output = run(args);
    let (_, stderr) = common::text(&output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}

#[test]
fn without_arguments_there_is_help() {
    let (stdout, stderr) = common::text(&run(&[]));
    let help = stdout + &stderr;
    assert!(
        help.contains("read") && help.contains("show") && help.contains("Exit status"),
        "{help}"
    );
    let (help, _) = common::text(&run(&["read", "--help"]));
    for word in [
        "--write",
        "--detail",
        "--jsonl",
        "--stats",
        "--home",
        "--filter",
        "--threads",
        "--strict",
        "--sid",
        "--sysname",
        "--sysplex",
        "--stack",
        "--release",
        "--tz",
        "--include-midstream",
        "--force",
        "--fail-on-damage",
        "RDW",
        "tcpdump filter",
    ] {
        assert!(help.contains(word), "no {word} in:\n{help}");
    }
}

#[test]
fn the_table_shows_who_is_protected_and_the_unprotected_first() {
    let (stdout, _) = common::text(&run(&["read", &case("tls12-full"), &case("clear-http")]));
    let rows: Vec<&str> = stdout.lines().filter(|l| l.starts_with("127.0.0.1:44330")).collect();
    assert_eq!(rows.len(), 2, "{stdout}");
    assert!(rows[0].contains("none") && rows[1].contains("TLSv1.2 TLS_ECDHE_RSA"), "{stdout}");
    assert!(!stdout.contains('\x1b'), "no colour without a terminal");
    let (coloured, _) = common::text(&run(&["--color", "always", "read", &case("clear-http")]));
    assert!(coloured.contains('\x1b'));
}

#[test]
fn errors_name_the_file_and_what_was_expected() {
    fails(&["read", "/nonexistent.pcap"], "/nonexistent.pcap: No such file");
    fails(&["read", &case("tls12-full/README.md")], "not a capture file: it begins with 23 20");
    fails(&["read", "--filter", "tcp prot 23", &case("tls12-full")], "filter \"tcp prot 23\"");
    fails(&["read", "--home", "10.0.0.0/40", &case("tls12-full")], "expected 0 to 32");
    fails(&["read", "--tz", "Nowhere/Land", &case("tls12-full")], "not a time zone");
    fails(&["read", "--sid", "TOOLONG", &case("tls12-full")], "at most 4");
    fails(&["read", "--interval", "61", &case("tls12-full")], "hours from 1h to 24h");
    fails(&["read", "--sync", "24:00", &case("tls12-full")], "HH:MM from 00:00 to 23:59");
    fails(&["read", "--passive-data-ports", "9-1", &case("tls12-full")], "the lower first");
    fails(&["show", &case("tls12-full/capture.pcap")], "it is a capture, which \"zerttap read\"");
    fails(&["show", &case("tls12-full/README.md")], "it is text: was it transferred in binary?");
    let dir = tempfile::tempdir().expect("a directory");
    fails(&["read", &dir.path().display().to_string()], "no capture file in this directory");
}

#[test]
fn files_are_not_overwritten_without_force() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("out.smf").display().to_string();
    let capture = case("tls12-full");
    assert!(run(&["read", "--detail", "-w", &file, &capture]).status.success());
    let first = fs::read(&file).expect("written");
    fails(&["read", "--detail", "-w", &file, &capture], "exists already; --force");
    assert!(run(&["read", "--force", "--detail", "-w", &file, &capture]).status.success());
    assert_eq!(fs::read(&file).expect("written"), first);
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1);
}

#[test]
fn damage_is_a_warning_or_a_status() {
    let capture = case("format-truncated/capture.pcap");
    let output = run(&["read", &capture]);
    let (_, stderr) = common::text(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr.contains("warning") && stderr.contains("the file ends inside a packet"),
        "{stderr}"
    );
    assert_eq!(run(&["read", "--fail-on-damage", &capture]).status.code(), Some(3));
    let (_, quiet) = common::text(&run(&["read", "-q", &capture]));
    assert_eq!(quiet, "");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = common::zerttap()
        .args(["read", "--jsonl", "-"])
        .arg(common::case("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("finished");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing_half() {
    fails(
        &["read", "--detail", "-w", "/dev/full", &case("tls12-full")],
        "/dev/full: No space left",
    );
}

#[test]
fn home_addresses_decide_who_is_local_and_what_is_ignored() {
    let capture = common::case("tls12-full/capture.pcap");
    let run = common::read(&["--home", "127.0.0.1"], &[&capture]);
    assert_eq!(run.connections[0]["local"], "server", "both ends are home: the server's view");
    let run = common::read(&["--home", "10.0.0.0/8", "--home", "2001:db8::/32"], &[&capture]);
    assert!(run.connections.is_empty() && run.records.is_empty());
    assert_eq!(run.ledger["counters"]["tcp_routed"]["packets"], 17);
    assert!(common::adds_up(&run.ledger));
}

#[test]
fn a_filter_leaves_packets_out_and_counts_them() {
    let capture = common::case("tls12-full/capture.pcap");
    let run = common::read(&["--filter", "tcp src port 44330"], &[&capture]);
    let filtered = run.ledger["counters"]["filtered"]["packets"].as_u64().expect("a number");
    assert!(filtered > 0 && filtered < 17 && common::adds_up(&run.ledger));
    assert_eq!(run.connections[0]["segments"]["from_client"], 0);
}

#[test]
fn strict_writes_what_zos_observes() {
    let capture = common::case("tls12-client-certificate/capture.pcap");
    let extended = common::read(&[], &[&capture]);
    let strict = common::read(&["--strict"], &[&capture]);
    let detail = |run: &common::Run| {
        zerttap::record::Detail::decode(common::records_of(&run.records)[0]).expect("a record")
    };
    let (extended, plain) = (detail(&extended), detail(&strict));
    let (with, without) = (extended.tls.expect("TLS"), plain.tls.expect("TLS"));
    assert_eq!((with.s_cert_key_len, with.c_cert_key_len), (2048, 3072));
    assert_eq!(extended.names.len(), 4);
    assert_eq!((without.s_cert_key_len, without.s_cert_serial_len), (0, 0));
    assert!(plain.names.is_empty());
    assert_eq!(without.neg_cipher, with.neg_cipher);
    assert!(!strict.connections[0]["tls"]["server_certificate"].is_null(), "JSON always has it");
}

#[test]
fn the_identification_is_what_was_asked_for() {
    let options = [
        "--sid",
        "sys1",
        "--sysname",
        "PROD1",
        "--sysplex",
        "PLEX1",
        "--stack",
        "TCPIP",
        "--release",
        "CS V2R5",
        "--tz",
        "+02:00",
    ];
    let run = common::read(&options, &[&common::case("tls12-full/capture.pcap")]);
    let shown = common::show(&run.records);
    for text in
        ["'SYS1'", "'PROD1'", "'PLEX1'", "'TCPIP'", "'CS V2R5'", "'STACK' whole TCP/IP stack"]
    {
        assert!(shown.contains(text), "no {text} in:\n{shown}");
    }
    // Captured at 05:34 UTC; the header is local time, the start UTC.
    assert!(shown.contains("(07:34:48") && shown.contains("(05:34:48"), "{shown}");
}

#[test]
fn show_passes_over_other_records_and_prints_what_was_good() {
    let run_ = common::read(&[], &[&common::case("tls12-full/capture.pcap")]);
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("mixed.smf");
    let mut type_30 = vec![0; 40];
    type_30[..2].copy_from_slice(&40u16.to_be_bytes());
    (type_30[4], type_30[5]) = (0x5E, 30);
    fs::write(&file, [type_30, run_.records.clone(), vec![0, 9, 9, 9]].concat()).expect("written");
    let output = run(&["show", &file.display().to_string()]);
    let (stdout, stderr) = common::text(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout.contains("Record 1: zERT connection detail, short connection termination"),
        "{stdout}"
    );
    assert!(stderr.contains(&format!("offset {}", 40 + run_.records.len())), "{stderr}");
    fs::write(&file, [vec![0, 18, 0, 0, 0x5E, 2], vec![0; 12], run_.records].concat())
        .expect("written");
    let output = run(&["show", "--jsonl", &file.display().to_string()]);
    let (stdout, stderr) = common::text(&output);
    assert!(output.status.success() && stderr.contains("1 records of other types"), "{stderr}");
    let record: serde_json::Value = serde_json::from_str(stdout.trim()).expect("JSON");
    assert_eq!(record["sections"]["S3"]["SMF119SC_TLS_Prot_Ver"]["code"], "0303");
    assert_eq!(record["sections"]["S3"]["SMF119SC_TLS_Prot_Ver"]["name"], "TLSv1.2");
    assert_eq!(record["sections"]["S1"]["SMF119SC_SARIP"], "127.0.0.1");
}

#[cfg(unix)]
#[test]
fn an_interrupt_writes_what_is_complete() {
    use std::io::{Read, Write};
    let capture = fs::read(common::case("long-connection/capture.pcap")).expect("the capture");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("out.smf");
    let mut child = common::zerttap()
        .args(["read", "--detail", "-w"])
        .arg(&file)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&capture).expect("written");
    stdin.flush().expect("flushed");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success()
    );
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(stdin);
    let status = child.wait().expect("finished");
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("\"type\":\"ledger\"") && stderr.contains("\"interrupted\":true"),
        "{stderr}"
    );
    let records = fs::read(&file).expect("the file is there");
    // Enabled, the connections' two, a summary, disabled.
    let subtypes: Vec<u8> = common::records_of(&records).iter().map(|r| r[23]).collect();
    assert_eq!(subtypes, [11, 12, 11, 11, 12, 11, 12]);
}

#[test]
fn names_prints_the_tables() {
    let (list, _) = common::text(&run(&["names"]));
    assert!(list.contains("enc_alg") && list.contains("wire.tls_suite"), "{list}");
    let (table, _) = common::text(&run(&["names", "enc_alg"]));
    assert!(table.lines().any(|l| l.starts_with("0013") && l.contains("AES GCM 256")), "{table}");
    let (all, _) = common::text(&run(&["names", "--json"]));
    assert_eq!(all.lines().count() + 1, list.lines().count());
    for line in all.lines() {
        let table: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(table["type"], "names");
        assert!(!table["entries"].as_array().expect("a list").is_empty());
    }
    fails(&["names", "zsecur"], "no table is called zsecur (zsecure?)");
    fails(&["names", "no_such"], "no table is called no_such; `zerttap names` lists them");
}

#[test]
fn statistics_alone_count_tunnels_too() {
    let capture = case("esp-null");
    let (stats, _) = common::text(&run(&["read", &capture, "--stats", "-"]));
    let stats: serde_json::Value = serde_json::from_str(stats.trim()).expect("JSON");
    assert_eq!(stats["ipsec"]["tunnels"], 4);
}

#[test]
fn an_opaque_tunnel_has_records_if_it_is_the_stack_s() {
    let capture = common::case("esp-null/capture.pcap");
    // Event, local and remote address of the records of protocol X'32'.
    let tunnels = |options: &[&str]| -> Vec<(u8, [u8; 4], [u8; 4])> {
        let run = common::read(options, &[&capture]);
        let all = common::records_of(&run.records);
        let common = all
            .iter()
            .map(|bytes| zerttap::record::Detail::decode(bytes).expect("a record").common)
            .filter(|common| common.ip_proto == 0x32);
        let ipv4 = |field: [u8; 16]| [field[0], field[1], field[2], field[3]];
        common.map(|c| (c.event_type, ipv4(c.lip), ipv4(c.rip))).collect()
    };
    let (receiver, sender) = ([203, 0, 113, 2], [203, 0, 113, 4]);
    assert_eq!(tunnels(&[]), [(1, receiver, sender), (3, receiver, sender)]);
    let home = tunnels(&["--home", "203.0.113.4/32"]);
    assert_eq!(home, [(1, sender, receiver), (3, sender, receiver)]);
    assert_eq!(tunnels(&["--home", "192.0.2.0/24"]), []);
    assert_eq!(tunnels(&["--strict"]), []);
}

/// The records' bytes at an offset of a section, by its triplet: the layout's
/// offsets, not our decoder's.
fn field(record: &[u8], triplet: usize, offset: usize) -> u16 {
    let at = 24 + 4 + 8 * triplet;
    let section = u32::from_be_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    let at = section as usize + offset;
    u16::from_be_bytes([record[at], record[at + 1]])
}

#[test]
fn codes_can_be_corrected() {
    let capture = common::case("tls12-full/capture.pcap");
    let usual = common::read(&["--detail"], &[&capture]);
    let suite = usual.connections[0]["tls"]["cipher_suite"].as_str().expect("a suite").to_owned();
    let dir = tempfile::tempdir().expect("a directory");
    let codes = dir.path().join("codes.toml");
    fs::write(&codes, format!("[wire.tls_suite]\n{suite} = {{ msg_auth = \"00EE\" }}\n"))
        .expect("written");
    let path = codes.display().to_string();
    let corrected = common::read(&["--detail", "--codes", &path], &[&capture]);
    assert_eq!(corrected.connections, usual.connections, "the wire's values stay");
    let differ: Vec<usize> =
        (0..usual.records.len()).filter(|&n| usual.records[n] != corrected.records[n]).collect();
    assert!((1..=2).contains(&differ.len()), "{differ:?}");
    assert!(corrected.records.windows(2).any(|w| w == [0, 0xEE]));

    fs::write(&codes, "[wire.tls_suites]\nC02F = \"0001\"\n").expect("written");
    let capture = capture.display().to_string();
    fails(&["read", "--codes", &path, &capture], "there is no table \"wire.tls_suites\"");
    fails(&["read", "--codes", "nowhere.toml", &capture], "nowhere.toml");
}

#[test]
fn the_length_of_a_check_value_names_an_algorithm_only_on_request() {
    const S5: usize = 5;
    const AUTH_ALG: usize = 218;
    let capture = common::case("ah-transport/capture.pcap");
    let algorithm = |options: &[&str]| {
        let run = common::read(options, &[&capture]);
        field(common::records_of(&run.records)[0], S5, AUTH_ALG)
    };
    assert_eq!((algorithm(&[]), algorithm(&["--infer-icv"])), (0, 0x000C));
}

#[test]
fn what_is_weak_is_told_and_the_policy_decides() {
    let captures = [case("tls10-full"), case("tls13-full"), case("ssh1"), case("clear-http")];
    let table = |policy: &str| {
        let mut args = vec!["read", "-q", "--policy", policy];
        args.extend(captures.iter().map(String::as_str));
        let output = run(&args);
        assert!(output.status.success());
        common::text(&output).0
    };
    let usual = table("default");
    for line in [
        "Without recognised protection: 1 of 4",
        "Weak by policy default: 2 of 4",
        "TLS 1.0 or 1.1 (127.0.0.1:44330)",
        "SSH version 1",
        "Quantum-safe key exchange: 0 of the 2",
    ] {
        assert!(usual.contains(line), "{line}:\n{usual}");
    }
    // Unprotected, then broken, then weak, then the rest.
    let places: Vec<Option<usize>> = [" none ", "SSHv1", "TLSv1.0", "TLSv1.3"]
        .iter()
        .map(|p| usual.lines().skip_while(|l| !l.starts_with("SERVER")).position(|l| l.contains(p)))
        .collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}\n{usual}");
    assert!(table("cnsa-2.0").contains("Weak by policy cnsa-2.0: 3 of 4"), "{}", table("cnsa-2.0"));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("own.toml");
    fs::write(
        &file,
        "name = \"own\"\nsource = \"us\"\n[[rule]]\nid = \"a\"\ntitle = \"not PSK\"\nseverity = \"weak\"\n\
         when = { suite_not = [\"*_PSK_*\"] }\n",
    )
    .expect("written");
    let own = table(&file.display().to_string());
    assert!(own.contains("Weak by policy own: 2 of 4") && own.contains("not PSK"), "{own}");
    fails(&["read", "--policy", "nobody", &case("ssh1")], "built-in policies: default, nist");
}

#[test]
fn the_report_is_one_page_that_needs_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let page = dir.path().join("report.html");
    let path = page.display().to_string();
    let captures = [case("tls10-full"), case("tls12-full"), case("ssh1"), case("clear-http")];
    let mut args = vec!["read", "-q", "--report", &path];
    args.extend(captures.iter().map(String::as_str));
    let output = run(&args);
    assert!(output.status.success() && output.stdout.is_empty());
    let text = fs::read_to_string(&page).expect("the page");
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>\n"));
    for part in [
        "id=\"numbers\"",
        "id=\"shares\"",
        "id=\"time\"",
        "id=\"weak\"",
        "id=\"rows\"",
        "id=\"key-exchange\"",
        "prefers-color-scheme: dark",
        "@media print",
        "SSH version 1",
    ] {
        assert!(text.contains(part), "{part}");
    }
    for foreign in ["http://", "https://", "<script ", "<link", "<img", "url("] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    // Every element that is opened is closed, in order.
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let name: String = tag.chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name), "{tag}"),
            None if name.starts_with('!') || ["meta", "br", "wbr"].contains(&name.as_str()) => {}
            None if tag.trim_end().ends_with("/>") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    fails(&args, "exists already; --force");
}

/// The commands that `zerttap --help` lists.
fn commands() -> Vec<String> {
    let (help, _) = common::text(&run(&["--help"]));
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_has_a_manual_page_that_names_its_options() {
    let dir = tempfile::tempdir().expect("a directory");
    let pages = dir.path().join("man1");
    let (_, stderr) = common::text(&run(&["man", "--write", pages.to_str().expect("text")]));
    assert_eq!(stderr, "");
    let commands = commands();
    assert!(commands.len() >= 10, "{commands:?}");
    let options = |command: &str| {
        let (help, _) = common::text(&run(&[command, "--help"]));
        let lines = help.lines().filter(|l| l.trim_start().starts_with('-'));
        let names = lines.filter_map(|l| l.split_whitespace().find(|w| w.starts_with("--")));
        names.map(|n| n.trim_end_matches(',').to_owned()).collect::<Vec<String>>()
    };
    for command in &commands {
        let page = fs::read_to_string(pages.join(format!("zerttap-{command}.1"))).expect("a page");
        assert!(page.contains(&format!(".TH ZERTTAP-{}", command.to_uppercase())), "{page}");
        let plain = page.replace("\\-", "-");
        for option in options(command) {
            assert!(plain.contains(&option), "{option} is not in the page of {command}");
        }
        let (printed, _) = common::text(&run(&["man", command]));
        assert_eq!(printed, page);
    }
    let first = fs::read_to_string(pages.join("zerttap.1")).expect("a page");
    let plain = first.replace("\\-", "-");
    assert!(commands.iter().all(|c| plain.contains(&format!("zerttap-{c}(1)"))), "{first}");
    assert_eq!(fs::read_dir(&pages).expect("pages").count(), commands.len() + 1);
    fails(&["man", "nothing"], "no command is called nothing");
}

#[test]
fn shells_complete_commands_and_options() {
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = common::text(&run(&["completions", shell]));
        for word in commands().iter().map(String::as_str).chain(["include-midstream", "jsonl"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // The shell itself says whether it is one of its scripts.
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("script");
        fs::write(&file, &script).expect("written");
        let option = if shell == "fish" { "--no-execute" } else { "-n" };
        match std::process::Command::new(shell).arg(option).arg(&file).output() {
            Ok(checked) => assert!(checked.status.success(), "{:?}", common::text(&checked)),
            Err(_) => eprintln!("no {shell} here: its completions are not checked by it"),
        }
    }
    fails(&["completions", "cmd.exe"], "possible values");
}

#[test]
fn options_of_tcpdump_and_tshark_are_taken_or_answered() {
    let capture = &case("tls12-full/capture.pcap");
    let plain = common::text(&run(&["read", capture])).0;
    assert_eq!(common::text(&run(&["read", "-r", capture])).0, plain);
    assert_eq!(common::text(&run(&["read", "-r", capture, "tcp", "port", "44330"])).0, plain);
    let none = common::text(&run(&["read", "-r", capture, "udp"]));
    assert!(none.0.contains("The filter accepts no packet"), "{none:?}");
    let two = common::text(&run(&["read", "-r", capture, &case("clear-http/capture.pcap")])).0;
    assert!(two.contains("TLSv1.2") && two.contains("none"), "{two}");
    for (args, tip) in [
        (&["-r", capture][..], "zerttap read FILE"),
        (&["-i", "eth0"], "zerttap live -i IFACE"),
        (&["-D"], "zerttap live -D"),
        (&["read", "-i", "eth0"], "zerttap live -i IFACE"),
        (&["read", "-n", capture], "never resolved"),
        (&["read", "-nr", capture], "never resolved"),
        (&["read", "-r", capture, "-Y", "tls"], "--filter"),
        (&["read", "-r", capture, "-T", "fields"], "--jsonl"),
        (&["read", "-r", capture, "-V"], "--jsonl"),
        (&["live", "-r", capture], "zerttap read FILE"),
        (&["live", "-ni", "eth0"], "never resolved"),
        (&["live", "-i", "eth0", "-a", "duration:5"], "--for"),
        (&["live", "-i", "eth0", "-s", "96"], "--snap-length"),
        (&["show", "-r", capture], "zerttap show FILE"),
        (&[capture], "zerttap read "),
    ] {
        fails(args, tip);
    }
    // What is no habit has clap's own tip alone.
    let (_, stderr) = common::text(&run(&["read", "--hom", "::1", capture]));
    assert!(stderr.contains("--home") && !stderr.contains("zerttap live"), "{stderr}");
}

#[test]
fn a_file_of_another_kind_is_sent_to_the_command_that_reads_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = |file: &str| dir.path().join(file).to_str().expect("text").to_owned();
    let capture = case("tls12-full/capture.pcap");
    for framing in ["rdw", "vb", "vbs", "xmit"] {
        let smf = name(framing);
        let written = run(&["read", "-q", "-w", &smf, "--framing", framing, &capture]);
        assert!(written.status.success());
        fails(&["read", &smf], &format!("SMF records, not a capture; \"zerttap show {smf}\""));
        fails(&[&smf], "zerttap show ");
    }
    fails(&["read", &case("tls12-full/README.md")], "not a capture file: it begins with");
    let empty = name("empty");
    fs::write(&empty, "").expect("written");
    let told = format!("{empty}: offset 0: the file is empty");
    fails(&["read", &empty], &told);
    // A run without anything to record writes an empty file: it is told, and no error.
    for options in [&["show"][..], &["show", "--jsonl"], &["show", "--summary"]] {
        let output = run(&[options, &[&empty]].concat());
        assert!(output.status.success() && common::text(&output).1.contains(&told), "{options:?}");
    }
    assert_eq!(common::text(&run(&["show", "-q", &empty])).1, "");
    // Packets are not written by -w; whoever expects that is told.
    let (_, stderr) = common::text(&run(&["read", "-w", &name("out.pcapng"), &capture]));
    assert!(stderr.contains("zerttap extract"), "{stderr}");
}

#[test]
fn the_doctor_says_what_this_machine_can_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("text");
    let output = run(&["doctor", "--directory", path]);
    let (out, err) = common::text(&output);
    assert!(output.status.success(), "{err}");
    for check in ["libpcap", "right", "clock", "confinement", "open files", "memory", "disk"] {
        assert!(out.lines().any(|l| l.get(6..).is_some_and(|l| l.starts_with(check))), "{out}");
    }
    let (json, _) = common::text(&run(&["doctor", "--json", "--directory", "/nonexistent"]));
    let findings: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let disk = findings.iter().find(|f| f["check"] == "disk").expect("it looks at the disk");
    assert_eq!(disk["state"], "lack", "{disk}");
    // What is not as it should be comes with what to do.
    for finding in &findings {
        assert_eq!(finding["state"] == "ok", finding["advice"].is_null(), "{finding}");
    }
    // The right to capture is that of the process.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
    let bits = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    if let Some(bits) = bits {
        let right = findings.iter().find(|f| f["check"] == "right").expect("it looks at rights");
        let expected = if bits & (1 << 13) != 0 { "ok" } else { "lack" };
        assert_eq!(right["state"], expected, "{right}");
    }
}

#[test]
fn rows_are_sorted_as_asked_and_those_left_out_are_told() {
    let inputs = [case("tls12-full"), case("clear-http"), case("ssh1")];
    let table = |options: &[&str]| {
        let inputs = inputs.iter().map(String::as_str);
        let args: Vec<&str> =
            ["read"].into_iter().chain(options.iter().copied()).chain(inputs).collect();
        common::text(&run(&args)).0
    };
    let rows = |text: &str| -> Vec<String> {
        let after = text.lines().skip_while(|l| !l.starts_with("SERVER ")).skip(1);
        after.map(str::to_owned).collect()
    };
    let by_protection = rows(&table(&[]));
    assert!(by_protection[0].contains("  none  "), "{by_protection:?}");
    let by_bytes = rows(&table(&["--sort", "bytes"]));
    let amount = |row: &String| {
        let words: Vec<&str> = row.split_whitespace().collect();
        let value = |from_end: usize| {
            let unit = match words[words.len() - from_end + 1] {
                "kB" => 1e3,
                "MB" => 1e6,
                _ => 1.0,
            };
            words[words.len() - from_end].parse::<f64>().expect("a number") * unit
        };
        value(4) + value(2)
    };
    assert!(by_bytes.windows(2).all(|pair| amount(&pair[0]) >= amount(&pair[1])), "{by_bytes:?}");
    let one = table(&["--rows", "1"]);
    let more = by_protection.len() - 1;
    assert!(one.contains(&format!("and {more} more rows of {} (--rows 0", more + 1)), "{one}");
}
