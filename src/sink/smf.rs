//! Files of records in a form that z/OS takes, one or several after another.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::OutputFile;
use super::file::OutputError;
use super::name;
use crate::dump::{Framing, WriteError, Writer};
use crate::record::{Header, SmfTime};

/// How files of records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The form.
    pub framing: Framing,
    /// Bytes of a block in forms that have blocks.
    pub blksize: u16,
    /// Overwrite files that exist.
    pub force: bool,
    /// Take another name where one is there already, instead of refusing to.
    pub fresh: bool,
    /// Wait until a file is on the disk.
    pub fsync: bool,
    /// When another file begins.
    pub rotation: Rotation,
}

/// When another file begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// When the next record would make it longer than so many bytes.
    pub bytes: Option<u64>,
    /// With the first record of each stretch of so many minutes since midnight, by
    /// the time in the records.
    pub minutes: Option<u32>,
}

impl Rotation {
    fn is_on(self) -> bool {
        self.bytes.is_some() || self.minutes.is_some()
    }
}

/// Names that others may have taken at once.
const MAX_TAKEN: u32 = 1000;
/// Names of files that are remembered.
const NAMES: usize = 1000;

/// Writes records.
#[derive(Debug)]
pub struct SmfFile {
    template: PathBuf,
    options: Options,
    current: Option<Open>,
    number: u32,
    names: VecDeque<PathBuf>,
}

#[derive(Debug)]
struct Open {
    writer: Writer<OutputFile>,
    path: PathBuf,
    bytes: u64,
    stretch: Option<(u32, u32)>,
}

impl SmfFile {
    /// Starts a file. With rotation its name is a template: `%Y`, `%m`, `%d`, `%H`,
    /// `%M` and `%S` are the time of its first record, `%N` is its number; without
    /// any of them the number goes before the extension. The first file begins with
    /// the first record then.
    ///
    /// # Errors
    /// If the file cannot be created, or standard output is to be rotated.
    pub fn create(path: &Path, options: Options) -> Result<Self, OutputError> {
        let mut file = Self {
            template: path.to_owned(),
            options,
            current: None,
            number: 0,
            names: VecDeque::new(),
        };
        if !options.rotation.is_on() {
            let path = file.free(path.to_owned());
            file.current = Some(file.open_free(path, None)?);
        } else if path == Path::new("-") {
            return Err(OutputError::Name("standard output cannot be several files".to_owned()));
        }
        Ok(file)
    }

    /// Opens a file; where names are to be fresh, under the next number as long as
    /// another process writes the name or has just taken it.
    fn open_free(&self, path: PathBuf, stretch: Option<(u32, u32)>) -> Result<Open, OutputError> {
        let mut name = path.clone();
        let mut number = self.number;
        loop {
            match self.open(name, stretch) {
                Err(OutputError::Exists(_) | OutputError::Held { .. })
                    if self.options.fresh
                        && !self.options.force
                        && number < self.number.saturating_add(MAX_TAKEN) =>
                {
                    name = name::free(&path, number);
                    number += 1;
                }
                other => return other,
            }
        }
    }

    fn open(&self, path: PathBuf, stretch: Option<(u32, u32)>) -> Result<Open, OutputError> {
        let output = OutputFile::create(&path, self.options.force)?.synced(self.options.fsync);
        let writer = Writer::new(output, self.options.framing, self.options.blksize)
            .map_err(|error| OutputError::Record { file: path.clone(), error })?;
        Ok(Open { writer, path, bytes: 0, stretch })
    }

    /// Appends a record, given with its record descriptor word.
    ///
    /// # Errors
    /// If a file cannot be created or written.
    pub fn record(&mut self, record: &[u8]) -> Result<(), OutputError> {
        let rotation = self.options.rotation;
        if rotation.is_on() {
            let header = Header::decode(record).unwrap_or_default();
            let stretch = rotation.minutes.map(|n| (header.date, header.time / (6000 * n.max(1))));
            let length = record.len() as u64;
            let over = self.current.as_ref().is_some_and(|open| {
                open.stretch != stretch || rotation.bytes.is_some_and(|b| open.bytes + length > b)
            });
            if over {
                self.close()?;
            }
            if self.current.is_none() {
                let path = self.name(SmfTime { time: header.time, date: header.date });
                self.current = Some(self.open_free(path, stretch)?);
            }
        }
        let Some(open) = &mut self.current else { return Ok(()) };
        open.bytes += record.len() as u64;
        open.writer.record(record).map_err(|error| output_error(&open.path, error))
    }

