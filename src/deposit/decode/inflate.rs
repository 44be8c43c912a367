//! Compressed files: gzip, Zstandard, and a ZIP that holds one file. They are inflated beside, with bounds, and read as what they hold.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use super::{refuse, unreadable};
use crate::deposit::report::SourceError;

/// What inflates to less is never a bomb.
const SMALL: u64 = 64 << 20;
/// Tables compress 3 to 40 times; beyond this it is a bomb.
const MAX_RATIO: u64 = 100;

/// Nor does any table of a commune come near this.
const MAX: u64 = 32 << 30;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// The only file of a ZIP.
    Zip,
}

impl Compression {
    /// As a report names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Zstd => "zst",
            Self::Zip => "zip",
        }
    }
}

/// How the file at `path`, which begins with `start`, is compressed; none for a file that is read as it is, workbooks included.
///
/// # Errors
/// `several_files` for a ZIP of several, `encrypted`.
pub fn compression(path: &Path, start: &[u8]) -> Result<Option<Compression>, SourceError> {
    match start {
        [0x1F, 0x8B, 8, ..] => Ok(Some(Compression::Gzip)),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Ok(Some(Compression::Zstd)),
        [b'P', b'K', 3, 4, ..] => {
            let file = File::open(path).map_err(|e| unreadable(&e))?;
            // A damaged one may be a damaged workbook: what reads workbooks says so.
            let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else { return Ok(None) };
            let names: Vec<String> = archive.file_names().filter_map(|n| n.ok()).map(|n| n.to_string()).collect();
            let of_a_document =
                |n: &String| n.starts_with("xl/") || matches!(n.as_str(), "[Content_Types].xml" | "mimetype" | "content.xml");
            if names.len() != archive.len() || names.iter().any(of_a_document) {
                return Ok(None);
            }
            let files: Vec<&String> = names.iter().filter(|n| is_a_file(n)).collect();
            let [only] = files.as_slice() else {
                let message = match files.len() {
                    0 => "Cette archive ne contient aucun fichier : mettez-y le tableau demandé.".to_owned(),
                    n => format!("Cette archive contient {n} fichiers : envoyez-les un par un, chacun pour ses données et sa période."),
                };
                return Err(refuse("several_files", message));
            };
            if archive.by_name(only).is_err_and(|e| matches!(e, zip::result::ZipError::UnsupportedArchive(_))) {
                return Err(encrypted());
            }
            Ok(Some(Compression::Zip))
        }
        _ => Ok(None),
    }
}

/// Whether an entry of a ZIP is a file that a person put there: not a folder, nor what macOS adds.
fn is_a_file(name: &str) -> bool {
    !name.ends_with('/') && !name.starts_with("__MACOSX/") && !name.ends_with(".DS_Store")
}

fn encrypted() -> SourceError {
    refuse("encrypted", "Cette archive est protégée par un mot de passe ou d'une forme que le service n'ouvre pas : recompressez-la sans.")
}

/// Inflates the file to a temporary one.
///
/// # Errors
/// `malformed`, `too_large` for a bomb.
pub fn inflate(path: &Path, compression: Compression) -> Result<NamedTempFile, SourceError> {
    let malformed = || refuse("malformed", "Ce fichier compressé est abîmé ou incomplet : refaites-le, ou envoyez le tableau tel quel.");
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let packed = file.metadata().map_err(|e| unreadable(&e))?.len();
    match compression {
        Compression::Gzip => bounded(flate2::bufread::MultiGzDecoder::new(BufReader::new(file)), packed, malformed),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(file).map_err(|_| malformed())?;
            // A frame may ask for a window of gigabytes: the usual ones ask for 8 MB.
            decoder.window_log_max(27).map_err(|_| malformed())?;
            bounded(decoder, packed, malformed)
        }
        Compression::Zip => {
            let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| malformed())?;
            let names: Vec<String> = archive.file_names().filter_map(|n| n.ok()).map(|n| n.to_string()).collect();
            let only = names.iter().find(|n| is_a_file(n)).ok_or_else(malformed)?;
            let entry = archive.by_name(only).map_err(|_| encrypted())?;
            let packed = entry.compressed_size().min(packed);
            bounded(entry, packed, malformed)
        }
    }
}

fn bounded(mut from: impl Read, packed: u64, malformed: impl Fn() -> SourceError) -> Result<NamedTempFile, SourceError> {
    let mut into = NamedTempFile::new().map_err(|e| unreadable(&e))?;
    let limit = SMALL.max(packed.saturating_mul(MAX_RATIO)).min(MAX);
    let mut buffer = vec![0; 1 << 17];
    let mut total = 0;
    loop {
        let read = from.read(&mut buffer).map_err(|_| malformed())?;
        if read == 0 {
            into.flush().map_err(|e| unreadable(&e))?;
            return Ok(into);
        }
        total += read as u64;
        if total > limit {
            return Err(refuse(
                "too_large",
                "Une fois décompressé, ce fichier serait démesuré : n'y gardez que le tableau demandé, ou envoyez-le sans le compresser.",
            ));
        }
        into.write_all(&buffer[..read]).map_err(|e| unreadable(&e))?;
    }
}
