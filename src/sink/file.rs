//! Output files that are whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::claim::Claim;
pub use super::place::{directory, left_behind};
use super::place::{put, refuse_links, temporary};
use crate::dump::WriteError;

/// Why an output file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It is there already.
    #[error("{}: exists already; --force overwrites it", .0.display())]
    Exists(PathBuf),
    /// Another process writes it, or this one twice.
    #[error("{}: {} writes it already; give another name, or end that", file.display(), writer(*holder))]
    Held {
        /// The file.
        file: PathBuf,
        /// The number of the process, where it is known.
        holder: Option<u32>,
    },
    /// It has appeared since it was looked for.
    #[error("{}: has appeared meanwhile and was left as it is; what was written is in {}", file.display(), kept.display())]
    Appeared {
        /// The file.
        file: PathBuf,
        /// The name that the output has instead.
        kept: PathBuf,
    },
    /// The operating system said no.
    #[error("{}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The operating system said no in the middle; what was whole is kept.
    #[error("{}: {error}; the file holds what was complete: {kept} bytes", file.display())]
    Cut {
        /// The file.
        file: PathBuf,
        /// What it said.
        error: io::Error,
        /// Bytes that are kept.
        kept: u64,
    },
    /// A record does not go into the form of the file.
    #[error("{}: {error}", file.display())]
    Record {
        /// The file.
        file: PathBuf,
        /// Why.
        error: WriteError,
    },
    /// A name for each of several files cannot be made.
    #[error("{0}")]
    Name(String),
    /// Somebody else may have made the link to lead us astray.
    #[error("{}: a symbolic link in a directory that everybody may write; give what it leads to", .0.display())]
    Link(PathBuf),
}

/// A file that is written beside its place and put there when it is complete.
/// Until then, and if it never is, what was there before stays; but if writing
/// fails, what was whole by then is kept.
#[derive(Debug)]
pub struct OutputFile {
    destination: Option<Destination>,
    /// What is not written yet, and where in it each whole unit ends.
    buffer: Vec<u8>,
    ends: Vec<usize>,
    /// Bytes written, all of whole units.
    written: u64,
    path: PathBuf,
    temporary: Option<PathBuf>,
    /// Whether it is a file that has its name already.
    readable: bool,
    sync: bool,
    /// Whether what has the name may be replaced.
    force: bool,
    /// Nobody else writes the name until this is dropped.
    claim: Option<Claim>,
}

#[derive(Debug)]
enum Destination {
    File(File),
    Stdout(io::Stdout),
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(f) => f.write(bytes),
            Self::Stdout(s) => s.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(f) => f.flush(),
            Self::Stdout(s) => s.flush(),
        }
    }
}

const BUFFER: usize = 256 * 1024;

impl OutputFile {
    /// Starts a file; `-` is standard output. Devices and pipes are written
    /// directly.
    ///
    /// # Errors
    /// If the file exists and `force` is not set, or cannot be created.
    pub fn create(path: &Path, force: bool) -> Result<Self, OutputError> {
        let io_error = |error| OutputError::Io { file: path.to_owned(), error };
        let start = |destination, temporary| Self {
            destination: Some(destination),
            buffer: Vec::with_capacity(BUFFER),
            ends: Vec::new(),
            written: 0,
            path: path.to_owned(),
            temporary,
            readable: false,
            sync: false,
            force,
            claim: None,
        };
        if path == Path::new("-") {
            return Ok(start(Destination::Stdout(io::stdout()), None));
        }
        refuse_links(path)?;
        match fs::metadata(path) {
            Ok(there) if there.is_file() => {
                if !force {
                    return Err(OutputError::Exists(path.to_owned()));
                }
            }
            Ok(there) if there.is_dir() => {
                return Err(io_error(io::Error::from(io::ErrorKind::IsADirectory)));
            }
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(path).map_err(io_error)?;
                return Ok(start(Destination::File(file), None));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(io_error(e)),
        }
        let claim = Claim::take(path)?;
        let (file, temporary) = temporary(path).map_err(io_error)?;
        let mut output = start(Destination::File(file), Some(temporary));
        output.claim = claim;
        Ok(output)
    }

    /// Starts a file that has its name from the beginning, so that others can read
    /// along; otherwise like [`OutputFile::create`].
    ///
    /// # Errors
    /// If the file exists and `force` is not set, or cannot be created.
    pub fn create_readable(path: &Path, force: bool) -> Result<Self, OutputError> {
        let regular = path != Path::new("-") && fs::metadata(path).is_ok_and(|m| m.is_file());
        let anew = path != Path::new("-") && fs::metadata(path).is_err();
        if regular && !force {
            return Err(OutputError::Exists(path.to_owned()));
        }
        if !regular && !anew {
            return Self::create(path, force);
        }
        refuse_links(path)?;
        // Before anything of it is taken away.
        let claim = Claim::take(path)?;
        let mut options = OpenOptions::new();
        options.write(true);
        let options = if anew { options.create_new(true) } else { options.truncate(true) };
        Self::opened(path, options, 0, claim)
    }

