//! The state of one EE connection: is it one, who are its ends, is it over.

use super::PORTS;
use super::wire::{Body, Datagram, Strength};
use crate::observe::Side;

const SECOND: i64 = 1_000_000_000;
/// Time in which an answer belongs to its command.
const ANSWERED_WITHIN: i64 = 60 * SECOND;
/// Datagrams and time after which something unproved is not EE.
const MAX_CANDIDATE: u32 = 32;
const MAX_CANDIDATE_TIME: i64 = 120 * SECOND;
/// Time after the link came up in which an XID is a late one and no restart.
const LATE_XID: i64 = 5 * SECOND;
/// The longest control point name that is kept: NETID.CPNAME.
const MAX_NAME: usize = 17;

/// What is known of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may be EE.
    Candidate,
    /// It is.
    Confirmed,
    /// It is not.
    Rejected,
}

/// What a datagram did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing that ends or begins anything.
    Goes,
    /// DM answers DISC.
    Disconnected,
}

/// A count of datagrams and their payload bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Datagrams.
    pub datagrams: u64,
    /// Payload bytes.
    pub bytes: u64,
}

/// What was learned. Pairs are indexed by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The side that sent the first XID command.
    pub caller: Option<Side>,
    /// What each side sent to each port, signalling first.
    pub ports: [[Count; 2]; PORTS],
    /// Frames of LDLC.
    pub ldlc: [u64; 2],
    /// Network layer packets.
    pub nlp: [u64; 2],
    /// Datagrams that were no frames of EE.
    pub anomalies: [u64; 2],
    /// Packets that reported congestion.
    pub slowdowns: [u64; 2],
    /// Names of the control points.
    pub cp_names: [Option<String>; 2],
    /// Service access point of each side for signals.
    pub saps: [Option<u8>; 2],
    /// A source port was none of the five.
    pub other_source_port: bool,
    /// An XID refused the link.
    pub refused: bool,
    /// A side said DISC.
    pub disc: Option<Side>,
    /// The exchange of XIDs was seen.
    pub activation: bool,
}

impl Facts {
    /// Datagrams and bytes that a side sent.
    pub fn sent(&self, side: Side) -> Count {
        let mut sum = Count::default();
        for port in &self.ports {
            let count = side.of(port);
            sum.datagrams += count.datagrams;
            sum.bytes += count.bytes;
        }
        sum
    }

    fn join(&mut self, later: Self) {
        for (mine, theirs) in self.ports.iter_mut().zip(later.ports) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.datagrams += theirs.datagrams;
                mine.bytes += theirs.bytes;
            }
        }
        for (mine, theirs) in [
            (&mut self.ldlc, later.ldlc),
            (&mut self.nlp, later.nlp),
            (&mut self.anomalies, later.anomalies),
            (&mut self.slowdowns, later.slowdowns),
        ] {
            mine[0] += theirs[0];
            mine[1] += theirs[1];
        }
        for (mine, theirs) in self.cp_names.iter_mut().zip(later.cp_names) {
            *mine = mine.take().or(theirs);
        }
        self.other_source_port |= later.other_source_port;
        self.refused |= later.refused;
        self.disc = later.disc;
    }
}

/// A command that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Command {
    dsap: u8,
    ssap: u8,
    at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Xid,
    Test,
    Disc,
}

/// The observer of one EE connection.
#[derive(Debug)]
pub struct Ee {
    facts: Facts,
    status: Status,
    first: i64,
    seen: u32,
    bad: u32,
    /// Each side's latest command of each kind.
    commands: [[Option<Command>; 3]; 2],
    answered: bool,
    /// Signals and strong packets, the answer among them.
    evidence: u32,
    strong_xid: [bool; 2],
    strong_nlp: [u32; 2],
    /// Connection and sequence number of each side's first strong packet, and
    /// whether another number followed on the same connection.
    stream: [Option<(u64, u32, bool)>; 2],
    /// When the exchange of XIDs was over.
    up: Option<i64>,
}

