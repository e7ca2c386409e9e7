//! The text of distinguished names. Few certificates are in most records, and each name
//! is decoded and looked through for escapes: texts that were made are kept.

use hashbrown::HashMap;

use crate::record::{Record, SUBTYPE_SUMMARY};

/// Sets of names that are remembered of a subtype. When there are more, all are forgotten.
const MAX_SETS: usize = 512;
/// Longer sets, in bytes, are not remembered.
const MAX_LENGTH: usize = 2048;

/// Texts of the sets of names of records.
#[derive(Debug, Default)]
pub(super) struct NameTexts {
    /// Of subtype 12, and of others: their fields have other names.
    texts: [HashMap<Vec<u8>, Vec<u8>, foldhash::quality::RandomState>; 2],
}

impl NameTexts {
    /// Appends the text of a record's names, which `make` makes of those that were not met
    /// before. It depends on nothing but the names and the subtype.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        record: &Record<'_>,
        make: impl FnOnce(&mut Vec<u8>, &[(u16, &[u8])]),
    ) {
        let area = record.names_area();
        let [of_summary, others] = &mut self.texts;
        let summary = record.subtype() == Some(SUBTYPE_SUMMARY);
        let texts = if summary { of_summary } else { others };
        if let Some(text) = texts.get(area) {
            out.extend_from_slice(text);
            return;
        }
        let begin = out.len();
        make(out, &record.names());
        if area.len() <= MAX_LENGTH {
            if texts.len() >= MAX_SETS {
                texts.clear();
            }
            texts.insert(area.to_vec(), out.get(begin..).unwrap_or_default().to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Detail, DistinguishedName, Summary};

    #[test]
    fn a_text_is_made_once_for_each_subtype() {
        let name = |n: usize| {
            let name = DistinguishedName { dn_type: 5, name: format!("CN={n}").into() };
            [name].into()
        };
        let mut texts = NameTexts::default();
        let mut made = 0;
        let mut text = |bytes: &[u8]| {
            let record = Record::parse(bytes).expect("a record");
            let mut out = b"before ".to_vec();
            texts.write(&mut out, &record, |out, names| {
                made += 1;
                out.extend_from_slice(format!("{} {names:?}", record.bytes()[23]).as_bytes());
            });
            (String::from_utf8(out).expect("text"), made)
        };
        let (mut detail, mut other, mut summary) = (Vec::new(), Vec::new(), Vec::new());
        Detail { names: name(1), ..Detail::default() }.encode(&mut detail);
        Detail { names: name(2), ..Detail::default() }.encode(&mut other);
        Summary { names: name(1), ..Summary::default() }.encode(&mut summary);
        let (first, _) = text(&detail);
        assert!(first.starts_with("before 11 [(5, "), "{first}");
        assert_eq!(text(&detail), (first.clone(), 1));
        assert_ne!(text(&other).0, first);
        let (of_summary, made) = text(&summary);
        assert!(of_summary.starts_with("before 12 ") && made == 3, "{of_summary}");
        for n in 0..2 * MAX_SETS {
            let mut bytes = Vec::new();
            Detail { names: name(n), ..Detail::default() }.encode(&mut bytes);
            text(&bytes);
        }
        assert!(texts.texts.iter().all(|texts| texts.len() <= MAX_SETS));
    }
}
