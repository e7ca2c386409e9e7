//! TLS 1.0 to 1.3, SSL 3.0 and SSL 2.0: what a handshake shows to somebody who
//! only listens.
//!
//! The two directions are read independently and their findings put together,
//! because a mirror port may deliver one of them late. TLS is claimed only
//! when the server has chosen and both sides have gone on under the new keys:
//! up to TLS 1.2 a ChangeCipherSpec and a protected record from both; in
//! TLS 1.3, where that is encrypted, a ServerHello and from both encrypted
//! records that can hold what they have to send.

mod closing;
mod completion;
mod facts;
mod record;
mod resumption;
mod sslv2;
mod state;
pub mod wire;

pub use closing::{CloseIndication, CloseWatch};
pub use facts::{Facts, Failure, Suite};
pub(super) use record::resumes;
pub use resumption::{SessionCertificates, SessionHandle};
pub use state::Tls;
