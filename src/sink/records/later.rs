//! Bytes that no field is known for: what a later release has added.

use crate::record::view::Part;
use crate::record::{Record, SUBTYPE_SUMMARY};

/// Triplets whose sections are remembered; sound records have up to eight.
const TRIPLETS: usize = 16;

/// Counts records with such bytes.
#[derive(Debug, Default)]
pub struct LaterBytes {
    /// Records that have them.
    pub records: u64,
    /// Of each subtype: what was found last.
    last: [Found; 2],
}

/// What was found of the sections of a subtype. It depends on nothing but their number and
/// lengths: nearly always those of the record before.
#[derive(Debug, Default)]
struct Found {
    /// The number of triplets, and whether the self-defining section has such bytes.
    triplets: (usize, bool),
    /// Of each triplet the length of the section, and whether it has such bytes.
    sections: [(usize, bool); TRIPLETS],
}

impl LaterBytes {
    /// Looks at a zERT record.
    pub fn look(&mut self, record: &Record<'_>) {
        let [detail, summary] = &mut self.last;
        let found = if record.subtype() == Some(SUBTYPE_SUMMARY) { summary } else { detail };
        let names = record.names_index();
        let count = record.triplets().len();
        let mut later = count > TRIPLETS;
        if found.triplets.0 != count {
            found.triplets = (count, has_later(record, |part| part.triplet.is_none()));
        }
        later |= found.triplets.1;
        for (index, last) in found.sections.iter_mut().enumerate().take(count) {
            let length = record.section(index).map_or(0, <[u8]>::len);
            if length == 0 || Some(index) == names {
                continue;
            }
            if last.0 != length {
                *last = (length, has_later(record, |part| part.triplet == Some(index)));
            }
            later |= last.1;
        }
        self.records += u64::from(later);
    }
}

/// Whether one of these parts has bytes that no field is known for.
fn has_later(record: &Record<'_>, of: impl Fn(&Part<'_>) -> bool) -> bool {
    let is_later = |part: &Part<'_>| part.section.is_none() || !part.unknown().is_empty();
    record.parts().iter().filter(|part| of(part)).any(is_later)
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
