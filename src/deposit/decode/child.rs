//! Formats whose readers can be made to exhaust memory by a file of a kilobyte, where an allocation that fails aborts the process:
//! workbooks, Parquet and Arrow are read in a child process.
//!
//! The child is this very program with the hidden command `decode-spreadsheet`: it bounds its own memory and processor time, reads
//! the request on its standard input and writes cells on its standard output as frames ([`super::worker`]).

use std::{
    env, fs,
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Expected, Head, MAX_CELL, MAX_CELLS, Origin, Pieces, Source, Table,
    assemble::{self, Assembler, Record},
    refuse,
};
use crate::deposit::report::SourceError;

/// Lines of a piece, and bytes of text after which a piece ends sooner.
const PIECE: (usize, usize) = (8192, 1 << 20);

/// What the child is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub path: PathBuf,
    pub format: String,
    pub sheet: Option<String>,
    pub expected: Vec<String>,
}

/// What the child says first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Opening {
    /// Of a workbook.
    pub sheet: Option<String>,
    pub epoch_1904: bool,
    /// Of a format whose columns have names of their own, and no header.
    pub names: Option<Vec<String>>,
}

/// Kinds of frames: one byte, then a length in four bytes, then so many bytes.
pub(super) mod frame {
    /// JSON of [`super::Opening`].
    pub const OPENING: u8 = b'O';
    /// Row in eight bytes, then per cell its column in four, its origin in one, its length in four, its text.
    pub const ROW: u8 = b'R';
    /// JSON of a refusal.
    pub const REFUSAL: u8 = b'X';
    /// How many rows of the sheet are hidden, in eight bytes: the end, without which the child died.
    pub const END: u8 = b'E';
}

/// Starts the child on a file; reads its opening and, for a sheet, the rows among which its header is.
pub(super) fn open(path: &Path, format: &'static str, expected: Expected<'_>) -> Result<(Head, Pieces), SourceError> {
    let request = Request {
        path: fs::canonicalize(path).map_err(|_| malformed(format))?,
        format: format.to_owned(),
        sheet: expected.reading.and_then(|r| r.sheet.clone()),
        expected: expected.columns.to_vec(),
    };
    let missing = |what: &str| {
        refuse("reader_missing", format!("Le lecteur de ce format {what} : réinstallez le programme, ou enregistrez le fichier en CSV."))
    };
    let program = program().ok_or_else(|| missing("est introuvable"))?;
    let spawned = Command::new(program)
        .arg("decode-spreadsheet")
        .env_clear()
        // As few threads and arenas as there are uses for them: the child's address space is bounded.
        .env("POLARS_MAX_THREADS", "1")
        .env("MALLOC_ARENA_MAX", "2")
        // The allocator would else reserve a gigabyte before the bound is set, which would count as already taken.
        .env("MIMALLOC_ARENA_RESERVE", "32M")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = spawned.map_err(|_| missing("n'a pas pu démarrer"))?;
    if let Some(mut input) = child.stdin.take() {
        // A child that died at once is told by its missing end below.
        let _ = serde_json::to_writer(&mut input, &request).map(|()| input.flush());
    }
    let output = child.stdout.take().ok_or_else(|| malformed(format))?;
    let frames = Frames { input: BufReader::with_capacity(1 << 16, output), child, format, body: Vec::new(), cells: 0, hidden_rows: 0 };
    ChildPieces::start(frames, expected).map(|(head, pieces)| (head, Pieces::Child(Box::new(pieces))))
}

/// This program, as `RETEX_BIN` or the running executable; from a test binary, the `retex` built beside it.
fn program() -> Option<PathBuf> {
    if let Some(path) = env::var_os("RETEX_BIN") {
        return Some(PathBuf::from(path));
    }
    let current = env::current_exe().ok()?;
    if current.parent().and_then(Path::file_name).is_none_or(|folder| folder != "deps") {
        return Some(current);
    }
    current.ancestors().skip(1).take(3).map(|folder| folder.join(format!("retex{}", env::consts::EXE_SUFFIX))).find(|path| path.is_file())
}

/// What a damaged file of this format is told.
pub(super) fn malformed(format: &str) -> SourceError {
    let message = match format {
        "parquet" => "Ce fichier Parquet est abîmé ou incomplet : refaites l'export ou l'envoi.",
        "arrow" => "Ce fichier Arrow est abîmé ou incomplet : refaites l'export ou l'envoi.",
        _ => "Ce classeur est abîmé ou incomplet : ouvrez-le dans un tableur, enregistrez-le à nouveau et renvoyez-le.",
    };
    refuse("malformed", message)
}

/// A row's number and its cells from the first column on.
type Row<'b> = (u64, Vec<(&'b str, Origin)>);

/// The child's frames.
struct Frames {
    input: BufReader<ChildStdout>,
    child: Child,
    format: &'static str,
    body: Vec<u8>,
    cells: u64,
    hidden_rows: u64,
}

