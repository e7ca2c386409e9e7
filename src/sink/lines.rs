//! Files of lines for those who read along: a file has its name from the beginning,
//! and holds whole lines.

use std::path::{Path, PathBuf};

use super::OutputFile;
use super::file::OutputError;
use super::name;
use crate::record::SmfTime;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// A file of lines, or one after another where its name has the time in it: `%Y`,
/// `%m`, `%d`, `%H`, `%M` and `%S`, in UTC; `%N` is a number.
#[derive(Debug)]
pub struct LineFile {
    template: PathBuf,
    force: bool,
    /// Whether the name changes with the time.
    follows_time: bool,
    current: Option<(String, OutputFile)>,
    number: u32,
    second: i64,
}

impl LineFile {
    /// Starts a file. One whose name changes with the time
    /// begins with the first line.
    ///
    /// # Errors
    /// If the file exists and `force` is not set, or cannot be created.
    pub fn create(path: &Path, force: bool) -> Result<Self, OutputError> {
        let mut file = Self::closed(path, force);
        if !file.follows_time {
            let output = OutputFile::create_readable(path, force)?;
            file.current = Some((path.to_string_lossy().into_owned(), output));
        }
        Ok(file)
    }

    fn closed(path: &Path, force: bool) -> Self {
        Self {
            template: path.to_owned(),
            force,
            follows_time: name::is_template(&path.to_string_lossy()),
            current: None,
            number: 0,
            second: i64::MIN,
        }
    }

    /// Goes on with a file that is there, after it could not be written or was moved
    /// away.
    ///
    /// # Errors
    /// If it cannot be opened or created.
    pub fn again(path: &Path) -> Result<Self, OutputError> {
        let mut file = Self::closed(path, false);
        if !file.follows_time {
            let output = OutputFile::append(path)?;
            file.current = Some((path.to_string_lossy().into_owned(), output));
        }
        Ok(file)
    }

    /// The time, in nanoseconds since 1970: another file begins where the name says so.
    ///
    /// # Errors
    /// If the file so far cannot be completed.
    pub fn at(&mut self, clock: i64) -> Result<(), OutputError> {
        let second = clock.div_euclid(SECOND);
        if !self.follows_time || second == self.second {
            return Ok(());
        }
        self.second = second;
        if self.current.as_ref().is_some_and(|(name, _)| *name != self.name(self.number)) {
            self.close()?;
        }
        Ok(())
    }

    fn name(&self, number: u32) -> String {
        let time = SmfTime::utc(self.second.saturating_mul(SECOND));
        name::expand(&self.template.to_string_lossy(), time, number)
    }

    /// Appends a line, line feed included.
    ///
    /// # Errors
    /// If a file cannot be created or written.
    pub fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        if self.current.is_none() {
            self.number += 1;
            let name = self.name(self.number);
            let path = PathBuf::from(&name);
            let path = if path.is_file() && !self.force { name::free(&path, 0) } else { path };
            self.current = Some((name, OutputFile::create_readable(&path, self.force)?));
        }
        let Some((_, output)) = &mut self.current else { return Ok(()) };
        output.write(line)
    }

    /// Hands what is whole to the operating system.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        self.current.as_mut().map_or(Ok(()), |(_, output)| output.flush())
    }

    /// Begins another file; where there is only one name, opens what has it now,
    /// because it may have been moved away.
    ///
    /// # Errors
    /// If the file so far cannot be completed, or another not opened.
    pub fn rotate(&mut self) -> Result<(), OutputError> {
        self.flush()?;
        self.close()?;
        if !self.follows_time {
            *self = Self::again(&self.template)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), OutputError> {
        self.current.take().map_or(Ok(()), |(_, output)| output.finish())
    }

    /// Completes the last file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: PathBuf) -> String {
        std::fs::read_to_string(path).expect("it is there")
    }

    #[test]
    fn a_file_can_be_read_while_it_grows_and_moved_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.jsonl");
        let mut file = LineFile::create(&path, false).expect("created");
        file.line(b"1\n").expect("written");
        file.flush().expect("written");
        assert_eq!(text(path.clone()), "1\n");
        assert!(LineFile::create(&path, false).is_err(), "nothing is overwritten silently");
        file.rotate().expect("still there");
        file.line(b"2\n").expect("written");
        file.flush().expect("written");
        assert_eq!(text(path.clone()), "1\n2\n");
        std::fs::rename(&path, dir.path().join("old")).expect("moved");
        file.rotate().expect("a new one");
        file.line(b"3\n").expect("written");
        file.finish().expect("written");
        assert_eq!((text(path), text(dir.path().join("old"))), ("3\n".into(), "1\n2\n".into()));
    }

    #[test]
    fn names_follow_the_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = LineFile::create(&dir.path().join("%H%M.jsonl"), false).expect("created");
        for (seconds, line) in [(0, "a"), (59, "b"), (60, "c"), (3600, "d")] {
            file.at(seconds * SECOND).expect("completed");
            file.line(line.as_bytes()).expect("written");
        }
        file.finish().expect("written");
        let there = |name| text(dir.path().join(name));
        assert_eq!((there("0000.jsonl"), there("0001.jsonl")), ("ab".into(), "c".into()));
        assert_eq!(there("0100.jsonl"), "d");
    }
}