    /// Goes on at the end of a file, or starts it.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn append(path: &Path) -> Result<Self, OutputError> {
        refuse_links(path)?;
        let length = fs::metadata(path).map_or(0, |m| m.len());
        let claim = Claim::take(path)?;
        Self::opened(path, OpenOptions::new().append(true).create(true), length, claim)
    }

    fn opened(
        path: &Path,
        options: &OpenOptions,
        written: u64,
        claim: Option<Claim>,
    ) -> Result<Self, OutputError> {
        let file = options.open(path).map_err(|error| match error.kind() {
            // It was not there a moment ago.
            io::ErrorKind::AlreadyExists => OutputError::Exists(path.to_owned()),
            _ => OutputError::Io { file: path.to_owned(), error },
        })?;
        Ok(Self {
            destination: Some(Destination::File(file)),
            buffer: Vec::new(),
            ends: Vec::new(),
            written,
            path: path.to_owned(),
            temporary: None,
            readable: true,
            sync: false,
            force: false,
            claim,
        })
    }

    /// Waits at the end until everything is on the disk.
    #[must_use]
    pub fn synced(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// The name it was created with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes that belong together: a record, a block, a line.
    ///
    /// # Errors
    /// What the operating system says, with the file's name.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.buffer.extend_from_slice(bytes);
        self.ends.push(self.buffer.len());
        if self.buffer.len() >= BUFFER {
            self.flush_buffer().map_err(|error| self.cut(error))?;
        }
        Ok(())
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        let Some(destination) = &mut self.destination else { return Ok(()) };
        destination.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.ends.clear();
        destination.flush()
    }

    /// Writing has failed: keeps what is whole, under the file's name.
    fn cut(&mut self, error: io::Error) -> OutputError {
        let file = self.path.clone();
        let temporary = self.temporary.take();
        let Some(Destination::File(there)) = self.destination.take() else {
            return OutputError::Io { file, error };
        };
        if temporary.is_none() && !self.readable {
            return OutputError::Io { file, error };
        }
        let length = there.metadata().map_or(self.written, |m| m.len());
        let of_buffer = usize::try_from(length.saturating_sub(self.written)).unwrap_or(0);
        let whole = self.ends.iter().copied().take_while(|end| *end <= of_buffer).last();
        let kept = self.written + whole.unwrap_or(0) as u64;
        let is_cut = there.set_len(kept).is_ok();
        let Some(temporary) = temporary else {
            return match is_cut {
                true => OutputError::Cut { file, error, kept },
                false => OutputError::Io { file, error },
            };
        };
        if kept == 0 || !is_cut {
            let _ = fs::remove_file(&temporary);
            return OutputError::Io { file, error };
        }
        match put(&temporary, &file, self.force) {
            Ok(file) => OutputError::Cut { file, error, kept },
            Err(_) => {
                let _ = fs::remove_file(&temporary);
                OutputError::Io { file, error }
            }
        }
    }

    /// Hands everything that is whole to the operating system, so that it is there
    /// whatever becomes of this process; under the temporary name until it is
    /// finished.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        self.flush_buffer().map_err(|error| self.cut(error))
    }

    /// Replaces bytes that were written before; not in standard output and pipes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn patch(&mut self, offset: u64, bytes: &[u8]) -> Result<(), OutputError> {
        use std::io::{Seek, SeekFrom};
        self.flush_buffer().map_err(|error| self.cut(error))?;
        let (Some(Destination::File(file)), true) =
            (&mut self.destination, self.temporary.is_some())
        else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|error| OutputError::Io { file: self.path.clone(), error })?;
        Ok(())
    }

    /// Appends bytes that belong together, and puts the complete file in its place.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn finish_with(mut self, last: &[u8]) -> Result<(), OutputError> {
        self.write(last)?;
        self.finish()
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn finish(mut self) -> Result<(), OutputError> {
        let synced = self.flush_buffer().and_then(|()| match &self.destination {
            Some(Destination::File(file)) if self.sync => file.sync_all(),
            _ => Ok(()),
        });
        synced.map_err(|error| self.cut(error))?;
        let io_error = |error| OutputError::Io { file: self.path.clone(), error };
        if let Some(temporary) = &self.temporary {
            let kept = put(temporary, &self.path, self.force).map_err(io_error)?;
            if self.sync {
                let directory = File::open(directory(&self.path)).map_err(io_error)?;
                directory.sync_all().map_err(io_error)?;
            }
            self.temporary = None;
            if kept != self.path {
                return Err(OutputError::Appeared { file: self.path.clone(), kept });
            }
        }
        Ok(())
    }
}

