//! The page of `--report` in a browser: its main elements are where they should
//! be, in their colours, as wide as the figures say, light and dark; it loads
//! nothing and needs no script.
//!
//! Runs where there is a Chromium. `scripts/test` installs one and names it in
//! `ZERTTAP_BROWSER`, so that it is never passed over there.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const LIGHT: Colours = Colours {
    paper: 0xFFFFFF,
    classes: [
        [0xA3161A, 0xA3161A],
        [0xC77C02, 0x8A5600],
        [0x2E9E5B, 0x2E9E5B],
        [0x7F8A96, 0xA9B2BC],
    ],
};
const DARK: Colours = Colours {
    paper: 0x0D1117,
    classes: [
        [0xFF6B60, 0xFF6B60],
        [0xE3A82B, 0xA97C14],
        [0x217A3F, 0x217A3F],
        [0x7D8590, 0x5D646D],
    ],
};

/// Of the paper, and of the classes: unprotected, weak, protected, not known, with the colour
/// of their stripes.
struct Colours {
    paper: u32,
    classes: [[u32; 2]; 4],
}

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ZERTTAP_BROWSER") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let all: Vec<PathBuf> = std::env::split_paths(&path).collect();
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| all.iter().map(move |dir| dir.join(name)))
        .find(|candidate| candidate.is_file())
}

