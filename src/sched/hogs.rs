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
use crate::stack::window::Window;
use crate::task::header::Header;
use std::collections::HashSet;
use std::fmt::Write;
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A hog is named after so long: ten slices, so that a task which only takes its time for once is
/// not.
const NAMED_AFTER: Duration = Duration::from_millis(100);

/// At least so much time passes between two looks for those who wait, and so many times what the last
/// one took: with a million tasks a look is work.
const BETWEEN: Duration = Duration::from_millis(100);
const RESTS: u32 = 50;

/// So many tasks are remembered as named.
const MOST_NAMED: usize = 10_000;

/// So many hogs are looked at together.
const TOGETHER: usize = 8;

/// A worker that has run one task for long.
#[derive(Clone, Copy)]
pub(crate) struct Suspect {
    pub(crate) worker: usize,
    /// The task's address.
    pub(crate) task: usize,
    pub(crate) long: Duration,
}

/// What the monitor remembers of hogs.
pub(crate) struct Hogs {
    /// Whether they are named.
    wanted: bool,
    /// The numbers of tasks that have been.
    named: HashSet<u64>,
    /// No look before then.
    quiet_until: Option<Instant>,
    /// How many have been looked at, so that all get their turn.
    looked_at: usize,
    /// Whether missing threads have been complained of.
    complained: bool,
}

/// A hog and its waiters.
struct Hog {
    suspect: Suspect,
    id: u64,
    /// Its name and where it was spawned.
    text: Line,
    window: *const Window,
    waiters: usize,
}

impl Hogs {
    pub(crate) fn new(config: &Config) -> Hogs {
        Hogs {
            wanted: config.name_hogs,
            named: HashSet::new(),
            quiet_until: None,
            looked_at: 0,
            complained: false,
        }
    }

    /// Names those of the suspects that keep others waiting.
    pub(crate) fn look(&mut self, shared: &Shared, suspects: &[Suspect]) {
        let now = Instant::now();
        if suspects.is_empty() || self.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        let turn = suspects.iter().cycle().skip(self.looked_at % suspects.len());
        self.looked_at = self.looked_at.wrapping_add(TOGETHER);
        let found = find(shared, turn.take(suspects.len().min(TOGETHER)));
        self.quiet_until = Some(Instant::now() + BETWEEN.max(now.elapsed() * RESTS));
        for hog in found.into_iter().flatten() {
            self.name(shared, hog);
        }
    }

    fn name(&mut self, shared: &Shared, hog: Hog) {
        if self.named.len() == MOST_NAMED {
            self.named.clear();
        }
        if hog.waiters == 0 || self.named.try_reserve(1).is_err() || !self.named.insert(hog.id) {
            return;
        }
        shared.sysmon.hogs.fetch_add(1, Ordering::Relaxed); // guards nothing
        if self.wanted {
            let Hog { mut text, waiters, suspect, .. } = hog;
            let tasks = if waiters == 1 { "task waits" } else { "tasks wait" };
            // A line takes whatever it is given.
            let _ = write!(
                text,
                " has run for {} ms without suspending, and {waiters} {tasks} for it; use \
                 midge::blocking or task::yield_now, or spawn it with task::Builder::pinned",
                suspect.long.as_millis()
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

impl Suspect {
    /// Whether it has run its task for so long that it may be named.
    pub(crate) fn is_one(&self) -> bool {
        self.long >= NAMED_AFTER
    }
}

/// The tasks that the suspects run, and how many that are ready can go on only after each. Takes no
/// memory.
fn find<'a>(
    shared: &Shared,
    suspects: impl Iterator<Item = &'a Suspect>,
) -> [Option<Hog>; TOGETHER] {
    let mut hogs = [const { None }; TOGETHER];
    for (hog, suspect) in hogs.iter_mut().zip(suspects) {
        let (id, text, window) = (0, Line::new(), ptr::null());
        *hog = Some(Hog { suspect: *suspect, id, text, window, waiters: 0 });
    }
    shutdown::look_at_all(|header: &Header| {
        for hog in hogs.iter_mut().flatten() {
            let is_it = ptr::from_ref(header).addr() == hog.suspect.task;
            if is_it && ptr::eq(header.runtime.cast(), shared) && header.has_started() {
                hog.window = header.image.window.get();
                (hog.id, hog.text) = (header.id, description(header));
            }
        }
    });
    let migrating = shared.config.mode == Mode::Migrating;
    shutdown::look_at_all(|header: &Header| {
        if !ptr::eq(header.runtime.cast(), shared)
            || !header.has_started()
            || !header.state.is_ready()
        {
            return;
        }
        for hog in hogs.iter_mut().flatten() {
            let waits = if migrating {
                ptr::eq(header.image.window.get(), hog.window)
            } else {
                header.home.get() as usize == hog.suspect.worker
            };
            let itself = ptr::from_ref(header).addr() == hog.suspect.task;
            hog.waiters += usize::from(waits && !itself && hog.id != 0);
        }
    });
    hogs
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
