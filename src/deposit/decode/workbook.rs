//! Spreadsheets, read in a child process: their readers can be made to exhaust memory by a file of a kilobyte, and an
//! allocation that fails aborts the process. Before that, what a ZIP declares is checked without inflating anything.
//!
//! The child is this very program with the hidden command `decode-spreadsheet`: it bounds its own memory and processor time, reads
//! the request on its standard input and writes cells on its standard output as frames ([`super::worker`]).

use std::{
    env, fs,
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

use super::{Expected, MAX_CELL, MAX_CELLS, Origin, Source, Table, assemble::Assembler, refuse};
use crate::deposit::report::SourceError;

/// Most bytes that a workbook may inflate to.
const MAX_INFLATED: u64 = 512 << 20;
/// A part beyond this size must not inflate more than [`MAX_RATIO`] times.
const SMALL_PART: u64 = 8 << 20;
/// Text of real workbooks compresses 5 to 40 times.
const MAX_RATIO: u64 = 150;
/// Most parts of a workbook.
const MAX_PARTS: usize = 10_000;

/// What the child is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub path: PathBuf,
    pub format: String,
    pub sheet: Option<String>,
    pub expected: Vec<String>,
}

/// What the child says first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Opening {
    pub sheet: String,
    pub epoch_1904: bool,
}

/// Kinds of frames: one byte, then a length in four bytes, then so many bytes.
pub(super) mod frame {
    /// JSON of [`super::Opening`].
    pub const OPENING: u8 = b'O';
    /// Row in eight bytes, then per cell its column in four, its origin in one, its length in four, its text.
    pub const ROW: u8 = b'R';
    /// JSON of a refusal.
    pub const REFUSAL: u8 = b'X';
    /// The end; without it the child died.
    pub const END: u8 = b'E';
}

/// Reads a workbook as a table.
pub fn read(path: &Path, expected: Expected<'_>) -> Result<Table, SourceError> {
    let format = inspect(path)?;
    let request = Request {
        path: fs::canonicalize(path).map_err(|_| malformed())?,
        format: format.to_owned(),
        sheet: expected.reading.and_then(|r| r.sheet.clone()),
        expected: expected.columns.to_vec(),
    };
    let program = program().ok_or_else(|| {
        refuse("reader_missing", "Le lecteur de classeurs est introuvable : réinstallez le programme, ou enregistrez le fichier en CSV.")
    })?;
    let spawned = Command::new(program)
        .arg("decode-spreadsheet")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = spawned.map_err(|_| {
        refuse("reader_missing", "Le lecteur de classeurs n'a pas pu démarrer : réessayez, ou enregistrez le fichier en CSV.")
    })?;
    if let Some(mut input) = child.stdin.take() {
        // A child that died at once is told by its missing end below.
        let _ = serde_json::to_writer(&mut input, &request).map(|()| input.flush());
    }
    let source = Source { format, ..Source::default() };
    let outcome = child.stdout.take().ok_or_else(malformed).and_then(|output| receive(BufReader::new(output), source, expected.columns));
    if outcome.is_err() {
        // It may still be writing.
        let _ = child.kill();
    }
    let status = child.wait();
    match outcome {
        Err(error) if error.code == "interrupted" => Err(match status.ok().and_then(|s| s.code()) {
            // A panic of the reader: the file is not what it says.
            Some(_) => malformed(),
            None => refuse(
                "too_large",
                "Ce classeur demande trop de mémoire ou de temps : n'y gardez que le tableau demandé, ou enregistrez-le en CSV.",
            ),
        }),
        other => other,
    }
}

/// This program, as `RETEX_BIN` or the running executable; from a test binary, the `retex` built beside it.
fn program() -> Option<PathBuf> {
    if let Some(path) = env::var_os("RETEX_BIN") {
        return Some(PathBuf::from(path));
    }
    let current = env::current_exe().ok()?;
    if current.file_stem().is_some_and(|name| name == "retex") {
        return Some(current);
    }
    current.ancestors().skip(1).take(3).map(|folder| folder.join(format!("retex{}", env::consts::EXE_SUFFIX))).find(|path| path.is_file())
}

