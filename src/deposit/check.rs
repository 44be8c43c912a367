//! From a file to its report and its typed table, as a pipeline: each thread takes the next piece of the file, judges it, hands it over
//! in file order, and encodes a row group of the table when one is full. What is in memory is a few pieces and row groups, whatever the
//! size of the file.

use std::{
    collections::BTreeMap,
    io::Read,
    path::Path,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use polars::prelude::DataFrame;
use sha2::{Digest, Sha256};

use super::{
    decode::{Expected, Learnt, Piece, Reader, Unread, refuse},
    parquet::{self, Writer},
    report::{CheckReport, FileInfo, SchemaInfo, SourceError, Stats},
    validate::{Assumed, Block, Judge, Validated, Verdict},
};
use crate::{
    convention::rules::Rules,
    error::{Error, Result},
};

/// Most threads: beyond them the disk and the order of the file are what takes time.
const MAX_THREADS: usize = 16;
/// How long a thread that is ahead waits before it looks again.
const PATIENCE: Duration = Duration::from_millis(100);
/// Blocks per thread that may be judged before the one that they follow.
const AHEAD: usize = 4;
/// Most times that a file is read: for its names or its encoding, its marks, its unnamed columns, its keys.
const MAX_PASSES: usize = 8;

/// What a check gives.
pub struct Checked {
    /// What is said of the file.
    pub report: CheckReport,
    /// Rows of the table that was asked for: the valid ones, in file order. None where none was asked for, no table could be read or the
    /// header is wrong; an error where the table could not be written, which changes nothing to the verdict.
    pub table: Result<Option<u64>>,
}

/// Where to write the typed table.
pub struct Output<'a> {
    /// A file, written whole or not at all.
    pub path: &'a Path,
    /// What the file's footer says, knowing the file that was read.
    pub metadata: &'a (dyn Fn(&FileInfo) -> Vec<(&'static str, String)> + Sync),
}

/// Reads and checks the file at `path`, called `name` by its depositor; lists at most `limit` faults.
pub fn check_file(path: &Path, name: &str, rules: &Rules, limit: usize) -> Checked {
    check_file_into(path, name, rules, limit, None, &mut |_| {})
}

/// The steps of a check, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opening the file.
    Reading,
    /// So many rows are checked.
    Checking(u64),
}

/// [`check_file`], writing the valid rows as a typed table and telling `progress` how far it is.
pub fn check_file_into(
    path: &Path,
    name: &str,
    rules: &Rules,
    limit: usize,
    into: Option<&Output<'_>>,
    progress: &mut (dyn FnMut(Step) + Send),
) -> Checked {
    let start = Instant::now();
    progress(Step::Reading);
    let schema = SchemaInfo { kind: rules.kind().name().to_owned(), id: rules.id().map(str::to_owned), sha256: rules.sha256().to_owned() };
    // The fingerprint is taken beside: it needs every byte of the file, and none of what is read in it.
    let (fingerprint, outcome) = thread::scope(|scope| {
        let fingerprint = scope.spawn(|| fingerprint(path));
        let outcome = passes(path, rules, limit, into, progress);
        (fingerprint.join().ok().flatten().unwrap_or_default(), outcome)
    });
    let (bytes, sha256) = fingerprint;
    let file = FileInfo { name: name.to_owned(), bytes, sha256, ..FileInfo::default() };
    let Done { head, checked, written } = match outcome {
        Ok(done) => done,
        Err(error) => return Checked { report: unread(file, schema, error, start), table: Ok(None) },
    };
    let source = head.source.clone();
    let file = FileInfo {
        format: Some(source.format.to_owned()),
        compression: source.compression.map(str::to_owned),
        encoding: source.encoding,
        delimiter: source.delimiter.map(String::from),
        quote: source.quote.map(str::to_owned),
        decimal: checked.decimal.map(String::from),
        sheet: source.sheet,
        header_row: head.header_row,
        dates: checked.dates,
        ..file
    };
    let table = match (written, into) {
        (Some(Ok((writer, rows))), Some(into)) if checked.has_table => writer.finish(&(into.metadata)(&file)).map(|()| Some(rows)),
        (Some(Err(error)), _) if checked.has_table => Err(error),
        _ => Ok(None),
    };
    let report = CheckReport {
        valid: checked.error_count == 0,
        source_error: None,
        file,
        schema,
        stats: Stats {
            rows: checked.rows,
            rows_invalid: checked.rows_invalid,
            errors: checked.error_count,
            warnings: checked.warning_count,
            seconds: start.elapsed().as_secs_f64(),
        },
        columns: checked.columns,
        errors: checked.errors,
        by_rule: checked.by_rule,
        warnings: checked.warnings,
        personal: checked.personal,
    };
    Checked { report, table }
}