impl Ee {
    /// An observer; `first` is the time of the first datagram.
    pub fn new(first: i64) -> Self {
        Self {
            facts: Facts::default(),
            status: Status::Candidate,
            first,
            seen: 0,
            bad: 0,
            commands: [[None; 3]; 2],
            answered: false,
            evidence: 0,
            strong_xid: [false; 2],
            strong_nlp: [0; 2],
            stream: [None; 2],
            up: None,
        }
    }

    /// What was learned.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether it is EE.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether XIDs of format 3 were seen from both sides.
    pub fn has_exchanged(&self) -> bool {
        self.strong_xid == [true; 2]
    }

    /// Takes a datagram: to the port with index `port`, `bytes` of payload on
    /// the wire, `None` if it is no frame of EE.
    pub fn datagram(
        &mut self,
        side: Side,
        port: usize,
        bytes: u64,
        frame: Option<&Datagram<'_>>,
        now: i64,
    ) -> Reply {
        if let Some(counts) = self.facts.ports.get_mut(port) {
            let count = side.of_mut(counts);
            count.datagrams += 1;
            count.bytes += bytes;
        }
        self.seen = self.seen.saturating_add(1);
        let reply = match frame {
            Some(frame) => self.frame(side, frame, now),
            None => {
                self.bad = self.bad.saturating_add(1);
                *side.of_mut(&mut self.facts.anomalies) += 1;
                Reply::Goes
            }
        };
        if self.status == Status::Candidate {
            self.judge(now);
        }
        reply
    }

    fn judge(&mut self, now: i64) {
        let one_way = |side: Side| {
            let moves = side.of(&self.stream).is_some_and(|(_, _, moves)| moves);
            *side.of(&self.strong_nlp) >= 6 && moves
        };
        let proved = self.answered && self.evidence >= 3
            || self.strong_xid == [true; 2]
            || self.strong_nlp.iter().all(|&n| n >= 2)
            || one_way(Side::Low)
            || one_way(Side::High);
        let good = self.seen - self.bad;
        if proved {
            self.status = Status::Confirmed;
        } else if self.bad > 2 && self.bad > good
            || self.seen >= MAX_CANDIDATE
            || now - self.first > MAX_CANDIDATE_TIME
        {
            self.status = Status::Rejected;
        }
    }

    fn frame(&mut self, side: Side, frame: &Datagram<'_>, now: i64) -> Reply {
        if matches!(frame.strength, Strength::Signal | Strength::Strong) {
            self.evidence = self.evidence.saturating_add(1);
        }
        let signal = !matches!(frame.body, Body::Nlp { .. } | Body::XidDone);
        if signal {
            side.of_mut(&mut self.facts.saps).get_or_insert(frame.ssap);
        }
        if matches!(frame.body, Body::Nlp { .. }) {
            *side.of_mut(&mut self.facts.nlp) += 1;
        } else {
            *side.of_mut(&mut self.facts.ldlc) += 1;
        }
        match frame.body {
            Body::NullXid | Body::Xid3 { .. } | Body::OtherXid => self.xid(side, frame, now),
            Body::Test => self.pair(side, frame, Kind::Test, now),
            Body::Disc => {
                self.facts.disc = Some(side);
                self.pair(side, frame, Kind::Disc, now);
            }
            Body::Dm => {
                let asked =
                    side.other().of(&self.commands).get(Kind::Disc as usize).copied().flatten();
                self.pair(side, frame, Kind::Disc, now);
                if asked.is_some() && self.facts.disc == Some(side.other()) {
                    return Reply::Disconnected;
                }
            }
            Body::XidDone => {
                self.up.get_or_insert(now);
            }
            Body::Nlp { tcid, sequence, slowdown } => {
                self.up.get_or_insert(now);
                *side.of_mut(&mut self.facts.slowdowns) += u64::from(slowdown != 0);
                self.nlp(side, frame.strength, tcid, sequence);
                // It goes on as if it had not said DISC.
                if self.facts.disc == Some(side) {
                    self.facts.disc = None;
                }
            }
        }
        Reply::Goes
    }

