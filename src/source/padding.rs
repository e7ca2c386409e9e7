//! Zeros behind the last packet of a capture: what fills the last record of a data set of
//! fixed-length records (z/OS keeps 80 bytes), or the last block.

use super::reader::begins_capture;
use crate::input::Input;

/// More zeros than this are no padding.
const LONGEST: usize = 64 * 1024;

/// Tells padding from records of zeros.
#[derive(Debug, Default)]
pub(super) struct Padding {
    /// Zeros before this offset are none: nothing ends behind them. So each byte is looked
    /// at once, however many records of zeros there are.
    none_before: u64,
}

impl Padding {
    /// Consumes the zeros that come next, if they reach to the end of the input or to the
    /// beginning of another capture; whether they do.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn consume(&mut self, input: &mut Input) -> std::io::Result<bool> {
        if input.offset() < self.none_before {
            return Ok(false);
        }
        let bytes = input.want(LONGEST)?;
        let whole = bytes.len() < LONGEST;
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        let behind = bytes.get(zeros..).unwrap_or_default();
        let ends = if behind.is_empty() { whole } else { begins_capture(behind) };
        input.add_work(zeros);
        if ends {
            input.consume(zeros);
        } else {
            self.none_before = input.offset() + zeros as u64;
        }
        Ok(ends)
    }
}
