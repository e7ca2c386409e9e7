//! Bytes of one file, or of a member of an archive: buffered, decompressed, with the offset
//! known. Captures and SMF files are read through it.

mod container;
mod random;
mod readahead;
mod tar;
mod terse;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use random::Random;
use readahead::ReadAhead;
use terse::Terse;

pub use container::{Contents, Member, left_out_notes};
pub use random::Spool;

/// Bytes asked from the operating system at once, unless the reader says another number:
/// what stays in a core's second-level cache.
const BLOCK: usize = 512 * 1024;

/// Bytes that an input of many reads at once, and may keep.
const SMALL_BLOCK: usize = 8 * 1024;
/// Layers of compression that are looked through.
const MAX_LAYERS: usize = 4;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// What decoders have to say of a file that can be read all the same.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: String) {
        if let Ok(mut notes) = self.0.lock() {
            notes.push(note);
        }
    }
}

/// Where the bytes come from.
enum Source {
    /// Once, in order.
    Stream(Box<dyn Read + Send>),
    /// From any place.
    Random(Random),
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stream(reader) => reader.read(out),
            Self::Random(reader) => reader.read(out),
        }
    }
}

/// A buffered reader that shows what lies ahead.
pub struct Input {
    file: PathBuf,
    reader: Source,
    buffer: Vec<u8>,
    /// Bytes asked for at once.
    block: usize,
    start: usize,
    end: usize,
    /// Offset in the stream of `buffer[start]`.
    offset: u64,
    work: u64,
    /// Bytes that cannot be had: the end, or an error that was met.
    finished: Option<Option<io::Error>>,
    notes: Notes,
}

