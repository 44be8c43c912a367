//! A process held to what a check may take, and watched while it runs: memory of itself and of its children, and time.
#![expect(clippy::disallowed_methods, reason = "no event tells that a process grew: it is looked at, again and again")]

use std::{
    fs,
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Most resident memory of any process that a check starts, in KB.
pub const MEMORY: u64 = 512 * 1024;
/// Longest check.
pub const TIME: Duration = Duration::from_secs(10);

/// A field in KB of a process's `status`; none once it is gone.
pub fn kilobytes(process: &str, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(field)?.trim_start_matches(':').trim().strip_suffix(" kB")?.parse().ok())
}

fn children(of: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{of}/task")) else { return Vec::new() };
    let lists = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()).collect()
}

/// Looks at a process and its children, several hundred times a second, until dropped.
pub struct Watch {
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watch {
    /// Of the children of `root`, and of itself where `itself`.
    pub fn over(root: u32, itself: bool) -> Self {
        let (peak, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, stop) = (peak.clone(), done.clone());
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let own = itself.then_some(root);
                // The most it ever took, which what it gave back does not lower: between two looks nothing grows by much.
                for process in own.into_iter().chain(children(root)) {
                    seen.fetch_max(kilobytes(&process.to_string(), "VmHWM").unwrap_or_default(), Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(3));
            }
        });
        Self { peak, done, thread: Some(thread) }
    }

    /// The most that was seen since the last time this was asked, in KB.
    pub fn take(&self) -> u64 {
        self.peak.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How a process ended.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
    /// Peak resident memory of it or of one of its children, in KB.
    pub memory: u64,
}

fn drain(from: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs a command to its end, or kills it after three times the longest that it may take.
pub fn run(command: &mut Command) -> Ended {
    let start = Instant::now();
    let mut child: Child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let watch = Watch::over(child.id(), true);
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if start.elapsed() > TIME * 3 {
            let _ = child.kill();
            break child.wait().expect("a child");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let elapsed = start.elapsed();
    Ended { status, stdout: stdout.join().expect("read"), stderr: stderr.join().expect("read"), elapsed, memory: watch.take() }
}

/// `retex check` of a file as a program reads it.
pub fn check(file: &std::path::Path, schema: &std::path::Path) -> Ended {
    run(Command::new(env!("CARGO_BIN_EXE_retex")).args(["check", "--format", "json", "--schema"]).arg(schema).arg(file))
}
