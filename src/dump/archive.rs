//! Opening what holds SMF records: a file, a compressed one, the members of a zip
//! archive.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::{CompressionMethod, ZipArchive};

use super::DumpError;
use crate::input::Input;

const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";
/// Members of an archive that are read.
const MAX_MEMBERS: usize = 10_000;

/// Opens a file, or standard input for `-`, and looks through gzip, zstd and zip.
/// An archive gives an input for each file in it.
///
/// # Errors
/// What the operating system says, or if an archive cannot be read.
pub fn open(path: &Path) -> Result<Vec<Input>, DumpError> {
    let mut input = Input::open(path).map_err(DumpError::at(0))?;
    if !input.want(4).map_err(DumpError::at(0))?.starts_with(&ZIP_MAGIC) {
        return Ok(vec![input]);
    }
    if path == Path::new("-") {
        return Err(DumpError::Zip("an archive is read from a file only".to_owned()));
    }
    let said = |error: zip::result::ZipError| DumpError::Zip(error.to_string());
    let mut archive = ZipArchive::new(File::open(path).map_err(DumpError::at(0))?).map_err(said)?;
    let mut inputs = Vec::new();
    for index in 0..archive.len().min(MAX_MEMBERS) {
        let member = archive.by_index_raw(index).map_err(said)?;
        if member.is_dir() {
            continue;
        }
        let inner = member.name().map_err(said)?.into_owned();
        let name = PathBuf::from(format!("{}({inner})", path.display()));
        if member.encrypted() {
            return Err(DumpError::Zip(format!("{inner} is encrypted")));
        }
        let (at, size) = (member.data_start(), member.compressed_size());
        let at = at.ok_or_else(|| DumpError::Zip(format!("{inner} has no data")))?;
        let mut file = File::open(path).map_err(DumpError::at(0))?;
        file.seek(SeekFrom::Start(at)).map_err(DumpError::at(at))?;
        let bytes = file.take(size);
        let reader: Box<dyn Read + Send> = match member.compression() {
            CompressionMethod::Stored => Box::new(bytes),
            CompressionMethod::Deflated => Box::new(flate2::read::DeflateDecoder::new(bytes)),
            other => {
                return Err(DumpError::Zip(format!(
                    "{inner} is compressed by {other}, expected deflate"
                )));
            }
        };
        inputs.push(Input::new(&name, reader).look_through().map_err(DumpError::at(at))?);
    }
    Ok(inputs)
}
