//! Where results go: SMF files, JSON Lines, and the table for people.

pub mod file;
pub mod jsonl;
mod jsonl_ee;
pub mod table;

pub use file::OutputFile;
