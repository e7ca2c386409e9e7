//! Where results go: SMF files, JSON Lines, and the table for people.

pub mod file;
pub mod jsonl;
pub mod table;

pub use file::OutputFile;
