//! Records that have lost their descriptor words: behind a length of their own, or without
//! any.

use std::io;

use super::{Reader, Step, WINDOW};
use crate::dump::{Wrong, filler, unframed};

impl Reader {
    pub(super) fn prefixed(&mut self) -> io::Result<Step> {
        loop {
            let at = self.input.offset();
            let ahead = self.input.want(WINDOW)?;
            let whole = ahead.len() < WINDOW;
            let Some(prefix) = self.prefix.filter(|_| !ahead.is_empty()) else {
                return Ok(Step::End);
            };
            let begins = prefix.begins(ahead);
            if !begins && ahead.first().is_some_and(|byte| filler::is_filler(*byte)) {
                match self.pass_filler(false)? {
                    Some(Some(step)) => return Ok(step),
                    Some(None) => continue,
                    None => {}
                }
            }
            let ahead = self.input.here();
            let Some((begin, end)) = prefix.place(ahead) else {
                return self.resync(Wrong::NoRecord);
            };
            let Some(next) = ahead.get(end..) else {
                let (there, expected) = (ahead.len(), end);
                return self.resync(Wrong::Truncated { there, expected });
            };
            // A header that is unusual is believed where another record follows.
            let follows = next.is_empty() && whole || prefix.begins(next);
            if !begins && !follows {
                return self.resync(Wrong::NoRecord);
            }
            self.set_record(begin, end);
            return Ok(Step::Record(at));
        }
    }

    /// Takes a record without descriptor word, which begins and ends here.
    fn set_record(&mut self, begin: usize, end: usize) {
        let content = self.input.here().get(begin..end).unwrap_or_default();
        let total = u16::try_from(content.len() + 4).unwrap_or(u16::MAX);
        self.record.clear();
        self.record.extend_from_slice(&total.to_be_bytes());
        self.record.extend_from_slice(&[0, 0]);
        self.record.extend_from_slice(content);
        self.input.consume(end);
    }

    pub(super) fn unframed(&mut self) -> io::Result<Step> {
        loop {
            let at = self.input.offset();
            let ahead = self.input.want(WINDOW)?;
            let whole = ahead.len() < WINDOW;
            let Some(first) = ahead.first().copied() else {
                return Ok(Step::End);
            };
            if let Some(length) = unframed::record(ahead, whole) {
                self.set_record(0, length);
                return Ok(Step::Record(at));
            }
            let head = unframed::is_head(ahead);
            if !head && let Some(block) = unframed::block(ahead) {
                self.bare_block = Some((at + 4, block));
                self.input.consume(4);
                continue;
            }
            if let Some((_, block)) = self.bare_block.filter(|(begin, _)| head && *begin == at)
                && let Some(length) = unframed::alone(ahead, block, whole)
            {
                self.set_record(0, length);
                return Ok(Step::Record(at));
            }
            if !head && filler::is_filler(first) {
                match self.pass_filler(false)? {
                    Some(Some(step)) => return Ok(step),
                    Some(None) => continue,
                    None => {}
                }
            }
            let what = match self.input.here() {
                [_, kind, ..] if head => Wrong::NoLength(*kind),
                _ => Wrong::NoRecord,
            };
            return self.resync(what);
        }
    }
}