/// Runs the browser on a page; returns what it printed.
fn open(browser: &Path, page: &Path, options: &[String]) -> String {
    let profile = tempfile::tempdir().expect("a directory");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

struct Picture {
    width: usize,
    pixels: Vec<u32>,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let file = std::io::BufReader::new(fs::File::open(path).expect("a screenshot"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut bytes).expect("a picture");
        let step = info.color_type.samples();
        let pixels = bytes[..info.buffer_size()]
            .chunks_exact(step)
            .map(|p| u32::from_be_bytes([0, p[0], p[1], p[2]]))
            .collect();
        Self { width: info.width as usize, pixels }
    }

    fn rows(&self) -> impl Iterator<Item = &[u32]> {
        self.pixels.chunks_exact(self.width)
    }

    /// The long bars across the page, from above: the share of each class.
    fn bars(&self, colours: &Colours) -> Vec<[f64; 4]> {
        let mut bars: Vec<[f64; 4]> = Vec::new();
        let mut inside = false;
        for row in self.rows() {
            let count = colours.classes.map(|c| row.iter().filter(|p| c.contains(p)).count());
            let all: usize = count.iter().sum();
            let long = all > self.width / 2;
            if long && !inside {
                bars.push(count.map(|n| n as f64 / all as f64));
            }
            inside = long;
        }
        bars
    }
}

/// The share of connections and of bytes of each class, counted in the JSON
/// output: here the capture shows all, and nothing is weak by a policy of none.
fn shares(connections: &[Value]) -> [[f64; 2]; 2] {
    let mut sums = [[0.0; 2]; 2];
    for c in connections.iter().filter(|c| c["established"] == true) {
        let class = usize::from(c["protection"].as_array().is_some_and(|p| !p.is_empty()));
        let bytes = |from: &str| c["bytes"][from].as_f64().expect("a number");
        sums[0][class] += 1.0;
        sums[1][class] += bytes("from_client") + bytes("from_server");
    }
    sums.map(|[bare, covered]| [bare / (bare + covered), covered / (bare + covered)])
}

const CASES: [&str; 4] = ["tls13-resumption", "clear-http", "tls12-full", "telnet-starttls"];

/// A directory with captures of protected and unprotected connections, none of
/// them weak, and their report.
fn report() -> (tempfile::TempDir, PathBuf, Vec<Value>) {
    let dir = tempfile::tempdir().expect("a directory");
    let captures = CASES.map(|case| common::case(case).join("capture.pcap"));
    let inputs: Vec<&Path> = captures.iter().map(PathBuf::as_path).collect();
    let policy = dir.path().join("policy.toml");
    fs::write(&policy, "name = \"none\"\nsource = \"a test\"\nrule = []\n").expect("written");
    let page = dir.path().join("report.html");
    let output = common::zerttap()
        .args(["read", "-q", "--job", "44330=OPENSSL", "--sysname", "PROD1"])
        .args(["--home", "192.0.2.0/24", "--home", "0.0.0.0/1", "--home", "128.0.0.0/1"])
        .args(["--report-time", "2026-01-31T10:00:00+01:00", "--policy"])
        .arg(&policy)
        .arg("--report")
        .arg(&page)
        .args(&inputs)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", common::text(&output).1);
    let run = common::read(&["-q"], &inputs);
    (dir, page, run.connections)
}

#[test]
fn the_page_loads_nothing_and_runs_no_script_but_its_own() {
    let (_dir, page, _) = report();
    let text = fs::read_to_string(page).expect("the page");
    for forbidden in ["<link", "<img", "<iframe", "http:", "https:", "@import", "url(", " onclick="]
    {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
    assert_eq!(text.matches("<script").count(), 1);
    let (_, script) = text.split_once("<script>").expect("the script");
    let (script, _) = script.split_once("</script>").expect("its end");
    let digest = Command::new("openssl")
        .args(["dgst", "-sha256", "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            std::io::Write::write_all(child.stdin.as_mut().expect("input"), script.as_bytes())?;
            child.wait_with_output()
        })
        .expect("openssl runs");
    let digest = data_encoding::BASE64.encode(&digest.stdout);
    let policy =
        format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'");
    assert!(text.contains(&policy), "{policy}");
}

/// Captions, heads, headings of rows and columns, anchors that lead somewhere.
#[test]
fn tables_say_what_they_are() {
    let (dir, page, _) = report();
    well_formed(&fs::read_to_string(page).expect("the page"), 9);
    // The page of check is made of the same.
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (records, checked) = (path("zert.smf"), path("check.html"));
    let capture = common::case("intervals").join("capture.pcap").display().to_string();
    let home = ["--home", "192.0.2.0/24"];
    for args in [
        vec!["read", "-q", "--detail", "-w", &records, &capture],
        vec!["check", "-q", "--report", &checked, "--stack", &records, &capture],
    ] {
        let output = common::zerttap().args(args).args(home).output().expect("it runs");
        assert!(output.status.success(), "{}", common::text(&output).1);
    }
    well_formed(&fs::read_to_string(checked).expect("the page"), 1);
}

fn well_formed(text: &str, least: usize) {
    let tables: Vec<&str> = text
        .split("<table ")
        .skip(1)
        .map(|t| t.split("</table>").next().expect("a table"))
        .collect();
    assert!(tables.len() >= least, "{}", tables.len());
    for table in tables {
        let (head, body) = table.split_once("</thead>").expect("a head");
        assert!(head.contains("<caption>") && !head.contains("<caption></caption>"), "{head}");
        let columns = head.matches("<th scope=\"col\"").count();
        assert!(columns >= 2 && head.matches("<th").count() == columns + 1, "{head}");
        for row in body.split("<tr>").skip(1) {
            assert_eq!(row.matches("<th scope=\"row\"").count(), 1, "{row}");
            assert_eq!(row.matches("<td").count() + 1, columns, "{row}");
        }
    }
    for link in text.split("href=\"#").skip(1) {
        let to = link.split('"').next().expect("an anchor");
        assert!(text.contains(&format!("id=\"{to}\"")), "{to}");
    }
    assert_eq!(text.matches("<h1").count(), 1);
}

#[test]
fn the_page_says_what_it_is_made_from() {
    let (dir, page, _) = report();
    let text = fs::read_to_string(&page).expect("the page");
    let version = format!("zerttap {}", env!("CARGO_PKG_VERSION"));
    let times = "2026-01-31 09:00:00 UTC";
    for there in [version.as_str(), times, "system PROD1", "192.0.2.0/24", "OPENSSL", "--policy"] {
        assert!(text.contains(there), "{there}");
    }
    let plain = text.replace("<wbr>", "");
    for case in CASES {
        let path = common::case(case).join("capture.pcap");
        let output = Command::new("sha256sum").arg(&path).output().expect("sha256sum runs");
        let digest = String::from_utf8_lossy(&output.stdout)[..64].to_owned();
        assert!(plain.contains(&digest), "{case}: {digest}");
    }
    // The same input and options make the same page, whatever the threads.
    let again = |threads: &str, args: &[&str]| {
        let other = dir.path().join("again.html");
        let capture = common::case("clear-http").join("capture.pcap");
        let output = common::zerttap()
            .args(["read", "-q", "--force", "--threads", threads, "--report"])
            .arg(&other)
            .args(args)
            .arg(capture)
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{}", common::text(&output).1);
        let page = fs::read_to_string(other).expect("the page");
        page.replace(&format!("--threads {threads}"), "--threads N")
    };
    assert_eq!(again("1", &[]), again("3", &[]));
    assert!(again("1", &[]).contains("not said (--report-time)"));
    assert!(again("1", &[]).contains("every server is taken for the z/OS stack"));
}

/// WCAG 2.2, 1.4.3 and 1.4.11: text has a contrast of 4.5 to 1 at least, what is drawn 3 to 1.
#[test]
fn contrasts_are_enough_in_both_themes() {
    let (_dir, page, _) = report();
    let text = fs::read_to_string(page).expect("the page");
    let blocks: Vec<&str> =
        text.split(":root {").skip(1).map(|b| b.split('}').next().unwrap_or_default()).collect();
    assert_eq!(blocks.len(), 3, "light, dark, paper");
    let mut light = BTreeMap::new();
    for (n, block) in blocks.iter().enumerate() {
        let mut colours = if n == 2 { light.clone() } else { BTreeMap::new() };
        for entry in block.split(';').filter_map(|e| e.trim().strip_prefix("--")) {
            let (name, value) = entry.split_once(": #").expect("a colour");
            colours.insert(name, u32::from_str_radix(value, 16).expect("hexadecimal"));
        }
        if n == 0 {
            light.clone_from(&colours);
        }
        let of = |name: &str| *colours.get(name).unwrap_or_else(|| panic!("{name} in {n}"));
        for paper in ["paper", "panel"] {
            for ink in ["ink", "soft", "bad", "warn", "good", "link", "failed-mark"] {
                let contrast = contrast(of(ink), of(paper));
                assert!(contrast >= 4.5, "{n}: {ink} on {paper}: {contrast:.2}");
            }
        }
        for fill in ["unprotected", "failed", "weak", "protected", "unknown"] {
            let contrast = contrast(of(fill), of("paper"));
            assert!(contrast >= 3.0, "{n}: {fill}: {contrast:.2}");
        }
        // Who sees no hues sees a difference of brightness.
        let apart = contrast(of("unprotected"), of("protected"));
        assert!(apart >= 1.8, "{n}: {apart:.2}");
    }
}

fn contrast(a: u32, b: u32) -> f64 {
    let luminance = |colour: u32| {
        let [_, red, green, blue] = colour.to_be_bytes().map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

/// At the width of a phone nothing reaches beyond the page, with long names, too; and the
/// tables can be sorted.
#[test]
fn nothing_overflows_on_a_phone_and_tables_sort() {
    let Some(browser) = browser() else {
        eprintln!("passed over: no Chromium is installed");
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let page = dir.path().join("page.html");
    let captures = common::case("");
    let output = common::zerttap()
        .args(["read", "-q", "--report"])
        .arg(&page)
        .arg(captures)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", common::text(&output).1);
    // A page around it measures it and presses a heading.
    let frame = dir.path().join("frame.html");
    let script = "const frame = document.querySelector('iframe');
        frame.onload = () => {
          const page = frame.contentDocument;
          const wide = page.documentElement.scrollWidth;
          const beyond = [...page.querySelectorAll('main > section')]
            .filter(s => s.scrollWidth > s.clientWidth).map(s => s.id);
          const table = page.querySelector('#rows');
          const column = [...table.tHead.rows[0].cells].findIndex(c => c.textContent === 'connections');
          table.tHead.rows[0].cells[column].querySelector('[role=button]').click();
          const values = [...table.tBodies[0].rows].map(r => Number(r.cells[column].dataset.v));
          const sorted = values.every((v, n) => n === 0 || values[n - 1] >= v) && values[0] > values.at(-1);
          document.title = `wide=${wide} beyond=${beyond} sorted=${sorted}`;
          document.body.append(document.title);
        };";
    for (width, height) in [(390, 20_000), (820, 12_000), (1280, 10_000)] {
        fs::write(
            &frame,
            format!(
                "<!DOCTYPE html><body><iframe style=\"border:0;width:{width}px;height:{height}px\" src=\"page.html\"></iframe><script>{script}</script></body>"
            ),
        )
        .expect("written");
        let options = ["--dump-dom", "--allow-file-access-from-files", "--window-size=1400,900"];
        let dom = open(&browser, &frame, &options.map(str::to_owned));
        let expected = format!("wide={width} beyond= sorted=true");
        let found = dom.split("<title>").nth(1).map(|t| t.split('<').next().unwrap_or_default());
        assert_eq!(found, Some(expected.as_str()), "{width}");
    }
}

#[test]
fn the_page_shows_its_main_elements() {
    let Some(browser) = browser() else {
        eprintln!("passed over: no Chromium is installed");
        return;
    };
    let (dir, page, connections) = report();

    // What the browser made of it.
    let dom = open(&browser, &page, &["--dump-dom".to_owned()]);
    let mut places = BTreeMap::new();
    for id in ["numbers", "shares", "by-server", "by-job", "by-client", "rows", "key-exchange"] {
        let place = dom.find(&format!("id=\"{id}\""));
        places.insert(place.unwrap_or_else(|| panic!("no {id}: {dom}")), id);
    }
    let order: Vec<&str> = places.into_values().collect();
    let expected =
        ["numbers", "shares", "by-server", "by-job", "by-client", "rows", "key-exchange"];
    assert_eq!(order, expected);

    // What a person sees.
    let expected = shares(&connections);
    for (colours, options) in [(LIGHT, ""), (DARK, "--blink-settings=preferredColorScheme=0")] {
        let file = dir.path().join("screen.png");
        let mut all =
            vec!["--window-size=1200,2400".to_owned(), format!("--screenshot={}", file.display())];
        all.extend((!options.is_empty()).then(|| options.to_owned()));
        open(&browser, &page, &all);
        let picture = Picture::read(&file);
        assert_eq!(picture.pixels[0], colours.paper);
        let bars = picture.bars(&colours);
        assert_eq!(bars.len(), 2, "{bars:?}");
        for (bar, [bare, covered]) in bars.iter().zip(expected) {
            // A pixel at each edge may be mixed of two colours.
            assert!((bar[0] - bare).abs() < 0.01, "{bar:?}: {bare} unprotected");
            assert!((bar[2] - covered).abs() < 0.01, "{bar:?}: {covered} protected");
        }
        // The rankings have small bars, and there are letters.
        let red = picture.pixels.iter().filter(|p| colours.classes[0].contains(p)).count();
        assert!(red > 1000, "{red}");
        let others = picture.pixels.iter().filter(|p| **p != colours.paper).count();
        assert!(others > picture.pixels.len() / 50);
        fs::remove_file(&file).expect("removed");
    }

    // What a printer gets.
    let pdf = dir.path().join("page.pdf");
    let options =
        [format!("--print-to-pdf={}", pdf.display()), "--no-pdf-header-footer".to_owned()];
    open(&browser, &page, &options);
    let bytes = fs::read(&pdf).expect("a PDF");
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() > 5000, "{} bytes", bytes.len());
}

/// A certificate's name with a bidirectional control, a zero-width space and a tag is shown
/// as the text that it is.
#[test]
fn hostile_names_are_text_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("passed over: no Chromium is installed");
        return;
    };
    let (name, hostile) = ("Example Sysplex", "a\u{202E}b\u{200B}<i>zzzz");
    assert_eq!(name.len(), hostile.len());
    let capture = fs::read(common::case("tls12-full").join("capture.pcap")).expect("a capture");
    let mut all = packets::read(&capture).expect("packets");
    for packet in &mut all {
        // Certificates that have expired are listed.
        packet.ts += 60 * 365 * 86_400 * 1_000_000_000;
        while let Some(at) = packet.data.windows(15).position(|w| w == name.as_bytes()) {
            packet.data[at..at + 15].copy_from_slice(hostile.as_bytes());
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (file, page) = (dir.path().join("a.pcap"), dir.path().join("page.html"));
    fs::write(&file, packets::to_pcap(&all)).expect("written");
    let output = common::zerttap().args(["read", "--report"]).arg(&page).arg(&file).output();
    assert!(output.expect("the program runs").status.success());
    let dom = open(&browser, &page, &["--dump-dom".to_owned()]);
    assert!(dom.contains("O=a\\u{202E}b\\u{200B}"), "{dom}");
    assert!(
        !dom.contains('\u{202E}') && !dom.contains('\u{200B}') && !dom.contains("<i>"),
        "{dom}"
    );
}
