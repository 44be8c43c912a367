//! The child process that reads a spreadsheet; see [`super::workbook`].

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
};

use calamine::{Data, DataRef, ExcelDateTime, Ods, Reader, Xls, Xlsx};

use super::{
    MAX_CELL, assemble,
    child::{Opening, Request, frame, malformed as malformed_file},
    columnar::{self, Cell, Take},
    hidden, refuse,
};
use crate::{convention::rules::MAX_COLUMNS, deposit::report::SourceError};

/// Address space beyond what the program itself takes, in bytes: with it, half a gigabyte at most.
const MEMORY: u64 = 440 << 20;
/// Processor time, in seconds.
const SECONDS: u64 = 120;
/// Rows of a sheet in which a header is looked for.
const PREAMBLE: u64 = 50;
/// Sheets that are looked at.
const MAX_SHEETS: usize = 100;

/// Serves one request from standard input to standard output. A refusal is a frame; dying without the end frame is one too.
pub fn serve() -> std::process::ExitCode {
    bound();
    let mut output = Output { writer: BufWriter::with_capacity(1 << 16, std::io::stdout().lock()), body: Vec::new(), hidden_rows: 0 };
    let request: Result<Request, _> = serde_json::from_reader(std::io::stdin().lock().take(1 << 22));
    let outcome = request.map_err(|_| malformed()).and_then(|request| answer(&request, &mut output));
    let closed = match outcome {
        Ok(()) => output.frame(frame::END, &output.hidden_rows.to_le_bytes()),
        Err(error) => serde_json::to_vec(&error).map_err(std::io::Error::other).and_then(|json| output.frame(frame::REFUSAL, &json)),
    };
    match closed.and_then(|()| output.writer.flush()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(_) => std::process::ExitCode::FAILURE,
    }
}

/// Bounds this process. Where a bound cannot be set, the checks made before still stand.
fn bound() {
    let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|s| s.split(' ').next()?.parse::<u64>().ok()).unwrap_or_default();
    let memory = MEMORY + pages * 4096;
    for (resource, limit) in [(rlimit::Resource::AS, memory), (rlimit::Resource::CPU, SECONDS), (rlimit::Resource::CORE, 0)] {
        let _ = resource.set(limit, limit);
    }
}

fn malformed() -> SourceError {
    malformed_file("xlsx")
}

fn broken_pipe(_: std::io::Error) -> SourceError {
    refuse("interrupted", "")
}

struct Output<W: Write> {
    writer: W,
    body: Vec<u8>,
    /// Of the sheet, once it is read.
    hidden_rows: u64,
}

impl<W: Write> Output<W> {
    fn frame(&mut self, kind: u8, body: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(body.len()).map_err(std::io::Error::other)?;
        self.writer.write_all(&[kind])?;
        self.writer.write_all(&length.to_le_bytes())?;
        self.writer.write_all(body)
    }

    fn opening(&mut self, opening: &Opening) -> Result<(), SourceError> {
        let json = serde_json::to_vec(opening).map_err(|_| malformed())?;
        self.frame(frame::OPENING, &json).map_err(broken_pipe)
    }

    fn row(&mut self, row: u64, cells: &[(u32, Cell)]) -> Result<(), SourceError> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        body.extend(row.to_le_bytes());
        for (column, (origin, text)) in cells {
            body.extend(column.to_le_bytes());
            body.push(*origin);
            body.extend(u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
            body.extend(text.as_bytes());
        }
        let written = self.frame(frame::ROW, &body).map_err(broken_pipe);
        self.body = body;
        written
    }
}

