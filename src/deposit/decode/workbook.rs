//! Workbooks: what a ZIP declares is checked without inflating anything, before a child process ([`super::child`]) reads the sheet.

use std::{fs, io::Read, path::Path};

use super::{Expected, FORMATS, Head, Pieces, child, refuse};
use crate::deposit::report::SourceError;

/// Most bytes that a workbook may inflate to.
const MAX_INFLATED: u64 = 512 << 20;
/// A part beyond this size must not inflate more than [`MAX_RATIO`] times.
const SMALL_PART: u64 = 8 << 20;
/// Text of real workbooks compresses 5 to 40 times.
const MAX_RATIO: u64 = 150;
/// Most parts of a workbook.
const MAX_PARTS: usize = 10_000;

/// Opens a workbook.
pub(super) fn open(path: &Path, expected: Expected<'_>) -> Result<(Head, Pieces), SourceError> {
    child::open(path, inspect(path)?, expected)
}

fn malformed() -> SourceError {
    refuse("malformed", "Ce classeur est abîmé ou incomplet : ouvrez-le dans un tableur, enregistrez-le à nouveau et renvoyez-le.")
}

/// The workbook's format, after the checks that need no inflating.
fn inspect(path: &Path) -> Result<&'static str, SourceError> {
    let encrypted = || refuse("encrypted", "Ce classeur est protégé par un mot de passe : retirez la protection, puis renvoyez-le.");
    let mut file = fs::File::open(path).map_err(|_| malformed())?;
    let mut magic = [0u8; 8];
    file.read_exact(&mut magic).map_err(|_| malformed())?;
    if magic[0] == 0xD0 {
        let mut bytes = Vec::new();
        file.take(MAX_INFLATED).read_to_end(&mut bytes).map_err(|_| malformed())?;
        let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        return if bytes.windows(name.len()).any(|w| w == name) { Err(encrypted()) } else { Ok("xls") };
    }
    let mut archive = zip::ZipArchive::new(fs::File::open(path).map_err(|_| malformed())?).map_err(|_| malformed())?;
    if archive.len() > MAX_PARTS {
        return Err(refuse("too_large", "Ce classeur a trop de parties : n'y gardez que le tableau demandé."));
    }
    let mut total = 0u64;
    let mut format = None;
    for i in 0..archive.len() {
        let part = archive.by_index_raw(i).map_err(|_| malformed())?;
        if part.encrypted() {
            return Err(encrypted());
        }
        total = total.saturating_add(part.size());
        let bomb = part.size() > SMALL_PART && part.size() / part.compressed_size().max(1) > MAX_RATIO;
        if bomb || total > MAX_INFLATED {
            return Err(refuse(
                "too_large",
                "Une fois décompressé, ce classeur serait démesuré : n'y gardez que le tableau demandé, ou enregistrez-le en CSV.",
            ));
        }
        match part.name().map_err(|_| malformed())?.as_ref() {
            "xl/workbook.xml" => format = Some("xlsx"),
            "content.xml" if format.is_none() => format = Some("ods"),
            "xl/workbook.bin" => {
                return Err(refuse("unknown_format", "C'est un classeur binaire (XLSB) : enregistrez-le en XLSX, ODS ou CSV."));
            }
            _ => {}
        }
    }
    let format =
        format.ok_or_else(|| refuse("unknown_format", format!("C'est une archive ou un document, pas un tableau : envoyez {FORMATS}.")))?;
    if format == "ods" {
        let mut mimetype = String::new();
        let read = archive.by_name("mimetype").map(|part| part.take(200).read_to_string(&mut mimetype));
        if read.is_err() || !mimetype.starts_with("application/vnd.oasis.opendocument.spreadsheet") {
            return Err(refuse("unknown_format", format!("C'est un document, pas un classeur : envoyez {FORMATS}.")));
        }
        let mut manifest = Vec::new();
        if let Ok(part) = archive.by_name("META-INF/manifest.xml") {
            part.take(1 << 20).read_to_end(&mut manifest).map_err(|_| malformed())?;
        }
        if manifest.windows(15).any(|w| w == b"encryption-data") {
            return Err(encrypted());
        }
    }
    Ok(format)
}
