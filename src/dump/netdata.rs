//! TSO TRANSMIT files (NETDATA): what RECEIVE INDATASET restores as a data set.
//!
//! The stream, cut into records of 80 bytes, is a row of segments: a length byte,
//! which counts itself, a byte of flags, data. Control records INMR01 to INMR03
//! say what follows, INMR06 ends it; their content is a row of text units: key,
//! number of values, and each value with its length (all two bytes). A data
//! record goes without its record descriptor word.

use std::io;

use super::Wrong;
use super::header::MAX_RECORD;
use super::put;
use crate::input::Input;
use crate::record::{SmfTime, ebcdic};

/// Flags of a segment: the first and the last of a record, of a control record.
const FIRST: u8 = 0x80;
const LAST: u8 = 0x40;
const CONTROL: u8 = 0x20;
/// Data in one segment.
const MOST: usize = 253;
/// Length of the records that carry the stream.
const CARD: usize = 80;
/// INMR01 and INMR06 in EBCDIC.
const INMR01: [u8; 6] = [0xC9, 0xD5, 0xD4, 0xD9, 0xF0, 0xF1];
const INMR06: [u8; 6] = [0xC9, 0xD5, 0xD4, 0xD9, 0xF0, 0xF6];

/// Keys of text units.
const DSNAM: u16 = 0x0002;
const BLKSZ: u16 = 0x0030;
const DSORG: u16 = 0x003C;
const LRECL: u16 = 0x0042;
const RECFM: u16 = 0x0049;
const TNODE: u16 = 0x1001;
const TUID: u16 = 0x1002;
const FNODE: u16 = 0x1011;
const FUID: u16 = 0x1012;
const FTIME: u16 = 0x1024;
const UTILN: u16 = 0x1028;
const SIZE: u16 = 0x102C;
const NUMF: u16 = 0x102F;

/// Physical sequential.
const SEQUENTIAL: [u8; 2] = [0x40, 0x00];
/// Variable, blocked, spanned; and how the carrying records are said to be.
const VBS: [u8; 2] = [0x58, 0x00];
const SHORTENED_VBS: [u8; 2] = [0x00, 0x01];

/// Whether a TRANSMIT file begins here.
pub(super) fn begins(ahead: &[u8]) -> bool {
    ahead.get(1).is_some_and(|f| f & CONTROL != 0) && ahead.get(2..8) == Some(&INMR01[..])
}

/// What comes next.
pub(super) enum Next {
    Record,
    Wrong(Wrong, u64),
    End,
}

/// Reads records.
#[derive(Debug, Default)]
pub(super) struct Reader {
    ended: bool,
}

impl Reader {
    /// Reads the next data record into `record`, with a record descriptor word.
    pub fn next(&mut self, input: &mut Input, record: &mut Vec<u8>) -> io::Result<Next> {
        record.clear();
        record.resize(4, 0);
        let mut begun = false;
        while !self.ended {
            let ahead = input.want(255)?;
            let there = ahead.len();
            let [length, flags, ..] = *ahead else {
                self.ended = true;
                let left = there as u64;
                input.consume(there);
                return Ok(if begun { Next::Wrong(Wrong::NoLastSegment, left) } else { Next::End });
            };
            let size = usize::from(length);
            let first = flags & FIRST != 0;
            if size < 2 || size > there || first == begun || record.len() + size > MAX_RECORD + 4 {
                // Where the next one begins is not known.
                self.ended = true;
                let wrong = Wrong::Netdata(u16::from_be_bytes([length, flags]));
                return Ok(Next::Wrong(wrong, skip_all(input)?));
            }
            record.extend_from_slice(ahead.get(2..size).unwrap_or_default());
            input.consume(size);
            begun = flags & LAST == 0;
            if begun {
                continue;
            }
            if flags & CONTROL == 0 {
                let total = u16::try_from(record.len()).unwrap_or(u16::MAX);
                put(record, 0, &total.to_be_bytes());
                return Ok(Next::Record);
            }
            self.ended = record.get(4..10) == Some(&INMR06[..]);
            record.truncate(4);
        }
        // What fills the last card.
        skip_all(input)?;
        Ok(Next::End)
    }
}

