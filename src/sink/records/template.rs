//! The fields of parts of one shape, with the text that was made of the last of them: most
//! fields say in a record what they said in the one before.

use std::ops::Range;

use super::cache::TextCache;
use crate::record::field::{Field, Format};
use crate::record::value;
use crate::record::view::{Part, Shape};

/// Shapes that are remembered. Sound records have a few dozen.
const MAX_SHAPES: usize = 256;

/// A field of a template.
#[derive(Debug)]
pub(super) struct Slot {
    pub field: &'static Field,
    /// Text that stands before every value that is shown.
    pub before: Vec<u8>,
    /// Whether it is a plain number.
    pub number: bool,
    /// Where its bytes are in the part.
    place: Range<usize>,
}

impl Slot {
    /// Whether there is a text: for reserved bytes and such as are not there only where
    /// nothing stands before it.
    fn shows(&self, value: Option<&[u8]>) -> bool {
        let said = |bytes: &[u8]| {
            self.field.format != Format::Reserved || bytes.iter().any(|byte| *byte != 0)
        };
        self.before.is_empty() || value.is_some_and(said)
    }
}

/// The fields of parts, in the order of their columns. No two share a byte.
#[derive(Debug, Default)]
pub(super) struct Fields {
    slots: Vec<Slot>,
    /// Where the text of each ended in that of the last part: beside each other, because
    /// one text that gets longer moves all behind it.
    ends: Vec<u32>,
    /// Of each byte, the field that it is in, counted from 1.
    owners: Vec<u16>,
    /// Fields that have changed, while a part is written.
    changed: Vec<usize>,
    /// Whether the columns are in the order of the bytes. A later release's fields have
    /// their columns behind, and may have their bytes before.
    ascending: bool,
    /// Where the flag is that says of which kind addresses are, once it was asked for.
    flag_at: Option<Option<usize>>,
    /// Whether a part was met, and the last of them.
    written: bool,
    bytes: Vec<u8>,
    /// What was made of it.
    text: Vec<u8>,
    kept: TextCache,
}

impl Fields {
    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = &'static Field> {
        self.slots.iter().map(|slot| slot.field)
    }

    /// Adds a field; `before` stands before every value of it.
    pub fn push(&mut self, field: &'static Field, before: Vec<u8>, number: bool) {
        let place = field.offset..field.offset + field.length;
        if self.owners.len() < place.end {
            self.owners.resize(place.end, 0);
        }
        let last = self.slots.last().map_or(0, |slot| slot.place.end);
        self.ascending = place.start >= last && (self.ascending || self.slots.is_empty());
        let number_of_field = u16::try_from(self.slots.len() + 1).unwrap_or(u16::MAX);
        if let Some(owners) = self.owners.get_mut(place.clone()) {
            owners.fill(number_of_field);
        }
        self.slots.push(Slot { field, before, number, place });
        self.ends.push(0);
    }

    /// Appends what is made of a part, as it was made last where the bytes are the same.
    /// `render` appends what is made of a field's bytes, behind the text that stands before
    /// it; `None` where the part is too short for it. What it makes of a field depends on
    /// nothing but its bytes, or for addresses the flag beside them.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        part: &Part<'_>,
        mut render: impl FnMut(&mut Vec<u8>, &Slot, Option<&[u8]>),
    ) {
        let bytes = part.bytes;
        let begin = out.len();
        let flag_at = *self.flag_at.get_or_insert_with(|| value::address_flag(part));
        let flag = |bytes: &[u8]| flag_at.and_then(|at| bytes.get(at).copied());
        if self.written && self.bytes == bytes {
            out.extend_from_slice(&self.text);
            return;
        }
        if let Some(text) = self.kept.text(bytes) {
            out.extend_from_slice(text);
            return;
        }
        let written = std::mem::replace(&mut self.written, true);
        let same = if written && self.bytes.len() == bytes.len() && flag(&self.bytes) == flag(bytes)
        {
            self.write_changes(out, bytes, &mut render)
        } else {
            for (slot, end) in self.slots.iter().zip(&mut self.ends) {
                let value = bytes.get(slot.place.clone());
                if slot.shows(value) {
                    out.extend_from_slice(&slot.before);
                    render(out, slot, value);
                }
                *end = length(out, begin);
            }
            0
        };
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.text.truncate(same);
        self.text.extend_from_slice(out.get(begin + same..).unwrap_or_default());
        self.kept.keep(&self.bytes, &self.text);
    }

    /// Returns the length of the text before what has changed first.
    fn write_changes(
        &mut self,
        out: &mut Vec<u8>,
        bytes: &[u8],
        render: &mut impl FnMut(&mut Vec<u8>, &Slot, Option<&[u8]>),
    ) -> usize {
        let begin = out.len();
        let changes = Changes {
            slots: &self.slots,
            owners: &self.owners,
            bytes: [&self.bytes, bytes],
            at: 0,
        };
        self.changed.clear();
        self.changed.extend(changes);
        if !self.ascending {
            self.changed.sort_unstable();
        }
        // Fields that are written, and where their text ended.
        let (mut rest, mut done, mut ended) = (self.ends.as_mut_slice(), 0, 0);
        let mut same = None;
        for number in self.changed.iter().copied() {
            let all = std::mem::take(&mut rest);
            let Some((before, after)) = all.split_at_mut_checked(number - done) else { break };
            let Some((end, after)) = after.split_first_mut() else { break };
            let Some(slot) = self.slots.get(number) else { break };
            let value = bytes.get(slot.place.clone());
            let shows = slot.shows(value);
            let began = before.last().copied().unwrap_or(ended);
            // A text that was there begins with what stands before the new one, too.
            let kept = if shows && *end > began { slot.before.len() } else { 0 };
            copy(out, begin, &self.text, ended, before, kept);
            same.get_or_insert(out.len() - begin);
            if shows {
                out.extend_from_slice(slot.before.get(kept..).unwrap_or_default());
                render(out, slot, value);
            }
            ended = std::mem::replace(end, length(out, begin));
            (rest, done) = (after, number + 1);
        }
        copy(out, begin, &self.text, ended, rest, 0);
        same.unwrap_or(self.text.len())
    }
}

