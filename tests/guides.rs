//! The documents show what the program does: every command in a block of `console` is run, and
//! what follows it is its output; settings are settings; every option is in a document.
//!
//! `UPDATE_DOCS=1 cargo test --test guides` writes the output and `docs/commands.md` anew.

mod common;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn documents() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).expect("the documents").flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")).collect();
    found.push(root().join("README.md"));
    found.sort();
    found
}

/// A directory like the one of a reader: the program, the captures, the examples.
fn workplace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let program = common::zerttap().get_program().to_owned();
    std::os::unix::fs::symlink(program, dir.path().join("zerttap")).expect("the program");
    std::os::unix::fs::symlink(root().join("captures"), dir.path().join("captures"))
        .expect("captures");
    for entry in fs::read_dir(root().join("docs/examples")).expect("examples").flatten() {
        let to = dir.path().join(entry.file_name());
        std::os::unix::fs::symlink(entry.path(), to).expect("an example");
    }
    dir
}

fn run(dir: &Path, command: &str) -> String {
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(dir)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("TZ", "UTC")
        .output()
        .expect("a shell runs");
    String::from_utf8(output.stdout).expect("text")
}

/// A document with the output of its commands as it is today.
fn with_output(text: &str, dir: &Path) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next() {
            let _ = writeln!(out, "{line}");
            if line == "```" {
                break;
            }
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                let more = lines.next().expect("the command goes on");
                let _ = writeln!(out, "{more}");
                command.pop();
                command.push_str(more.trim_start_matches('>'));
            }
            for line in run(dir, &command).lines() {
                let _ = writeln!(out, "{}", line.trim_end());
            }
            while lines.peek().is_some_and(|line| *line != "```" && !line.starts_with("$ ")) {
                lines.next();
            }
        }
    }
    out
}

#[test]
fn every_command_prints_what_the_documents_show() {
    let mut commands = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).expect("the document");
        commands += text.lines().filter(|line| line.starts_with("$ ")).count();
        let dir = workplace();
        let now = with_output(&text, dir.path());
        if std::env::var_os("UPDATE_DOCS").is_some() && now != text {
            fs::write(&path, &now).expect("written");
        } else {
            let difference = common::first_difference(&text, &now);
            assert!(now == text, "{}: {difference}", path.display());
        }
    }
    assert!(commands >= 10, "{commands} commands");
}

/// The settings that `docs/configuration.md` shows are taken as they stand, with the files
/// that they name.
#[test]
fn settings_are_settings() {
    let text = fs::read_to_string(root().join("docs/configuration.md")).expect("the document");
    let blocks: Vec<&str> = text
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split("```").next().expect("its end"))
        .collect();
    assert!(blocks.len() >= 3, "{}", blocks.len());
    for block in blocks {
        let dir = workplace();
        fs::write(dir.path().join("settings.toml"), block).expect("written");
        let output = common::zerttap()
            .args(["config", "--check", "--config", "settings.toml"])
            .current_dir(dir.path())
            .output()
            .expect("the program runs");
        let (out, err) = common::text(&output);
        assert!(output.status.success(), "{block}\n{out}{err}");
    }
}

/// All commands and options, as `--help` tells them.
fn commands() -> String {
    let mut out = "# Commands and options\n\nWhat `zerttap COMMAND --help` says. Manual pages say the same (`zerttap man`).\n".to_owned();
    let help = |args: &[&str]| {
        let output = common::zerttap().args(args).env("COLUMNS", "100").output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{args:?}");
        common::text(&output).0
    };
    let general = help(&["--help"]);
    let names = general
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut section = |title: &str, text: &str| {
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let _ = write!(out, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    };
    section("zerttap", &general);
    for name in names {
        section(&format!("zerttap {name}"), &help(&[name, "--help"]));
    }
    out
}

#[test]
fn every_option_is_in_a_document() {
    let path = root().join("docs/commands.md");
    let now = commands();
    for command in ["read", "live", "show", "check", "extract", "config", "doctor"] {
        assert!(now.contains(&format!("## zerttap {command}\n")), "{command}");
    }
    // What depends on the machine is not told.
    assert!(!now.contains(env!("CARGO_MANIFEST_DIR")));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).expect("written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let difference = common::first_difference(&there, &now);
    assert!(there == now, "docs/commands.md: {difference}; UPDATE_DOCS=1 writes it");
}

/// The table of contents names every document, and links lead somewhere.
#[test]
fn links_lead_somewhere() {
    let contents = fs::read_to_string(root().join("docs/README.md")).expect("the contents");
    for path in documents() {
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
        let inside = path.parent().is_some_and(|p| p.ends_with("docs"));
        assert!(
            !inside || name == "README.md" || contents.contains(&format!("]({name})")),
            "{name}"
        );
        let text = fs::read_to_string(&path).expect("the document");
        for link in text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().expect("a directory").join(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() && target.extension().is_some_and(|e| e == "md") {
                let text = fs::read_to_string(&target).expect("the document");
                let found = text.lines().filter_map(|l| l.strip_prefix('#')).any(|heading| {
                    let heading = heading.trim_start_matches('#').trim().to_lowercase();
                    let kept =
                        heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                    kept.collect::<String>().replace(' ', "-") == anchor
                });
                assert!(found, "{}: {link}", path.display());
            }
        }
    }
}