/// Who writes a file, for people.
fn writer(holder: Option<u32>) -> String {
    match holder {
        Some(number) if number == std::process::id() => "this process".to_owned(),
        Some(number) => format!("process {number}"),
        None => "another process".to_owned(),
    }
}

/// Every call is of bytes that belong together.
impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_that_anybody_may_have_made_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "before").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        assert!(OutputFile::create(&link, true).is_ok());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).expect("a mode");
        for made in [OutputFile::create, OutputFile::create_readable] {
            assert!(matches!(made(&link, true), Err(OutputError::Link(_))));
        }
        assert!(matches!(OutputFile::append(&link), Err(OutputError::Link(_))));
        assert_eq!(fs::read_to_string(target).expect("there"), "before");
    }

    #[cfg(unix)]
    #[test]
    fn links_on_the_way_are_refused_where_anybody_may_have_made_them() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().expect("a directory");
        let (open, closed) = (dir.path().join("open"), dir.path().join("closed"));
        for made in [&open, &closed] {
            fs::create_dir_all(made.join("inner")).expect("made");
        }
        fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).expect("a mode");
        symlink(closed.join("inner"), open.join("made")).expect("a link");
        symlink(closed.join("inner"), closed.join("own")).expect("a link");
        // A link in a safe place that leads through one in an unsafe place.
        symlink("../open/made", closed.join("around")).expect("a link");
        for (way, refused) in [
            (open.join("made/out"), true),
            (open.join("inner/out"), false),
            (open.join("inner/../made/out"), true),
            (closed.join("own/out"), false),
            (closed.join("around/out"), true),
        ] {
            for made in [OutputFile::create, OutputFile::create_readable] {
                let result = made(&way, false);
                let is_refused = matches!(result, Err(OutputError::Link(_)));
                assert_eq!(is_refused, refused, "{}: {result:?}", way.display());
                drop(result);
                let _ = fs::remove_file(&way);
            }
        }
    }

    #[test]
    fn what_appears_meanwhile_is_left_and_the_output_kept_beside_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("out.smf");
        for (force, there) in [(false, "theirs"), (true, "ours")] {
            let _ = fs::remove_file(&path);
            let mut file = OutputFile::create(&path, force).expect("created");
            file.write(b"ours").expect("written");
            fs::write(&path, "theirs").expect("written");
            let finished = file.finish();
            assert_eq!(fs::read_to_string(&path).expect("there"), there);
            match finished {
                Err(OutputError::Appeared { kept, .. }) if !force => {
                    assert_eq!(kept, dir.path().join("out-0001.smf"));
                    assert_eq!(fs::read(kept).expect("kept"), b"ours");
                }
                Ok(()) if force => {}
                other => panic!("{other:?}"),
            }
        }
        let left: Vec<_> = fs::read_dir(dir.path()).expect("readable").flatten().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn one_name_has_one_writer_who_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("out");
        let ways = [OutputFile::create, OutputFile::create_readable];
        for first in ways {
            for second in ways {
                for force in [false, true] {
                    let _ = fs::remove_file(&path);
                    let file = first(&path, false).expect("created");
                    let error = second(&path, force).expect_err("held");
                    // One that is there says so by itself.
                    assert!(
                        matches!(error, OutputError::Held { holder: Some(n), .. }
                            if n == std::process::id())
                            || !force && matches!(error, OutputError::Exists(_)),
                        "{error}"
                    );
                    drop(file);
                    assert!(second(&path, true).is_ok());
                }
            }
        }
    }

    #[test]
    fn what_a_process_with_the_same_number_left_is_kept_and_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("out");
        let process = std::process::id();
        let left = dir.path().join(format!(".out.{process}.partial"));
        fs::write(&left, "records").expect("written");
        assert_eq!(left_behind(&path), std::slice::from_ref(&left));
        let mut file = OutputFile::create(&path, false).expect("created");
        // Nobody takes what is being written for a leftover.
        assert!(left_behind(&path).is_empty());
        file.write(b"whole").expect("written");
        file.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("there"), b"whole");
        assert_eq!(fs::read(&left).expect("there"), b"records");
    }

    #[test]
    fn a_file_appears_when_it_is_finished() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("out");
        let mut file = OutputFile::create(&path, false).expect("created");
        file.write(b"whole").expect("written");
        assert!(!path.exists());
        file.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("there"), b"whole");
        assert!(matches!(OutputFile::create(&path, false), Err(OutputError::Exists(_))));
        let mut again = OutputFile::create(&path, true).expect("forced");
        again.write(b"other").expect("written");
        drop(again);
        assert_eq!(fs::read(&path).expect("there"), b"whole");
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1, "nothing is left");
    }
}