fn malformed() -> SourceError {
    refuse("malformed", "Ce classeur est abîmé ou incomplet : ouvrez-le dans un tableur, enregistrez-le à nouveau et renvoyez-le.")
}

fn interrupted() -> SourceError {
    refuse("interrupted", "")
}

/// Takes the child's frames.
fn receive(mut input: impl Read, mut source: Source, expected: &[String]) -> Result<Table, SourceError> {
    let mut assembler: Option<Assembler<'_>> = None;
    let mut cells_read = 0u64;
    let mut body = Vec::new();
    loop {
        let mut head = [0u8; 5];
        input.read_exact(&mut head).map_err(|_| interrupted())?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > 64 * MAX_CELL {
            return Err(refuse("too_large", "Une ligne de ce classeur est trop longue : n'y gardez que le tableau demandé."));
        }
        body.resize(length, 0);
        input.read_exact(&mut body).map_err(|_| interrupted())?;
        match kind {
            frame::OPENING => {
                let opening: Opening = serde_json::from_slice(&body).map_err(|_| malformed())?;
                source.sheet = Some(opening.sheet);
                source.epoch = Some(if opening.epoch_1904 { "serial-1904" } else { "serial-1900" });
                assembler = Some(Assembler::new(std::mem::take(&mut source), expected, false));
            }
            frame::ROW => {
                let (row, cells) = row(&body).ok_or_else(malformed)?;
                cells_read += cells.len() as u64;
                if cells_read > MAX_CELLS {
                    return Err(refuse(
                        "too_large",
                        "Ce classeur a trop de cellules : n'y gardez que le tableau demandé, ou enregistrez-le en CSV.",
                    ));
                }
                assembler.as_mut().ok_or_else(malformed)?.record(row, cells.iter().copied())?;
            }
            frame::REFUSAL => return Err(serde_json::from_slice(&body).map_err(|_| malformed())?),
            frame::END => return assembler.ok_or_else(malformed)?.finish(),
            _ => return Err(malformed()),
        }
    }
}

/// A row's number and its cells from the first column on.
fn row(mut body: &[u8]) -> Option<(u64, Vec<(&str, Origin)>)> {
    let row = u64::from_le_bytes(*body.split_off(..8)?.first_chunk()?);
    let mut cells = Vec::new();
    while !body.is_empty() {
        let column = u32::from_le_bytes(*body.split_off(..4)?.first_chunk()?) as usize;
        let origin = match body.split_off_first()? {
            b'n' => Origin::Number,
            b'b' => Origin::Boolean,
            b'd' => Origin::Date,
            b'e' => Origin::Error,
            _ => Origin::Text,
        };
        let length = u32::from_le_bytes(*body.split_off(..4)?.first_chunk()?) as usize;
        let text = std::str::from_utf8(body.split_off(..length)?).ok()?;
        if column < cells.len() || column > 1 << 14 {
            return None;
        }
        cells.resize(column, ("", Origin::Absent));
        cells.push((text, origin));
    }
    Some((row, cells))
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
    let format = format.ok_or_else(|| {
        refuse(
            "unknown_format",
            "C'est une archive ou un document, pas un tableau : envoyez un fichier CSV, XLSX, ODS, XLS, Parquet ou JSONL.",
        )
    })?;
    if format == "ods" {
        let mut mimetype = String::new();
        let read = archive.by_name("mimetype").map(|part| part.take(200).read_to_string(&mut mimetype));
        if read.is_err() || !mimetype.starts_with("application/vnd.oasis.opendocument.spreadsheet") {
            return Err(refuse(
                "unknown_format",
                "C'est un document, pas un classeur : envoyez un fichier CSV, XLSX, ODS, XLS, Parquet ou JSONL.",
            ));
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
