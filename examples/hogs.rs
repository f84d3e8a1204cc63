//! Tasks that compute without a pause, and tasks that sit in system calls, beside 10,000 others.
//!
//! ```text
//! cargo run --release --example hogs
//! cargo run --release --example hogs -- --mode copying
//! cargo run --release --example hogs -- --windows 8
//! cargo run --release --example hogs -- --windows 8 --preempt
//! ```
//!
//! The others play ping-pong in pairs and sleep in between. Each second gets a line: how many sleeps
//! ended, and how late the half of them (p50), 99 of 100 (p99) and the last one woke up; then how
//! often a hogged worker lost its turn to another, and how many threads there are.
//!
//! In the migrating mode the hogs stop nobody: what a hog hogs is its thread, and another thread
//! takes its place. In the other modes the tasks that have begun on its thread wait for it, and the
//! runtime names it on stderr; as it does when tasks share the hog's window (`--windows 8`). Unless
//! such windows are preempted (`--preempt`): then the hogs are paused in turn, and nobody stops.
//!
//! In Go, this is what `sysmon` and `entersyscall` are for.

#[path = "support/format.rs"]
mod format;
#[path = "support/latency.rs"]
mod latency;
#[path = "support/options.rs"]
mod options;

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use format::grouped;
use latency::Latencies;
use midge::{chan, task, JoinHandle, Runtime};
use options::{Mode, RuntimeOptions};

/// How long each of the others sleeps between two rounds.
const SLEEP: Duration = Duration::from_millis(100);

/// How late sleepers woke up.
static LATE: Latencies = Latencies::new();
/// The latest of the current second, in nanoseconds.
static LATEST: AtomicU64 = AtomicU64::new(0);

/// Lets tasks hog their threads, and tells how long others wait.
#[derive(Debug, Parser)]
#[command(name = "hogs")]
struct Arguments {
    /// How many tasks compute without a pause
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    computing: u32,

    /// How many tasks sit in blocking system calls
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    blocked: u32,

    /// How many others there are
    #[arg(long, value_name = "COUNT", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    others: u32,

    /// How long it lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,

    /// How many windows the tasks share [default: 128 for each worker]
    #[arg(long, value_name = "COUNT")]
    windows: Option<usize>,

    /// Pause a hog whose window others wait for (migrating mode)
    #[arg(long)]
    preempt: bool,

    /// How many worker threads run the tasks
    #[arg(long, value_name = "COUNT", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,

    /// What the tasks promise, and so where their stacks are while they wait
    #[arg(long, value_enum, default_value_t = Mode::Migrating)]
    mode: Mode,
}

