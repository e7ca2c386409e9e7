//! What stands in a file: itself, or the members of an archive, which may be archives
//! again. Each [`Member`] can be opened on its own and again, so that thousands of them
//! need neither a descriptor each nor much memory.
//!
//! Read are gzip and zstd in any order, zip (stored, deflated, zstd) and tar (v7, ustar,
//! pax, GNU long names). An archive inside of something compressed is copied into a
//! temporary file first. Sources: RFC 1952, RFC 8878, APPNOTE.TXT 6.3.10, POSIX.1-2017
//! pax.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use zip::{CompressionMethod, ZipArchive};

use super::random::{Random, Shared, Spool};
use super::{Input, ReadAhead, tar, terse};

const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";
/// An archive without members begins with its end.
const ZIP_EMPTY: [u8; 4] = *b"PK\x05\x06";
/// Members of an archive, and of all archives in it, that are read.
const MAX_MEMBERS: usize = 10_000;
/// Archives inside of each other.
const MAX_DEPTH: usize = 4;
/// Bytes in which an archive is recognised.
const HEAD: usize = 512;

/// What holds bytes that can be read.
#[derive(Clone)]
enum Holder {
    /// A file, from its beginning to its end.
    File(PathBuf),
    /// A part of an open file, and how it is compressed.
    Part(Arc<Shared>, u64, u64, CompressionMethod),
}

/// A file, or a member of an archive.
pub struct Member {
    name: PathBuf,
    holder: Holder,
    /// What was opened to look at and cannot be opened again: standard input, a pipe.
    open: Mutex<Option<Input>>,
}

/// What a file holds.
#[derive(Default)]
pub struct Contents {
    /// What can be read, in the order of the archive.
    pub members: Vec<Member>,
    /// Members that cannot be read, and why.
    pub left_out: Vec<(PathBuf, String)>,
    /// Whether the file is an archive.
    pub archive: bool,
}

impl Contents {
    /// Looks what is in a file, or in standard input for `-`. An archive that is compressed
    /// as a whole is decompressed into the temporary file.
    ///
    /// # Errors
    /// What the operating system says, or if an archive cannot be read.
    pub fn of(path: &Path, spool: &mut Spool) -> io::Result<Self> {
        let mut contents = Self::default();
        let stream = path == Path::new("-") || !std::fs::metadata(path)?.is_file();
        let holder = Holder::File(path.to_owned());
        contents.add(path.to_owned(), holder, stream, 0, spool)?;
        Ok(contents)
    }

    fn add(
        &mut self,
        name: PathBuf,
        holder: Holder,
        once: bool,
        depth: usize,
        spool: &mut Spool,
    ) -> io::Result<()> {
        let mut input = holder.plain(&name)?.by(HEAD * 128);
        let compressed = compressed(input.want(terse::HEAD)?);
        input = input.layers(ReadAhead::new)?;
        let head = input.want(HEAD)?;
        let zip = head.starts_with(&ZIP_MAGIC) || head.starts_with(&ZIP_EMPTY);
        if !zip && !tar::matches(head) {
            let open = Mutex::new(once.then_some(input));
            self.members.push(Member { name, holder, open });
            return Ok(());
        }
        self.archive = true;
        if depth == MAX_DEPTH {
            self.left_out.push((name, format!("an archive in {MAX_DEPTH} others is not read")));
            return Ok(());
        }
        let (file, start, length) = match &holder {
            Holder::File(path) if !once && !compressed => {
                let length = std::fs::metadata(path)?.len();
                (Arc::new(Shared::Path(path.clone())), 0, length)
            }
            Holder::Part(file, at, length, CompressionMethod::Stored) if !compressed => {
                (Arc::clone(file), *at, *length)
            }
            _ => {
                let kept = spool.keep(&mut input)?;
                kept.place().ok_or(io::ErrorKind::InvalidInput)?
            }
        };
        if zip {
            self.zip(&name, &file, (start, length), depth, spool)
        } else {
            let mut members = tar::Members::new(Random::part(Arc::clone(&file), start, length));
            while let Some(entry) = members.next()? {
                let inner = inside(&name, &entry.name);
                if self.full(&name) {
                    return Ok(());
                }
                if !entry.contiguous {
                    self.left_out.push((inner, "a sparse file is not read".to_owned()));
                    continue;
                }
                let part = (start + entry.at, entry.length);
                let stored = CompressionMethod::Stored;
                let holder = Holder::Part(Arc::clone(&file), part.0, part.1, stored);
                self.inner(inner, holder, depth, spool);
            }
            Ok(())
        }
    }

