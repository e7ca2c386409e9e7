//! SSH versions 1 and 2: what a key exchange shows to somebody who only
//! listens (RFC 4253, and for version 1 the protocol as its implementations
//! speak it).
//!
//! SSH is claimed when both sides have changed to the new keys (NEWKEYS both
//! ways); in version 1 when the client has sent the session key and the server
//! has gone on. Names that nobody has heard of make no difference.

mod facts;
mod negotiate;
mod state;
mod wire;

pub use facts::{Facts, HostKey};
pub use state::Ssh;
