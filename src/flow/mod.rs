//! Whose packet it is: connection keys, the connection table, and the life of
//! a TCP connection from handshake to close.

mod index;
mod key;
mod table;
mod tcp;

pub use key::{Dir, Endpoint, Key, SHARDS};
pub use table::Table;
pub use tcp::{Change, Close, Relation, ResetFit, TcpState};
