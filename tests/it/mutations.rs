//! Files changed at random, in every format, and schemas and conventions: each is refused with a code or read, without a panic, within 512 MB
//! and 10 s.
//!
//! This test starts copies of itself, each of which makes and checks files one after the other and says how each went: one that dies, hangs
//! or takes too much is found by its index, and its file is written to `target/mutations/`, where `retex check` reads it again. What takes
//! a process of its own in the hub (a spreadsheet) takes one here. A few files go through the command itself.
//!
//! - `RETEX_MUTATIONS_SECONDS`: seconds in all, 5 by default; `tests/run` gives 60.
//! - `RETEX_MUTATIONS_FILES`: files of each format, in place of a time.
//! - `RETEX_MUTATIONS_SEED`: another seed gives other files.
//! - `RETEX_MUTATIONS_KINDS`: only these formats, separated by commas.

mod mutate;

use std::{
    collections::{BTreeMap, VecDeque},
    env, fs,
    io::{BufRead, BufReader, Write},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

pub use mutate::corpus;
use mutate::{KINDS, Random, Seeds, Shape};
use retex::{
    convention::{Convention, rules::Rules},
    deposit::check::check_file,
};
use serde_json::Value as Json;

use crate::bounds::{self, MEMORY, TIME, Watch};

const CHILD: &str = "RETEX_MUTATIONS_CHILD";
/// Failures of one format after which it is left.
const ENOUGH: usize = 10;

/// The first `count` files of a format.
pub fn files(kind: &str, count: u64) -> Vec<Vec<u8>> {
    let seeds = Seeds::of(kind);
    (0..count).map(|index| seeds.file(seed(), index)).collect()
}

/// So many changed copies of a file.
pub fn changed_copies(file: &[u8], count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|index| mutate::changed(file.to_vec(), &mut Random::new(seed(), index))).collect()
}

fn setting<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn seed() -> u64 {
    setting("RETEX_MUTATIONS_SEED").unwrap_or(20_260_312)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("mutations")
}

/// What happened to the files of a format.
#[derive(Default)]
struct Tally {
    files: u64,
    elapsed: Duration,
    slowest: u64,
    memory: u64,
    caught: u64,
    outcomes: BTreeMap<String, u64>,
    failures: Vec<String>,
}

impl Tally {
    fn fail(&mut self, seeds: &Seeds, index: u64, why: &str) {
        let path = folder().join(format!("{}-{}-{index}", seeds.kind.name, seed()));
        fs::create_dir_all(folder()).expect("a folder");
        fs::write(&path, seeds.file(seed(), index)).expect("written");
        self.failures.push(format!("{}: {why}", path.display()));
    }
}

#[test]
fn no_changed_file_stops_a_check() {
    let only: Option<String> = setting("RETEX_MUTATIONS_KINDS");
    let kinds: VecDeque<_> = KINDS.iter().filter(|k| only.as_ref().is_none_or(|o| o.split(',').any(|name| name == k.name))).collect();
    assert!(!kinds.is_empty(), "RETEX_MUTATIONS_KINDS names no format");
    let count: Option<u64> = setting("RETEX_MUTATIONS_FILES");
    let workers = thread::available_parallelism().map_or(1, usize::from).min(kinds.len());
    let seconds: f64 = setting("RETEX_MUTATIONS_SECONDS").unwrap_or(5.0);
    let share = Duration::from_secs_f64(seconds * workers as f64 / kinds.len() as f64);
    let (queue, tallies) = (Mutex::new(kinds), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(kind) = queue.lock().expect("whole").pop_front() else { return };
                    let tally = session(&Seeds::of(kind.name), share, count);
                    tallies.lock().expect("whole").insert(kind.name, tally);
                }
            });
        }
    });
    let tallies = tallies.into_inner().expect("whole");
    let mut said = format!("seed {}\n", seed());
    for (name, tally) in &tallies {
        let outcomes: Vec<String> = tally.outcomes.iter().map(|(code, n)| format!("{code} {n}")).collect();
        said += &format!(
            "{name}: {} files, {:.0} a second, slowest {} ms, {} MB, {} panics caught; {}\n",
            tally.files,
            tally.files as f64 / tally.elapsed.as_secs_f64(),
            tally.slowest,
            tally.memory / 1024,
            tally.caught,
            outcomes.join(", ")
        );
    }
    println!("{said}");
    fs::create_dir_all(folder()).expect("a folder");
    fs::write(folder().join("summary.txt"), &said).expect("written");
    let failures: Vec<&String> = tallies.values().flat_map(|t| &t.failures).collect();
    assert!(failures.is_empty(), "{failures:#?}\n{said}");
    for (name, tally) in &tallies {
        assert!(tally.files >= Seeds::of(name).kind.seeds.len() as u64 + 5, "{name}: too few files were tried\n{said}");
    }
}

