//! The capture files below a directory, and what else is there.

use std::path::{Path, PathBuf};

use super::SourceError;
use super::set::open_reader;
use crate::input::Input;

/// What a directory holds.
pub(super) struct Below {
    /// In order.
    pub captures: Vec<PathBuf>,
    /// What is left out, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

/// All capture files below a directory, by name.
pub(super) fn captures_below(directory: &Path) -> Result<Below, SourceError> {
    let mut below = Below { captures: Vec::new(), left_out: Vec::new() };
    let mut directories = vec![directory.to_owned()];
    while let Some(path) = directories.pop() {
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if path == directory => return Err(SourceError::Io { file: path, error }),
            Err(error) => {
                below.left_out.push((path, error.to_string()));
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
                Ok(found) if found.is_file() => match is_capture(&path) {
                    Ok(()) => below.captures.push(path),
                    Err(why) => below.left_out.push((path, why)),
                },
                // A directory, a socket, a pipe.
                Ok(_) => {}
                Err(error) => below.left_out.push((path, error.to_string())),
            }
        }
    }
    below.captures.sort();
    below.left_out.sort();
    if below.captures.is_empty() {
        let (directory, why) = (directory.to_owned(), told(directory, &below.left_out).join("; "));
        return Err(SourceError::EmptyDirectory { directory, why });
    }
    Ok(below)
}

/// Whether a file is a capture of a format that is read; otherwise why not.
fn is_capture(path: &Path) -> Result<(), String> {
    let mut input = Input::open(path).map_err(|error| error.to_string())?;
    match open_reader(&mut input) {
        Ok(_) => Ok(()),
        Err(SourceError::UnknownFormat { found, .. }) => {
            Err(format!("not a capture file: it begins with {found}"))
        }
        Err(SourceError::Io { error, .. }) => Err(error.to_string()),
        Err(SourceError::Unsupported { what, .. }) => Err(what),
        Err(error) => Err(error.to_string()),
    }
}

/// What was left out of a directory, as notes.
pub(super) fn told(directory: &Path, left_out: &[(PathBuf, String)]) -> Vec<String> {
    /// Files that are named.
    const NAMED: usize = 10;
    let named = left_out.iter().take(NAMED);
    let mut notes: Vec<String> =
        named.map(|(path, why)| format!("{}: left out: {why}", path.display())).collect();
    if left_out.len() > NAMED {
        let more = left_out.len() - NAMED;
        notes.push(format!("{}: {more} more files left out", directory.display()));
    }
    notes
}