fn answer(request: &Request, output: &mut Output<impl Write>) -> Result<(), SourceError> {
    let file = BufReader::new(File::open(&request.path).map_err(|_| malformed())?);
    match request.format.as_str() {
        "xlsx" => {
            let mut book = Xlsx::new(file).map_err(|_| malformed())?;
            let epoch = book.has_1904_epoch();
            let names = book.sheet_names();
            let sheet = choose(request, &names, |name, take| stream(&mut book, name, Some(PREAMBLE), take))?;
            output.opening(&Opening { sheet: Some(sheet.clone()), epoch_1904: epoch, names: None })?;
            // Inflating the sheet once more costs a fraction of reading it, and is done beside.
            std::thread::scope(|scope| {
                let hidden = scope.spawn(|| hidden::rows(&request.path, &sheet));
                stream(&mut book, &sheet, None, &mut |row, cells| output.row(row, cells))?;
                output.hidden_rows = hidden.join().ok().flatten().unwrap_or_default();
                Ok(())
            })
        }
        "parquet" | "arrow" => {
            // The readers have assertions that a crafted file can reach: they end this process, and the parent says so.
            let output = std::cell::RefCell::new(output);
            columnar::stream(
                &request.path,
                &request.format,
                &mut |names| output.borrow_mut().opening(&Opening { names: Some(names), ..Opening::default() }),
                &mut |row, cells| output.borrow_mut().row(row, cells),
            )
        }
        "ods" => whole(Ods::new(file).map_err(|_| malformed())?, false, request, output),
        _ => {
            let book = Xls::new(file).map_err(|error| match error {
                calamine::XlsError::Password => {
                    refuse("encrypted", "Ce classeur est protégé par un mot de passe : retirez la protection, puis renvoyez-le.")
                }
                _ => malformed(),
            })?;
            let epoch = book.has_1904_epoch();
            whole(book, epoch, request, output)
        }
    }
}

/// The sheet that was agreed, else the first whose header holds most expected names among those that hold anything.
fn choose(
    request: &Request,
    names: &[String],
    mut rows: impl FnMut(&str, Take<'_>) -> Result<(), SourceError>,
) -> Result<String, SourceError> {
    if let Some(wanted) = &request.sheet {
        let found = names.iter().find(|n| n == &wanted).or_else(|| names.iter().find(|n| n.trim().eq_ignore_ascii_case(wanted.trim())));
        let list = names.iter().map(|n| format!("« {n} »")).collect::<Vec<_>>().join(", ");
        return found.cloned().ok_or_else(|| {
            refuse(
                "sheet_not_found",
                format!("La feuille « {wanted} » n'est pas dans le classeur, qui contient {list} : renommez la bonne."),
            )
        });
    }
    let mut best: Option<(usize, &String)> = None;
    for name in names.iter().take(MAX_SHEETS) {
        let (mut score, mut any) = (0, false);
        // A sheet that is a chart has no cells.
        let outcome = rows(name, &mut |_, cells| {
            any |= !cells.is_empty();
            score = score.max(assemble::matches(&request.expected, cells.iter().map(|(_, (_, text))| text.as_str())));
            Ok(())
        });
        if let Err(error) = outcome
            && error.code != "malformed"
        {
            return Err(error);
        }
        if any && best.is_none_or(|(s, _)| score > s) {
            best = Some((score, name));
        }
    }
    best.map(|(_, name)| name.clone()).ok_or_else(|| refuse("empty_file", "Le classeur est vide : vérifiez-le et envoyez-le à nouveau."))
}

/// Streams the cells of a sheet; never its declared dimensions, which a crafted file inflates.
fn stream(book: &mut Xlsx<BufReader<File>>, name: &str, limit: Option<u64>, take: Take<'_>) -> Result<(), SourceError> {
    let mut reader = book.worksheet_cells_reader(name).map_err(|_| malformed())?;
    let mut current: Vec<(u32, Cell)> = Vec::new();
    let mut row = 0u32;
    while let Some(cell) = reader.next_cell().map_err(|_| malformed())? {
        let (r, c) = cell.get_position();
        let Some(content) = content_ref(cell.get_value())? else { continue };
        if c as usize >= MAX_COLUMNS {
            return Err(assemble::too_wide());
        }
        if r != row {
            if r < row {
                return Err(malformed());
            }
            if !current.is_empty() {
                take(u64::from(row) + 1, &current)?;
                current.clear();
            }
            if limit.is_some_and(|limit| u64::from(r) >= limit) {
                return Ok(());
            }
            row = r;
        }
        if current.last().is_some_and(|(last, _)| *last >= c) {
            return Err(malformed());
        }
        current.push((c, content));
    }
    if current.is_empty() { Ok(()) } else { take(u64::from(row) + 1, &current) }
}

/// Sends a sheet of a format that is read whole.
fn whole<R>(mut book: R, epoch_1904: bool, request: &Request, output: &mut Output<impl Write>) -> Result<(), SourceError>
where
    R: Reader<BufReader<File>>,
{
    let names = book.sheet_names();
    let mut range_rows = |name: &str, limit: Option<u64>, take: Take<'_>| {
        let range = book.worksheet_range(name).map_err(|_| malformed())?;
        let (top, left) = range.start().unwrap_or_default();
        for (i, row) in (u64::from(top)..).zip(range.rows()) {
            if limit.is_some_and(|limit| i >= limit) {
                break;
            }
            let mut cells = Vec::new();
            for (c, data) in (left..).zip(row) {
                if let Some(content) = content(data)? {
                    if c as usize >= MAX_COLUMNS {
                        return Err(assemble::too_wide());
                    }
                    cells.push((c, content));
                }
            }
            if !cells.is_empty() {
                take(i + 1, &cells)?;
            }
        }
        Ok(())
    };
    let sheet = choose(request, &names, |name, take| range_rows(name, Some(PREAMBLE), take))?;
    output.opening(&Opening { sheet: Some(sheet.clone()), epoch_1904, ..Opening::default() })?;
    range_rows(&sheet, None, &mut |row, cells| output.row(row, cells))
}

