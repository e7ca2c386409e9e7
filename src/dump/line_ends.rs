//! Carriage returns that a transfer in text mode has put before every line feed. The lengths
//! of records say whether it was so: without them the file has less damage.

use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use super::DumpError;
use super::reader::{Item, Reader};
use crate::input::Input;

/// Bytes in which it is found out.
const PROBE: usize = 256 * 1024;

/// Takes the carriage returns out if they were put in; says so.
///
/// # Errors
/// If the input cannot be read.
pub(super) fn look(mut input: Input) -> Result<(Input, Option<String>), DumpError> {
    let ahead = input.want(PROBE).map_err(DumpError::at(0))?;
    let ahead = ahead.get(..PROBE).unwrap_or(ahead);
    if !all_have_returns(ahead) {
        return Ok((input, None));
    }
    let mut restored = Vec::with_capacity(ahead.len());
    // Memory can be read.
    let _ = WithoutReturns::new(Cursor::new(ahead)).read_to_end(&mut restored);
    if damage(&restored) >= damage(ahead) {
        return Ok((input, None));
    }
    let file: PathBuf = input.file().to_owned();
    let note = "the transfer has put X'0D' before every X'0A': taken out again; transfer in binary (FTP: \"binary\" before \"get\" or \"put\")";
    Ok((Input::new(&file, Box::new(WithoutReturns::new(input))), Some(note.to_owned())))
}

/// Whether there are line feeds, each behind a carriage return.
fn all_have_returns(bytes: &[u8]) -> bool {
    let mut before = 0;
    let mut some = false;
    for byte in bytes {
        if *byte == b'\n' {
            if before != b'\r' {
                return false;
            }
            some = true;
        }
        before = *byte;
    }
    some
}

/// Damaged places and records without a header, and none if there is no record at all.
fn damage(bytes: &[u8]) -> u64 {
    let input = Input::new("".as_ref(), Box::new(Cursor::new(bytes.to_vec())));
    let Ok(mut reader) = Reader::plain(input) else { return u64::MAX };
    let mut damaged = 0;
    loop {
        match reader.next_item() {
            Ok(Some(Item::Damage(_))) => damaged += 1,
            Ok(Some(_)) => {}
            Ok(None) => return damaged,
            Err(_) => return u64::MAX,
        }
    }
}

/// Reads without the carriage returns before line feeds.
struct WithoutReturns<R> {
    reader: R,
    /// A carriage return was read, and not what follows it.
    pending: bool,
    block: Vec<u8>,
    /// What is ready, up to where it was read.
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> WithoutReturns<R> {
    fn new(reader: R) -> Self {
        let block = vec![0; 64 * 1024];
        Self { reader, pending: false, block, ready: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.at = 0;
        self.ready.clear();
        let read = self.reader.read(&mut self.block)?;
        if read == 0 && std::mem::take(&mut self.pending) {
            self.ready.push(b'\r');
        }
        for byte in self.block.get(..read).unwrap_or_default() {
            if std::mem::take(&mut self.pending) && *byte != b'\n' {
                self.ready.push(b'\r');
            }
            if *byte == b'\r' {
                self.pending = true;
            } else {
                self.ready.push(*byte);
            }
        }
        Ok(read)
    }
}

impl<R: Read> Read for WithoutReturns<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if self.fill()? == 0 && self.ready.is_empty() {
                return Ok(0);
            }
        }
        let ready = self.ready.get(self.at..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}
