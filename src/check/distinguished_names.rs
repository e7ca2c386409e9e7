//! Distinguished names of two records.

use std::collections::BTreeSet;

use super::fields::Comparison;
use super::verdict::{FieldVerdict, Verdict, VerdictReason};
use crate::record::{Record, ebcdic};

/// Distinguished names by their type.
pub(super) fn compare(stack: &Record<'_>, tap: &Record<'_>, found: &mut Comparison) {
    const NAME: &str = "SMF119SC_DN";
    let (here, there) = (stack.names(), tap.names());
    if here == there {
        found.equal.extend(here.iter().map(|_| NAME));
        return;
    }
    let text = |bytes: &[u8]| ebcdic::decode(bytes).trim_end_matches([' ', '\0']).to_owned();
    let kinds: BTreeSet<u16> = here.iter().chain(&there).map(|(kind, _)| *kind).collect();
    for kind in kinds {
        let of = |names: &[(u16, &[u8])]| {
            names.iter().find(|(k, _)| *k == kind).map(|(_, bytes)| text(bytes))
        };
        let (stack, tap) = (of(&here), of(&there));
        let verdict = match (&stack, &tap) {
            (Some(a), Some(b)) if parts_of_name(a) == parts_of_name(b) => Verdict::Equal,
            (Some(_), Some(_)) => Verdict::Contradiction(VerdictReason::Different),
            (None, _) => Verdict::NotObservable(VerdictReason::StackUnknown),
            (_, None) => Verdict::NotObservable(VerdictReason::TapUnknown),
        };
        if verdict == Verdict::Equal {
            found.equal.push(NAME);
        } else {
            let (stack, tap) = (stack.unwrap_or_default(), tap.unwrap_or_default());
            found.others.push(FieldVerdict { field: NAME, verdict, stack, tap });
        }
    }
}

/// The parts of a name, in whatever order, spacing and case they are written.
fn parts_of_name(name: &str) -> BTreeSet<String> {
    name.split(',').map(|part| part.trim().to_ascii_lowercase()).collect()
}