/// One format, for a time or so many files.
fn session(seeds: &Seeds, share: Duration, count: Option<u64>) -> Tally {
    let (start, mut tally, mut index) = (Instant::now(), Tally::default(), 0);
    let over = |tally: &Tally, index: u64| match count {
        Some(count) => index >= count,
        None => start.elapsed() >= share && index > seeds.kind.seeds.len() as u64 + 5,
    } || tally.failures.len() >= ENOUGH;
    while !over(&tally, index) {
        let mut child = start_child(seeds);
        let watch = Watch::over(child.id(), false);
        let (mut ask, lines) = (child.stdin.take().expect("piped"), lines(&mut child));
        // The first answer takes the start of a process too.
        let mut patience = TIME * 3;
        while !over(&tally, index) {
            // One at a time: what its children take is this file's. A child that died is told below.
            let _ = writeln!(ask, "{index}").and_then(|()| ask.flush());
            let answer = lines.recv_timeout(patience);
            patience = TIME;
            match answer {
                Ok(said) => {
                    tally.take(seeds, index, &said, watch.take());
                    if index.is_multiple_of(1000) && !matches!(seeds.kind.shape, Shape::Json | Shape::Convention) {
                        through_the_command(&mut tally, seeds, index);
                    }
                    index += 1;
                }
                Err(RecvTimeoutError::Timeout) => {
                    tally.fail(seeds, index, "not checked after 10 s");
                    index += 1;
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = child.wait().expect("a child");
                    tally.fail(seeds, index, &format!("the process died: {status}"));
                    index += 1;
                    break;
                }
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    tally.elapsed = start.elapsed();
    tally
}

impl Tally {
    /// Takes what the child says of a file: milliseconds, peak KB, panics that the reader caught, outcome.
    fn take(&mut self, seeds: &Seeds, index: u64, said: &str, children: u64) {
        let mut words = said.splitn(5, ' ');
        let mut number = || words.next().and_then(|w| w.parse::<u64>().ok()).unwrap_or_else(|| panic!("{said}"));
        let (at, elapsed, memory, caught) = (number(), number(), number().max(children), number());
        let outcome = words.next().unwrap_or_default();
        assert_eq!(at, index, "{said}");
        self.files += 1;
        self.slowest = self.slowest.max(elapsed);
        self.memory = self.memory.max(memory);
        self.caught += caught;
        if outcome.starts_with("panicked") {
            self.fail(seeds, index, outcome);
        } else {
            *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
        }
        if memory > MEMORY {
            self.fail(seeds, index, &format!("took {} MB", memory / 1024));
        }
        if u128::from(elapsed) > TIME.as_millis() {
            self.fail(seeds, index, &format!("took {elapsed} ms"));
        }
    }
}

/// The same file through `retex check`: its verdict is JSON, its end is one of three, and nothing panics.
fn through_the_command(tally: &mut Tally, seeds: &Seeds, index: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fichier");
    fs::write(&path, seeds.file(seed(), index)).expect("written");
    let ended = bounds::check(&path, &corpus("row.schema.json"));
    let verdict: Option<Json> = serde_json::from_str(&ended.stdout).ok();
    let valid = verdict.as_ref().and_then(|v| v["valid"].as_bool());
    let code = ended.status.code();
    let agreed = matches!((code, valid), (Some(0), Some(true)) | (Some(1 | 2), Some(false)));
    // The columnar reader's own panics are caught, and said on stderr.
    let panicked = ended.stderr.contains("panicked") && seeds.kind.name != "parquet" && seeds.kind.name != "arrow";
    if !agreed || panicked {
        tally.fail(seeds, index, &format!("the command ended with {code:?}, said {} and {}", ended.stdout, ended.stderr));
    }
}

fn start_child(seeds: &Seeds) -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "mutations::files_one_after_the_other", "--ignored", "--nocapture", "--test-threads", "1"])
        .env(CHILD, format!("{} {}", seeds.kind.name, seed()))
        .env("RETEX_BIN", env!("CARGO_BIN_EXE_retex"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some(said) = line.strip_prefix("@ ")
                && send.send(said.to_owned()).is_err()
            {
                return;
            }
        }
    });
    receive
}

