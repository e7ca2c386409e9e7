//! Whose packet it is: connection keys, the connection table, and the life of
//! a TCP connection from handshake to close.

mod duplicates;
mod index;
mod key;
mod table;
mod tcp;

pub use duplicates::{AHEAD, LatestSegments, Sender};
pub use key::{Dir, Endpoint, Key, SHARDS};
pub use table::Table;
pub use tcp::{Change, Close, Relation, ResetFit, TcpState};
