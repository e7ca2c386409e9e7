//! Bytes that can be read from any place, so that a reader may forget what it has read and
//! read it again: files that are open only while they are read, parts of a file that many
//! share, and a temporary file for what is decompressed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Bytes that a temporary file may take.
const MAX_SPOOLED: u64 = 64 << 30;

/// A file that many readers share, each with a place of its own.
pub enum Shared {
    /// Open: nobody else can find it.
    Open(Mutex<File>),
    /// Opened for each read, so that thousands need no descriptor each.
    Path(PathBuf),
}

impl Shared {
    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let read = |file: &mut File, out: &mut [u8]| {
            file.seek(SeekFrom::Start(at))?;
            file.read(out)
        };
        match self {
            Self::Open(file) => read(&mut lock(file), out),
            Self::Path(path) => read(&mut File::open(path)?, out),
        }
    }
}

fn lock(file: &Mutex<File>) -> MutexGuard<'_, File> {
    // Each use seeks first, so that one that was broken off does no harm.
    file.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[derive(Clone)]
enum Bytes {
    /// Opened for each read.
    File(PathBuf),
    /// From a place of a shared file on, so many.
    Part(Arc<Shared>, u64, u64),
}

/// A reader that can be set to any place.
#[derive(Clone)]
pub struct Random {
    bytes: Bytes,
    at: u64,
    /// What is said at the end.
    error: Option<Arc<io::Error>>,
}

impl Random {
    /// A whole file, which is opened for each read.
    pub fn file(path: &Path) -> Self {
        Self { bytes: Bytes::File(path.to_owned()), at: 0, error: None }
    }

    /// A part of a file.
    pub fn part(file: Arc<Shared>, start: u64, length: u64) -> Self {
        Self { bytes: Bytes::Part(file, start, length), at: 0, error: None }
    }

    /// The same, which ends with what ended the reading before.
    pub fn ending(mut self, error: Option<io::Error>) -> Self {
        self.error = error.map(Arc::new);
        self
    }

    /// The shared file that it is a part of, and from where how much.
    pub fn place(&self) -> Option<(Arc<Shared>, u64, u64)> {
        match &self.bytes {
            Bytes::File(_) => None,
            Bytes::Part(file, start, length) => Some((Arc::clone(file), *start, *length)),
        }
    }

    /// Sets the place of the next read.
    pub fn set(&mut self, at: u64) {
        self.at = at;
    }
}

impl Read for Random {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = match &self.bytes {
            Bytes::File(path) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(self.at))?;
                file.read(out)?
            }
            Bytes::Part(shared, start, length) => {
                let left = usize::try_from(length.saturating_sub(self.at)).unwrap_or(usize::MAX);
                let most = left.min(out.len());
                if most == 0 {
                    return match &self.error {
                        Some(error) if left == 0 => {
                            Err(io::Error::new(error.kind(), error.to_string()))
                        }
                        _ => Ok(0),
                    };
                }
                let out = out.get_mut(..most).unwrap_or_default();
                shared.read_at(start.saturating_add(self.at), out)?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Random {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = match &self.bytes {
            Bytes::File(path) => std::fs::metadata(path)?.len(),
            Bytes::Part(_, _, length) => *length,
        };
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A temporary file without a name, which holds what cannot be read from any place
/// otherwise.
#[derive(Default)]
pub struct Spool {
    file: Option<Arc<Shared>>,
    end: u64,
}

impl Spool {
    /// Copies all that a reader gives to the end of the file; returns where it lies, and
    /// what ended the reading before the end.
    ///
    /// # Errors
    /// What the operating system says, also if the directory for temporary files is full,
    /// or if it is more than 64 GiB.
    pub fn keep(&mut self, reader: &mut dyn Read) -> io::Result<Random> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = Arc::new(Shared::Open(Mutex::new(tempfile::tempfile()?)));
                Arc::clone(self.file.insert(file))
            }
        };
        let start = self.end;
        let mut block = vec![0; 128 * 1024];
        let mut ended = None;
        loop {
            let read = match reader.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    ended = Some(error);
                    break;
                }
            };
            if self.end + read as u64 > MAX_SPOOLED {
                return Err(io::Error::other(
                    "more than 64 GiB would be decompressed into a temporary file; decompress it \
                     first",
                ));
            }
            if let Shared::Open(file) = &*file {
                let mut file = lock(file);
                file.seek(SeekFrom::Start(self.end))?;
                file.write_all(block.get(..read).unwrap_or_default())?;
            }
            self.end += read as u64;
        }
        Ok(Random::part(file, start, self.end - start).ending(ended))
    }
}
