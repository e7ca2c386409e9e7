//! Names of files of which there are several, one after another.

use std::path::{Path, PathBuf};

use crate::record::SmfTime;

/// Where the name of a file has its number.
const NUMBER: &str = "%N";

/// Parts of a time by their codes, as places in `YYYY-MM-DD hh:mm:ss.hh`.
const CODES: [(&str, std::ops::Range<usize>); 6] =
    [("%Y", 0..4), ("%m", 5..7), ("%d", 8..10), ("%H", 11..13), ("%M", 14..16), ("%S", 17..19)];

/// Whether a name has a part that a time or a number fills in.
pub fn is_template(name: &str) -> bool {
    name.contains(NUMBER) || CODES.iter().any(|(code, _)| name.contains(code))
}

/// The name of a file that begins at a time. Without a date the digits are zeros.
pub fn expand(template: &str, time: SmfTime, number: u32) -> String {
    let text = time.to_text().unwrap_or_else(|| "0000-00-00 00:00:00.00".to_owned());
    let numbered = template.replace(NUMBER, &format!("{number:04}"));
    CODES.iter().fold(numbered, |name, (code, range)| {
        name.replace(code, text.get(range.clone()).unwrap_or_default())
    })
}

/// A name with a number before its extension.
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number:04}{}", extension.unwrap_or_default()))
}

/// The first of such names, after a number, that no file has.
pub fn free(path: &Path, after: u32) -> PathBuf {
    let mut number = after;
    loop {
        number = number.saturating_add(1);
        let path = numbered(path, number);
        if !path.exists() || number == u32::MAX {
            return path;
        }
    }
}
