//! Says what is missing before everything is compiled: without libpcap the linker would say
//! so at the end, and in its own words.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LIBPCAP_LIBDIR");
    // Another machine's libraries are not looked for by this machine's linker.
    if env::var_os("HOST") != env::var_os("TARGET") || !cfg!(unix) {
        return;
    }
    if links("") == Some(true) && links("-lpcap") == Some(false) {
        println!(
            "cargo::error=libpcap with its development files is needed, and the linker does not \
             find it. Debian, Ubuntu: apt install libpcap-dev. Fedora, RHEL: dnf install \
             libpcap-devel. Alpine: apk add libpcap-dev. Arch: pacman -S libpcap. macOS has it. \
             If it is elsewhere: LIBPCAP_LIBDIR=DIRECTORY."
        );
    }
}

/// Whether an empty program can be linked with a library; `None` where there is no compiler to
/// try it with.
fn links(library: &str) -> Option<bool> {
    let directory = env::var_os("OUT_DIR")?;
    let source = Path::new(&directory).join("empty.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").ok()?;
    let mut command = Command::new("cc");
    command.arg(&source).arg("-o").arg(source.with_extension("out"));
    if let Some(libraries) = env::var_os("LIBPCAP_LIBDIR") {
        command.arg("-L").arg(libraries);
    }
    if !library.is_empty() {
        command.arg(library);
    }
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    Some(status.success())
}
