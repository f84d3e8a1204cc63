//! All tasks of a runtime, and what they are up to, as text.
//!
//! Tasks are found in the slabs that they are cut from, as the runtime's end finds them
//! (`shutdown`): a walk takes a reference to each slot that is a task, so what it reads stays there
//! while it does, and nobody keeps a list. Of a task that runs meanwhile the text may be old by the
//! time it is read.
//!
//! Go: `runtime/traceback.go` `tracebackothers`, `goroutineheader`.

use super::blocking_pool;
use super::runtime::Runtime;
use super::shared::Shared;
use super::worker;
use crate::stack::slab;
use crate::task::handle::Task;
use crate::task::header::{self, Header};
use crate::task::reason::Reason;
use std::fmt::Write;
use std::panic::Location;
use std::ptr;

/// A task as it was when the walk came to it.
pub(super) struct Seen {
    id: u64,
    name: Option<String>,
    location: &'static Location<'static>,
    reason: Reason,
    pub(super) parked: bool,
}

impl Seen {
    fn new(task: &Header) -> Seen {
        let parked = task.state.is_parked();
        // PARKED was published after the reason.
        let reason = match task.reason.get() {
            reason if parked => reason,
            Reason::Running if task.has_started() => Reason::Running,
            _ => Reason::Yield, // it is in some queue
        };
        let name = task.name().map(str::to_string);
        Seen { id: task.id, name, location: task.location, reason, parked }
    }
}

/// The tasks of a runtime that have not ended, by number.
pub(super) fn tasks_of(shared: &Shared) -> Vec<Seen> {
    let mut seen = Vec::new();
    // References that turned out to be the last: to be dropped after the walk, which must not free.
    let mut last = Vec::new();
    slab::for_each_task_slot(&mut |slot| {
        let task = slot.cast::<Header>();
        // SAFETY: a slot of a task slab, which stays one during the walk.
        if !unsafe { header::try_reference(slot) } {
            return;
        }
        // SAFETY: referenced just now, and that reference ends here, or in `last`.
        unsafe {
            let header = task.as_ref();
            // One that is done may be of a runtime that is gone, whose place this one has.
            if !header.state.is_done() && ptr::eq(header.runtime.cast(), shared) {
                seen.push(Seen::new(header));
            }
            if !header::release_unless_last(task) {
                last.push(Task::from_owned(task));
            }
        }
    });
    drop(last);
    seen.sort_by_key(|task| task.id);
    seen
}

/// A paragraph for each task.
pub(super) fn text_of(tasks: &[Seen]) -> String {
    let mut text = String::new();
    for task in tasks {
        let name = task.name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
        let (id, reason, location) = (task.id, task.reason.text(), task.location);
        // Writing to a string does not fail.
        let _ = write!(text, "task {id}{name} [{reason}]:\n\tspawned at {location}\n\n");
    }
    text
}

/// All tasks of the runtime that the calling task belongs to, as text: see
/// [`Runtime::dump_tasks`].
///
/// # Panics
///
/// Outside of tasks: use [`Runtime::dump_tasks`]. (In [`blocking`](crate::blocking) it works.)
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// let text = rt.run(midge::runtime::dump_tasks);
/// assert!(text.contains(r#""main" [running]"#), "{text}");
/// ```
pub fn dump_tasks() -> String {
    match (worker::current(), blocking_pool::runtime_of_thread()) {
        (Some(worker), _) => text_of(&tasks_of(worker.shared())),
        (None, Some(shared)) => text_of(&tasks_of(&shared)),
        _ => panic!("runtime::dump_tasks called outside of a task; use Runtime::dump_tasks"),
    }
}

impl Runtime {
    /// All tasks that have not ended, as text: a paragraph for each, in the order of their numbers,
    /// with its name, where it was spawned, and what it is up to. That is, in Go's words, `running`
    /// or `runnable` (ready, or never run), or what it waits for: `chan receive`, `chan send`,
    /// `select`, `sync.Mutex.Lock`, `sleep`, `join`, ...
    ///
    /// It may be called at any time and stops nobody. So what it says of a task that runs may be
    /// old by the time it returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// let rt = midge::Runtime::pinned().unwrap();
    /// let sleeper = rt.spawn(|| midge::task::sleep(Duration::from_millis(5)));
    /// while !rt.dump_tasks().contains("[sleep]") && !sleeper.is_finished() {}
    /// sleeper.join().unwrap();
    /// ```
    pub fn dump_tasks(&self) -> String {
        text_of(&tasks_of(self.shared()))
    }
}
