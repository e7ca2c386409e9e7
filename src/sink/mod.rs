//! Where results go: SMF files, JSON Lines, and the table for people.

mod claim;
pub mod connection_csv;
pub mod file;
pub mod html;
pub mod jsonl;
mod jsonl_ee;
mod jsonl_session;
mod jsonl_tunnel;
pub mod layout;
pub mod lines;
pub mod metrics;
mod name;
pub mod packet_location;
pub mod pcapng;
mod place;
pub mod ranking;
pub mod records;
pub mod report;
pub mod smf;
pub mod socket;
pub mod table;
pub mod text;
pub mod timeline;
pub mod traffic;

pub use file::OutputFile;
