//! The messages of the stream: those of z/OS's SYSTCPER and SYSTCPES services as far
//! as they can be had elsewhere, and two of its own. Integers are big-endian, text is
//! EBCDIC.

use crate::record::ebcdic;

/// Bytes of the header that every message begins with (`tmi_header`).
pub const HEADER: usize = 16;
/// Bytes of a request.
pub const REQUEST: usize = 32;
/// Bytes of the initialization message.
pub const INIT: usize = 64;
/// The longest buffer of entries in a data message, in bytes.
pub const BUFFER: usize = 65_536;
/// Bytes of an entry around its data: `cte` and epilogue.
pub const ENTRY: usize = 18;

/// Message identifiers: four characters, EBCDIC.
const VERSION: u32 = 1;
const ZERT: u32 = 0xE9C5_D9E3;
const ZERS: u32 = 0xE9C5_D9E2;
const INITIALIZATION: u32 = 0xC9D5_C9E3;
const TERMINATION: u32 = 0xE3C5_D9D4;
/// `ZDTA`: a buffer of entries, where z/OS sends a token for one. Not IBM's.
const DATA: u32 = 0xE9C4_E3C1;
/// `ZLST`: so many entries were lost. Not IBM's.
const LOST: u32 = 0xE9D3_E2E3;

/// What is asked for, most significant bit first.
const LIST: u32 = 0x8000_0000;
const RUNNING_DETAIL: u32 = 0x4000_0000;
const RUNNING_SUMMARY: u32 = 0x8000_0000;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// `SYSTCPER`: records of subtype 11.
    Detail,
    /// `SYSTCPES`: records of subtype 12.
    Summary,
}

impl Component {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Detail, Self::Summary];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detail => "SYSTCPER",
            Self::Summary => "SYSTCPES",
        }
    }

    /// The subtype of its records, which is the format of its entries.
    pub fn subtype(self) -> u16 {
        match self {
            Self::Detail => crate::record::SUBTYPE_DETAIL,
            Self::Summary => crate::record::SUBTYPE_SUMMARY,
        }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// All established connections, once.
    pub list: bool,
    /// Records as they are written.
    pub running: bool,
}

/// Why a request is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The length is not that of a request.
    #[error("request length {0}, expected {REQUEST}")]
    Length(u32),
    /// It is not for this service.
    #[error("request identifier X'{found:08X}', expected X'{expected:08X}'")]
    Identifier {
        /// What was sent.
        found: u32,
        /// That of the service.
        expected: u32,
    },
    /// The version is not known.
    #[error("request version {0}, expected {VERSION}")]
    Version(u32),
    /// Nothing is asked for.
    #[error("request X'{0:08X}' asks for nothing")]
    Nothing(u32),
}

impl Request {
    /// Reads a request to a service.
    ///
    /// # Errors
    /// If it is none. Bits that are reserved are ignored.
    pub fn parse(bytes: &[u8; REQUEST], component: Component) -> Result<Self, RequestError> {
        let word = |n: usize| {
            bytes.get(4 * n..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_be_bytes)
        };
        let expected = match component {
            Component::Detail => ZERT,
            Component::Summary => ZERS,
        };
        match (word(0), word(1), word(2)) {
            (length, ..) if length as usize != REQUEST => Err(RequestError::Length(length)),
            (_, found, _) if found != expected => Err(RequestError::Identifier { found, expected }),
            (.., version) if version != VERSION => Err(RequestError::Version(version)),
            _ => {
                let asked = word(4);
                let request = match component {
                    Component::Detail => {
                        Self { list: asked & LIST != 0, running: asked & RUNNING_DETAIL != 0 }
                    }
                    Component::Summary => {
                        Self { list: false, running: asked & RUNNING_SUMMARY != 0 }
                    }
                };
                let nothing = request == Self::default();
                if nothing { Err(RequestError::Nothing(asked)) } else { Ok(request) }
            }
        }
    }
}

/// Who answers.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// System name.
    pub sysname: String,
    /// Job name of the stack.
    pub job: String,
    /// Name of the stack, for the path of the socket.
    pub stack: String,
}

fn header(out: &mut Vec<u8>, length: usize, identifier: u32) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    for word in [length, identifier, VERSION, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// The initialization message; `started` is by the clock of STORE CLOCK.
pub fn initialization(names: &Names, component: Component, started: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(INIT);
    header(&mut out, INIT, INITIALIZATION);
    for name in [names.sysname.as_str(), component.name(), names.job.as_str()] {
        out.extend_from_slice(&ebcdic::field::<8>(name));
    }
    out.extend_from_slice(&started.to_be_bytes());
    out.extend_from_slice(&(BUFFER as u32).to_be_bytes());
    out.resize(INIT, 0);
    out
}

/// The termination message, with a reason of zero.
pub fn termination() -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + 4);
    header(&mut out, HEADER + 4, TERMINATION);
    out.extend_from_slice(&[0; 4]);
    out
}

