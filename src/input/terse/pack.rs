//! PACK, the simple method: LZW whose phrases are recycled by their last use.
//!
//! A phrase is that of its father and one symbol more. At first they are 2 to 3,839 EBCDIC
//! blanks. Each code makes a new phrase, its own and the first symbol of the next one, in
//! the place of the one that was used longest ago.

use super::{CODES, CodeError, FIRST_NODE, Table};

/// The symbol of an EBCDIC blank.
const BLANK: u16 = 0x41;
/// In the list, before the first and behind the last.
const ENDS: u16 = 0;

/// The dictionary.
pub(super) struct Pack {
    father: Table<u16>,
    /// The last symbol of a phrase.
    last: Table<u16>,
    /// Phrases by their last use, the latest first: a ring through [`ENDS`].
    next: Table<u16>,
    before: Table<u16>,
    /// The newest phrase, whose last symbol the next code tells.
    open: Option<u16>,
    /// The phrases on the way from the code to the first symbol.
    path: Vec<u16>,
}

impl Default for Pack {
    fn default() -> Self {
        let zeros = || Table([0; CODES]);
        let mut pack = Self {
            father: zeros(),
            last: zeros(),
            next: zeros(),
            before: zeros(),
            open: None,
            path: Vec::new(),
        };
        let mut previous = ENDS;
        for node in FIRST_NODE..=0xFFF {
            pack.father.set(node, if node == FIRST_NODE { BLANK } else { node - 1 });
            pack.last.set(node, BLANK);
            pack.next.set(previous, node);
            pack.before.set(node, previous);
            previous = node;
        }
        pack.next.set(previous, ENDS);
        pack.before.set(ENDS, previous);
        pack
    }
}

impl Pack {
    /// Appends the symbols of a code.
    pub fn decode(&mut self, code: u16, out: &mut Vec<u16>) -> Result<(), CodeError> {
        // The phrase that is recycled cannot be used by the same code.
        let recycled = self.before.get(ENDS);
        if code == recycled {
            return Err(CodeError::Undefined);
        }
        self.path.clear();
        let mut node = code;
        while node >= FIRST_NODE {
            self.path.push(node);
            node = self.father.get(node);
            // Fathers are never recycled before their sons.
            if self.path.len() > CODES || node == recycled {
                return Err(CodeError::Undefined);
            }
        }
        let first = node;
        // Those on the way are the latest now, the shortest phrase first; the new one is
        // behind the code's.
        to_front(&mut self.next, &mut self.before, recycled, recycled);
        let mut path = self.path.iter().copied();
        let mut node = path.next();
        while let Some(end) = node {
            // Most of them follow each other already.
            let mut begin = end;
            node = path.next();
            while let Some(father) = node.filter(|father| self.before.get(begin) == *father) {
                begin = father;
                node = path.next();
            }
            to_front(&mut self.next, &mut self.before, begin, end);
        }
        if let Some(open) = self.open.replace(recycled) {
            self.last.set(open, first);
        }
        out.push(first);
        out.extend(self.path.iter().rev().map(|node| self.last.get(*node)));
        self.father.set(recycled, code);
        Ok(())
    }
}

/// Moves a part of the ring to its front.
fn to_front(next: &mut Table<u16>, before: &mut Table<u16>, begin: u16, end: u16) {
    let front = next.get(ENDS);
    if front == begin {
        return;
    }
    let (earlier, later) = (before.get(begin), next.get(end));
    next.set(earlier, later);
    before.set(later, earlier);
    next.set(end, front);
    before.set(front, end);
    before.set(begin, ENDS);
    next.set(ENDS, begin);
}