    fn nlp(&mut self, side: Side, strength: Strength, tcid: u64, sequence: u32) {
        if strength != Strength::Strong {
            return;
        }
        let strong = side.of_mut(&mut self.strong_nlp);
        *strong = strong.saturating_add(1);
        let (known, first, moves) =
            side.of_mut(&mut self.stream).get_or_insert((tcid, sequence, false));
        *moves |= *known == tcid && *first != sequence;
    }

    fn xid(&mut self, side: Side, frame: &Datagram<'_>, now: i64) {
        // The command that a response answers came before it, captured or not.
        let caller = if frame.response { side.other() } else { side };
        self.facts.caller.get_or_insert(caller);
        self.facts.activation = true;
        if let Body::Xid3 { cp_name, refused } = frame.body {
            self.facts.refused |= refused;
            *side.of_mut(&mut self.strong_xid) |= frame.strength == Strength::Strong;
            if let Some(name) = cp_name.and_then(decode) {
                side.of_mut(&mut self.facts.cp_names).get_or_insert(name);
            }
        }
        self.pair(side, frame, Kind::Xid, now);
    }

    /// Whether a datagram is an XID long after the link came up: the partner
    /// may have restarted.
    pub fn may_restart(&self, frame: &Datagram<'_>, now: i64) -> bool {
        matches!(frame.body, Body::NullXid | Body::Xid3 { .. } | Body::OtherXid)
            && self.status == Status::Confirmed
            && self.up.is_some_and(|up| now - up > LATE_XID)
    }

    /// Joins a response with the command of the other side that it answers.
    fn pair(&mut self, side: Side, frame: &Datagram<'_>, kind: Kind, now: i64) {
        if !frame.response {
            if let Some(last) = side.of_mut(&mut self.commands).get_mut(kind as usize) {
                *last = Some(Command { dsap: frame.dsap, ssap: frame.ssap, at: now });
            }
            return;
        }
        let asked = side.other().of(&self.commands).get(kind as usize).copied().flatten();
        self.answered |= asked.is_some_and(|c| {
            c.dsap == frame.ssap && c.ssap == frame.dsap && now - c.at <= ANSWERED_WITHIN
        });
    }

    /// Marks that a source port was none of the five.
    pub fn other_source_port(&mut self) {
        self.facts.other_source_port = true;
    }

    /// Takes back what was thought to be a connection that came after this one.
    pub fn absorb(&mut self, later: Self) {
        self.seen = self.seen.saturating_add(later.seen);
        self.facts.join(later.facts);
    }
}

