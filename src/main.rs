//! The command line: arguments in, exit status out.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Handshakes and records take and give back many small pieces: jemalloc takes a seventh of
/// the CPU time off captures full of them, and two threads do not wait for each other.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    zerttap::cli::main()
}