impl Input {
    /// Opens a file, or standard input for `-`, and looks through compression.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::plain(path)?.look_through()
    }

    fn plain(path: &Path) -> io::Result<Self> {
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path)?)
        };
        Ok(Self::new(path, raw))
    }

    /// Looks through compression, gzip and zstd, and TERSE, unpacked on a thread of its own.
    ///
    /// # Errors
    /// What the operating system says, or if it is packed in a form that is not read.
    pub fn look_through(self) -> io::Result<Self> {
        self.layers(ReadAhead::new)
    }

    /// Looks through all layers of compression, the outermost of which are decompressed
    /// ahead.
    fn layers(mut self, ahead: impl Fn(Box<dyn Read + Send>) -> ReadAhead) -> io::Result<Self> {
        for _ in 0..MAX_LAYERS {
            let path = self.file.clone();
            let notes = self.notes.clone();
            let head = self.want(terse::HEAD)?;
            let reader: Box<dyn Read + Send> = if head.starts_with(&GZIP_MAGIC) {
                Box::new(flate2::read::MultiGzDecoder::new(self))
            } else if head.starts_with(&ZSTD_MAGIC) {
                Box::new(zstd::stream::read::Decoder::new(self)?)
            } else if let Some(header) = terse::recognise(head)? {
                Box::new(Terse::new(self, header, notes.clone()))
            } else {
                break;
            };
            self = Self { notes, ..Self::new(&path, Box::new(ahead(reader))) };
        }
        Ok(self)
    }

    /// Reads from what is open already; `path` is the name in messages.
    pub fn new(path: &Path, reader: Box<dyn Read + Send>) -> Self {
        Self {
            file: path.to_owned(),
            reader: Source::Stream(reader),
            buffer: Vec::new(),
            block: BLOCK,
            start: 0,
            end: 0,
            offset: 0,
            work: 0,
            finished: None,
            notes: Notes::default(),
        }
    }

    /// Reads from any place, with a small buffer: one input of thousands.
    fn random(path: &Path, reader: Random) -> Self {
        let unused = Self::new(path, Box::new(io::empty()));
        Self { reader: Source::Random(reader), block: SMALL_BLOCK, ..unused }
    }

    /// The same, asking the operating system for so many bytes at once.
    fn by(mut self, block: usize) -> Self {
        self.block = block;
        self
    }

    /// The next bytes: at least `n`, fewer only at the end of the input.
    ///
    /// # Errors
    /// A read error, once everything that was read before it is consumed.
    pub fn want(&mut self, n: usize) -> io::Result<&[u8]> {
        self.work += 1;
        self.read_to(n);
        if self.start == self.end
            && let Some(error) = self.finished.as_mut().and_then(Option::take)
        {
            return Err(error);
        }
        Ok(self.here())
    }

    /// Reads until so many bytes are ahead, if they can be had. An error waits for
    /// [`Self::want`], which shows it once what is ahead is consumed.
    pub fn read_to(&mut self, n: usize) {
        while self.end - self.start < n && self.finished.is_none() {
            self.fill(n);
        }
    }

    fn fill(&mut self, n: usize) {
        let ahead = self.ahead();
        // Moved is never more than was consumed since the last time, so that looking far
        // ahead again and again costs no more than reading.
        if self.start > 0 && self.start >= ahead {
            self.buffer.copy_within(self.start..self.end, 0);
            self.work += ahead as u64;
            (self.start, self.end) = (0, ahead);
        }
        // Nor are a few bytes asked for at a time.
        let size = (self.start + n).next_multiple_of(self.block.max(1));
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.reader.read(room) {
            Ok(0) => self.finished = Some(None),
            Ok(read) => {
                self.end += read;
                self.work += read as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => self.finished = Some(Some(e)),
        }
    }

    /// Passes over bytes that [`Self::want`] has shown.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }

    /// Place of the next byte in the buffer. What was consumed stays in its place until
    /// [`Self::want`] has to read.
    pub fn position(&self) -> usize {
        self.start
    }

    /// What [`Self::want`] would show without reading.
    pub fn here(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Bytes that were read and not consumed.
    pub fn ahead(&self) -> usize {
        self.end - self.start
    }

    /// Exchanges the buffer, with all that was consumed in it, for another, to which only
    /// what is ahead is copied.
    pub fn hand_over(&mut self, other: &mut Vec<u8>) {
        let ahead = self.ahead();
        // One packet may have made it longer than others need.
        other.truncate(self.block.max(ahead));
        if other.len() < ahead {
            other.resize(ahead.max(self.block), 0);
        }
        if let (Some(to), Some(from)) =
            (other.get_mut(..ahead), self.buffer.get(self.start..self.end))
        {
            to.copy_from_slice(from);
        }
        self.work += ahead as u64;
        std::mem::swap(&mut self.buffer, other);
        (self.start, self.end) = (0, ahead);
    }

    /// Gives back the memory of what is ahead, where it can be read again and is more than
    /// one of many inputs should keep.
    pub fn release(&mut self) {
        if let Source::Random(reader) = &mut self.reader
            && self.buffer.len() > 2 * SMALL_BLOCK
        {
            reader.set(self.offset);
            self.buffer = Vec::new();
            (self.start, self.end, self.finished) = (0, 0, None);
        }
    }

    /// Whether it is one of many, with a small buffer.
    pub fn is_small(&self) -> bool {
        matches!(self.reader, Source::Random(_))
    }

    /// Asks the operating system for so many bytes at once, but not for few.
    pub fn read_by(&mut self, bytes: usize) {
        self.block = bytes.max(BLOCK);
    }

    /// What reading has cost so far: bytes that were read and moved, and how often something
    /// was looked for. It grows as the input does, whatever the input holds.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Adds steps that were done on bytes which are ahead.
    pub fn add_work(&mut self, steps: usize) {
        self.work += steps as u64;
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What there is to say of a file that could be read all the same, once it has ended.
    pub fn notes(&self) -> Vec<String> {
        self.notes.0.lock().map(|notes| notes.clone()).unwrap_or_default()
    }

    /// The file's path.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("file", &self.file)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ahead = self.want(1)?;
        let n = ahead.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), ahead.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}
