//! The packages: what is in them, that they are the same each time, that they install, run and go.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::{case, text, zerttap};

fn there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("no {program} here: what needs it is not tried");
    }
    found
}

/// Makes the packages of the program that tests have.
fn packages(dir: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/package"))
        .arg(dir)
        .env("ZERTTAP", zerttap().get_program())
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .output()
        .expect("it runs");
    let (out, err) = text(&output);
    assert!(output.status.success(), "{out}{err}");
    out.lines().map(PathBuf::from).collect()
}

/// The packages that all tests look at, made once.
fn first_packages() -> &'static [PathBuf] {
    static MADE: OnceLock<(tempfile::TempDir, Vec<PathBuf>)> = OnceLock::new();
    let (_, made) = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let made = packages(dir.path());
        (dir, made)
    });
    made
}

/// Files below a directory, without its own name.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            match entry.file_type().expect("a type").is_dir() {
                true => waiting.push(entry.path()),
                false => {
                    let path = entry.path();
                    found.insert(path.strip_prefix(root).expect("below").to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn the_debian_package_installs_runs_and_goes() {
    if !there("dpkg-deb") || !there("strip") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (first, second) = (first_packages(), packages(dir.path()));
    assert!(!first.is_empty() && first.len() == second.len(), "{first:?}");
    for (a, b) in first.iter().zip(&second) {
        assert!(fs::read(a).expect("a package") == fs::read(b).expect("one"), "{}", a.display());
    }
    let package = first.iter().find(|p| p.extension().is_some_and(|e| e == "deb"));
    let package = package.expect("a Debian package");
    let field = |name: &str| {
        let output = Command::new("dpkg-deb").arg("-f").arg(package).arg(name).output();
        text(&output.expect("dpkg-deb runs")).0.trim().to_owned()
    };
    assert_eq!(field("Version"), env!("CARGO_PKG_VERSION"));
    assert!(field("Depends").contains("libpcap0.8"), "{}", field("Depends"));

    // A root of its own. What the program is linked with is this machine's.
    let root = dir.path().join("root");
    let state = root.join("var/lib/dpkg");
    for name in ["info", "updates", "triggers"] {
        fs::create_dir_all(state.join(name)).expect("made");
    }
    fs::write(state.join("status"), "").expect("written");
    let before = files(&root);
    let dpkg = |options: &[&str]| {
        let output = Command::new("dpkg")
            .arg(format!("--root={}", root.display()))
            .args(["--force-not-root", "--force-depends", "--force-script-chrootless"])
            .args(["--force-bad-path", "--log=/dev/null"])
            .args(options)
            .output()
            .expect("dpkg runs");
        let (out, err) = text(&output);
        assert!(output.status.success(), "{out}{err}");
    };
    dpkg(&["-i", package.to_str().expect("text")]);
    for file in [
        "usr/bin/zerttap",
        "usr/share/man/man1/zerttap.1.gz",
        "usr/share/man/man1/zerttap-read.1.gz",
        "usr/share/man/man1/zerttap-extract.1.gz",
        "usr/share/bash-completion/completions/zerttap",
        "usr/share/zsh/vendor-completions/_zerttap",
        "usr/share/fish/vendor_completions.d/zerttap.fish",
        "usr/lib/systemd/system/zerttap.service",
        "etc/zerttap/zerttap.toml",
        "usr/share/doc/zerttap/copyright",
        "usr/share/doc/zerttap/LICENSE-MIT",
        "usr/share/doc/zerttap/LICENSE-APACHE",
        "usr/share/doc/zerttap/licenses/LGPL-ssh-parser.txt",
        "usr/share/doc/zerttap/THIRD-PARTY.txt",
        "usr/share/doc/zerttap/examples/monitoring/zerttap-alerts.yml",
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
    let run = |options: &[&str]| {
        let program = root.join("usr/bin/zerttap");
        let output = Command::new(program).args(options).output().expect("it runs");
        assert!(output.status.success(), "{}", text(&output).1);
        text(&output).0
    };
    let capture = case("tls12-full").join("capture.pcap");
    assert!(run(&["read", capture.to_str().expect("text")]).contains("TLSv1.2"));
    let settings = root.join("etc/zerttap/zerttap.toml");
    run(&["config", "--check", "--config", settings.to_str().expect("text")]);
    dpkg(&["--purge", "zerttap"]);
    let left: Vec<PathBuf> = files(&root)
        .difference(&before)
        .filter(|path| !path.starts_with("var/lib/dpkg"))
        .cloned()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_rpm_has_the_same_and_names_what_it_is_linked_with() {
    if !there("rpmbuild") || !there("strip") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut made = first_packages().iter();
    let package = made.find(|p| p.extension().is_some_and(|e| e == "rpm"));
    let package = package.expect("an RPM");
    let ask = |options: &[&str]| {
        let mut command = Command::new("rpm");
        command.arg("--dbpath").arg(dir.path().join("db")).args(options).arg(package);
        let output = command.output().expect("rpm runs");
        assert!(output.status.success(), "{}", text(&output).1);
        text(&output).0
    };
    let files = ask(&["-qlp"]);
    for file in [
        "/usr/bin/zerttap",
        "/usr/share/man/man1/zerttap-read.1.gz",
        "/usr/share/zsh/site-functions/_zerttap",
        "/usr/lib/systemd/system/zerttap.service",
        "/etc/zerttap/zerttap.toml",
        "/usr/share/doc/zerttap/docs/quickstart-unprotected.md",
        "/usr/share/doc/zerttap/licenses/LGPL-ssh-parser.txt",
    ] {
        assert!(files.lines().any(|line| line == file), "{file}: {files}");
    }
    assert!(ask(&["-qcp"]).trim() == "/etc/zerttap/zerttap.toml");
    let requires = ask(&["-qp", "--requires"]);
    let linked = Command::new("objdump").arg("-p").arg(zerttap().get_program()).output();
    let linked = text(&linked.expect("objdump runs")).0;
    let pcap = linked.lines().filter_map(|l| l.trim().strip_prefix("NEEDED")).map(str::trim);
    let pcap = pcap.into_iter().find(|name| name.starts_with("libpcap")).expect("libpcap");
    assert!(requires.contains(pcap) && requires.contains("libc.so.6(GLIBC_"), "{requires}");
}

#[test]
fn the_unit_names_what_the_package_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let unit = fs::read_to_string(root.join("zerttap.service")).expect("the unit");
    let line = |key: &str| {
        let start = format!("{key}=");
        unit.lines().find_map(|l| l.strip_prefix(start.as_str())).unwrap_or_default().to_owned()
    };
    let command = line("ExecStart");
    assert!(command.starts_with("/usr/bin/zerttap live "), "{command}");
    assert!(command.contains("--config /etc/zerttap/zerttap.toml"), "{command}");
    for (key, value) in [
        ("Type", "notify"),
        ("DynamicUser", "yes"),
        ("CapabilityBoundingSet", "CAP_NET_RAW"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
    ] {
        assert_eq!(line(key), value, "{key}");
    }
    // The options of the example are options of live.
    let defaults = fs::read_to_string(root.join("zerttap.default")).expect("the example");
    let help = text(&zerttap().args(["live", "--help"]).output().expect("it runs")).0;
    for word in defaults.split(['"', ' ']).filter(|w| w.starts_with("--")) {
        assert!(help.contains(word), "{word}");
    }
    if there("systemd-analyze") {
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(root.join("zerttap.service"))
            .output()
            .expect("it runs");
        // The program is not installed here.
        let err = text(&output).1;
        let told = err.lines().filter(|l| l.contains("zerttap.service"));
        let wrong: Vec<&str> = told.filter(|l| !l.contains("is not executable")).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