fn text(text: &str) -> Result<Option<Cell>, SourceError> {
    if text.len() > MAX_CELL {
        return Err(refuse("too_large", "Une cellule de ce classeur dépasse 1 Mo : n'y gardez que le tableau demandé."));
    }
    Ok((!text.is_empty()).then(|| (b't', text.to_owned())))
}

fn content_ref(data: &DataRef<'_>) -> Result<Option<Cell>, SourceError> {
    Ok(match data {
        DataRef::Empty => None,
        DataRef::String(s) => text(s)?,
        DataRef::SharedString(s) => text(s)?,
        DataRef::Int(i) => Some((b'n', i.to_string())),
        DataRef::Float(f) => Some((b'n', f.to_string())),
        DataRef::Bool(b) => Some(boolean(*b)),
        DataRef::DateTime(t) => Some(moment(t)),
        DataRef::DateTimeIso(s) => Some((b'd', midnight(s))),
        DataRef::DurationIso(s) => text(s)?,
        DataRef::Error(e) => Some((b'e', e.to_string())),
    })
}

fn content(data: &Data) -> Result<Option<Cell>, SourceError> {
    Ok(match data {
        Data::Empty => None,
        Data::String(s) => text(s)?,
        Data::Int(i) => Some((b'n', i.to_string())),
        Data::Float(f) => Some((b'n', f.to_string())),
        Data::Bool(b) => Some(boolean(*b)),
        Data::DateTime(t) => Some(moment(t)),
        Data::DateTimeIso(s) => Some((b'd', midnight(s))),
        Data::DurationIso(s) => text(s)?,
        Data::Error(e) => Some((b'e', e.to_string())),
    })
}

fn boolean(b: bool) -> Cell {
    (b'b', if b { "true" } else { "false" }.to_owned())
}

/// A day where the hour is midnight.
fn midnight(iso: &str) -> String {
    iso.strip_suffix("T00:00:00").unwrap_or(iso).to_owned()
}

/// A serial date in ISO: a day, a day and hour, or an hour alone.
fn moment(t: &ExcelDateTime) -> Cell {
    let serial = t.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return (b'n', serial.to_string());
    }
    if t.is_duration() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 2^38, checked above")]
        let seconds = (serial * 86_400.0).round() as u64;
        return (b't', format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    let (year, month, day, hour, minute, second, milli) = t.to_ymd_hms_milli();
    let fraction = if milli > 0 { format!(".{milli:03}") } else { String::new() };
    let clock = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    if serial < 1.0 && serial > 0.0 {
        (b't', clock)
    } else if clock == "00:00:00" {
        (b'd', format!("{year:04}-{month:02}-{day:02}"))
    } else {
        (b'd', format!("{year:04}-{month:02}-{day:02}T{clock}"))
    }
}
