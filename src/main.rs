//! The command line: arguments in, exit status out.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Long runs with many sizes of memory: returns what is free, and is faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    zerttap::cli::main()
}
