//! Output files that are whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why an output file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It is there already.
    #[error("{}: exists already; --force overwrites it", .0.display())]
    Exists(PathBuf),
    /// The operating system said no.
    #[error("{}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// A file that is written beside its place and put there when it is complete.
/// Until then, and if it never is, what was there before stays.
#[derive(Debug)]
pub struct OutputFile {
    writer: Option<BufWriter<Destination>>,
    path: PathBuf,
    temporary: Option<PathBuf>,
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
        let direct = |destination| Self {
            writer: Some(BufWriter::with_capacity(BUFFER, destination)),
            path: path.to_owned(),
            temporary: None,
        };
        if path == Path::new("-") {
            return Ok(direct(Destination::Stdout(io::stdout())));
        }
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
                return Ok(direct(Destination::File(file)));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(io_error(e)),
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let file =
            OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(io_error)?;
        Ok(Self {
            writer: Some(BufWriter::with_capacity(BUFFER, Destination::File(file))),
            path: path.to_owned(),
            temporary: Some(temporary),
        })
    }

    /// The name it was created with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// What the operating system says, with the file's name.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        writer.write_all(bytes).map_err(|error| OutputError::Io { file: self.path.clone(), error })
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// What the operating system says; then the place is as it was before.
    pub fn finish(mut self) -> Result<(), OutputError> {
        let io_error = |error| OutputError::Io { file: self.path.clone(), error };
        if let Some(mut writer) = self.writer.take() {
            writer.flush().map_err(io_error)?;
        }
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path).map_err(io_error)?;
        }
        self.temporary = None;
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // What is still buffered is not wanted any more.
            let _ = writer.into_parts();
        }
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
