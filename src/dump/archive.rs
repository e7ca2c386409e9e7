//! Opening what holds SMF records: a file, a compressed one, the members of an archive.

use std::path::{Path, PathBuf};

use super::{DumpError, Reader};
use crate::input::{Contents, Spool, left_out_notes};

/// What a file holds that is records, each opened when its turn comes.
pub struct Readers {
    path: PathBuf,
    contents: Contents,
    next: usize,
    read: bool,
}

/// Opens a file, or standard input for `-`, and looks through gzip, zstd, zip and tar.
/// An archive gives a reader for each file in it that holds records.
///
/// # Errors
/// What the operating system says, or if an archive cannot be read.
pub fn open(path: &Path) -> Result<Readers, DumpError> {
    let contents = Contents::of(path, &mut Spool::default()).map_err(DumpError::Open)?;
    Ok(Readers { path: path.to_owned(), contents, next: 0, read: false })
}

impl Readers {
    /// Members of an archive that are left out because they hold no records, or cannot be
    /// read: what the user should know, once all were asked for.
    pub fn notes(&self) -> Vec<String> {
        left_out_notes(&self.path, &self.contents.left_out)
    }
}

impl Iterator for Readers {
    type Item = Result<Reader, DumpError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(member) = self.contents.members.get(self.next) {
            self.next += 1;
            let reader = member.open().map_err(DumpError::at(0)).and_then(Reader::new);
            match reader {
                Err(error) if self.contents.archive => {
                    self.contents.left_out.push((member.name().to_owned(), error.to_string()));
                }
                reader => {
                    self.read = true;
                    return Some(reader);
                }
            }
        }
        if self.read {
            return None;
        }
        self.read = true;
        let notes = self.notes();
        let why = if notes.is_empty() { "it is empty".to_owned() } else { notes.join("; ") };
        Some(Err(DumpError::EmptyArchive(why)))
    }
}
