//! Which capture files are to be read: those that are named, in an archive, below a
//! directory; and what else is there.

use std::path::{Path, PathBuf};

use super::SourceError;
use super::reader::open_reader;
use crate::input::{Contents, Member, Spool, left_out_notes};

/// Capture files, and what is to be told of others.
#[derive(Default)]
pub(super) struct Files {
    /// The captures, in the order in which they are named; those of a directory by name,
    /// those of an archive in its order.
    pub members: Vec<Member>,
    /// The files in which they are: archives, files in directories, or themselves.
    pub paths: Vec<PathBuf>,
    /// Files of directories and archives that are left out, and why.
    pub notes: Vec<String>,
    /// How many they are.
    pub left_out: u64,
    /// What archives that are compressed as a whole are decompressed into, and files that
    /// are opened beside many.
    pub spool: Spool,
}

impl Files {
    /// Finds the captures of paths.
    ///
    /// # Errors
    /// If a file cannot be read, or a directory or an archive holds no capture. Whether a
    /// file that is named is one is not looked at.
    pub fn of(paths: &[PathBuf]) -> Result<Self, SourceError> {
        let mut files = Self::default();
        for path in paths {
            if path != Path::new("-") && path.is_dir() {
                files.below(path)?;
            } else {
                files.named(path)?;
            }
        }
        Ok(files)
    }

    /// A file, or the captures in an archive.
    fn named(&mut self, path: &Path) -> Result<(), SourceError> {
        let io_error = |error| SourceError::Io { file: path.to_owned(), error };
        let contents = Contents::of(path, &mut self.spool).map_err(io_error)?;
        self.paths.push(path.to_owned());
        if !contents.archive {
            self.members.extend(contents.members);
            return Ok(());
        }
        let mut left_out = Vec::new();
        let before = self.members.len();
        self.captures_in(contents, &mut left_out);
        self.tell(path, "archive", before, &left_out)
    }

    /// All capture files below a directory, by name, also those in archives.
    fn below(&mut self, directory: &Path) -> Result<(), SourceError> {
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        let mut directories = vec![directory.to_owned()];
        while let Some(path) = directories.pop() {
            let entries = match std::fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if path == directory => {
                    return Err(SourceError::Io { file: path, error });
                }
                Err(error) => {
                    left_out.push((path, error.to_string()));
                    continue;
                }
            };
            for entry in entries {
                let entry = entry.map_err(|error| SourceError::Io { file: path.clone(), error })?;
                let kind = entry.file_type();
                let path = entry.path();
                if kind.is_ok_and(|kind| kind.is_dir()) {
                    directories.push(path);
                    continue;
                }
                match std::fs::metadata(&path) {
                    Ok(there) if there.is_file() => found.push(path),
                    // A directory, a socket, a pipe.
                    Ok(_) => {}
                    Err(error) => left_out.push((path, error.to_string())),
                }
            }
        }
        found.sort();
        let before = self.members.len();
        for path in found {
            match Contents::of(&path, &mut self.spool) {
                Ok(contents) => {
                    let before = self.members.len();
                    self.captures_in(contents, &mut left_out);
                    if self.members.len() > before {
                        self.paths.push(path);
                    }
                }
                Err(error) => left_out.push((path, error.to_string())),
            }
        }
        left_out.sort();
        self.tell(directory, "directory", before, &left_out)
    }

    /// Takes the captures of what a file holds.
    fn captures_in(&mut self, contents: Contents, left_out: &mut Vec<(PathBuf, String)>) {
        left_out.extend(contents.left_out);
        for member in contents.members {
            match is_capture(&member) {
                Ok(()) => self.members.push(member),
                Err(why) => left_out.push((member.name().to_owned(), why)),
            }
        }
    }

    /// Notes what was left out of a directory or an archive.
    fn tell(
        &mut self,
        holder: &Path,
        kind: &'static str,
        before: usize,
        left_out: &[(PathBuf, String)],
    ) -> Result<(), SourceError> {
        self.left_out += left_out.len() as u64;
        let notes = left_out_notes(holder, left_out);
        if self.members.len() == before {
            let (holder, why) = (holder.to_owned(), notes.join("; "));
            return Err(SourceError::NoCapture { holder, kind, why });
        }
        self.notes.extend(notes);
        Ok(())
    }
}

/// Whether something is a capture of a format that is read; otherwise why not.
fn is_capture(member: &Member) -> Result<(), String> {
    let mut input = member.open().map_err(|error| error.to_string())?;
    match open_reader(&mut input) {
        Ok(_) => Ok(()),
        Err(SourceError::UnknownFormat { found, .. }) => {
            Err(format!("not a capture file: it begins with {found}"))
        }
        Err(SourceError::Foreign { found, name, remedy, .. }) => {
            Err(format!("not a capture file: it begins with {found}, which is {name}; {remedy}"))
        }
        Err(SourceError::Io { error, .. }) => Err(error.to_string()),
        Err(SourceError::Unsupported { what, .. }) => Err(what),
        Err(error) => Err(error.to_string()),
    }
}