impl Drop for Frames {
    fn drop(&mut self) {
        // It may still be writing what nobody reads any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

enum Frame {
    Opening(Opening),
    /// In the frames' body.
    Row,
    End,
}

impl Frames {
    fn next(&mut self) -> Result<Frame, SourceError> {
        let mut head = [0u8; 5];
        if self.input.read_exact(&mut head).is_err() {
            return Err(self.died());
        }
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > 64 * MAX_CELL {
            return Err(refuse("too_large", "Une ligne de ce fichier est trop longue : n'y gardez que le tableau demandé."));
        }
        self.body.resize(length, 0);
        if self.input.read_exact(&mut self.body).is_err() {
            return Err(self.died());
        }
        match kind {
            frame::OPENING => Ok(Frame::Opening(serde_json::from_slice(&self.body).map_err(|_| malformed(self.format))?)),
            frame::ROW => Ok(Frame::Row),
            frame::REFUSAL => Err(serde_json::from_slice(&self.body).map_err(|_| malformed(self.format))?),
            frame::END => {
                self.hidden_rows = self.body.first_chunk().map_or(0, |count| u64::from_le_bytes(*count));
                Ok(Frame::End)
            }
            _ => Err(malformed(self.format)),
        }
    }

    /// The row in the body: its number and its cells from the first column on.
    fn row(&mut self) -> Result<Row<'_>, SourceError> {
        let (row, cells) = row(&self.body).ok_or_else(|| malformed(self.format))?;
        self.cells += cells.len() as u64;
        // A sheet is bounded by its format, but for a crafted one; a table of another format by the size that may be sent.
        if self.cells > MAX_CELLS && !matches!(self.format, "parquet" | "arrow") {
            return Err(refuse(
                "too_large",
                "Ce classeur a trop de cellules : n'y gardez que le tableau demandé, ou enregistrez-le en CSV.",
            ));
        }
        Ok((row, cells))
    }

    /// Why the child ended without saying so.
    fn died(&mut self) -> SourceError {
        match self.child.wait().ok().and_then(|s| s.code()) {
            // A panic of the reader: the file is not what it says.
            Some(_) => malformed(self.format),
            None => refuse(
                "too_large",
                "Ce fichier demande trop de mémoire ou de temps : n'y gardez que le tableau demandé, ou enregistrez-le en CSV.",
            ),
        }
    }
}

/// The pieces that a child reads.
pub(super) struct ChildPieces {
    frames: Frames,
    /// Rows that were read to find the header.
    first: std::vec::IntoIter<Record>,
    ended: bool,
}

impl ChildPieces {
    fn start(mut frames: Frames, expected: Expected<'_>) -> Result<(Head, Self), SourceError> {
        let Frame::Opening(opening) = frames.next()? else { return Err(malformed(frames.format)) };
        let mut source = Source { format: frames.format, ..Source::default() };
        if let Some(names) = opening.names {
            return Ok((Head { source, names, ..Head::default() }, Self { frames, first: Vec::new().into_iter(), ended: false }));
        }
        source.sheet = opening.sheet;
        source.epoch = Some(if opening.epoch_1904 { "serial-1904" } else { "serial-1900" });
        let (mut first, mut ended) = (Vec::new(), false);
        while first.len() < assemble::PREAMBLE {
            match frames.next()? {
                Frame::Row => {
                    let (row, cells) = frames.row()?;
                    if cells.iter().any(|(text, _)| !text.trim().is_empty()) {
                        first.push((row, cells.into_iter().map(|(text, origin)| (text.to_owned(), origin)).collect()));
                    }
                }
                Frame::End => {
                    ended = true;
                    break;
                }
                Frame::Opening(_) => return Err(malformed(frames.format)),
            }
        }
        let (row, names) = assemble::header(&first, expected)?;
        Ok((Head::of_sheet(source, row, names), Self { frames, first: first.into_iter(), ended }))
    }

    /// Hidden rows of the sheet, once it is read to its end.
    pub(super) fn hidden_rows(&self) -> u64 {
        self.frames.hidden_rows
    }

    /// The next lines; none after the last.
    pub(super) fn next_lines(&mut self, head: &Arc<Head>) -> Result<Option<Table>, SourceError> {
        // A piece may hold nothing but blank rows: the end alone ends the sheet.
        loop {
            let table = self.lines(head)?;
            if table.span.is_some() {
                return Ok(Some(table));
            }
            if self.ended {
                return Ok(None);
            }
        }
    }

    fn lines(&mut self, head: &Arc<Head>) -> Result<Table, SourceError> {
        let mut assembler = Assembler::new(head);
        for (row, cells) in self.first.by_ref() {
            assembler.record(row, cells.iter().map(|(text, origin)| (text.as_str(), *origin)));
        }
        let mut size = 0;
        while !self.ended && assembler.height() < PIECE.0 && size < PIECE.1 {
            match self.frames.next()? {
                Frame::Row => {
                    size += self.frames.body.len();
                    let (row, cells) = self.frames.row()?;
                    assembler.record(row, cells.iter().copied());
                }
                Frame::End => self.ended = true,
                Frame::Opening(_) => return Err(malformed(self.frames.format)),
            }
        }
        Ok(assembler.finish())
    }
}

/// A row's number and its cells from the first column on.
fn row(mut body: &[u8]) -> Option<Row<'_>> {
    let row = u64::from_le_bytes(*body.split_off(..8)?.first_chunk()?);
    let mut cells = Vec::new();
    while !body.is_empty() {
        let column = u32::from_le_bytes(*body.split_off(..4)?.first_chunk()?) as usize;
        let origin = match body.split_off_first()? {
            b'n' => Origin::Number,
            b'b' => Origin::Boolean,
            b'd' => Origin::Date,
            b'e' => Origin::Error,
            b'o' => Origin::Nested,
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