/// A control point's name: upper-case letters, digits, national characters and
/// a full stop, in EBCDIC.
fn decode(name: &[u8]) -> Option<String> {
    let text: Option<String> = name
        .iter()
        .map(|&b| {
            Some(match b {
                0xC1..=0xC9 => char::from(b - 0xC1 + b'A'),
                0xD1..=0xD9 => char::from(b - 0xD1 + b'J'),
                0xE2..=0xE9 => char::from(b - 0xE2 + b'S'),
                0xF0..=0xF9 => char::from(b - 0xF0 + b'0'),
                0x4B => '.',
                0x5B => '$',
                0x7B => '#',
                0x7C => '@',
                0x40 => ' ',
                _ => return None,
            })
        })
        .collect();
    let text = text?.trim_end().to_owned();
    (!text.is_empty() && text.len() <= MAX_NAME && !text.contains(' ')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{parse, tests};
    use super::*;

    const A: Side = Side::Low;
    const B: Side = Side::High;

    /// Shows datagrams, a second apart: sender, port, bytes.
    fn watch(list: &[(Side, usize, &str)]) -> (Ee, Vec<Reply>) {
        let mut ee = Ee::new(0);
        let mut replies = Vec::new();
        for (n, &(side, port, hex)) in list.iter().enumerate() {
            let bytes = tests::bytes(hex);
            let frame = parse(&bytes, bytes.len(), port);
            let now = n as i64 * SECOND;
            replies.push(ee.datagram(side, port, bytes.len() as u64, frame.as_ref(), now));
        }
        (ee, replies)
    }

    #[test]
    fn an_answered_command_and_one_more_signal_are_enough() {
        let (ee, _) = watch(&[(A, 0, "0404f3"), (B, 0, "0405f3")]);
        assert_eq!(ee.status(), Status::Candidate);
        let (ee, _) = watch(&[(A, 0, "0404f3"), (B, 0, "0405f3"), (A, 0, "0404f3")]);
        assert_eq!(ee.status(), Status::Confirmed);
        // Predefined links of z/OS: the partner's access point is 08.
        let (ee, _) = watch(&[(A, 0, "0804f3"), (B, 0, "0409f3"), (A, 0, "0804f3")]);
        assert_eq!((ee.status(), ee.facts().saps), (Status::Confirmed, [Some(4), Some(8)]));
        // Access points that are not mirrored answer nothing.
        let (ee, _) = watch(&[(A, 0, "0404f3"), (B, 0, "0809f3"), (A, 0, "0404f3")]);
        assert_eq!(ee.status(), Status::Candidate);
    }

    #[test]
    fn xids_of_both_sides_are_enough_and_name_them() {
        let (ee, _) = watch(&[(A, 0, tests::XID3_FRAME), (B, 0, tests::XID3_FRAME)]);
        assert_eq!(ee.status(), Status::Confirmed);
        assert_eq!(ee.facts().cp_names, [Some("NETA.HOST1".into()), Some("NETA.HOST1".into())]);
        assert_eq!(ee.facts().caller, Some(A));
    }

    #[test]
    fn packets_of_both_sides_are_enough_and_one_sides_must_move() {
        let nlp = tests::NLP_NETWORK;
        let (ee, _) = watch(&[(A, 1, nlp), (B, 1, nlp), (A, 1, nlp), (B, 1, nlp)]);
        assert_eq!(ee.status(), Status::Confirmed);
        let same = [(A, 1, nlp); 8];
        assert_eq!(watch(&same).0.status(), Status::Candidate);
        let later = nlp.replace("00000001 050e", "00000009 050e");
        let mut moving: Vec<(Side, usize, &str)> = same.to_vec();
        moving.push((A, 1, &later));
        assert_eq!(watch(&moving).0.status(), Status::Confirmed);
    }

    #[test]
    fn what_is_mostly_something_else_is_rejected() {
        let rtp = (A, 0, "8000123400000000deadbeef");
        assert_eq!(watch(&[rtp; 2]).0.status(), Status::Candidate);
        assert_eq!(watch(&[rtp; 3]).0.status(), Status::Rejected);
        assert_eq!(watch(&[(A, 0, "0404f3"); 32]).0.status(), Status::Rejected);
    }

    #[test]
    fn disc_and_dm_end_it_and_a_late_xid_may_restart_it() {
        let nlp = tests::NLP_NETWORK;
        let up = [(A, 1, nlp), (B, 1, nlp), (A, 1, nlp), (B, 1, nlp)];
        let (_, replies) = watch(&[&up[..], &[(A, 0, "040453"), (B, 0, "04051f")]].concat());
        assert_eq!(replies[4..], [Reply::Goes, Reply::Disconnected]);
        // DM without DISC refuses a link and ends none.
        let (_, replies) = watch(&[&up[..], &[(B, 0, "04051f")]].concat());
        assert_eq!(replies[4], Reply::Goes);
        // Two seconds after the link came up it is a late one.
        let xid = tests::bytes("0404bf");
        let xid = parse(&xid, xid.len(), 0).expect("an XID");
        let (ee, _) = watch(&up);
        assert!(!ee.may_restart(&xid, 5 * SECOND));
        assert!(ee.may_restart(&xid, 6 * SECOND));
    }
}
