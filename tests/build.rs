//! What the build says where something is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

#[test]
fn without_libpcap_the_build_says_how_to_get_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().expect("a directory");
    let script = dir.path().join("build");
    let compiled = Command::new("rustc")
        .args(["--edition", "2024", "-o"])
        .arg(&script)
        .arg(root.join("build.rs"))
        .status()
        .expect("rustc runs");
    assert!(compiled.success());
    // Compilers that stand for those of machines: with libpcap, without, and with none at all.
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).expect("made");
    let says = |compiler: Option<&str>, host: &str| {
        let cc = bin.join("cc");
        let _ = fs::remove_file(&cc);
        if let Some(body) = compiler {
            fs::write(&cc, format!("#!/bin/sh\n{body}\n")).expect("written");
            fs::set_permissions(&cc, fs::Permissions::from_mode(0o755)).expect("set");
        }
        let output = Command::new(&script)
            .env_clear()
            .env("PATH", &bin)
            .env("OUT_DIR", dir.path())
            .envs([("HOST", host), ("TARGET", "here")])
            .output()
            .expect("it runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    let lacks = "case \"$*\" in *-lpcap*) exit 1;; esac";
    let told = says(Some(lacks), "here");
    let error = told.lines().find(|l| l.starts_with("cargo::error=")).expect("an error");
    for word in ["libpcap-dev", "libpcap-devel", "LIBPCAP_LIBDIR"] {
        assert!(error.contains(word), "{error}");
    }
    assert!(!says(Some("exit 0"), "here").contains("cargo::error"));
    // A compiler that links nothing has another fault, which it says itself.
    assert!(!says(Some("exit 1"), "here").contains("cargo::error"));
    assert!(!says(None, "here").contains("cargo::error"));
    assert!(!says(Some(lacks), "elsewhere").contains("cargo::error"));
}