/// A file read to its end.
struct Done {
    head: std::sync::Arc<super::decode::Head>,
    checked: Validated,
    /// The table, not yet in its place, and its rows; none where none was asked for.
    written: Option<Result<(Writer, u64)>>,
}

/// What one reading gave.
enum Pass {
    Done(Box<Done>),
    /// The file is to be read again: what was learnt of it is in the arguments.
    Again,
}

/// Reads the file until what was assumed of it holds: once, for nearly all.
fn passes(
    path: &Path,
    rules: &Rules,
    limit: usize,
    into: Option<&Output<'_>>,
    progress: &mut (dyn FnMut(Step) + Send),
) -> std::result::Result<Done, SourceError> {
    let names: Vec<String> = rules.columns().iter().map(|c| c.name.clone()).collect();
    let expected = Expected { columns: &names, reading: Some(rules.reading()) };
    let (mut learnt, mut assumed) = (Learnt::default(), None);
    for _ in 0..MAX_PASSES {
        match pass(path, expected, rules, limit, into, progress, &mut learnt, &mut assumed) {
            Ok(Pass::Done(done)) => return Ok(*done),
            Ok(Pass::Again) => {}
            Err(Unread::Refused(error)) => return Err(error),
            Err(Unread::OtherEncoding) if learnt.encoding() => assumed = None,
            Err(Unread::OtherEncoding) => break,
        }
    }
    Err(refuse(
        "encoding",
        "Le fichier ne se lit pas de la même façon du début à la fin : enregistrez-le en « CSV UTF-8 » depuis votre tableur.",
    ))
}

#[expect(clippy::too_many_arguments, reason = "the one reading of a file: what it needs, and the two things that it learns")]
fn pass(
    path: &Path,
    expected: Expected<'_>,
    rules: &Rules,
    limit: usize,
    into: Option<&Output<'_>>,
    progress: &mut (dyn FnMut(Step) + Send),
    learnt: &mut Learnt,
    assumed: &mut Option<Assumed>,
) -> std::result::Result<Pass, Unread> {
    let mut reader = Reader::open(path, expected, learnt)?;
    let head = reader.head().clone();
    let mut first = None;
    if assumed.is_none() {
        // The first block gives a first idea of how the file is written.
        let mut guess = Assumed::default();
        if let Some(piece) = reader.next_piece()? {
            let table = piece.table(&head)?;
            let judge = Judge::new(rules, head.clone(), Assumed::default(), 0, false);
            let mut verdict = Verdict::new(&judge);
            verdict.take(judge.block(&table, false)).map_err(|_| no_room())?;
            guess = verdict.so_far();
            first = Some(Piece::Cells(table));
        }
        *assumed = Some(guess);
    }
    let schema = || rules.columns().iter().map(|c| (c.name.as_str().into(), c.kind.dtype())).collect();
    let writer = into.map(|into| Writer::create(into.path, &schema()));
    let (writer, not_created) = match writer {
        Some(Ok(writer)) => (Some(writer), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let judge = Judge::new(rules, head.clone(), assumed.clone().unwrap_or_default(), limit, writer.is_some());
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let line = Line {
        judge: &judge,
        writer: writer.as_ref(),
        source: Mutex::new(Pieces { reader, first, next: 0, ended: false }),
        merge: Mutex::new(Merge {
            verdict: Verdict::new(&judge),
            waiting: BTreeMap::new(),
            next: 0,
            learnt: std::mem::take(learnt),
            again: false,
            failed: None,
            group: Group::default(),
            progress,
        }),
        moved: Condvar::new(),
        ahead: threads * AHEAD,
        tell: AtomicBool::new(limit > 0),
        stop: AtomicBool::new(false),
        unwritten: Mutex::new(None),
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| line.work());
        }
        line.work();
    });
    let Line { source, merge, unwritten, .. } = line;
    let reader = source.into_inner().unwrap_or_else(PoisonError::into_inner).reader;
    let Merge { mut verdict, learnt: more, again, failed, group, .. } = merge.into_inner().unwrap_or_else(PoisonError::into_inner);
    *learnt = more;
    if let Some(failed) = failed {
        return Err(failed);
    }
    if again {
        *assumed = None;
        return Ok(Pass::Again);
    }
    if let Some(better) = verdict.otherwise().map_err(|_| no_room())? {
        *assumed = Some(better);
        return Ok(Pass::Again);
    }
    let hidden = reader.hidden_rows();
    let checked = verdict.close(hidden);
    let failed = unwritten.into_inner().unwrap_or_else(PoisonError::into_inner).or(not_created);
    let written = match (failed, writer) {
        (Some(error), _) => Some(Err(error)),
        (None, Some(writer)) => Some(group.last(&writer).map(|rows| (writer, rows))),
        (None, None) => None,
    };
    Ok(Pass::Done(Box::new(Done { head, checked, written })))
}

