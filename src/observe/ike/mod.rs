//! IKE versions 1 and 2: what the clear part of a negotiation shows (RFC 2408,
//! 2409, 7296, 9370).
//!
//! The choice is the responder's. Of IKEv2 only IKE_SA_INIT is clear, of
//! IKEv1 the first messages of main mode and aggressive mode; what is
//! encrypted is only counted.

mod facts;
mod state;
mod tcp;
mod wire;

pub use facts::{Choice, Facts};
pub use state::Ike;
pub(super) use tcp::PREFIX;
pub use tcp::{Esp, TcpEncapsulation};
pub use wire::{Carried, demultiplex, spis};
