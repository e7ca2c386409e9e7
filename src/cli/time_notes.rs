//! What is told of time stamps that were not taken as they are.

use crate::sink::jsonl;
use crate::source::{CaptureSet, OddTime};

/// Tells of time stamps that were not taken as they are.
pub(super) fn tell(set: &CaptureSet) {
    let odd = set.odd_times();
    let place = |odd: &OddTime| format!("first {} frame {}", odd.file, odd.frame);
    if let Some(first) = &odd.first_wrong {
        let text = format!(
            "{} packets have time stamps far from those before and after them, and are taken as \
             captured with their neighbours ({}: {}, expected about {})",
            odd.wrong,
            place(first),
            jsonl::time(first.time),
            jsonl::time(first.expected)
        );
        super::notify("warning", &text);
    }
    if let Some(first) = &odd.first_set_back {
        let text = format!(
            "the clock of the time stamps was set back ({} times, {}: from {} to {}); what was \
             under way is timed as if it had not been",
            odd.set_back,
            place(first),
            jsonl::time(first.expected),
            jsonl::time(first.time)
        );
        super::notify("warning", &text);
    }
}
