//! Entries of a part as they are stored: of most records the words in which they are not
//! like the last one of their length, because what is written to disk is what takes the
//! most time. A word has eight bytes.

use super::spool::HEAD;

/// Longer entries are stored as they are.
const LONGEST: usize = 4096;
/// Lengths of which the last is remembered; the oldest gives way.
const LENGTHS: usize = 8;
/// Words of a group: as many as a mask has bits.
const GROUP: usize = 64;

/// The most bytes that an entry of a length is stored in.
pub(super) fn longest(length: usize) -> usize {
    // A mask of eight bytes for each group of words.
    length + 8 * (length / (8 * GROUP) + 1)
}

/// The last entry of each of some lengths. Who stores and who restores have the same.
#[derive(Debug, Default)]
pub(super) struct PreviousEntries {
    all: Vec<Vec<u8>>,
    oldest: usize,
}

impl PreviousEntries {
    /// The last of a length: zeros at first. `None` if such are not remembered.
    fn of(&mut self, length: usize) -> Option<&mut Vec<u8>> {
        if length > LONGEST {
            return None;
        }
        let at = match self.all.iter().position(|last| last.len() == length) {
            Some(at) => at,
            None if self.all.len() < LENGTHS => {
                self.all.push(vec![0; length]);
                self.all.len() - 1
            }
            None => {
                let at = self.oldest;
                self.oldest = (at + 1) % LENGTHS;
                let last = self.all.get_mut(at)?;
                last.clear();
                last.resize(length, 0);
                at
            }
        };
        self.all.get_mut(at)
    }

    /// Appends what an entry's bytes are stored as.
    pub fn store(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let Some(last) = self.of(bytes.len()) else {
            out.extend_from_slice(bytes);
            return;
        };
        let ((words, rest), (lasts, _)) = (bytes.as_chunks::<8>(), last.as_chunks_mut::<8>());
        for (words, lasts) in words.chunks(GROUP).zip(lasts.chunks_mut(GROUP)) {
            let pairs = words.iter().zip(lasts.iter()).rev();
            // Without a branch for each word, which nobody could foretell.
            let mask = pairs.fold(0u64, |mask, (word, last)| mask << 1 | u64::from(word != last));
            out.extend_from_slice(&mask.to_le_bytes());
            for n in bits(mask) {
                if let (Some(word), Some(last)) = (words.get(n), lasts.get_mut(n)) {
                    out.extend_from_slice(word);
                    *last = *word;
                }
            }
        }
        out.extend_from_slice(rest);
    }

    /// Appends an entry of a length from what is stored, and passes over that; `None` if
    /// that ends too soon.
    fn restore(&mut self, out: &mut Vec<u8>, stored: &mut &[u8], length: usize) -> Option<()> {
        let Some(last) = self.of(length) else {
            let (bytes, after) = stored.split_at_checked(length)?;
            out.extend_from_slice(bytes);
            *stored = after;
            return Some(());
        };
        let (lasts, rest) = last.as_chunks_mut::<8>();
        for lasts in lasts.chunks_mut(GROUP) {
            let (mask, mut after) = stored.split_first_chunk()?;
            for n in bits(u64::from_le_bytes(*mask)) {
                let (word, following) = after.split_first_chunk()?;
                *lasts.get_mut(n)? = *word;
                after = following;
            }
            *stored = after;
        }
        let (end, after) = stored.split_at_checked(rest.len())?;
        rest.copy_from_slice(end);
        *stored = after;
        out.extend_from_slice(last);
        Some(())
    }
}

/// The bits that are set, ascending.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lowest
    })
}

/// Appends all entries of a part, which are stored one after the other.
pub(super) fn restore_all(out: &mut Vec<u8>, mut stored: &[u8]) {
    let mut lasts = PreviousEntries::default();
    while let Some((head, after)) = stored.split_first_chunk::<HEAD>() {
        let &[.., l0, l1, l2, l3] = head;
        out.extend_from_slice(head);
        stored = after;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if lasts.restore(out, &mut stored, length).is_none() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_stored_is_restored(
            entries in prop::collection::vec(
                (
                    prop_oneof![0usize..40, 480usize..600, Just(LONGEST), Just(LONGEST + 1)],
                    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
                ),
                0..60,
            ),
        ) {
            let (mut lasts, mut stored, mut plain) = (PreviousEntries::default(), Vec::new(), Vec::new());
            for (length, changes) in entries {
                let mut bytes = vec![7; length];
                for (at, value) in changes {
                    if length > 0 {
                        bytes[at.index(length)] = value;
                    }
                }
                let mut head = [9; HEAD];
                head[HEAD - 4..].copy_from_slice(&(length as u32).to_be_bytes());
                plain.extend_from_slice(&head);
                plain.extend_from_slice(&bytes);
                stored.extend_from_slice(&head);
                let before = stored.len();
                lasts.store(&mut stored, &bytes);
                prop_assert!(stored.len() - before <= longest(length));
            }
            let mut restored = Vec::new();
            restore_all(&mut restored, &stored);
            prop_assert_eq!(restored, plain);
        }
    }

    #[test]
    fn of_like_records_little_is_stored() {
        let (mut lasts, mut stored) = (PreviousEntries::default(), Vec::new());
        let mut record = vec![0x40; 487];
        lasts.store(&mut stored, &record);
        stored.clear();
        record[100] = 1;
        lasts.store(&mut stored, &record);
        assert_eq!(stored.len(), 8 + 8 + 7);
    }
}