/// The message that so many entries were lost.
pub fn lost(entries: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + 8);
    header(&mut out, HEADER + 8, LOST);
    out.extend_from_slice(&entries.to_be_bytes());
    out
}

/// An entry of a buffer: `cte`, a record, epilogue. `None` if the record is too long
/// for one.
pub fn entry(component: Component, written: u64, record: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(ENTRY + record.len()).ok()?;
    let mut out = Vec::with_capacity(usize::from(length));
    out.extend_from_slice(&length.to_be_bytes());
    // From the cte to the data.
    out.extend_from_slice(&16u16.to_be_bytes());
    out.extend_from_slice(&u32::from(component.subtype()).to_be_bytes());
    out.extend_from_slice(&written.to_be_bytes());
    out.extend_from_slice(record);
    out.extend_from_slice(&length.to_be_bytes());
    Some(out)
}

/// A data message of entries, with the `cte` of length zero that ends the buffer.
pub fn data<'a>(entries: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    const END: usize = 16;
    let length = HEADER + END + entries.clone().map(<[u8]>::len).sum::<usize>();
    let mut out = Vec::with_capacity(length);
    header(&mut out, length, DATA);
    for entry in entries {
        out.extend_from_slice(entry);
    }
    out.resize(length, 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: [u32; 5]) -> [u8; REQUEST] {
        let mut bytes = [0; REQUEST];
        for (n, word) in words.iter().enumerate() {
            bytes[4 * n..4 * n + 4].copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn requests_are_those_of_zos() {
        let detail = |asked| Request::parse(&request([32, ZERT, 1, 0, asked]), Component::Detail);
        assert_eq!(detail(0x8000_0000), Ok(Request { list: true, running: false }));
        assert_eq!(detail(0x4000_0000), Ok(Request { list: false, running: true }));
        assert_eq!(detail(0xC000_0000), Ok(Request { list: true, running: true }));
        assert_eq!(detail(0x2000_0000), Err(RequestError::Nothing(0x2000_0000)));
        let summary = Request::parse(&request([32, ZERS, 1, 0, 0x8000_0000]), Component::Summary);
        assert_eq!(summary, Ok(Request { list: false, running: true }));
        let wrong = |words, component| Request::parse(&request(words), component);
        let expected = Err(RequestError::Identifier { found: ZERT, expected: ZERS });
        assert_eq!(wrong([32, ZERT, 1, 0, LIST], Component::Summary), expected);
        assert_eq!(wrong([31, ZERT, 1, 0, LIST], Component::Detail), Err(RequestError::Length(31)));
        assert_eq!(wrong([32, ZERT, 2, 0, LIST], Component::Detail), Err(RequestError::Version(2)));
    }

    #[test]
    fn messages_have_the_layouts_of_zos() {
        let names = Names { sysname: "SYS1".into(), job: "TCPIP".into(), stack: "TCPIP".into() };
        let init = initialization(&names, Component::Detail, 0x0102_0304_0506_0708);
        let expected: &[u8] = &[
            0, 0, 0, 64, 0xC9, 0xD5, 0xC9, 0xE3, 0, 0, 0, 1, 0, 0, 0, 0, // header, INIT
            0xE2, 0xE8, 0xE2, 0xF1, 0x40, 0x40, 0x40, 0x40, // SYS1
            0xE2, 0xE8, 0xE2, 0xE3, 0xC3, 0xD7, 0xC5, 0xD9, // SYSTCPER
            0xE3, 0xC3, 0xD7, 0xC9, 0xD7, 0x40, 0x40, 0x40, // TCPIP
            1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 0, // STCK, 65,536
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(init, expected);
        assert_eq!(termination()[..8], [0, 0, 0, 20, 0xE3, 0xC5, 0xD9, 0xD4]);
        assert_eq!(lost(258)[16..], [0, 0, 0, 0, 0, 0, 1, 2]);
        let one = entry(Component::Summary, 9, &[7; 3]).expect("it fits");
        let expected = [0, 21, 0, 16, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 9, 7, 7, 7, 0, 21];
        assert_eq!(one, expected);
        let data = data([one.as_slice(), &one].into_iter());
        assert_eq!(data.len(), 16 + 2 * 21 + 16);
        assert_eq!(data[..8], [0, 0, 0, 74, 0xE9, 0xC4, 0xE3, 0xC1]);
        assert_eq!(data[16 + 2 * 21..], [0; 16]);
        assert_eq!(entry(Component::Detail, 0, &[0; 65_518]), None);
    }
}
