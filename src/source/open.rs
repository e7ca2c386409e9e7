//! A capture file that is being read, in the order of a set.

use std::cmp::Ordering;

use super::reader::{Head, Reader};
use super::{FrameNumber, LinkType};
use crate::input::Input;

/// Notes that are kept of captures that follow each other in a file.
const MAX_NOTES: usize = 16;

/// An open file whose next packet is known.
pub(super) struct Open {
    pub input: Input,
    pub reader: Reader,
    /// Position in the list of files: decides between equal times.
    order: usize,
    pub next: Upcoming,
    /// Captures in the file that are read to their end, and what is to be told of them.
    before: u64,
    notes: Vec<String>,
}

impl Open {
    /// A file whose next packet is still to be found.
    pub fn new(input: Input, reader: Reader, order: usize) -> Self {
        let head = Head { ts: None, skip: 0, captured: 0, trailer: 0, wire: 0, link: LinkType(0) };
        let frame = FrameNumber { file: u32::try_from(order).unwrap_or(u32::MAX), number: 0 };
        let next = Upcoming { head, key: i64::MIN, frame };
        Self { input, reader, order, next, before: 0, notes: Vec::new() }
    }

    /// Reads on with the capture that follows in the same file.
    pub fn follow(&mut self, following: Reader) {
        let reader = std::mem::replace(&mut self.reader, following);
        self.before += 1;
        if self.notes.len() < MAX_NOTES {
            self.notes.extend(reader.notes(self.input.file()));
        }
    }

    /// What the user should know about the file.
    pub fn notes(self) -> Vec<String> {
        let mut notes = self.notes;
        let file = self.input.file();
        if self.before > 0 {
            let captures = self.before + 1;
            notes.push(format!("{}: {captures} captures follow each other", file.display()));
        }
        notes.extend(self.reader.notes(file));
        let of_input = self.input.notes();
        notes.extend(of_input.into_iter().map(|note| format!("{}: {note}", file.display())));
        notes
    }

    /// The order of packets: by time, and by the list of files where times are equal.
    fn rank(&self) -> (i64, usize) {
        (self.next.key, self.order)
    }
}

impl Ord for Open {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Open {}

/// The next packet of a file.
pub(super) struct Upcoming {
    pub head: Head,
    /// Latest time stamp of the file up to it: packets of a file stay in the file's order.
    pub key: i64,
    /// The packet before it.
    frame: FrameNumber,
}

impl Upcoming {
    /// Counts the packet as taken, and says which it is.
    #[inline]
    pub fn number(&mut self) -> FrameNumber {
        self.frame.number = match self.frame.number {
            // Wireshark's numbers have 32 bits; what is beyond them has none.
            u32::MAX => u32::MAX,
            number => number + 1,
        };
        let number = if self.frame.number == u32::MAX { 0 } else { self.frame.number };
        FrameNumber { number, ..self.frame }
    }

    pub fn is(&mut self, head: Head) {
        self.reach(&head);
        self.head = head;
    }

    pub fn reach(&mut self, head: &Head) {
        self.key = self.key.max(head.ts.unwrap_or(self.key));
    }
}
