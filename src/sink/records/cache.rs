//! Texts of parts that come again, though not one behind the other: what protects the
//! connections of a stack is often the same.

use std::hash::BuildHasher;

/// Parts that are kept of a shape, each in the place that its hash says.
const PLACES: usize = 32;
/// Longer parts and texts are not kept, in bytes.
const LONGEST: usize = 512;
const LONGEST_TEXT: usize = 4096;
/// Parts after which it shows whether they come again.
const TRIED: u32 = 1024;

/// Texts of parts by their bytes.
#[derive(Debug, Default)]
pub(super) struct TextCache {
    places: Vec<(Vec<u8>, Vec<u8>)>,
    hasher: foldhash::fast::RandomState,
    /// How often a part was asked for, and how often it was there.
    asked: u32,
    found: u32,
    /// The place of the part that was asked for last.
    place: Option<usize>,
}

impl TextCache {
    /// The text of a part, if it is kept. Where parts hardly ever come again none is.
    pub fn text(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        self.place = None;
        let worth = self.asked < TRIED || self.found >= self.asked / 4;
        if !worth || bytes.len() > LONGEST {
            return None;
        }
        if self.asked == u32::MAX {
            (self.asked, self.found) = (self.asked / 2, self.found / 2);
        }
        self.asked += 1;
        if self.places.is_empty() {
            self.places.resize_with(PLACES, Default::default);
        }
        let place = usize::try_from(self.hasher.hash_one(bytes) % PLACES as u64).unwrap_or(0);
        self.place = Some(place);
        let (kept, text) = self.places.get(place)?;
        // There is no text of what was never kept, and always one of what was.
        if kept != bytes || text.is_empty() {
            return None;
        }
        self.found += 1;
        Some(text)
    }

    /// Keeps the text of the part that was asked for last, in place of another.
    pub fn keep(&mut self, bytes: &[u8], text: &[u8]) {
        let place = self.place.take().and_then(|place| self.places.get_mut(place));
        let Some((kept, kept_text)) = place.filter(|_| text.len() <= LONGEST_TEXT) else { return };
        kept.clear();
        kept.extend_from_slice(bytes);
        kept_text.clear();
        kept_text.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_kept() {
        let mut kept = TextCache::default();
        for _ in 0..3 * TRIED {
            for part in [b"one".as_slice(), b"two", b"three"] {
                match kept.text(part) {
                    Some(text) => assert_eq!(text, part.to_ascii_uppercase()),
                    None => kept.keep(part, &part.to_ascii_uppercase()),
                }
            }
        }
        assert!(kept.found > 0 && kept.asked == 9 * TRIED);
        assert_eq!(kept.text(&[0; LONGEST + 1]), None);
    }

    #[test]
    fn what_never_comes_again_is_not_asked_for_for_ever() {
        let mut kept = TextCache::default();
        for n in 0..3 * TRIED {
            let part = n.to_be_bytes();
            assert_eq!(kept.text(&part), None);
            kept.keep(&part, b"text");
        }
        assert_eq!((kept.asked, kept.found), (TRIED, 0));
    }
}
