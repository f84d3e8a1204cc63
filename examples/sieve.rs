//! The concurrent prime sieve: a chain of tasks, one for each prime, joined by channels.
//!
//! ```text
//! cargo run --release --example sieve
//! cargo run --release --example sieve -- --primes 2000 --mode migrating
//! cargo run --release --example sieve -- --capacity 64
//! ```
//!
//! A generator sends the numbers 2, 3, 4 and so on. The first number that comes out of the chain
//! is a prime, and a filter that lets pass what this prime does not divide is put at the chain's
//! end; so the next number that comes out is a prime again. With channels that hold nothing
//! (`--capacity 0`, the default) each number that is passed on is a rendezvous of two tasks, so
//! this measures how fast tasks wake each other.
//!
//! When there are enough primes, the main task drops the receiver at the chain's end, and the chain
//! takes itself apart from there: a filter whose send fails ends, and with it its own receiver.
//! Those further up go on sifting until it is their turn, so this takes about as long again.
//!
//! In Go, this is `test/chan/sieve1.go`, and the prime sieve on the front page of the playground.

#[path = "support/format.rs"]
mod format;
#[path = "support/leftover.rs"]
mod leftover;
#[path = "support/options.rs"]
mod options;
#[path = "support/progress.rs"]
mod progress;

use std::mem;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use format::{grouped, row};
use midge::chan::{self, Receiver, Sender};
use midge::runtime::Metrics;
use midge::spawn;
use options::RuntimeOptions;
use progress::Progress;

/// Finds primes with a chain of tasks, one for each prime.
#[derive(Debug, Parser)]
#[command(name = "sieve")]
struct Arguments {
    /// How many primes to find
    #[arg(long, value_name = "COUNT", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    primes: u32,

    /// How many numbers each channel holds; 0 is a rendezvous
    #[arg(long, value_name = "NUMBERS", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    capacity: u32,

    #[command(flatten)]
    runtime: RuntimeOptions,
}

/// How many primes have been found, for the progress bar.
static FOUND: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.runtime.check_tasks::<Arguments>("--primes", arguments.primes, 1);
    // SAFETY: what a task has on its stack while it waits is its ends of two channels, whose
    // contents are on the heap, and some integers. Nobody else has a reference to them, and
    // nothing of it belongs to a thread.
    let runtime = match unsafe { arguments.runtime.build() } {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };

    let progress = Progress::start(u64::from(arguments.primes), |bar| {
        let found = FOUND.load(Ordering::Relaxed); // only a number to show
        bar.set_position(found);
        bar.set_message(format!("{} primes", grouped(found)));
    });
    let sieved = runtime.run(|| sieve(arguments.primes, arguments.capacity as usize));
    progress.finish();

    let left_over = leftover::tasks(&runtime);
    print(&arguments, runtime.workers(), &sieved, &runtime.metrics());
    if left_over > 0 {
        eprintln!("error: {left_over} tasks have not ended");
        return ExitCode::FAILURE;
    }
    if sieved.primes != first_primes(arguments.primes as usize) {
        eprintln!("error: a sequential sieve finds other primes");
        return ExitCode::FAILURE;
    }
    println!("\nA sequential sieve finds the same primes, and every task has ended.");
    ExitCode::SUCCESS
}

/// What the main task found and measured.
struct Sieved {
    primes: Vec<u64>,
    /// Sends and receives that all tasks did.
    operations: u64,
    /// Until the last prime was found.
    finding: Duration,
    /// From then until the last task had ended.
    ending: Duration,
}

/// Builds the chain, and takes it down. Called in the main task.
fn sieve(wanted: u32, capacity: usize) -> Sieved {
    let start = Instant::now();
    let (sender, mut numbers) = chan::bounded(capacity);
    let mut tasks = vec![spawn(move || generate(sender))];
    let mut primes = Vec::new();
    for _ in 0..wanted {
        let prime = numbers.recv().expect("the generator never ends by itself");
        primes.push(prime);
        FOUND.fetch_add(1, Ordering::Relaxed); // only a number to show
        let (sender, filtered) = chan::bounded(capacity);
        let unfiltered = mem::replace(&mut numbers, filtered);
        tasks.push(spawn(move || filter(prime, unfiltered, sender)));
    }
    let finding = start.elapsed();

    drop(numbers); // nobody listens any more
    let operations = tasks.into_iter().map(|task| task.join().expect("no task panics"));
    let operations = operations.sum::<u64>() + u64::from(wanted);
    Sieved { primes, operations, finding, ending: start.elapsed() - finding }
}

/// Sends 2, 3, 4 and so on, as long as somebody listens. Returns how many.
fn generate(numbers: Sender<u64>) -> u64 {
    let mut sent = 0;
    while numbers.send(sent + 2).is_ok() {
        sent += 1;
    }
    sent
}

/// Passes on what `prime` does not divide, as long as somebody listens. Returns how many channel
/// operations that took.
fn filter(prime: u64, unfiltered: Receiver<u64>, filtered: Sender<u64>) -> u64 {
    let mut operations = 0;
    for number in unfiltered {
        operations += 1;
        if number % prime != 0 {
            if filtered.send(number).is_err() {
                break;
            }
            operations += 1;
        }
    }
    operations
}

/// The first primes, found by one loop: the sieve of Eratosthenes.
fn first_primes(count: usize) -> Vec<u64> {
    // The n-th prime is below n (ln n + ln ln n) from the sixth on (Rosser).
    let n = count.max(6) as f64;
    let limit = (n * (n.ln() + n.ln().ln())).ceil() as usize;
    let mut composite = vec![false; limit + 1];
    let mut primes = Vec::with_capacity(count);
    for number in 2..=limit {
        if primes.len() == count {
            break;
        }
        if !composite[number] {
            primes.push(number as u64);
            (number * number..=limit)
                .step_by(number)
                .for_each(|multiple| composite[multiple] = true);
        }
    }
    primes
}

fn print(arguments: &Arguments, workers: usize, sieved: &Sieved, metrics: &Metrics) {
    let last = sieved.primes.len().saturating_sub(5);
    let last: Vec<_> = sieved.primes[last..].iter().map(u64::to_string).collect();
    let seconds = (sieved.finding + sieved.ending).as_secs_f64();
    println!("{:?} mode, workers: {workers}", arguments.runtime.mode);
    row("primes", grouped(sieved.primes.len() as u64));
    row("the last of them", last.join(" "));
    row("their sum", grouped(sieved.primes.iter().sum()));
    println!();
    row("time to find them", format!("{:.3} s", sieved.finding.as_secs_f64()));
    row("time to end all tasks", format!("{:.3} s", sieved.ending.as_secs_f64()));
    row("tasks", grouped(metrics.tasks_spawned));
    row("channel operations", grouped(sieved.operations));
    row("each second", grouped((sieved.operations as f64 / seconds) as u64));
    println!();
    row("parks", grouped(metrics.parks));
    row("yields", grouped(metrics.yields));
    row("freezes", grouped(metrics.freezes));
    row("thaws", grouped(metrics.thaws));
    row("migrations", grouped(metrics.migrations));
}
