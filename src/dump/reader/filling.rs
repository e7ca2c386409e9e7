//! Filler between records, in and behind blocks.

use std::io;

use super::{Block, Form, Reader, Step, WINDOW};
use crate::dump::Wrong;
use crate::dump::filler::{self, Found};
use crate::dump::header::{self, Descriptor, HEAD, MAX_RECORD, Segment};
use crate::dump::probe::{begins, begins_block};
use crate::dump::unframed;

impl Reader {
    /// Passes over filler, if that is what stands here: `None` if not.
    pub(super) fn pass_filler(&mut self, blocked: bool) -> io::Result<Option<Option<Step>>> {
        let start = self.input.offset();
        if start < self.no_filler {
            return Ok(None);
        }
        let (form, prefix) = (self.form, self.prefix);
        let starts = |bytes: &[u8]| match form {
            Form::Prefixed => prefix.is_some_and(|prefix| prefix.begins(bytes)),
            Form::Unframed => unframed::is_head(bytes) || unframed::block(bytes).is_some(),
            _ => begins(bytes) || blocked && begins_block(bytes),
        };
        loop {
            let ahead = self.input.want(WINDOW)?;
            let whole = ahead.len() < WINDOW;
            match filler::look(ahead, whole, starts) {
                Found::Filler(n) => {
                    self.input.consume(n);
                    let all = self.input.offset() - start;
                    self.filler.add(start, all);
                    return Ok(Some(None));
                }
                Found::Longer => {
                    let n = ahead.len() - 2 * HEAD;
                    self.input.consume(n);
                }
                Found::Other(run) if self.input.offset() == start => {
                    self.no_filler = start + run as u64;
                    return Ok(None);
                }
                Found::Other(_) => {
                    return self.resync_from(start, Wrong::NoRecord).map(|step| Some(Some(step)));
                }
            }
        }
    }

    /// Whether what comes next may be filler: it looks like it, and like no descriptor word
    /// that is to be believed.
    pub(super) fn may_be_filler(&mut self, opens: bool) -> io::Result<bool> {
        let (blocked, spanned) = (self.form == Form::Blocked, self.spanned.is_some());
        let ahead = self.input.want(4 + HEAD)?;
        let word = header::word(ahead);
        let descriptor = if opens {
            // Of a block with what may be the first record in it.
            let first = ahead.get(4..).and_then(header::word).and_then(Descriptor::read);
            let length = word.and_then(header::block);
            first.filter(|first| length.is_some_and(|length| first.length + 4 <= length))
        } else {
            word.and_then(Descriptor::read)
        };
        let believed = descriptor.is_some_and(|descriptor| match descriptor.segment {
            _ if blocked => true,
            Segment::Whole | Segment::First => begins(ahead),
            Segment::Middle | Segment::Last => spanned,
        });
        Ok(!believed && ahead.first().is_some_and(|byte| filler::is_filler(*byte)))
    }

    /// Filler to the end of a block.
    pub(super) fn fills_block(&mut self, at: u64) -> io::Result<bool> {
        let Block::Until(end) = self.block else { return Ok(false) };
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        if left == 0 || left > MAX_RECORD || at < self.no_filler {
            return Ok(false);
        }
        let ahead = self.input.want(left)?;
        let rest_of_block = ahead.get(..left.min(ahead.len())).unwrap_or_default();
        let run = rest_of_block.iter().take_while(|b| filler::is_filler(**b)).count();
        if run < rest_of_block.len() || run == 0 {
            return Ok(false);
        }
        self.filler.add(at, run as u64);
        self.input.consume(run);
        Ok(true)
    }
}
