//! The packets of connections that are known by their end points, first and last packet.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::flow::{Endpoint, Key};
use crate::frame::{Captured, Frame, Options as FrameOptions, Parser};
use crate::source::{Batch, Feed, FrameNumber, PacketHead, SourceError};

use super::{Tuning, carried};
use crate::observe::ike::Carried;

/// Connections whose packets are wanted.
#[derive(Debug, Default)]
pub struct SelectedConnections {
    tcp: HashMap<Key, Spans>,
    /// By the pair of addresses and the UDP port.
    ee: HashMap<(IpAddr, IpAddr, u16), Spans>,
    connections: u64,
}

/// The connections that had the same end points, one after another: the first and the last
/// packet of each.
#[derive(Debug, Default)]
struct Spans {
    waiting: VecDeque<[FrameNumber; 2]>,
    /// The last packet of the one whose packets come now.
    until: Option<FrameNumber>,
}

impl Spans {
    /// Whether a packet is of one of them. Packets come in the order in which they were followed.
    fn take(&mut self, frame: FrameNumber) -> bool {
        if self.until.is_none()
            && let Some([_, last]) = self.waiting.front().copied().filter(|s| s[0] == frame)
        {
            self.waiting.pop_front();
            self.until = Some(last);
        }
        let of_it = self.until.is_some();
        if self.until == Some(frame) {
            self.until = None;
        }
        of_it
    }
}

/// What became of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Written.
    pub packets: u64,
    /// Fragments of IP datagrams but the last of each: they do not say of which connection they
    /// are.
    pub fragments: u64,
}

impl SelectedConnections {
    /// Adds a TCP connection. Those with the same end points are added in their order.
    pub fn add_tcp(&mut self, ends: [(IpAddr, u16); 2], frames: [FrameNumber; 2]) {
        let mut ends = ends.map(|(ip, port)| Endpoint { ip, port });
        ends.sort();
        let [low, high] = ends;
        self.tcp.entry(Key::new(low, high)).or_default().waiting.push_back(frames);
        self.connections += 1;
    }

    /// Adds an Enterprise Extender connection: what two addresses send to a UDP port.
    pub fn add_ee(&mut self, ends: [IpAddr; 2], port: u16, frames: [FrameNumber; 2]) {
        let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        self.ee.entry((low, high, port)).or_default().waiting.push_back(frames);
        self.connections += 1;
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.connections
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.connections == 0
    }

    fn wants(&mut self, frame: &Frame, number: FrameNumber) -> bool {
        match frame {
            Frame::Tcp(ends, _) => {
                let spans = self.tcp.get_mut(&Key::of(ends).0);
                spans.is_some_and(|spans| spans.take(number))
            }
            Frame::Udp(datagram) => {
                let (low, high) = (datagram.src.min(datagram.dst), datagram.src.max(datagram.dst));
                let spans = self.ee.get_mut(&(low, high, datagram.dst_port));
                spans.is_some_and(|spans| spans.take(number))
            }
            _ => false,
        }
    }
}

/// Takes a packet and its bytes.
pub type PacketWriter<'a, E> = dyn FnMut(&PacketHead, &[u8]) -> Result<(), E> + 'a;

/// Reads a feed and hands out the packets of the connections, in its order. It has to be the
/// feed, with the filter, in which they were found.
///
/// # Errors
/// If the input cannot be read further, or what `write` says.
pub fn extract<F: Feed, E: From<SourceError>>(
    feed: &mut F,
    selected: &mut SelectedConnections,
    stop: &AtomicBool,
    write: &mut PacketWriter<'_, E>,
) -> Result<Extracted, E> {
    let tuning = Tuning::of(1);
    // Copies are among the packets of their connections.
    let mut options = FrameOptions::default();
    options.keep_duplicates = true;
    let mut parser = Parser::new(options);
    let mut batch = Batch::default();
    let mut done = Extracted::default();
    while !stop.load(Ordering::Relaxed)
        && feed.fill(&mut batch, tuning.batch_packets, tuning.batch_bytes)?
    {
        for at in 0..batch.heads.len() {
            let Some(&head) = batch.heads.get(at).filter(|head| head.wanted) else { continue };
            let captured = Captured {
                link: head.link.0,
                start: head.offset,
                captured: head.captured,
                wire: head.wire,
            };
            let frame = match parser.parse(&mut batch.arena, captured, head.clock) {
                Frame::Udp(datagram)
                    if matches!(carried(&datagram, &batch.arena), Carried::Esp) =>
                {
                    parser.parse_esp(&mut batch.arena, &datagram, head.clock)
                }
                frame => frame,
            };
            done.fragments += u64::from(matches!(frame, Frame::Fragment));
            if selected.wants(&frame, head.frame) {
                write(&head, batch.bytes(&head))?;
                done.packets += 1;
            }
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_with_the_same_ends_are_told_apart() {
        let frame = |number| FrameNumber { file: 0, number };
        let mut spans = Spans::default();
        spans.waiting.push_back([frame(3), frame(5)]);
        spans.waiting.push_back([frame(8), frame(8)]);
        spans.waiting.push_back([frame(11), frame(12)]);
        let taken: Vec<u32> = (1..15).filter(|n| spans.take(frame(*n))).collect();
        assert_eq!(taken, [3, 4, 5, 8, 11, 12]);
    }
}