    /// Adds the members of a zip archive in a part of a file.
    fn zip(
        &mut self,
        name: &Path,
        file: &Arc<Shared>,
        (start, length): (u64, u64),
        depth: usize,
        spool: &mut Spool,
    ) -> io::Result<()> {
        let said = |error: zip::result::ZipError| io::Error::other(format!("zip archive: {error}"));
        let part = Random::part(Arc::clone(file), start, length);
        let mut archive = ZipArchive::new(part).map_err(said)?;
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index).map_err(said)?;
            if member.is_dir() {
                continue;
            }
            if self.full(name) {
                break;
            }
            let inner = inside(name, &member.name().map_err(said)?);
            let why = match (member.encrypted(), member.compression()) {
                (true, _) => Some("it is encrypted".to_owned()),
                (
                    _,
                    CompressionMethod::Stored
                    | CompressionMethod::Deflated
                    | CompressionMethod::ZSTD,
                ) => None,
                (_, other) => {
                    Some(format!("it is compressed by {other}, expected stored, deflate or zstd"))
                }
            };
            match (why, member.data_start()) {
                (Some(why), _) => self.left_out.push((inner, why)),
                (None, None) => self.left_out.push((inner, "it has no data".to_owned())),
                (None, Some(at)) => {
                    let size = member.compressed_size();
                    let how = member.compression();
                    drop(member);
                    let holder = Holder::Part(Arc::clone(file), start + at, size, how);
                    self.inner(inner, holder, depth, spool);
                }
            }
        }
        Ok(())
    }

    /// Adds a member of an archive; what is wrong with it harms no other.
    fn inner(&mut self, name: PathBuf, holder: Holder, depth: usize, spool: &mut Spool) {
        if let Err(error) = self.add(name.clone(), holder, false, depth + 1, spool) {
            self.left_out.push((name, error.to_string()));
        }
    }

    /// Whether no more members are read; that is told once.
    fn full(&mut self, archive: &Path) -> bool {
        let full = self.members.len() + self.left_out.len() >= MAX_MEMBERS;
        if full {
            let why =
                format!("only the first {MAX_MEMBERS} members are read; unpack it to read all");
            self.left_out.push((archive.to_owned(), why));
        }
        full
    }
}

/// What was left out of a directory or an archive, as notes.
pub fn left_out_notes(holder: &Path, left_out: &[(PathBuf, String)]) -> Vec<String> {
    /// Files that are named.
    const NAMED: usize = 10;
    let named = left_out.iter().take(NAMED);
    let mut notes: Vec<String> =
        named.map(|(path, why)| format!("{}: left out: {why}", path.display())).collect();
    if left_out.len() > NAMED {
        let more = left_out.len() - NAMED;
        notes.push(format!("{}: {more} more files left out", holder.display()));
    }
    notes
}

/// The name of a member in messages.
fn inside(archive: &Path, name: &str) -> PathBuf {
    PathBuf::from(format!("{}({name})", archive.display()))
}

/// Whether bytes begin a compressed stream that is looked through.
fn compressed(head: &[u8]) -> bool {
    head.starts_with(&super::GZIP_MAGIC)
        || head.starts_with(&super::ZSTD_MAGIC)
        || terse::recognise(head).is_ok_and(|header| header.is_some())
}

impl Holder {
    /// Opens it; what an archive has compressed is decompressed.
    fn plain(&self, name: &Path) -> io::Result<Input> {
        let reader: Box<dyn Read + Send> = match self {
            Self::File(path) => return Input::plain(path),
            Self::Part(file, at, length, how) => {
                let part = Random::part(Arc::clone(file), *at, *length);
                match *how {
                    CompressionMethod::Deflated => {
                        Box::new(flate2::read::DeflateDecoder::new(part))
                    }
                    CompressionMethod::ZSTD => Box::new(zstd::stream::read::Decoder::new(part)?),
                    _ => Box::new(part),
                }
            }
        };
        Ok(Input::new(name, reader))
    }
}

impl Member {
    /// Its name in messages: `archive(member)` where it is in one.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Opens it and looks through compression.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(&self) -> io::Result<Input> {
        self.open_with(ReadAhead::new)
    }

    /// Opens it before it is needed: if it is compressed it is decompressed from now on, up
    /// to 64 MiB.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open_before(&self) -> io::Result<Input> {
        self.open_with(ReadAhead::before)
    }

    fn open_with(&self, ahead: fn(Box<dyn Read + Send>) -> ReadAhead) -> io::Result<Input> {
        let opened = self.open.lock().map(|mut open| open.take()).unwrap_or_default();
        match opened {
            Some(input) => Ok(input),
            None => self.holder.plain(&self.name)?.layers(ahead),
        }
    }

    /// Opens it with a small buffer and without a descriptor of its own. What is compressed
    /// is decompressed into a temporary file that all share.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open_small(&self, spool: &mut Spool) -> io::Result<Input> {
        let mut plain = self.holder.plain(&self.name)?.by(HEAD * 128);
        let packed = compressed(plain.want(terse::HEAD)?);
        let random = match &self.holder {
            Holder::File(path) if !packed => Random::file(path),
            Holder::Part(file, at, length, CompressionMethod::Stored) if !packed => {
                Random::part(Arc::clone(file), *at, *length)
            }
            _ => {
                plain = plain.layers(ReadAhead::new)?;
                spool.keep(&mut plain)?
            }
        };
        // What decoders had to say of it is known by now.
        Ok(Input { notes: plain.notes, ..Input::random(&self.name, random) })
    }

    /// Whether it can be opened more than once.
    pub fn reopens(&self) -> bool {
        self.open.lock().is_ok_and(|open| open.is_none())
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}
