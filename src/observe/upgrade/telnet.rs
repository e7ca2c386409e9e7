//! TELNET's option START_TLS (46): DO or WILL, then FOLLOWS from both sides,
//! then the handshake. TN3270 clients and servers use it.

use super::{binary::Turn, of_mut};
use crate::observe::detect::begins_tls;

const IAC: u8 = 0xFF;
const SE: u8 = 0xF0;
const SB: u8 = 0xFA;
const WILL: u8 = 0xFB;
const DONT: u8 = 0xFE;
const START_TLS: u8 = 46;
const FOLLOWS: u8 = 1;

/// Where one side's stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ParserState {
    #[default]
    Data,
    Iac,
    /// WILL, WONT, DO or DONT: an option follows.
    Option,
    /// Subnegotiation: its option follows.
    Subnegotiation,
    /// Inside one: whether it is of START_TLS, and the bytes so far.
    Inside {
        start_tls: bool,
        first: Option<u8>,
        more: bool,
    },
    /// IAC inside one.
    InsideIac {
        start_tls: bool,
        first: Option<u8>,
        more: bool,
    },
}

/// A TELNET dialogue.
#[derive(Debug, Default)]
pub(super) struct Telnet {
    /// The server's and the client's place.
    places: [ParserState; 2],
    follows: [bool; 2],
}

impl Telnet {
    pub fn data(&mut self, client: bool, bytes: &[u8]) -> Turn {
        for (at, &byte) in bytes.iter().enumerate() {
            let mut follows = false;
            let place = of_mut(client, &mut self.places);
            *place = match *place {
                ParserState::Data if byte == IAC => ParserState::Iac,
                ParserState::Data => ParserState::Data,
                ParserState::Iac => match byte {
                    SB => ParserState::Subnegotiation,
                    WILL..=DONT => ParserState::Option,
                    _ => ParserState::Data,
                },
                ParserState::Option => ParserState::Data,
                ParserState::Subnegotiation => {
                    ParserState::Inside { start_tls: byte == START_TLS, first: None, more: false }
                }
                ParserState::Inside { start_tls, first, more } if byte == IAC => {
                    ParserState::InsideIac { start_tls, first, more }
                }
                ParserState::Inside { start_tls, first: None, .. } => {
                    ParserState::Inside { start_tls, first: Some(byte), more: false }
                }
                ParserState::Inside { start_tls, first, .. } => {
                    ParserState::Inside { start_tls, first, more: true }
                }
                ParserState::InsideIac { start_tls, first, more } if byte == SE => {
                    follows = start_tls && first == Some(FOLLOWS) && !more;
                    ParserState::Data
                }
                ParserState::InsideIac { start_tls, first, .. } => {
                    ParserState::Inside { start_tls, first, more: true }
                }
            };
            if follows {
                *of_mut(client, &mut self.follows) = true;
                if self.follows == [true; 2] {
                    return Turn::Granted(at + 1);
                }
                if client && begins_tls(bytes.get(at + 1..).unwrap_or_default()) {
                    return Turn::Early(at + 1);
                }
            }
        }
        Turn::Goes
    }
}
