//! Reading any SMF record by its self-defining section: sections by triplet,
//! fields by the tables, unknown bytes kept.

use std::ops::Range;

use super::field::{Field, Section};
use super::time::SmfTime;
use super::{
    Common11, Common12, Header, Identification, IpFilter, Ipsec, Ipsec12, SUBTYPE_DETAIL,
    SUBTYPE_SUMMARY, SelfDefining11, SelfDefining12, Ssh, Ssh12, TYPE_TCPIP, Tls, Tls12,
};

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Fewer bytes than the header of a record without subtypes.
    #[error("{0} bytes are too few for an SMF record header")]
    TooShort(usize),
    /// The length in the RDW is not the number of bytes.
    #[error("the record descriptor word says {said} bytes, there are {there}")]
    Length {
        /// Length in the RDW.
        said: usize,
        /// Bytes given.
        there: usize,
    },
}

/// One triplet of the self-defining section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triplet {
    /// Offset from byte 0 of the RDW.
    pub offset: usize,
    /// Length of one section in bytes.
    pub length: usize,
    /// Number of sections.
    pub number: usize,
}

impl Triplet {
    fn read(&[o0, o1, o2, o3, l0, l1, n0, n1]: &[u8; TRIPLET]) -> Self {
        Self {
            offset: usize::try_from(u32::from_be_bytes([o0, o1, o2, o3])).unwrap_or(usize::MAX),
            length: usize::from(u16::from_be_bytes([l0, l1])),
            number: usize::from(u16::from_be_bytes([n0, n1])),
        }
    }
}

/// Header bytes of a record without subtypes.
const SHORT_HEADER: usize = 18;
/// Offset of the number of triplets.
const TRIPLET_COUNT: usize = 24;
/// Offset of the first triplet.
const FIRST_TRIPLET: usize = 28;
/// Bytes of a triplet.
const TRIPLET: usize = 8;

/// Two bytes at an offset.
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