fn no_room() -> Unread {
    Unread::Refused(refuse(
        "no_room",
        "Le contrôle n'a pas pu écrire ses fichiers temporaires : faites de la place sur le disque, puis recommencez.",
    ))
}

/// The pieces of the file, in file order.
struct Pieces {
    reader: Reader,
    /// The one that was read to get a first idea.
    first: Option<Piece>,
    next: usize,
    ended: bool,
}

impl Pieces {
    /// The next piece and its position; none after the last, or after a failure.
    fn take(&mut self) -> Option<(usize, std::result::Result<Piece, Unread>)> {
        if self.ended {
            return None;
        }
        let piece = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.reader.next_piece(),
        };
        self.ended = !matches!(piece, Ok(Some(_)));
        let piece = piece.transpose()?;
        let position = self.next;
        self.next += 1;
        Some((position, piece))
    }
}

/// Rows that do not fill a row group yet.
#[derive(Default)]
struct Group {
    rows: Option<DataFrame>,
    /// Groups that were filled before.
    done: usize,
    /// Rows that were given back.
    total: u64,
}

impl Group {
    /// Takes rows; the groups that they fill, with their positions.
    fn take(&mut self, rows: DataFrame) -> polars::prelude::PolarsResult<Vec<(usize, DataFrame)>> {
        let mut pending = match self.rows.take() {
            None => rows,
            Some(mut pending) => {
                pending.vstack_mut_owned(rows)?;
                pending
            }
        };
        let mut full = Vec::new();
        while pending.height() >= parquet::GROUP {
            full.push((self.done, pending.slice(0, parquet::GROUP)));
            self.done += 1;
            self.total += parquet::GROUP as u64;
            pending = pending.slice(parquet::GROUP as i64, usize::MAX >> 1);
        }
        self.rows = Some(pending);
        Ok(full)
    }

    /// What fills no group, as the last one; none where there is none, or it was taken.
    fn rest(&mut self) -> Option<(usize, DataFrame)> {
        let rows = self.rows.take().filter(|rows| rows.height() > 0)?;
        self.total += rows.height() as u64;
        Some((self.done, rows))
    }

    /// Writes the rest, unless a thread did; all rows that were written.
    fn last(mut self, writer: &Writer) -> Result<u64> {
        if let Some((index, rows)) = self.rest() {
            writer.group(index, rows)?;
        }
        Ok(self.total)
    }
}

/// The blocks, in file order again.
struct Merge<'a, 'r> {
    verdict: Verdict<'a, 'r>,
    /// Blocks that are judged before those that they follow.
    waiting: BTreeMap<usize, std::result::Result<(Block, Vec<String>), Unread>>,
    next: usize,
    learnt: Learnt,
    /// Whether the file is to be read again with what was learnt.
    again: bool,
    failed: Option<Unread>,
    group: Group,
    progress: &'a mut (dyn FnMut(Step) + Send),
}

/// One reading of a file, shared by its threads.
struct Line<'a, 'r> {
    judge: &'a Judge<'r>,
    writer: Option<&'a Writer>,
    source: Mutex<Pieces>,
    merge: Mutex<Merge<'a, 'r>>,
    /// Told when a block is handed over, or a thread stops.
    moved: Condvar,
    /// Blocks that may wait for the one that they follow.
    ahead: usize,
    /// Whether faults are still wanted one by one.
    tell: AtomicBool,
    stop: AtomicBool,
    unwritten: Mutex<Option<Error>>,
}

