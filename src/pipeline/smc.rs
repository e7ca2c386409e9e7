//! Connections whose data do not go over TCP: both hosts have agreed on SMC (RFC 7609).

use super::connection::Connection;
use crate::flow::Dir;
use crate::frame::{Segment, flag};
use crate::observe::upgrade::{Clc, Kind, SmcMethod};

/// What a connection has shown of SMC.
#[derive(Debug, Default)]
pub(super) struct Smc {
    /// Whether the SYN of each side offers it.
    offered: [bool; 2],
    /// What was said in its messages.
    pub clc: Option<Clc>,
}

impl Connection {
    /// Takes note of what a SYN offers.
    pub fn note_smc(&mut self, dir: Dir, segment: &Segment, arena: &[u8]) {
        if segment.flags & flag::SYN != 0 && segment.offers_smc(arena) {
            *dir.of_mut(&mut self.history.get_or_insert_default().smc.offered) = true;
        }
    }

    /// How the connection's data go, if they do not go over TCP: nobody has declined what was
    /// proposed, or both have offered it and nothing was sent. Where something else followed
    /// the messages they do.
    pub fn smc(&self) -> Option<SmcMethod> {
        let history = self.history()?;
        match history.smc.clc {
            Some(clc) => {
                let other = history.application.is_some_and(|kind| kind != Kind::Smc);
                (!clc.declined && !other).then_some(clc.method)
            }
            None => {
                let agreed = history.smc.offered == [true; 2] && self.bytes() == [0; 2];
                agreed.then_some(SmcMethod::Rdma)
            }
        }
    }
}