impl Arguments {
    fn runtime(&self) -> Result<Runtime, midge::BuildError> {
        let options = RuntimeOptions { workers: Some(self.workers), mode: self.mode };
        let tasks = self.others.saturating_add(self.computing + self.blocked);
        options.check_tasks::<Arguments>("--others", tasks, 1);
        // SAFETY: what these tasks have on their stacks, at any time, is channel ends, times and a
        // buffer to read into, which nobody else has a reference to (the kernel only during a call,
        // which a signal ends) and which belong to no thread.
        unsafe {
            options.build_with(|builder| {
                self.windows.map(|windows| builder.windows(windows));
                builder.preempt_windows(self.preempt);
            })
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match arguments.runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let hogs = Hogs::start(&runtime, &arguments, &stop);
    let others = others(&runtime, arguments.others / 2, &stop);
    // Not in a task: its worker might be hogged.
    let woken = report(&runtime, arguments.seconds);
    stop.store(true, Relaxed);
    hogs.end();
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
    println!("\nall tasks have ended");
    if woken == 0 && arguments.mode == Mode::Migrating {
        eprintln!("error: nobody went on");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Pairs of tasks that send a number to and fro, and sleep in between.
fn others(runtime: &Runtime, pairs: u32, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let pair = |_| {
        let (ping, hears_ping) = chan::bounded::<u64>(0);
        let (pong, hears_pong) = chan::bounded::<u64>(0);
        let stop = stop.clone();
        let server = runtime.spawn(move || {
            hears_ping.iter().for_each(|number| pong.send(number + 1).expect("it waits"));
        });
        let player = runtime.spawn(move || {
            let mut number = 0;
            while !stop.load(Relaxed) {
                ping.send(number).expect("it listens");
                assert_eq!(hears_pong.recv(), Ok(number + 1));
                number += 1;
                sleep_and_look();
            }
        });
        [server, player]
    };
    (0..pairs).flat_map(pair).collect()
}

/// Sleeps, and counts how late it woke up.
fn sleep_and_look() {
    let due = Instant::now() + SLEEP;
    task::sleep(SLEEP);
    let late = Instant::now().saturating_duration_since(due);
    LATE.add(late);
    LATEST.fetch_max(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Relaxed);
}

/// The tasks that hog their threads, and what lets the blocked ones go.
struct Hogs {
    tasks: Vec<JoinHandle<()>>,
    pipes: Vec<UnixStream>,
    listeners: Vec<Arc<TcpListener>>,
    mutex: Arc<Mutex<()>>,
    sleeps: Duration,
}

impl Hogs {
    fn start(runtime: &Runtime, arguments: &Arguments, stop: &Arc<AtomicBool>) -> Hogs {
        let mut hogs = Hogs {
            tasks: Vec::new(),
            pipes: Vec::new(),
            listeners: Vec::new(),
            mutex: Arc::new(Mutex::new(())),
            sleeps: Duration::from_secs(arguments.seconds.into()),
        };
        let named = |name: String| task::Builder::new().name(name);
        for number in 0..arguments.computing {
            let stop = stop.clone();
            let compute = move || {
                while !stop.load(Relaxed) {
                    std::hint::spin_loop();
                }
            };
            hogs.tasks.push(named(format!("computes-{number}")).spawn_on(runtime, compute));
        }
        for number in 0..arguments.blocked {
            let block = hogs.blocking_call(number);
            hogs.tasks.push(named(format!("blocks-{number}")).spawn_on(runtime, block));
        }
        hogs
    }

    /// One of four ways to sit in a system call.
    fn blocking_call(&mut self, number: u32) -> Box<dyn FnOnce() + Send> {
        match number % 4 {
            0 => {
                let (mut reader, writer) = UnixStream::pair().expect("a pair of sockets");
                self.pipes.push(writer);
                Box::new(move || {
                    let _ = reader.read(&mut [0]);
                })
            }
            1 => {
                let time = self.sleeps;
                Box::new(move || std::thread::sleep(time))
            }
            2 => {
                let (mutex, time) = (self.mutex.clone(), self.sleeps);
                // An ordinary thread holds the lock, and the task waits for it.
                let (locked, is_locked) = std::sync::mpsc::channel();
                let holds = mutex.clone();
                std::thread::spawn(move || {
                    let _guard = holds.lock();
                    let _ = locked.send(());
                    std::thread::sleep(time);
                });
                let _ = is_locked.recv();
                Box::new(move || drop(mutex.lock()))
            }
            _ => {
                let listener = Arc::new(TcpListener::bind("127.0.0.1:0").expect("a free port"));
                self.listeners.push(listener.clone());
                Box::new(move || drop(listener.accept()))
            }
        }
    }

    /// Lets all of them go, and waits for them.
    fn end(self) {
        drop(self.pipes);
        for listener in &self.listeners {
            let address = listener.local_addr().expect("it is bound");
            drop(std::net::TcpStream::connect(address));
        }
        self.tasks.into_iter().for_each(|task| task.join().expect("no task panics"));
    }
}

/// Prints a line each second. Returns how many sleeps have ended.
fn report(runtime: &Runtime, seconds: u32) -> u64 {
    println!(
        "{:>4} {:>10} {:>10} {:>10} {:>10} {:>9} {:>8} {:>8}",
        "s", "woke up", "p50 late", "p99 late", "max late", "retakes", "pauses", "threads"
    );
    let mut before = LATE.now();
    let mut all = 0;
    for second in 1..=seconds {
        std::thread::sleep(Duration::from_secs(1));
        let now = LATE.now();
        let counts = now.since(&before);
        before = now;
        all += counts.total();
        let metrics = runtime.metrics();
        let milliseconds = |time: Option<Duration>| {
            time.map_or("-".into(), |time| format!("{:.2} ms", time.as_secs_f64() * 1e3))
        };
        let max = (counts.total() > 0).then(|| Duration::from_nanos(LATEST.swap(0, Relaxed)));
        println!(
            "{second:>4} {:>10} {:>10} {:>10} {:>10} {:>9} {:>8} {:>8}",
            grouped(counts.total()),
            milliseconds(counts.percentile(50)),
            milliseconds(counts.percentile(99)),
            milliseconds(max),
            metrics.retakes,
            metrics.preemptions,
            metrics.threads
        );
    }
    all
}