/// Stops all threads when one panics.
struct Guard<'a>(&'a AtomicBool, &'a Condvar);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
            self.1.notify_all();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line<'_, '_> {
    /// What each thread does until the file ends.
    fn work(&self) {
        // A thread that panics takes the others with it, instead of letting them read on for nothing.
        let _guard = Guard(&self.stop, &self.moved);
        loop {
            self.wait();
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let taken = lock(&self.source).take();
            let Some((position, piece)) = taken else { return self.end() };
            let block = piece.and_then(|piece| piece.table(self.judge.head())).map(|table| {
                let block = self.judge.block(&table, self.tell.load(Ordering::Relaxed));
                (block, table.unknown)
            });
            for (index, rows) in self.merge(position, block) {
                if let Some(writer) = self.writer
                    && let Err(error) = writer.group(index, rows)
                {
                    lock(&self.unwritten).get_or_insert(error);
                }
            }
        }
    }

    /// Encodes the rows that fill no row group, once all blocks are handed over: the last one may still be at its own.
    fn end(&self) {
        let pieces = lock(&self.source).next;
        let rest = {
            let mut merge = lock(&self.merge);
            let all = merge.next == pieces && merge.failed.is_none();
            all.then(|| merge.group.rest()).flatten()
        };
        if let (Some((index, rows)), Some(writer)) = (rest, self.writer)
            && let Err(error) = writer.group(index, rows)
        {
            lock(&self.unwritten).get_or_insert(error);
        }
    }

    /// Lets a thread that is slow catch up: blocks that wait for its own are in memory.
    fn wait(&self) {
        let mut merge = lock(&self.merge);
        // Whoever has the block that all wait for is not here, and comes by with it.
        while merge.waiting.len() >= self.ahead && !self.stop.load(Ordering::Relaxed) {
            // A thread that panics tells without the lock: nothing is waited for for long.
            let (again, _) = self.moved.wait_timeout(merge, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            merge = again;
        }
    }

    /// Hands a block over; the row groups that are full by it.
    fn merge(&self, position: usize, block: std::result::Result<(Block, Vec<String>), Unread>) -> Vec<(usize, DataFrame)> {
        let mut merge = lock(&self.merge);
        merge.waiting.insert(position, block);
        let mut full = Vec::new();
        while merge.failed.is_none() {
            let next = merge.next;
            let Some(block) = merge.waiting.remove(&next) else { break };
            merge.next += 1;
            match block {
                Err(error) => merge.failed = Some(error),
                Ok((block, unknown)) => {
                    merge.again |= merge.learnt.names(self.judge.head(), &unknown);
                    match merge.verdict.take(block) {
                        Err(_) => merge.failed = Some(no_room()),
                        Ok(None) => {}
                        Ok(Some(rows)) => match merge.group.take(rows) {
                            Ok(groups) => full.extend(groups),
                            Err(error) => {
                                lock(&self.unwritten).get_or_insert(Error::internal(error));
                            }
                        },
                    }
                }
            }
        }
        let rows = merge.verdict.rows();
        (merge.progress)(Step::Checking(rows));
        self.tell.store(merge.verdict.wants_more(), Ordering::Relaxed);
        if merge.failed.is_some() {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.moved.notify_all();
        full
    }
}

fn unread(file: FileInfo, schema: SchemaInfo, error: SourceError, start: Instant) -> CheckReport {
    CheckReport {
        valid: false,
        source_error: Some(error),
        file,
        schema,
        stats: Stats { seconds: start.elapsed().as_secs_f64(), ..Stats::default() },
        columns: Vec::new(),
        errors: Vec::new(),
        by_rule: Vec::new(),
        warnings: Vec::new(),
        personal: Vec::new(),
    }
}

/// Size and SHA-256 of a file; none where it cannot be read, which reading then says.
fn fingerprint(path: &Path) -> Option<(u64, String)> {
    // A device or a pipe has no end: only a file has a fingerprint.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut file = std::fs::File::open(path).ok()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    let mut bytes = 0u64;
    loop {
        let read = file.read(&mut buffer).ok()?;
        if read == 0 {
            return Some((bytes, hex::encode(hash.finalize())));
        }
        bytes += read as u64;
        hash.update(&buffer[..read]);
    }
}
