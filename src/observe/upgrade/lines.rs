//! Lines out of a stream of chunks.

/// The longest line that is kept; of a longer one only the beginning is.
const MAX_LINE: usize = 1024;

/// A line without its end, and the offset in the chunk after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub text: Vec<u8>,
    pub after: usize,
}

/// Puts lines together.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Vec<u8>,
    /// The beginning of the line was lost.
    headless: bool,
}

impl Lines {
    /// Takes the next line out of `bytes` from `from` on; `None` when its end
    /// has not come.
    pub fn next(&mut self, bytes: &[u8], from: usize) -> Option<Line> {
        self.until(b'\n', bytes, from)
    }

    /// The same for what another byte ends.
    pub fn until(&mut self, last: u8, bytes: &[u8], from: usize) -> Option<Line> {
        let mut from = from;
        loop {
            let rest = bytes.get(from..)?;
            let end = rest.iter().position(|&b| b == last);
            let room = MAX_LINE.saturating_sub(self.kept.len());
            let piece = rest.iter().take(end.unwrap_or(rest.len()).min(room));
            self.kept.extend(piece);
            let after = from + end? + 1;
            let mut text = std::mem::take(&mut self.kept);
            if text.last() == Some(&b'\r') {
                text.pop();
            }
            if !std::mem::take(&mut self.headless) {
                return Some(Line { text, after });
            }
            from = after;
        }
    }

    /// Bytes are missing: the line under way is lost.
    pub fn hole(&mut self) {
        self.kept.clear();
        self.headless = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_span_chunks_and_share_them() {
        let mut lines = Lines::default();
        assert_eq!(lines.next(b"AB", 0), None);
        let chunk = b"C\r\nD\nE";
        let first = lines.next(chunk, 0).expect("a line");
        assert_eq!((&first.text[..], first.after), (&b"ABC"[..], 3));
        let second = lines.next(chunk, 3).expect("a line");
        assert_eq!((&second.text[..], second.after), (&b"D"[..], 5));
        assert_eq!(lines.next(chunk, 5), None);
        lines.hole();
        assert_eq!(lines.next(b"F\nG\n", 0).map(|l| l.text), Some(b"G".to_vec()));
    }

    #[test]
    fn a_line_is_kept_up_to_a_bound() {
        let mut lines = Lines::default();
        for _ in 0..10 {
            assert_eq!(lines.next(&[b'x'; 1000], 0), None);
            assert!(lines.kept.len() <= MAX_LINE);
        }
        assert_eq!(lines.next(b"\n", 0).map(|l| l.text.len()), Some(MAX_LINE));
    }
}
