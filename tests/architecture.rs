//! The modules and what each may use of the others, and
//! where each named crate is touched. `docs/architecture.md` says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use of the others.
const MAY_USE: &[(&str, &[&str])] = &[
    ("printable", &[]),
    ("names", &[]),
    ("input", &[]),
    ("source", &["input"]),
    ("frame", &[]),
    ("policy", &[]),
    ("config", &["frame", "names", "policy", "record"]),
    ("profile", &["config", "record"]),
    ("flow", &["frame", "prefetch"]),
    ("stream", &["flow", "prefetch"]),
    ("observe", &["names", "prefetch"]),
    ("record", &["names", "printable"]),
    ("session", &["observe", "flow", "record", "names", "config"]),
    ("summary", &["names", "record", "session"]),
    ("dump", &["input", "record"]),
    ("check", &["config", "record", "names", "sink", "printable"]),
    ("service", &["record"]),
    ("sink", &["record", "dump", "names", "observe", "policy", "printable"]),
    (
        "pipeline",
        &[
            "source", "frame", "flow", "stream", "observe", "session", "summary", "record", "sink",
            "config", "names", "policy", "prefetch",
        ],
    ),
    (
        "cli",
        &[
            "check",
            "config",
            "profile",
            "source",
            "pipeline",
            "sink",
            "service",
            "dump",
            "record",
            "names",
            "policy",
            "printable",
        ],
    ),
];

/// Where a crate may be touched (tests apart): one place each.
const CRATES: &[(&str, &[&str])] = &[
    ("pcap", &["source/filter.rs", "source/live/"]),
    ("etherparse", &["frame/"]),
    ("unicode_general_category", &["printable.rs"]),
    ("tls_parser", &["observe/tls/wire.rs"]),
    ("ssh_parser", &["observe/ssh/wire.rs"]),
    ("ipsec_parser", &["observe/ike/wire.rs"]),
    ("x509_parser", &["observe/certificate/"]),
    ("rayon", &["pipeline/mod.rs", "pipeline/summaries.rs", "pipeline/live_queries.rs"]),
    ("tikv_jemallocator", &["main.rs"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/args.rs", "cli/manual.rs"]),
    ("clap_mangen", &["cli/manual.rs"]),
    ("flate2", &["input/"]),
    ("zstd", &["input/"]),
    ("zip", &["input/container.rs"]),
    ("indicatif", &["cli/"]),
    ("anyhow", &["cli/"]),
    ("ctrlc", &["cli/"]),
    ("signal_hook", &["cli/live/"]),
    ("sd_notify", &["cli/live/"]),
    ("httparse", &["cli/live/http.rs"]),
    ("tracing", &["cli/"]),
    ("tracing_subscriber", &["cli/live/log.rs"]),
    ("ratatui", &["cli/live/top/"]),
    ("caps", &["cli/live/confine.rs"]),
    ("landlock", &["cli/live/confine.rs"]),
    ("seccompiler", &["cli/live/confine.rs"]),
    ("nix", &["cli/live/", "source/live/", "service/", "sink/claim.rs"]),
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![root.clone()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).expect("below src").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found
}

/// The part of a file before its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// Words that follow `prefix` in the code (not in comments).
fn mentions<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices(prefix) {
            let rest = &line[at + prefix.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.insert(&rest[..end]);
        }
    }
    found
}

#[test]
fn modules_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some((module, _)) = file.split_once('/') else { continue };
        let may =
            allowed.get(module).unwrap_or_else(|| panic!("{module} has no line in this test"));
        for used in mentions(without_tests(&text), "crate::") {
            // Macros of a section name their own module.
            if used != module && !may.contains(&used) {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_are_touched_in_one_place() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if file.ends_with("tests.rs") {
            continue;
        }
        for (name, places) in CRATES {
            let used = without_tests(&text).lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//")
                    && (code.contains(&format!("use {name}::"))
                        || code.contains(&format!(" {name}::"))
                        || code.contains(&format!("({name}::")))
            });
            // A module of ours may have a crate's name.
            let own = *name == "pcap" && file.starts_with("source/");
            if used && !own && !places.iter().any(|p| file.starts_with(p)) {
                wrong.push(format!("{file} touches {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_enough_to_hold_in_the_head() {
    for (file, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 600, "{file} has {lines} lines: it asks to be two modules");
    }
}

#[test]
fn unsafe_code_is_in_one_module() {
    let allowing: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("allow(unsafe_code)") || text.contains("unsafe {"))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(allowing, ["prefetch.rs"]);
}