fn skip_all(input: &mut Input) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let there = input.want(1)?.len();
        if there == 0 {
            return Ok(skipped);
        }
        skipped += there as u64;
        input.consume(there);
    }
}

/// What the control records say of the data set that is restored.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataSet {
    /// Block size.
    pub blksize: u16,
    /// Date and time of the first record.
    pub time: SmfTime,
}

/// The name that RECEIVE proposes.
const NAME: [&str; 2] = ["ZERT", "SMF"];

/// Appends the control records that come before the data; returns where the four
/// bytes of the size stand in them.
pub(super) fn begin(data_set: DataSet, out: &mut Vec<u8>) -> usize {
    let text = |text: &str| -> Vec<u8> { text.chars().filter_map(ebcdic::encode_char).collect() };
    let name = text("ZERTTAP");
    let time = data_set.time.to_text().unwrap_or_default();
    let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
    let lrecl = (MAX_RECORD as u16).to_be_bytes();

    let mut first = INMR01.to_vec();
    unit(&mut first, LRECL, &[&[0, CARD as u8]]);
    for key in [FNODE, FUID, TNODE, TUID] {
        unit(&mut first, key, &[&name]);
    }
    unit(&mut first, FTIME, &[&text(&digits)]);
    unit(&mut first, NUMF, &[&[1]]);
    control(&first, out);

    let mut second = text("INMR02");
    second.extend([0, 0, 0, 1]);
    unit(&mut second, UTILN, &[&text("INMCOPY")]);
    unit(&mut second, SIZE, &[&[0; 4]]);
    let size = out.len() + 2 + second.len() - 4;
    unit(&mut second, DSORG, &[&SEQUENTIAL]);
    unit(&mut second, LRECL, &[&lrecl]);
    unit(&mut second, BLKSZ, &[&data_set.blksize.to_be_bytes()]);
    unit(&mut second, RECFM, &[&VBS]);
    unit(&mut second, DSNAM, &NAME.map(text).each_ref().map(Vec::as_slice));
    control(&second, out);

    let mut third = text("INMR03");
    unit(&mut third, SIZE, &[&[0; 4]]);
    unit(&mut third, DSORG, &[&SEQUENTIAL]);
    unit(&mut third, LRECL, &[&[0, CARD as u8]]);
    unit(&mut third, RECFM, &[&SHORTENED_VBS]);
    control(&third, out);
    size
}

/// Appends a data record, given without its record descriptor word.
pub(super) fn data(record: &[u8], out: &mut Vec<u8>) {
    segments(record, 0, out);
}

/// Appends what comes after the data, and fills the last card; `before` is what the
/// stream had already.
pub(super) fn end(before: u64, out: &mut Vec<u8>) {
    control(&INMR06, out);
    let cards = (before + out.len() as u64).next_multiple_of(CARD as u64);
    out.resize(usize::try_from(cards - before).unwrap_or(out.len()), 0);
}

fn control(record: &[u8], out: &mut Vec<u8>) {
    segments(record, CONTROL, out);
}

fn segments(record: &[u8], kind: u8, out: &mut Vec<u8>) {
    let count = record.len().div_ceil(MOST);
    for (n, data) in record.chunks(MOST).enumerate() {
        let first = if n == 0 { FIRST } else { 0 };
        let last = if n + 1 == count { LAST } else { 0 };
        out.push(data.len() as u8 + 2);
        out.push(kind | first | last);
        out.extend_from_slice(data);
    }
}

fn unit(out: &mut Vec<u8>, key: u16, values: &[&[u8]]) {
    out.extend(key.to_be_bytes());
    out.extend((values.len() as u16).to_be_bytes());
    for value in values {
        out.extend((value.len() as u16).to_be_bytes());
        out.extend_from_slice(value);
    }
}
