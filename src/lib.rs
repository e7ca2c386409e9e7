//! z/OS zERT from the wire.
//!
//! Packets from capture files and network interfaces are followed as TCP and
//! Enterprise Extender connections, what protects them is observed, and the SMF type
//! 119 records that the z/OS stack would have written come out. What a stack did
//! write is compared with them. `docs/architecture.md` says which module does what and
//! which way its dependencies point.

#![deny(unsafe_code)]
#![warn(missing_docs)]
// What comes from outside never ends the program: a value that is not there is an error
// or nothing.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unchecked_time_subtraction,
        clippy::string_slice,
        clippy::indexing_slicing
    )
)]

pub mod check;
pub mod cli;
pub mod config;
pub mod dump;
pub mod flow;
pub mod frame;
pub mod input;
pub mod names;
pub mod observe;
pub mod pipeline;
pub mod policy;
mod prefetch;
pub mod printable;
pub mod profile;
pub mod record;
pub mod service;
pub mod session;
pub mod sink;
pub mod source;
pub mod stream;
pub mod summary;
