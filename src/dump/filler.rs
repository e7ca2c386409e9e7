//! Filler: what fills records, blocks or cards up to a length, and line ends that a transfer
//! added. It may stand before, between and after records.

/// Bytes of descriptor words before a record's flags, which never look like filler.
const MOST_BEFORE: usize = 8;
/// So much filler in a row is believed without what follows it.
const LONG: usize = 8;

/// Whether a byte may be filler: zero, blanks of EBCDIC and ASCII, line ends of both, ones,
/// and the end of file of DOS.
pub(super) fn is_filler(byte: u8) -> bool {
    matches!(byte, 0 | 0x40 | 0x20 | 0x0A | 0x0D | 0x15 | 0x25 | 0xFF | 0x1A)
}

/// What stands at a place where a record should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// So many bytes of filler, behind which a record begins or the file ends.
    Filler(usize),
    /// Filler to the end of what was looked at.
    Longer,
    /// Something else, or filler of so many bytes that no record follows.
    Other(usize),
}

/// Looks whether filler stands here; `begins` says whether a record or a block does.
pub(super) fn look(ahead: &[u8], whole: bool, begins: impl Fn(&[u8]) -> bool) -> Found {
    let run = ahead.iter().take_while(|byte| is_filler(**byte)).count();
    if run == ahead.len() {
        return if whole { Found::Filler(run) } else { Found::Longer };
    }
    // Descriptor words may begin with what looks like filler, or be it.
    let first = run.saturating_sub(MOST_BEFORE).max(1);
    let record = (first..=run).find(|at| ahead.get(*at..).is_some_and(&begins));
    record.map_or(Found::Other(run), Found::Filler)
}

/// Whether filler begins here that is believed: to the end, before what `begins` knows, or
/// so long that it is nothing else.
pub(super) fn follows(ahead: &[u8], begins: impl Fn(&[u8]) -> bool) -> bool {
    let run = ahead.iter().take(LONG).take_while(|byte| is_filler(**byte)).count();
    let behind = |at: &usize| ahead.get(*at..).is_some_and(&begins);
    run == LONG || run > 0 && (run == ahead.len() || (1..=run).any(|at| behind(&at)))
}

/// How much filler there was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    places: u64,
    bytes: u64,
    /// Where the first was.
    first: u64,
}

impl Count {
    pub fn add(&mut self, offset: u64, bytes: u64) {
        if self.places == 0 {
            self.first = offset;
        }
        self.places += 1;
        self.bytes += bytes;
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is told of it at the end.
    pub fn note(&self) -> Option<String> {
        let places = if self.places == 1 { "place" } else { "places" };
        (self.places > 0).then(|| {
            format!(
                "{} bytes of filler in {} {places} between or after records passed over, the first at offset {}",
                self.bytes, self.places, self.first
            )
        })
    }
}
