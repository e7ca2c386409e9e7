//! The lines of a configuration data set, as it comes from z/OS: EBCDIC or ASCII,
//! with line ends or in records of 80 bytes, numbered in the last eight columns or
//! not.

use crate::record::ebcdic;

/// Bytes of a record where nothing ends lines.
const RECORD: usize = 80;
/// Columns before the line number.
const TEXT: usize = 72;
/// EBCDIC new line and line feed.
const NEW_LINE: u8 = 0x15;
const LINE_FEED: u8 = 0x25;

/// The lines, without line ends and line numbers.
pub(super) fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines = if is_ebcdic(bytes) { ebcdic_lines(bytes) } else { ascii_lines(bytes) };
    let numbered = |line: &String| {
        let number: Vec<char> = line.chars().skip(TEXT).collect();
        number.len() == RECORD - TEXT && number.iter().all(char::is_ascii_digit)
    };
    let used = || lines.iter().filter(|line| !line.trim().is_empty());
    if used().next().is_some() && used().all(numbered) {
        for line in &mut lines {
            *line = line.chars().take(TEXT).collect();
        }
    }
    lines
}

/// In EBCDIC blanks are X'40' and letters lie above X'80'; ASCII text has blanks and
/// line ends below that.
fn is_ebcdic(bytes: &[u8]) -> bool {
    let count = |wanted: fn(&u8) -> bool| bytes.iter().filter(|b| wanted(b)).count();
    let ebcdic = count(|&b| b == ebcdic::BLANK || b >= 0x81);
    let ascii = count(|&b| b == b' ' || (0x30..0x40).contains(&b) || (0x41..0x7F).contains(&b));
    ebcdic > ascii
}

fn ebcdic_lines(bytes: &[u8]) -> Vec<String> {
    let ends = |b: &u8| *b == NEW_LINE || *b == LINE_FEED;
    if bytes.iter().any(ends) {
        bytes.split(ends).map(ebcdic::decode).collect()
    } else {
        bytes.chunks(RECORD).map(ebcdic::decode).collect()
    }
}

fn ascii_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\n') || !bytes.len().is_multiple_of(RECORD) {
        return text.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect();
    }
    bytes.chunks(RECORD).map(|record| String::from_utf8_lossy(record).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "HOME 10.1.1.1 LNK1 ; the first\nPORT 23 TCP TN3270\n";

    fn to_ebcdic(text: &str) -> Vec<u8> {
        text.chars().map(|c| ebcdic::encode_char(c).expect("in the code page")).collect()
    }

    #[test]
    fn all_forms_have_the_same_lines() {
        let expected: Vec<&str> = PROFILE.lines().collect();
        let padded: String = PROFILE.lines().map(|line| format!("{line:80}")).collect();
        let numbered: String = PROFILE
            .lines()
            .enumerate()
            .map(|(n, line)| format!("{line:72}{:08}\r\n", 100 * n))
            .collect();
        let mut with_ends = to_ebcdic(PROFILE.trim_end());
        for byte in &mut with_ends {
            if *byte == ebcdic::encode_char('\n').expect("line feed") {
                *byte = NEW_LINE;
            }
        }
        let numbered_records = numbered.replace("\r\n", "");
        for bytes in [
            PROFILE.as_bytes().to_vec(),
            padded.clone().into_bytes(),
            numbered.into_bytes(),
            with_ends,
            to_ebcdic(&padded),
            to_ebcdic(&numbered_records),
        ] {
            let lines = lines(&bytes);
            let lines: Vec<&str> =
                lines.iter().map(|l| l.trim_end()).filter(|l| !l.is_empty()).collect();
            assert_eq!(lines, expected);
        }
    }
}
