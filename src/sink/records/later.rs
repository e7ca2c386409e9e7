//! Bytes that no field is known for: what a later release has added.

use crate::record::Record;
use crate::record::view::Part;

/// Where the triplets begin, behind their number.
const TRIPLETS: usize = 24;
/// Bytes of a triplet.
const TRIPLET: usize = 8;

/// Counts records with such bytes.
#[derive(Debug, Default)]
pub struct LaterBytes {
    /// Records that have them.
    pub records: u64,
    /// Subtype and triplets of the last record, and whether it has them: most records have
    /// the sections of the one before.
    last: (Option<u16>, Vec<u8>, bool),
}

impl LaterBytes {
    /// Looks at a record.
    pub fn look(&mut self, record: &Record<'_>) {
        let end = TRIPLETS + 4 + TRIPLET * record.triplets().len();
        let triplets = record.bytes().get(TRIPLETS..end).unwrap_or_default();
        let (subtype, known, has) = &mut self.last;
        if *subtype != record.subtype() || known != triplets {
            *subtype = record.subtype();
            known.clear();
            known.extend_from_slice(triplets);
            let is_later = |part: &Part<'_>| part.section.is_none() || !part.unknown().is_empty();
            *has = record.parts().iter().any(is_later);
        }
        self.records += u64::from(*has);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Detail, Summary};

    #[test]
    fn longer_sections_and_more_triplets_are_counted() {
        let (mut detail, mut summary) = (Vec::new(), Vec::new());
        Detail::default().encode(&mut detail);
        Summary::default().encode(&mut summary);
        // The last bytes of the identification section belong to the one behind it.
        let mut longer = detail.clone();
        longer[33] += 8;
        let mut later = LaterBytes::default();
        let mut count = |bytes: &[u8]| {
            later.look(&Record::parse(bytes).expect("a record"));
            later.records
        };
        assert_eq!(
            [&detail, &longer, &longer, &summary, &detail].map(|b| count(b)),
            [0, 1, 2, 2, 2]
        );
    }
}
