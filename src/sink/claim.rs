//! A name that one process writes at a time: a lock beside the file.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use nix::fcntl::{Flock, FlockArg};

use super::file::OutputError;

#[cfg(not(unix))]
type Flock<T> = T;

/// How often a lock is tried that was removed in the same moment.
const TRIES: usize = 16;

/// The lock of a name. It is given up when this is dropped, and with the process
/// however that ends.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    /// Open as long as the name is claimed.
    _lock: Flock<File>,
}

impl Claim {
    /// Claims a name. `None` where the directory or its file system has no locks.
    ///
    /// # Errors
    /// If somebody else has it.
    pub fn take(file: &Path) -> Result<Option<Self>, OutputError> {
        let path = lock_of(file);
        for _ in 0..TRIES {
            // Never through a link, which somebody may have made to lead us astray.
            if fs::symlink_metadata(&path).is_ok_and(|m| !m.is_file()) {
                return Ok(None);
            }
            let mut options = OpenOptions::new();
            let opened = options.read(true).write(true).create(true).truncate(false).open(&path);
            let Ok(opened) = opened else { return Ok(None) };
            let mut lock = match lock(opened) {
                Ok(Some(lock)) => lock,
                Ok(None) => return Ok(None),
                Err(held) => {
                    let mut holder = String::new();
                    let _ = held.take(32).read_to_string(&mut holder);
                    let holder = holder.trim().parse().ok();
                    return Err(OutputError::Held { file: file.to_owned(), holder });
                }
            };
            // Who had it before may have removed it meanwhile.
            if !is_at(&lock, &path) {
                continue;
            }
            let told = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
            // Who holds it is for people; the lock holds without it.
            let _ = told;
            return Ok(Some(Self { path, _lock: lock }));
        }
        Ok(None)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn lock_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.lock"))
}

/// Locks a file; `None` where there are no locks, the file if somebody else has it.
#[cfg(unix)]
fn lock(file: File) -> Result<Option<Flock<File>>, File> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((file, nix::errno::Errno::EWOULDBLOCK)) => Err(file),
        Err(_) => Ok(None),
    }
}

#[cfg(not(unix))]
fn lock(_: File) -> Result<Option<Flock<File>>, File> {
    Ok(None)
}

/// Whether an open file is the one that has the name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
