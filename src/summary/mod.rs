//! Security sessions: what subtype 12 counts.
//!
//! A connection belongs to one security session for each protocol that
//! protects it, or to a clear-text session if none does. Sessions are told
//! apart by their end points, seen from the server, and by every attribute
//! that subtype 12 has. Connections are counted where they are followed
//! ([`SessionCounters`] by [`Key`]); [`SessionTable`] joins the counts of an interval, keeps what
//! is cumulative, and writes the records.

mod identity;
mod membership;
mod session_table;

pub use identity::{Identity, Key, Role};
pub use membership::{
    IntervalCounts, Membership, Reentry, SessionCounters, ShardCounters, Traffic,
};
pub use session_table::{IntervalTotals, RecordReason, SessionTable};