/// A record's bytes, RDW included.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes the bytes of exactly one record.
    ///
    /// # Errors
    /// If they are too few, or not as many as the RDW says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        if bytes.len() < SHORT_HEADER {
            return Err(RecordError::TooShort(bytes.len()));
        }
        let said = half(bytes, 0).map_or(0, usize::from);
        if said != bytes.len() {
            return Err(RecordError::Length { said, there: bytes.len() });
        }
        Ok(Self { bytes })
    }

    /// All bytes of the record.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// When the header says that it was written, in local time.
    pub fn written(&self) -> Option<SmfTime> {
        let word = |at: usize| self.bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes);
        Some(SmfTime { time: word(6)?, date: word(10)? })
    }

    /// SMF record type.
    pub fn record_type(&self) -> u8 {
        self.bytes.get(5).copied().unwrap_or_default()
    }

    /// Record subtype, if the header says that subtypes are used.
    pub fn subtype(&self) -> Option<u16> {
        let subtypes = self.bytes.get(4).is_some_and(|flags| flags & 0x40 != 0);
        half(self.bytes, 22).filter(|_| subtypes)
    }

    /// Number of triplets that the self-defining section says it has.
    pub fn triplet_count(&self) -> usize {
        half(self.bytes, TRIPLET_COUNT).map_or(0, usize::from)
    }

    /// The triplets of the self-defining section that lie inside the record.
    pub fn triplets(&self) -> impl ExactSizeIterator<Item = Triplet> + use<'a> {
        let count = self.triplet_count();
        let all = self.bytes.get(FIRST_TRIPLET..).unwrap_or_default().as_chunks().0;
        all.iter().take(count).map(Triplet::read)
    }

    /// One triplet, if the record has it.
    pub fn triplet(&self, index: usize) -> Option<Triplet> {
        if index >= self.triplet_count() {
            return None;
        }
        let at = index.checked_mul(TRIPLET)?.checked_add(FIRST_TRIPLET)?;
        self.bytes.get(at..)?.first_chunk().map(Triplet::read)
    }

    /// The bytes of the first section of a triplet (0 is the identification
    /// section). A section that reaches beyond the record is cut there; `None`
    /// if the triplet is absent or its offset lies outside.
    pub fn section(&self, index: usize) -> Option<&'a [u8]> {
        let triplet = self.triplet(index)?;
        if triplet.number == 0 || triplet.offset < FIRST_TRIPLET {
            return None;
        }
        let rest = self.bytes.get(triplet.offset..)?;
        Some(rest.get(..triplet.length).unwrap_or(rest))
    }

    /// Distinguished names as (type, name bytes).
    pub fn names(&self) -> Vec<(u16, &'a [u8])> {
        let name = |(dn_type, range): (u16, Range<usize>)| Some((dn_type, self.bytes.get(range)?));
        self.name_places().filter_map(name).collect()
    }

    /// The bytes of all distinguished names with their lengths and types: they say what
    /// [`Self::names`] says.
    pub fn names_area(&self) -> &'a [u8] {
        // A name's entry begins with four bytes before it.
        let mut places = self.name_places().map(|(_, place)| place);
        let Some(first) = places.next() else { return &[] };
        let end = places.last().map_or(first.end, |last| last.end);
        self.bytes.get(first.start.saturating_sub(4)..end).unwrap_or_default()
    }

    /// Where distinguished names lie, one behind the other.
    ///
    /// Entries carry their own lengths; reading stops at a length below four
    /// or beyond the record. A single entry in a longer section is followed by
    /// others until the section's length is used up.
    pub(super) fn name_places(&self) -> impl Iterator<Item = (u16, Range<usize>)> + use<'a> {
        let bytes = self.bytes;
        let there = |triplet: &Triplet| triplet.number > 0 && triplet.offset >= FIRST_TRIPLET;
        let triplet = self.names_index().and_then(|at| self.triplet(at)).filter(there);
        let (mut at, mut left, end) = triplet.map_or((0, 0, 0), |triplet| {
            let Triplet { offset, length, number } = triplet;
            // The only one of a longer section may be the first of several.
            (offset, number, if number == 1 { offset.saturating_add(length) } else { 0 })
        });
        std::iter::from_fn(move || {
            if left == 0 && at >= end {
                return None;
            }
            let &[l0, l1, t0, t1, ..] = bytes.get(at..)? else { return None };
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let name = at + 4..at.saturating_add(length);
            bytes.get(name.clone())?;
            at += length;
            left = left.saturating_sub(1);
            Some((u16::from_be_bytes([t0, t1]), name))
        })
    }

    /// Index of the triplet of the distinguished names, if the subtype has one.
    pub fn names_index(&self) -> Option<usize> {
        self.layout().and_then(|l| l.names)
    }

    /// Offsets of the distinguished names, after their length and type.
    pub fn name_offsets(&self) -> Vec<usize> {
        self.name_places().map(|(_, place)| place.start).collect()
    }

    /// The layout of its sections, where it is known.
    fn layout(&self) -> Option<&'static Layout> {
        if self.record_type() != TYPE_TCPIP {
            return None;
        }
        match self.subtype() {
            Some(SUBTYPE_DETAIL) => Some(&DETAIL),
            Some(SUBTYPE_SUMMARY) => Some(&SUMMARY),
            _ => None,
        }
    }

    /// The record's parts in order, each with the table of its fields where it
    /// is known. The names section is not among them: see [`Self::names`].
    pub fn parts(&self) -> Vec<Part<'a>> {
        let layout = self.layout();
        let known = layout.map_or(&[Identification::SECTION][..], |l| l.sections);
        let triplets = self.triplets();
        let mut parts = Vec::with_capacity(2 + triplets.len());
        parts.push(Part {
            triplet: None,
            offset: 0,
            section: Some(Header::SECTION),
            bytes: self.bytes.get(..Header::LEN).unwrap_or(self.bytes),
        });
        if triplets.len() > 0 {
            let length = FIRST_TRIPLET + TRIPLET * triplets.len() - Header::LEN;
            parts.push(Part {
                triplet: None,
                offset: Header::LEN,
                section: layout.map(|l| l.self_defining),
                bytes: self.bytes.get(Header::LEN..Header::LEN + length).unwrap_or_default(),
            });
        }
        for (index, triplet) in triplets.enumerate() {
            if layout.is_some_and(|l| l.names == Some(index)) {
                continue;
            }
            if let Some(bytes) = self.section(index) {
                parts.push(Part {
                    triplet: Some(index),
                    offset: triplet.offset,
                    section: known.get(index).copied(),
                    bytes,
                });
            }
        }
        parts
    }
}

/// The sections of a subtype, in the order of their triplets.
#[derive(Debug)]
struct Layout {
    self_defining: &'static Section,
    sections: &'static [&'static Section],
    /// Index of the triplet of the names.
    names: Option<usize>,
}

static DETAIL: Layout = Layout {
    self_defining: SelfDefining11::SECTION,
    sections: &[
        Identification::SECTION,
        Common11::SECTION,
        IpFilter::SECTION,
        Tls::SECTION,
        Ssh::SECTION,
        Ipsec::SECTION,
    ],
    names: Some(6),
};

static SUMMARY: Layout = Layout {
    self_defining: SelfDefining12::SECTION,
    sections: &[
        Identification::SECTION,
        Common12::SECTION,
        Tls12::SECTION,
        Ssh12::SECTION,
        Ipsec12::SECTION,
    ],
    names: Some(5),
};

/// All sections of a subtype with a table of fields: header, self-defining section,
/// identification and so on. None of another subtype.
pub fn sections_of(subtype: u16) -> Vec<&'static Section> {
    let layout = match subtype {
        SUBTYPE_DETAIL => &DETAIL,
        SUBTYPE_SUMMARY => &SUMMARY,
        _ => return Vec::new(),
    };
    let mut sections = vec![Header::SECTION, layout.self_defining];
    sections.extend(layout.sections);
    sections
}

