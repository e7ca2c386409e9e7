//! Follows the `SYSTCPER` socket of `zerttap live --service` and prints what it
//! receives: first the established connections, then records as they are written.
//!
//! usage: cargo run --example systcper -- /run/zerttap/SYSTCPER.TCPIP

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::net::UnixStream;

use zerttap::record::{Detail, ebcdic};

const ZERT: u32 = 0xE9C5_D9E3;
const LIST_AND_DETAIL: u32 = 0xC000_0000;
const INIT: u32 = 0xC9D5_C9E3;
const TERM: u32 = 0xE3C5_D9D4;
const DATA: u32 = 0xE9C4_E3C1;
const LOST: u32 = 0xE9D3_E2E3;

/// Addresses are 16 bytes, with an IPv4 address in the first four.
fn address(field: [u8; 16], ipv6: bool) -> IpAddr {
    let [a, b, c, d, ..] = field;
    if ipv6 { Ipv6Addr::from(field).into() } else { Ipv4Addr::new(a, b, c, d).into() }
}

/// Prints the entries of a buffer; one of length zero is the last.
fn print(mut buffer: &[u8]) {
    while let [high, low, _, offset, ..] = *buffer {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(entry) = buffer.get(..length).filter(|e| !e.is_empty()) else { return };
        let record = entry.get(usize::from(offset)..length - 2).unwrap_or_default();
        match Detail::decode(record) {
            Some(detail) => {
                let c = &detail.common;
                let ipv6 = c.flags & 0x80 != 0;
                let event = match c.event_type {
                    1 => "initiation",
                    2 => "change",
                    3 => "termination",
                    4 => "short",
                    5 => "enabled",
                    6 => "disabled",
                    _ => "event",
                };
                let protocols = [(0x80, "TLS"), (0x40, "SSH"), (0x20, "IPSec")];
                let all: Vec<&str> = protocols
                    .iter()
                    .filter(|(bit, _)| c.sec_protos & bit != 0)
                    .map(|(_, name)| *name)
                    .collect();
                println!(
                    "{event:<12} {}.{} {}.{} {}",
                    address(c.lip, ipv6),
                    c.l_port,
                    address(c.rip, ipv6),
                    c.r_port,
                    if all.is_empty() { "-".to_owned() } else { all.join("+") },
                );
            }
            None => println!("{} bytes that are no record of subtype 11", record.len()),
        }
        buffer = buffer.get(length..).unwrap_or_default();
    }
}

fn main() -> io::Result<()> {
    let Some(path) = std::env::args().nth(1) else {
        return Err(io::Error::other("usage: systcper SOCKET"));
    };
    let mut stream = UnixStream::connect(path)?;
    for word in [32, ZERT, 1, 0, LIST_AND_DETAIL, 0, 0, 0] {
        stream.write_all(&u32::to_be_bytes(word))?;
    }
    loop {
        let mut header = [0; 16];
        stream.read_exact(&mut header)?;
        let word = |n: usize| {
            header.get(4 * n..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_be_bytes)
        };
        let mut body = vec![0; (word(0) as usize).saturating_sub(16)];
        stream.read_exact(&mut body)?;
        match word(1) {
            INIT => {
                let names = body.chunks(8).take(3).map(ebcdic::decode);
                let names: Vec<String> = names.map(|n| n.trim_end().to_owned()).collect();
                println!("{}: {} of {}", names[1], names[2], names[0]);
            }
            DATA => print(&body),
            LOST => println!("{} lost", body.iter().fold(0, |n, b| n << 8 | u64::from(*b))),
            TERM => return Ok(()),
            // Services may have messages that a client does not know.
            _ => {}
        }
    }
}
