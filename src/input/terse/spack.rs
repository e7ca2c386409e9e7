//! SPACK, the complex method: phrases of two phrases each.
//!
//! Each code makes a new phrase of the one before it and its own. When there is no room the
//! phrase is recycled that no other is made of, and has been so for longest.

use super::{CODES, CodeError, FIRST_NODE, Table};

/// Symbols of a phrase that is believed.
const MAX_PHRASE: u32 = 65_536;
/// In the queue, before the first and behind the last.
const ENDS: u16 = 0;

/// The dictionary.
pub(super) struct Spack {
    left: Table<u16>,
    right: Table<u16>,
    /// Symbols of a phrase; 0 if it is not defined.
    length: Table<u32>,
    /// Phrases that are made of this one.
    uses: Table<u16>,
    /// Phrases that no other is made of, the oldest first: a ring through [`ENDS`].
    next: Table<u16>,
    before: Table<u16>,
    /// The next phrase that was never used.
    fresh: u16,
    /// The code before.
    previous: Option<u16>,
    /// Phrases that are still to be written.
    stack: Vec<u16>,
}

impl Default for Spack {
    fn default() -> Self {
        let zeros = || Table([0; CODES]);
        Self {
            left: zeros(),
            right: zeros(),
            length: Table([0; CODES]),
            uses: zeros(),
            next: zeros(),
            before: zeros(),
            fresh: FIRST_NODE,
            previous: None,
            stack: Vec::new(),
        }
    }
}

impl Spack {
    /// Appends the symbols of a code.
    pub fn decode(&mut self, code: u16, out: &mut Vec<u16>) -> Result<(), CodeError> {
        let Some(previous) = self.previous else {
            if code >= FIRST_NODE {
                return Err(CodeError::Undefined);
            }
            out.push(code);
            self.previous = Some(code);
            return Ok(());
        };
        let node = self.free().ok_or(CodeError::Undefined)?;
        let length = self.length_of(code);
        match length {
            0 => return Err(CodeError::Undefined),
            1..=MAX_PHRASE => {}
            _ => return Err(CodeError::TooLong(MAX_PHRASE)),
        }
        self.expand(code, out);
        self.left.set(node, previous);
        self.right.set(node, code);
        self.length.set(node, self.length_of(previous).saturating_add(length));
        self.take_into_use(previous);
        self.take_into_use(code);
        self.append(node);
        self.previous = Some(code);
        Ok(())
    }

    /// A place for a new phrase.
    fn free(&mut self) -> Option<u16> {
        if usize::from(self.fresh) < CODES {
            self.fresh += 1;
            return Some(self.fresh - 1);
        }
        let oldest = Some(self.next.get(ENDS)).filter(|node| *node != ENDS)?;
        self.remove(oldest);
        self.length.set(oldest, 0);
        for part in [self.left.get(oldest), self.right.get(oldest)] {
            let uses = self.uses.get(part).saturating_sub(1);
            self.uses.set(part, uses);
            if uses == 0 && part >= FIRST_NODE {
                self.append(part);
            }
        }
        Some(oldest)
    }

    fn length_of(&self, code: u16) -> u32 {
        if code < FIRST_NODE { 1 } else { self.length.get(code) }
    }

    fn take_into_use(&mut self, code: u16) {
        let uses = self.uses.get(code);
        if uses == 0 && code >= FIRST_NODE {
            self.remove(code);
        }
        self.uses.set(code, uses.saturating_add(1));
    }

    fn append(&mut self, node: u16) {
        let last = self.before.get(ENDS);
        self.next.set(last, node);
        self.before.set(node, last);
        self.next.set(node, ENDS);
        self.before.set(ENDS, node);
    }

    fn remove(&mut self, node: u16) {
        let (before, next) = (self.before.get(node), self.next.get(node));
        self.next.set(before, next);
        self.before.set(next, before);
    }

    /// Appends a phrase, which is as long as its length says: its parts were defined before
    /// it, and are while it is.
    fn expand(&mut self, code: u16, out: &mut Vec<u16>) {
        self.stack.clear();
        let mut node = code;
        loop {
            while node >= FIRST_NODE {
                self.stack.push(self.right.get(node));
                node = self.left.get(node);
            }
            out.push(node);
            match self.stack.pop() {
                Some(right) => node = right,
                None => return,
            }
        }
    }
}
