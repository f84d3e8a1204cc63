//! A pipeline: counts the words in a directory tree, with one task for each file.
//!
//! ```text
//! cargo run --release --example pipeline
//! cargo run --release --example pipeline -- /usr/share/doc --top 5 --mode migrating
//! ```
//!
//! ```text
//!          files           texts               outcomes
//!   walk ---------> read ----------> tokenise -----------> merge
//!   1 task          1 task a file    --tokenisers          the main task
//! ```
//!
//! The stages are joined by channels that hold `--capacity` items: a stage that is ahead of the
//! next one waits. There may be any number of tasks that read, as a waiting task costs a few
//! hundred bytes. What is scarce is open files and memory for texts, so only `--open-files` tasks
//! at a time get a permit of a semaphore, which they keep until the next stage has the text.
//!
//! Files that are not readable or no text are counted and reported. `--check` counts again in a
//! plain loop and compares.
//!
//! In Go, this is the program of the blog post "Go Concurrency Patterns: Pipelines and
//! cancellation" (`walkFiles`, `digester` and the merge in `MD5All`).

#[path = "support/format.rs"]
mod format;
#[path = "support/leftover.rs"]
mod leftover;
#[path = "support/options.rs"]
mod options;
#[path = "support/pipeline_arguments.rs"]
mod pipeline_arguments;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/words.rs"]
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

use format::{grouped, row};
use midge::chan::{self, Sender};
use midge::runtime::Metrics;
use midge::spawn;
use midge::sync::Semaphore;
use pipeline_arguments::Arguments;
use progress::Progress;
use words::{Found, Reason, Totals, Words};

/// What the last stage is told.
enum Outcome {
    Directory,
    Counted(Words, u64),
    Skipped(PathBuf, Reason),
}

// For the progress bar, and to see at the end that no file got lost.
static FILES_FOUND: AtomicU64 = AtomicU64::new(0);
static FILES_DONE: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let arguments = Arguments::read();
    // SAFETY: what the tasks have on their stacks while they wait is theirs alone: paths, texts,
    // channel ends, and a permit of a semaphore that is on the heap. None of it belongs to a
    // thread.
    let runtime = match unsafe { arguments.runtime.build() } {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };

    let progress = Progress::start(0, |bar| {
        let (done, found) = (FILES_DONE.load(Relaxed), FILES_FOUND.load(Relaxed));
        bar.set_length(found);
        bar.set_position(done);
        bar.set_message(format!("{} of {} files", grouped(done), grouped(found)));
    });
    let start = Instant::now();
    let totals = runtime.run(|| count(&arguments));
    let took = start.elapsed();
    progress.finish();

    let left_over = leftover::tasks(&runtime);
    print(&totals, arguments.top, took, &runtime.metrics());
    if left_over > 0 || FILES_FOUND.load(Relaxed) != FILES_DONE.load(Relaxed) {
        eprintln!("error: {left_over} tasks have not ended, or a file got lost");
        return ExitCode::FAILURE;
    }
    if arguments.check && totals != words::count_in_a_loop(&arguments.path) {
        eprintln!("error: a plain loop counts something else (or the files have changed)");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Sets up the stages and is the last one of them. Called in the main task.
fn count(arguments: &Arguments) -> Totals {
    let capacity = usize::from(arguments.capacity);
    let (files, to_read) = chan::bounded(capacity);
    let (texts, to_tokenise) = chan::bounded(capacity);
    let (outcomes, to_merge) = chan::bounded(capacity);

    // The first to be started, so that what reads has somebody to pass texts on to.
    for _ in 0..arguments.tokenisers {
        let (to_tokenise, counted) = (to_tokenise.clone(), outcomes.clone());
        spawn(move || {
            for text in to_tokenise {
                let text: String = text;
                pass_on(&counted, Outcome::Counted(words::tokenise(&text), text.len() as u64));
            }
        });
    }

    let (root, walked) = (arguments.path.clone(), outcomes.clone());
    spawn(move || walk(&root, &files, &walked));

    let permits = Arc::new(Semaphore::new(arguments.open_files.into()));
    let read = outcomes.clone();
    spawn(move || {
        for path in to_read {
            let (permits, texts, read) = (permits.clone(), texts.clone(), read.clone());
            spawn(move || read_one(path, &permits, &texts, &read));
        }
    });

    drop(outcomes); // so that the loop ends when all stages have
    let mut totals = Totals::default();
    for outcome in to_merge {
        match outcome {
            Outcome::Directory => totals.directories += 1,
            Outcome::Counted(words, bytes) => totals.merge(words, bytes),
            Outcome::Skipped(path, reason) => drop(totals.skipped.insert(path, reason)),
        }
        FILES_DONE.store(totals.files + totals.skipped.len() as u64, Relaxed);
    }
    totals
}

/// The first stage.
fn walk(root: &Path, files: &Sender<PathBuf>, outcomes: &Sender<Outcome>) {
    words::walk(root, &mut |found| match found {
        Found::Directory => pass_on(outcomes, Outcome::Directory),
        Found::File(path) => {
            FILES_FOUND.fetch_add(1, Relaxed);
            pass_on(files, path);
        }
        Found::Skipped(path, reason) => {
            FILES_FOUND.fetch_add(1, Relaxed);
            pass_on(outcomes, Outcome::Skipped(path, reason));
        }
    });
}

/// The second stage, for one file.
fn read_one(path: PathBuf, permits: &Semaphore, texts: &Sender<String>, skipped: &Sender<Outcome>) {
    let _permit = permits.acquire();
    match words::read(&path) {
        Ok(text) => pass_on(texts, text),
        Err(reason) => pass_on(skipped, Outcome::Skipped(path, reason)),
    }
}

/// Gives an item to the next stage, which is there for as long as this one.
fn pass_on<T>(next: &Sender<T>, item: T) {
    assert!(next.send(item).is_ok(), "the next stage has ended too early");
}

fn print(totals: &Totals, top: usize, took: Duration, metrics: &Metrics) {
    for (word, count) in totals.top(top) {
        row(word, grouped(count));
    }
    println!();
    row("words", grouped(totals.words.values().sum()));
    row("different ones", grouped(totals.words.len() as u64));
    row("text files", grouped(totals.files));
    row("bytes in them", grouped(totals.bytes));
    row("directories", grouped(totals.directories));
    row("binary files skipped", grouped(totals.count_skipped(|why| *why == Reason::Binary)));
    row("too large ones", grouped(totals.count_skipped(|why| *why == Reason::TooLarge)));
    row("links and special ones", grouped(totals.count_skipped(|why| *why == Reason::Special)));
    row("unreadable", grouped(totals.count_skipped(|why| matches!(why, Reason::Unreadable(_)))));
    println!();
    row("time", format!("{:.3} s", took.as_secs_f64()));
    row("tasks", grouped(metrics.tasks_spawned));
    row("freezes", grouped(metrics.freezes));
    row("migrations", grouped(metrics.migrations));
}