/// What a child does: the file of each index that it is asked for, until there is none left.
#[test]
#[ignore = "started by no_changed_file_stops_a_check, in a process of its own"]
fn files_one_after_the_other() {
    let task = env::var(CHILD).unwrap_or_else(|_| panic!("{CHILD} is not set: this runs in a child of no_changed_file_stops_a_check only"));
    let (name, seed) = task.split_once(' ').expect("a format and a seed");
    let (seeds, seed): (_, u64) = (Seeds::of(name), seed.parse().expect("a seed"));
    // What asks for terabytes gets nothing, and dies of it, on any machine.
    let _ = rlimit::Resource::AS.set(8 << 30, 8 << 30);
    let _ = rlimit::Resource::CORE.set(0, 0);
    static PANICS: AtomicU64 = AtomicU64::new(0);
    static LAST: Mutex<String> = Mutex::new(String::new());
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut last) = LAST.lock() {
            *last = info.to_string();
        }
    }));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fichier");
    let rules = rules("row.schema.json");
    let mut out = std::io::stdout();
    // After what the test harness begins its line with.
    let _ = writeln!(out);
    for asked in std::io::stdin().lines().map_while(Result::ok) {
        let index: u64 = asked.parse().expect("an index");
        let bytes = seeds.file(seed, index);
        fs::write(&path, &bytes).expect("written");
        // From here on, the peak is this file's.
        let _ = fs::write("/proc/self/clear_refs", "5");
        PANICS.store(0, Ordering::Relaxed);
        let start = Instant::now();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| match seeds.kind.shape {
            Shape::Json => compiled(&bytes),
            Shape::Convention => convention(&bytes),
            _ => checked(&path, &rules),
        }));
        let (elapsed, caught) = (start.elapsed().as_millis(), PANICS.load(Ordering::Relaxed));
        let outcome =
            outcome.unwrap_or_else(|_| LAST.lock().map_or_else(|_| "panicked".to_owned(), |last| last.replace(['\n', '\r'], " ")));
        let memory = bounds::kilobytes("self", "VmHWM").unwrap_or_default();
        // A parent that is gone has what it wanted.
        if writeln!(out, "@ {index} {elapsed} {memory} {caught} {outcome}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn rules(name: &str) -> Rules {
    let json: Json = serde_json::from_slice(&fs::read(corpus(name)).expect("a schema")).expect("JSON");
    Rules::from_schema(&json).unwrap_or_else(|f| panic!("{f:?}"))
}

fn checked(path: &Path, rules: &Rules) -> String {
    let report = check_file(path, "fichier", rules, 100).report;
    match &report.source_error {
        Some(error) => {
            assert!(!report.valid && !error.message.is_empty() && error.code != "interrupted", "{error:?}");
            error.code.clone()
        }
        None => if report.valid { "valid" } else { "invalid" }.to_owned(),
    }
}

/// A schema, then a file checked against it where it compiles.
fn compiled(bytes: &[u8]) -> String {
    let Ok(schema) = serde_json::from_slice::<Json>(bytes) else { return "no JSON".to_owned() };
    match Rules::from_schema(&schema) {
        Ok(rules) => format!("compiled, {}", checked(&corpus("comma.csv"), &rules)),
        Err(faults) => first(&faults),
    }
}

fn convention(bytes: &[u8]) -> String {
    let parsed = std::str::from_utf8(bytes).ok().map(Convention::parse);
    match parsed {
        None => "no text".to_owned(),
        Some(Err(error)) => error.code.to_owned(),
        Some(Ok(json)) => match Convention::from_json(json) {
            Ok(_) => "compiled".to_owned(),
            Err(error) if error.faults.is_empty() => error.code.to_owned(),
            Err(error) => first(&error.faults),
        },
    }
}

fn first(faults: &[retex::error::Fault]) -> String {
    let fault = faults.first().expect("a refusal says why");
    assert!(!fault.message.is_empty() && !fault.code.is_empty(), "{fault:?}");
    fault.code.clone()
}
