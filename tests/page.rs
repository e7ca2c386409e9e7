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
use std::process::Command;

use serde_json::Value;

const LIGHT: Colours =
    Colours { paper: 0xFFFFFF, classes: [0xCF222E, 0xBF8700, 0x1A7F37, 0x8C959F] };
const DARK: Colours =
    Colours { paper: 0x0D1117, classes: [0xF85149, 0xD29922, 0x3FB950, 0x656C76] };

/// Of the paper, and of the classes: unprotected, weak, protected, not known.
struct Colours {
    paper: u32,
    classes: [u32; 4],
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
            let count = colours.classes.map(|c| row.iter().filter(|p| **p == c).count());
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

/// A directory with captures of protected and unprotected connections, none of
/// them weak, and their report.
fn report() -> (tempfile::TempDir, PathBuf, Vec<Value>) {
    let dir = tempfile::tempdir().expect("a directory");
    let captures = ["tls13-resumption", "clear-http", "tls12-full", "telnet-starttls"];
    let captures = captures.map(|case| common::case(case).join("capture.pcap"));
    let inputs: Vec<&Path> = captures.iter().map(PathBuf::as_path).collect();
    let policy = dir.path().join("policy.toml");
    fs::write(&policy, "name = \"none\"\nsource = \"a test\"\nrule = []\n").expect("written");
    let page = dir.path().join("report.html");
    let output = common::zerttap()
        .args(["read", "-q", "--job", "44330=OPENSSL", "--policy"])
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
fn the_page_loads_nothing_and_needs_no_script() {
    let (_dir, page, _) = report();
    let text = fs::read_to_string(page).expect("the page");
    for forbidden in ["<script", "<link", "<img", "<iframe", "http:", "https:", "@import", "url("] {
        assert!(!text.contains(forbidden), "{forbidden}");
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
        let red = picture.pixels.iter().filter(|p| **p == colours.classes[0]).count();
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