    /// The name of the next file.
    fn name(&mut self, time: SmfTime) -> PathBuf {
        self.number += 1;
        let template = self.template.to_string_lossy().into_owned();
        let name = name::expand(&template, time, self.number);
        let mut path = PathBuf::from(&name);
        if name == template || self.names.contains(&path) {
            path = name::numbered(&path, self.number);
        }
        let path = self.free(path);
        // The same name comes again soon or never: an hour that a zone has twice.
        if self.names.len() >= NAMES {
            self.names.pop_front();
        }
        self.names.push_back(path.clone());
        path
    }

    /// A name that no file has, if that is asked for: with the first number that is
    /// free before the extension.
    fn free(&mut self, path: PathBuf) -> PathBuf {
        if !self.options.fresh || self.options.force || !path.is_file() {
            return path;
        }
        name::free(&path, self.number)
    }

    /// Hands what is whole to the operating system.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        let Some(open) = &mut self.current else { return Ok(()) };
        let output = open.writer.flush().map_err(|error| output_error(&open.path, error))?;
        output.flush()
    }

    /// Completes the file under way, if there may be several.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn rotate(&mut self) -> Result<(), OutputError> {
        if self.options.rotation.is_on() { self.close() } else { self.flush() }
    }

    fn close(&mut self) -> Result<(), OutputError> {
        let Some(open) = self.current.take() else { return Ok(()) };
        let (mut output, patch) =
            open.writer.finish_sized().map_err(|error| output_error(&open.path, error))?;
        if let Some(patch) = patch {
            output.patch(patch.offset, &patch.bytes)?;
        }
        output.finish()
    }

    /// Completes the last file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.close()
    }
}

/// An error of the output passes through the writer; it has the file's name.
fn output_error(path: &Path, error: WriteError) -> OutputError {
    let file = path.to_owned();
    match error {
        WriteError::Io(error) => match error.downcast::<OutputError>() {
            Ok(own) => own,
            Err(error) => OutputError::Io { file, error },
        },
        error => OutputError::Record { file, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seconds: u32, length: u16) -> Vec<u8> {
        let mut bytes = vec![0x40; usize::from(length)];
        bytes[..2].copy_from_slice(&length.to_be_bytes());
        bytes[2..4].fill(0);
        bytes[6..10].copy_from_slice(&(100 * seconds).to_be_bytes());
        bytes[10..14].copy_from_slice(&0x0125_326F_u32.to_be_bytes());
        bytes
    }

    fn written(template: &str, rotation: Rotation) -> Vec<(String, usize)> {
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options { blksize: 400, rotation, ..Options::default() };
        let mut file = SmfFile::create(&dir.path().join(template), options).expect("created");
        for (seconds, length) in [(10, 100), (20, 100), (3599, 100), (3600, 100), (7300, 50)] {
            file.record(&record(seconds, length)).expect("written");
        }
        file.finish().expect("finished");
        let mut found: Vec<(String, usize)> = std::fs::read_dir(dir.path())
            .expect("a directory")
            .flatten()
            .map(|e| {
                (
                    e.file_name().to_string_lossy().into_owned(),
                    e.metadata().map_or(0, |m| m.len()) as usize,
                )
            })
            .collect();
        found.sort();
        found
    }

    fn pairs(found: &[(String, usize)]) -> Vec<(&str, usize)> {
        found.iter().map(|(name, size)| (name.as_str(), *size)).collect()
    }

    #[test]
    fn files_end_by_size_and_by_time() {
        let one = written("zert.smf", Rotation::default());
        assert_eq!(pairs(&one), [("zert.smf", 450)]);
        let sized = written("zert.smf", Rotation { bytes: Some(250), minutes: None });
        let expected = [("zert-0001.smf", 200), ("zert-0002.smf", 250)];
        assert_eq!(pairs(&sized), expected);
        let hourly = written("z-%Y%m%d-%H.smf", Rotation { bytes: None, minutes: Some(60) });
        let expected =
            [("z-20251122-00.smf", 300), ("z-20251122-01.smf", 100), ("z-20251122-02.smf", 50)];
        assert_eq!(pairs(&hourly), expected);
        // Two files with one name get their numbers.
        let both = written("z-%H.smf", Rotation { bytes: Some(200), minutes: Some(60) });
        let expected =
            [("z-00-0002.smf", 100), ("z-00.smf", 200), ("z-01.smf", 100), ("z-02.smf", 50)];
        assert_eq!(pairs(&both), expected);
    }

    #[test]
    fn standard_output_is_one_file() {
        let rotation = Rotation { bytes: Some(1), minutes: None };
        let options = Options { blksize: 400, rotation, ..Options::default() };
        assert!(SmfFile::create(Path::new("-"), options).is_err());
    }
}