/// The fields in which two parts of the same length differ, in the order of their bytes.
struct Changes<'a> {
    slots: &'a [Slot],
    owners: &'a [u16],
    bytes: [&'a [u8]; 2],
    at: usize,
}

impl Iterator for Changes<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let [one, other] = self.bytes;
        loop {
            let place = difference(one, other, self.at)?;
            self.at = place + 1;
            let owner = self.owners.get(place).copied().unwrap_or(0);
            let Some(number) = usize::from(owner).checked_sub(1) else { continue };
            if let Some(slot) = self.slots.get(number) {
                self.at = slot.place.end;
                return Some(number);
            }
        }
    }
}

/// Appends the text of fields that have not changed, which began at `from`, and so many
/// bytes behind it; `ends` are where theirs ended.
fn copy(out: &mut Vec<u8>, begin: usize, text: &[u8], from: u32, ends: &mut [u32], behind: usize) {
    let to = ends.last().copied().unwrap_or(from);
    let moved = length(out, begin).wrapping_sub(from);
    out.extend_from_slice(text.get(from as usize..to as usize + behind).unwrap_or_default());
    if moved != 0 {
        for end in ends {
            *end = end.wrapping_add(moved);
        }
    }
}

/// The length of the text that began at a place: a record's, which is far below 4 GB.
fn length(out: &[u8], begin: usize) -> u32 {
    u32::try_from(out.len() - begin).unwrap_or(u32::MAX)
}

/// The first place from one on where two parts of the same length differ.
fn difference(one: &[u8], other: &[u8], from: usize) -> Option<usize> {
    let (mine, theirs) = (one.get(from..)?, other.get(from..)?);
    let ((words, rest), (their_words, their_rest)) = (mine.as_chunks(), theirs.as_chunks());
    // The lowest bit that differs is in the first byte that does.
    let mut words =
        words.iter().zip(their_words).enumerate().map(|(n, (mine, theirs))| {
            (n, u64::from_le_bytes(*mine) ^ u64::from_le_bytes(*theirs))
        });
    if let Some((n, bits)) = words.find(|(_, bits)| *bits != 0) {
        return Some(from + n * 8 + bits.trailing_zeros() as usize / 8);
    }
    let rest_begins = from + mine.len() - rest.len();
    rest.iter().zip(their_rest).position(|(a, b)| a != b).map(|n| rest_begins + n)
}

/// The fields of parts of one shape.
#[derive(Debug)]
pub(super) struct Template {
    shape: Shape,
    pub fields: Fields,
    /// Where the bytes begin that no field has.
    pub unknown: usize,
}

