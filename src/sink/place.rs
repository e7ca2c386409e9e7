//! Where an output file is put: beside its name at first, under it when it is complete,
//! never over something else, never through somebody else's link.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::claim::Claim;
use super::file::OutputError;
use super::name;

/// Files of one name that processes with the same number may have left.
const MAX_LEFT_BEHIND: u32 = 1000;

/// The directory that a file is in.
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file beside a name. What a process with the same number has left that
/// ended by force, as in containers all have, stays as it is.
pub(super) fn temporary(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let process = std::process::id();
    for number in 0..MAX_LEFT_BEHIND {
        let again = if number > 0 { format!("-{number}") } else { String::new() };
        let temporary = path.with_file_name(format!(".{name}.{process}{again}.partial"));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    let told =
        format!(".{name}.*.partial: {MAX_LEFT_BEHIND} were left by ends by force; remove them");
    Err(io::Error::other(told))
}

/// Gives a complete file its name, or if something else has got that meanwhile and may
/// not be replaced, the next that is free with a number. Returns the name.
pub(super) fn put(temporary: &Path, path: &Path, force: bool) -> io::Result<PathBuf> {
    if force {
        fs::rename(temporary, path)?;
        return Ok(path.to_owned());
    }
    let mut to = path.to_owned();
    loop {
        let taken = match fs::hard_link(temporary, &to) {
            Ok(()) => {
                let _ = fs::remove_file(temporary);
                return Ok(to);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => true,
            // No links here: an empty file takes the name, and is replaced.
            Err(_) => match OpenOptions::new().write(true).create_new(true).open(&to) {
                Ok(_) => {
                    fs::rename(temporary, &to)?;
                    return Ok(to);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => true,
                Err(e) => return Err(e),
            },
        };
        if taken {
            to = name::free(path, 0);
        }
    }
}

/// Files beside a name that processes have left which ended by force: they are no more,
/// or had the number that this one has.
pub fn left_behind(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory(path)) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let partial = name.strip_prefix('.').and_then(|n| n.strip_suffix(".partial"));
        let Some((of, process)) = partial.and_then(|rest| rest.rsplit_once('.')) else { continue };
        let number = process.split('-').next().and_then(|n| n.parse::<u32>().ok());
        let runs = number
            .is_some_and(|p| p != std::process::id() && Path::new(&format!("/proc/{p}")).exists());
        // Where somebody writes that name just now, it is theirs.
        let held = fs::exists(entry.path().with_file_name(format!(".{of}.lock")));
        let held = held.unwrap_or(false)
            && matches!(
                Claim::take(&entry.path().with_file_name(of)),
                Err(OutputError::Held { .. })
            );
        if number.is_some() && !runs && !held {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Refuses a symbolic link in a directory where anybody may have put it, anywhere on the
/// way to the file.
#[cfg(unix)]
pub(super) fn refuse_links(path: &Path) -> Result<(), OutputError> {
    use std::os::unix::fs::MetadataExt;
    use std::path::Component;
    const OTHERS_WRITE: u32 = 0o002;
    /// As many as Linux follows.
    const MAX_LINKS: usize = 40;
    let Ok(whole) = std::path::absolute(path) else { return Ok(()) };
    let parts = |path: &Path| -> Vec<PathBuf> {
        path.components().rev().map(|c| PathBuf::from(c.as_os_str())).collect()
    };
    let mut way = parts(&whole);
    let (mut at, mut links) = (PathBuf::new(), 0);
    while let Some(part) = way.pop() {
        if part.components().next() == Some(Component::ParentDir) {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        match fs::symlink_metadata(&next) {
            Ok(there) if there.file_type().is_symlink() => {
                let others_write = |m: fs::Metadata| m.mode() & OTHERS_WRITE != 0;
                links += 1;
                if links > MAX_LINKS || fs::metadata(&at).is_ok_and(others_write) {
                    return Err(OutputError::Link(next));
                }
                let Ok(target) = fs::read_link(&next) else { return Ok(()) };
                way.extend(parts(&target));
            }
            // What is not there is no link.
            Err(_) => return Ok(()),
            Ok(_) => at = next,
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn refuse_links(_: &Path) -> Result<(), OutputError> {
    Ok(())
}