/// A part of a record: the header, the self-defining section, or a section.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Index of the triplet that points at it.
    pub triplet: Option<usize>,
    /// Offset from the start of the record.
    pub offset: usize,
    /// Its field table, if the section is known.
    pub section: Option<&'static Section>,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// See [`Part::shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Where the section's description is: sections of both subtypes have the same titles.
    section: Option<usize>,
    triplet: Option<usize>,
    length: usize,
    used: u32,
}

/// Whether an extension of a section of a length stands in the place of reserved bytes
/// which are not zero.
fn overlays(extension: &Section, length: usize, bytes: &[u8]) -> bool {
    extension.length <= length
        && bytes
            .get(extension.start..extension.length)
            .is_some_and(|bytes| bytes.iter().any(|b| *b != 0))
}

impl<'a> Part<'a> {
    /// The fields that lie wholly inside the part, with their bytes. Of fields
    /// in the place of each other those of the later release, if they are in use.
    pub fn fields(&self) -> Fields<'a> {
        let length = self.section.map_or(0, |s| s.length);
        let extensions = self.section.map_or(&[][..], |s| s.extensions);
        Fields {
            bytes: self.bytes,
            length,
            base: self.section.map_or(&[][..], |s| s.fields).iter(),
            overlaid: extensions.iter().any(|e| overlays(e, length, self.bytes)),
            extensions,
            of_extension: [].iter(),
            appended: extensions.iter(),
        }
    }

    /// What [`Self::fields`] depends on: parts that agree in it have the same fields in the
    /// same places. Its section, its length, and which extensions stand in the place of
    /// reserved bytes.
    pub fn shape(&self) -> Shape {
        let extensions = self.section.map_or(&[][..], |s| s.extensions);
        let length = self.section.map_or(0, |s| s.length);
        let used = extensions.iter().map(|e| overlays(e, length, self.bytes));
        Shape {
            section: self.section.map(|s| std::ptr::from_ref(s).addr()),
            triplet: self.triplet,
            length: self.bytes.len(),
            used: used.fold(0, |bits, used| bits << 1 | u32::from(used)),
        }
    }

    /// Bytes after the last known field.
    pub fn unknown(&self) -> &'a [u8] {
        let known = self.fields().map(|(f, _)| f.offset + f.length).max().unwrap_or(0);
        self.bytes.get(known..).unwrap_or_default()
    }
}

/// See [`Part::fields`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    /// The length of the section as the first release has it.
    length: usize,
    base: std::slice::Iter<'static, Field>,
    /// Whether an extension stands in the place of reserved bytes.
    overlaid: bool,
    extensions: &'static [&'static Section],
    /// What is left of the extension that it has come to.
    of_extension: std::slice::Iter<'static, Field>,
    appended: std::slice::Iter<'static, &'static Section>,
}

impl Fields<'_> {
    fn next_field(&mut self) -> Option<&'static Field> {
        loop {
            if let Some(field) = self.of_extension.next() {
                return Some(field);
            }
            let Some(field) = self.base.next() else {
                let length = self.length;
                let extension = self.appended.find(|e| e.start >= length)?;
                self.of_extension = extension.fields.iter();
                continue;
            };
            let overlays =
                |e: &&&Section| e.start == field.offset && overlays(e, self.length, self.bytes);
            match self.extensions.iter().filter(|_| self.overlaid).find(overlays) {
                Some(extension) => self.of_extension = extension.fields.iter(),
                None => return Some(field),
            }
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'static Field, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let field = self.next_field()?;
            if let Some(bytes) = self.bytes.get(field.offset..field.offset + field.length) {
                return Some((field, bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_triplets_are_not_followed() {
        let mut bytes = vec![0; 40];
        bytes[..2].copy_from_slice(&40u16.to_be_bytes());
        bytes[4] = 0x40;
        bytes[5] = 119;
        bytes[23] = 11;
        bytes[24..26].copy_from_slice(&0xFFFFu16.to_be_bytes());
        bytes[28..32].copy_from_slice(&0xFFFF_FFF0u32.to_be_bytes());
        bytes[32..36].fill(0xFF);
        let record = Record::parse(&bytes).expect("long enough");
        assert_eq!(record.triplets().len(), 1);
        assert_eq!(record.section(0), None);
        assert!(record.names().is_empty());
        assert_eq!(record.parts().len(), 2);
    }

    #[test]
    fn the_rdw_must_say_the_length() {
        assert_eq!(Record::parse(&[0; 4]).err(), Some(RecordError::TooShort(4)));
        assert_eq!(Record::parse(&[0; 18]).err(), Some(RecordError::Length { said: 0, there: 18 }));
    }
}