/// Templates of the shapes that were met.
#[derive(Debug, Default)]
pub(super) struct Templates(Vec<Template>);

impl Templates {
    /// The template of a part; `before` says what stands before a field's values, and
    /// whether they are plain numbers. Fields of which it says nothing are left out.
    #[expect(clippy::indexing_slicing, reason = "a place that was found or made just now")]
    pub fn of(
        &mut self,
        part: &Part<'_>,
        before: impl Fn(&Field) -> Option<(Vec<u8>, bool)>,
    ) -> &mut Template {
        let shape = part.shape();
        let known = self.0.iter().position(|template| template.shape == shape);
        let at = known.unwrap_or_else(|| {
            if self.0.len() >= MAX_SHAPES {
                self.0.clear();
            }
            let mut fields = Fields::default();
            for (field, _) in part.fields() {
                if let Some((before, number)) = before(field) {
                    fields.push(field, before, number);
                }
            }
            let unknown = part.bytes.len() - part.unknown().len();
            self.0.push(Template { shape, fields, unknown });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::view::sections_of;

    /// What is rendered of a field, of a length that its bytes decide.
    fn render(out: &mut Vec<u8>, _: &Slot, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        let sum = bytes.iter().map(|&b| usize::from(b)).sum::<usize>();
        out.extend(std::iter::repeat_n(b'x', sum % 7));
        out.extend_from_slice(bytes);
    }

    #[test]
    fn no_two_columns_share_a_byte() {
        for section in [11, 12].into_iter().flat_map(sections_of) {
            let fields = section.all_fields().filter(|f| f.format != Format::Reserved);
            let mut places: Vec<_> = fields.map(|f| (f.offset, f.offset + f.length)).collect();
            places.sort_unstable();
            assert!(places.is_sorted_by(|a, b| a.1 <= b.0), "{}", section.id);
        }
    }

    proptest! {
        /// Whatever changes from one part to the next, the text is what it is without
        /// memory.
        #[test]
        fn memory_changes_nothing(
            changes in prop::collection::vec(
                (prop::collection::vec((0usize..200, any::<u8>()), 0..6), 100usize..200),
                1..20,
            ),
        ) {
            let section = sections_of(11).into_iter().max_by_key(|s| s.length).expect("one");
            let of_section = |fields: &mut Fields| {
                for field in section.all_fields().filter(|f| f.format != Format::Reserved) {
                    fields.push(field, field.name.as_bytes().to_vec(), false);
                }
            };
            let mut fields = Fields::default();
            of_section(&mut fields);
            let mut bytes = [0u8; 200];
            for (changed, length) in changes {
                for (at, byte) in changed {
                    bytes[at] = byte;
                }
                // Most parts are as long as the one before.
                let length = if length < 180 { 200 } else { length };
                let part = Part { triplet: None, offset: 0, section: Some(section), bytes: &bytes[..length] };
                let mut fresh = Fields::default();
                of_section(&mut fresh);
                let (mut out, mut expected) = (b"before".to_vec(), b"before".to_vec());
                fields.write(&mut out, &part, render);
                fresh.write(&mut expected, &part, render);
                prop_assert_eq!(out, expected);
            }
        }
    }

    #[test]
    fn columns_of_an_empty_part_are_written() {
        let section = sections_of(11).into_iter().max_by_key(|s| s.length).expect("one");
        let mut fields = Fields::default();
        for field in section.all_fields().filter(|f| f.format != Format::Reserved) {
            fields.push(field, Vec::new(), false);
        }
        let part = Part { triplet: None, offset: 0, section: Some(section), bytes: &[] };
        for _ in 0..2 {
            let mut out = Vec::new();
            fields.write(&mut out, &part, |out, _, bytes| {
                assert_eq!(bytes, None);
                out.push(b',');
            });
            assert_eq!(out.len(), fields.slots.len());
        }
    }

    #[test]
    fn differences_are_found_one_after_another() {
        let (one, mut other) = ([0u8; 100], [0u8; 100]);
        let places = [0usize, 1, 15, 16, 31, 64, 99];
        for place in places {
            other[place] = 1;
        }
        let found = std::iter::successors(difference(&one, &other, 0), |at| {
            difference(&one, &other, at + 1)
        });
        assert_eq!(found.collect::<Vec<_>>(), places);
    }
}
