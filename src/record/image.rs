//! What a record has beyond the fields that are known: other sections, bytes at
//! the end of sections, an order or gaps of its own.

use super::{DistinguishedName, Header, Record, ebcdic, names};

/// The bytes that a record was read from. What is not known is written again
/// from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    bytes: Vec<u8>,
    /// Which of the known sections were read from it, in order.
    read: Vec<bool>,
}

/// The known content of a section: what replaces its first bytes.
pub(super) struct Known {
    /// Index of its triplet.
    index: usize,
    /// Its bytes; `None` if the record does not have it.
    pub bytes: Option<Vec<u8>>,
}

impl Known {
    pub fn new<T>(
        index: usize,
        length: usize,
        section: Option<&T>,
        encode: impl Fn(&T, &mut Vec<u8>),
    ) -> Self {
        let bytes = section.map(|section| {
            let mut bytes = Vec::with_capacity(length);
            encode(section, &mut bytes);
            bytes
        });
        Self { index, bytes }
    }
}

impl Image {
    /// Keeps a record's bytes, from which these sections were read.
    pub(super) fn of(record: &[u8], known: &[Known]) -> Self {
        Self { bytes: record.to_vec(), read: known.iter().map(|k| k.bytes.is_some()).collect() }
    }

    /// Writes the bytes with what is known in its places. `None`, and nothing
    /// written, if the record was read with other sections or names.
    pub(super) fn encode(
        &self,
        header: &Header,
        known: &[Known],
        names: &[DistinguishedName],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let record = Record::parse(&self.bytes).ok()?;
        let fits = known.iter().zip(&self.read).all(|(k, read)| {
            let there = record.section(k.index).map_or(0, <[u8]>::len);
            k.bytes.is_some() == *read && k.bytes.as_ref().map_or(0, Vec::len) <= there
        });
        let there: Vec<_> = record.name_places().collect();
        if !fits || there.len() != names.len() {
            return None;
        }
        let mut bytes = self.bytes.clone();
        let mut head = Vec::with_capacity(Header::LEN);
        header.encode(&mut head);
        // The length is that of the bytes.
        bytes.get_mut(2..Header::LEN)?.copy_from_slice(head.get(2..Header::LEN)?);
        for section in known {
            if let (Some(content), Some(triplet)) = (&section.bytes, record.triplet(section.index))
            {
                bytes
                    .get_mut(triplet.offset..triplet.offset + content.len())?
                    .copy_from_slice(content);
            }
        }
        for ((dn_type, place), new) in there.into_iter().zip(names) {
            if dn_type != new.dn_type {
                let at = place.start;
                bytes.get_mut(at - 2..at)?.copy_from_slice(&new.dn_type.to_be_bytes());
            }
            if *names::text(self.bytes.get(place.clone())?) != *new.name {
                let mut text = Vec::new();
                names::encode(&new.name, &mut text);
                if text.len() > place.len() {
                    return None;
                }
                let field = bytes.get_mut(place)?;
                field.fill(ebcdic::BLANK);
                field.get_mut(..text.len())?.copy_from_slice(&text);
            }
        }
        out.extend_from_slice(&bytes);
        Some(())
    }

    /// What a section has after its known bytes.
    pub(super) fn tail(&self, index: usize, known: usize) -> &[u8] {
        let section = Record::parse(&self.bytes).ok().and_then(|r| r.section(index));
        section.and_then(|s| s.get(known..)).unwrap_or_default()
    }

    /// Number of triplets.
    pub(super) fn triplets(&self) -> usize {
        Record::parse(&self.bytes).map_or(0, |r| r.triplets().len())
    }

    /// The sections of a triplet that no layout has: their number and bytes.
    pub(super) fn unknown(&self, index: usize) -> (usize, &[u8]) {
        let Ok(record) = Record::parse(&self.bytes) else { return (0, &[]) };
        let Some(triplet) = record.triplet(index) else { return (0, &[]) };
        let end = triplet.offset.saturating_add(triplet.length.saturating_mul(triplet.number));
        self.bytes.get(triplet.offset..end).map_or((0, &[]), |bytes| (triplet.number, bytes))
    }
}
