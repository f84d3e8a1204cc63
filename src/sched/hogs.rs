//! Naming the tasks that keep others waiting.
//!
//! A task that has hogged its worker for a while, and for which others have to wait that nobody
//! else can run, is named on stderr, once: who it is, where it was spawned, for how long it has run,
//! how many wait, and what to do about it.
//!
//! Go: nothing; `GODEBUG=schedtrace` shows processors. The nearest is Linux' soft lockup detector.

use super::config::{Config, Mode};
use super::shared::Shared;
use super::shutdown;
use super::threads::NoWorker;
use crate::raw_print::Line;
use crate::task::header::Header;
use std::collections::HashSet;
use std::fmt::Write;
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A hog is named after so long: ten slices, so that a task which only takes its time for once is
/// not.
const NAMED_AFTER: Duration = Duration::from_millis(100);

/// At least so much time passes between two messages, and so many times what looking for the last
/// one took: with a million tasks a look is work.
const BETWEEN: Duration = Duration::from_millis(100);
const RESTS: u32 = 50;

/// So many tasks are remembered as named.
const MOST_NAMED: usize = 10_000;

/// What the monitor remembers of hogs.
pub(crate) struct Hogs {
    /// Whether they are named.
    wanted: bool,
    /// The numbers of tasks that have been.
    named: HashSet<u64>,
    /// No message before then.
    quiet_until: Option<Instant>,
    /// Whether missing threads have been complained of.
    complained: bool,
}

/// A hog and its waiters.
struct Hog {
    id: u64,
    /// Its name and where it was spawned.
    text: Line,
    waiters: usize,
}

impl Hogs {
    pub(crate) fn new(config: &Config) -> Hogs {
        Hogs {
            wanted: config.name_hogs,
            named: HashSet::new(),
            quiet_until: None,
            complained: false,
        }
    }

    /// A worker has run the task at this address for `long`.
    pub(crate) fn look(&mut self, shared: &Shared, worker: usize, task: usize, long: Duration) {
        let now = Instant::now();
        if long < NAMED_AFTER || self.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        let found = find(shared, worker, task);
        self.quiet_until = Some(Instant::now() + BETWEEN.max(now.elapsed() * RESTS));
        let Some(hog) = found else { return };
        if self.named.len() == MOST_NAMED {
            self.named.clear();
        }
        if hog.waiters == 0 || self.named.try_reserve(1).is_err() || !self.named.insert(hog.id) {
            return;
        }
        shared.sysmon.hogs.fetch_add(1, Ordering::Relaxed); // guards nothing
        if self.wanted {
            let Hog { mut text, waiters, .. } = hog;
            let tasks = if waiters == 1 { "task waits" } else { "tasks wait" };
            // A line takes whatever it is given.
            let _ = write!(
                text,
                " has run for {} ms without suspending, and {waiters} {tasks} for it; use \
                 midge::blocking or task::yield_now, or spawn it with task::Builder::pinned",
                long.as_millis()
            );
            text.end().print();
        }
    }

    /// What came of filling the seats.
    pub(crate) fn note_filled(&mut self, filled: Result<(), NoWorker>) {
        let Err(error) = filled else { return };
        if std::mem::replace(&mut self.complained, true) {
            return;
        }
        let mut line = Line::new();
        let _ = match error {
            NoWorker::Threads(most) => write!(
                line,
                "midge: all {most} threads that the runtime may have are hogged, and ready tasks \
                 wait; use midge::blocking, or raise Builder::max_threads"
            ),
            NoWorker::System(error) => write!(
                line,
                "midge: tasks are ready and no thread is free, and none can be started: {error}"
            ),
        };
        line.end().print();
    }
}

/// Looks for the hog among all tasks, and counts those that wait for it: started ones which belong
/// to its thread, or to its window.
fn find(shared: &Shared, worker: usize, task: usize) -> Option<Hog> {
    let mut hog = None;
    let mut window = ptr::null();
    shutdown::look_at_all(|header: &Header| {
        if ptr::from_ref(header).addr() == task {
            window = header.image.window.get();
            hog = Some((header.id, description(header)));
        }
    });
    let (id, text) = hog?;
    let mut waiters = 0;
    let migrating = shared.config.mode == Mode::Migrating;
    shutdown::look_at_all(|header: &Header| {
        if !ptr::eq(header.runtime.cast(), shared)
            || ptr::from_ref(header).addr() == task
            || !header.has_started()
            || !header.state.is_ready()
        {
            return;
        }
        let waits = if migrating {
            ptr::eq(header.image.window.get(), window)
        } else {
            header.home.get() as usize == worker
        };
        waiters += usize::from(waits);
    });
    Some(Hog { id, text, waiters })
}

fn description(header: &Header) -> Line {
    let mut line = Line::new();
    let _ = write!(line, "midge: task {}", header.id);
    if let Some(name) = header.name() {
        let _ = write!(line, " {name:?}");
    }
    let _ = write!(line, " (spawned at {})", header.location);
    line
}
