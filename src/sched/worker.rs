//! A worker: an OS thread that runs tasks, and its own stack, where the scheduler loop is.
//!
//! The worker's state is found through a thread-local. The compiler may keep a thread-local's
//! address across a context switch, and a task may continue on another thread, so it is read in one
//! function that is never inlined ([`current`]), and every switch returns the worker that the
//! context continues on.
//!
//! Go: `runtime/runtime2.go` `m`, its `g0` (the scheduler's stack), `runtime/proc.go` `mstart`,
//! `schedule`.

use super::mount::{mount, Mounted};
use super::pause;
use super::processor::Processor;
use super::shared::{Remote, Shared};
use super::switch::{self, Suspension};
use super::Ready;
use crate::arch;
use crate::membarrier::light_fence;
use crate::peek::PeekPtr;
use crate::raw_print::Line;
use crate::stack::fault::{Faulting, SignalStack};
use crate::stack::ownership::Waiters;
use crate::stack::window::Window;
use crate::task::header::Header;
use std::cell::Cell;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;

/// One worker. Only its own thread touches it.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    /// Its own entry in `shared.remotes`, which lives as long.
    remote: NonNull<Remote>,
    pub(crate) index: usize,
    pub(crate) processor: Processor,
    /// The task that runs, or the one that is about to while its predecessor's switch is not
    /// finished.
    pub(crate) current: Current,
    /// Where windows are preempted, the shared window that the current task stands on, or null. The
    /// thread that preempts looks at it.
    pub(crate) window: AtomicPtr<Window>,
    /// Who has just been switched away from, and why: the next context finishes that switch.
    pub(crate) previous: Cell<Option<(Ready, Suspension)>>,
    /// A task picked by the one that suspended, which the scheduler loop shall mount.
    pub(crate) handoff: Cell<Option<Ready>>,
    /// A window that stayed held over a switch, for the task in `handoff`.
    pub(crate) kept: Cell<*const Window>,
    pub(crate) scheduler_sp: Cell<usize>,
    /// How many tasks are suspended on this thread while they unwind (see `unwind`).
    pub(crate) unwinding: Cell<u32>,
    /// How many reasons there are to run only the tasks that belong to this thread (see `reserve`).
    pub(crate) reserved: Cell<u32>,
    /// Counts as searching for work (see `idle`).
    pub(crate) searching: Cell<bool>,
    /// Whether its calls into the runtime are to be seen by the monitor (see `watch`).
    pub(crate) watched: Cell<bool>,
}

/// The task that a worker runs. The monitor looks at it, too.
pub(crate) struct Current(PeekPtr<Header>);

impl Current {
    #[inline]
    pub(crate) fn get(&self) -> Option<Ready> {
        NonNull::new(self.0.get().cast_mut()).map(Ready)
    }

    #[inline]
    pub(crate) fn set(&self, task: Option<Ready>) {
        self.0.set(task.map_or(ptr::null(), |task| task.0.as_ptr().cast_const()));
    }

    /// For anybody: who runs, as a mere number, or 0.
    pub(crate) fn address(&self) -> usize {
        self.0.get().addr()
    }
}

/// The calling thread's worker. It is valid on that thread as long as the thread lives, and is
/// asked for anew after each switch.
#[derive(Clone, Copy)]
pub(crate) struct WorkerRef(NonNull<Worker>);

impl Deref for WorkerRef {
    type Target = Worker;
    #[inline]
    fn deref(&self) -> &Worker {
        // SAFETY: made only for the calling thread's own worker, which outlives all that runs on
        // it.
        unsafe { self.0.as_ref() }
    }
}

impl WorkerRef {
    /// From the word that a switch passes along.
    ///
    /// # Safety
    ///
    /// `word` is the `to_word` of the worker whose thread this is.
    #[inline]
    pub(crate) unsafe fn from_word(word: usize) -> WorkerRef {
        // SAFETY: not null, by the caller's promise.
        WorkerRef(unsafe { NonNull::new_unchecked(word as *mut Worker) })
    }

    /// For the switch to pass along.
    #[inline]
    pub(crate) fn to_word(self) -> usize {
        self.0.as_ptr() as usize
    }
}

thread_local! {
    static CURRENT: Cell<*mut Worker> = const { Cell::new(ptr::null_mut()) };
}

/// The worker of the calling thread, if it is one. Never inlined: see the module's page.
#[inline(never)]
pub(crate) fn current() -> Option<WorkerRef> {
    NonNull::new(CURRENT.with(Cell::get)).map(WorkerRef)
}

impl Worker {
    /// The runtime's shared state.
    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// This worker's part that others may touch.
    #[inline]
    pub(crate) fn remote(&self) -> &Remote {
        // SAFETY: `shared` keeps it alive, in place.
        unsafe { self.remote.as_ref() }
    }

    /// Makes a new task ready: any worker may start it.
    #[inline]
    pub(crate) fn ready_fresh(&self, task: Ready) {
        self.processor.stealable.push(task);
        // Pairs with the heavy fence after a worker has been entered: either we see it here, or it
        // sees the task when it looks for work.
        light_fence();
        if self.shared.remotes.len() > 1 {
            self.shared.notify();
        }
    }

    /// Makes a woken task ready: next, if this worker may run it.
    pub(crate) fn ready_woken(&self, task: Ready) {
        let header = task.header();
        let home = header.home.get() as usize;
        let exclusive = self.processor.exclusive();
        if home != self.index && (self.shared.thread_bound() || header.thread_locked.get()) {
            self.shared.post(home, task);
        } else if !exclusive && header.thread_locked.get() {
            self.processor.push_bound(task);
        } else if !exclusive && self.processor.stress {
            self.scatter(task);
        } else {
            if let Some(before) = self.processor.put_run_next(self.remote(), task) {
                self.push_started(before);
            }
            if !exclusive {
                self.shared.notify();
            }
        }
    }

    /// Makes a task ready that a timer woke: after those that are ready, so that of many each gets
    /// its turn in order.
    pub(crate) fn ready_timed(&self, task: Ready) {
        let home = task.header().home.get() as usize;
        if self.processor.exclusive() && home != self.index {
            self.shared.post(home, task);
        } else {
            self.ready_last(task);
        }
    }

    /// Makes those ready who waited for a window.
    pub(super) fn ready_all(&self, waiters: Waiters) {
        for waiter in waiters {
            // SAFETY: wait lists hold the `waiter` links of tasks.
            let task = Ready(unsafe { Header::of_waiter(waiter) });
            if task.header().has_started() {
                self.ready_last(task);
            } else {
                self.ready_fresh(task);
            }
        }
    }

    /// Makes a task ready that goes on as soon as the others have had their turn.
    #[inline]
    pub(crate) fn ready_last(&self, task: Ready) {
        if self.processor.exclusive() {
            self.processor.push_bound(task);
        } else {
            self.ready_last_anywhere(task);
        }
    }

    fn ready_last_anywhere(&self, task: Ready) {
        let header = task.header();
        if header.thread_locked.get() {
            // It may come off the wait list of a window that this worker has just left.
            match header.home.get() as usize {
                home if home != self.index => self.shared.post(home, task),
                _ => self.processor.push_bound(task),
            }
        } else if self.processor.stress {
            self.scatter(task);
        } else {
            self.push_started(task);
            self.shared.notify();
        }
    }

    /// Stress mode: the task goes on on another worker if one is free, else on whichever comes
    /// first. (Not on one that is busy: nobody could take the task away from it.)
    #[cold]
    fn scatter(&self, task: Ready) {
        let workers = self.shared.remotes.len();
        let other = (self.index + 1 + self.processor.random_below(workers - 1)) % workers;
        if self.shared.idle.wake_this(other) {
            let remote = &self.shared.remotes[other];
            // It finds it when it wakes; or it has got up by itself, and rests without a seat by now.
            remote.inbox.post(task);
            let _ = self.shared.seats.call(other);
            remote.parker.unpark();
        } else {
            self.shared.inject(task);
        }
    }

    fn push_started(&self, task: Ready) {
        if self.processor.exclusive() {
            self.processor.push_bound(task);
        } else {
            self.processor.stealable.push(task);
        }
    }

    /// The slice that the current task is in, as a number ([`Requests::slice`]).
    ///
    /// [`Requests::slice`]: super::preempt::Requests::slice
    pub(crate) fn slice(&self) -> u32 {
        self.remote().requests.slice(self.processor.ticks())
    }

    /// Whether somebody waits for the window that the running task stands on, or wants it back.
    pub(crate) fn is_window_wanted(&self) -> bool {
        // SAFETY: null, or the window we stand on.
        unsafe { self.current_window().as_ref() }.is_some_and(Window::is_wanted)
    }

    /// Makes a task the current one, or none.
    #[inline]
    pub(crate) fn set_current(&self, task: Option<Ready>) {
        self.current.set(task);
        if self.processor.preempts {
            let shared = task.filter(|task| !task.header().pinned);
            let window = shared.map_or(ptr::null(), |task| task.header().image.window.get());
            self.window.store(window.cast_mut(), Ordering::Release); // pairs with the Acquire there
        }
    }

    /// The window that the running task stands on.
    #[inline]
    pub(crate) fn current_window(&self) -> *const Window {
        self.current.get().map_or(ptr::null(), |task| task.header().image.window.get())
    }
}

/// The body of a worker thread.
pub(crate) fn run(shared: Arc<Shared>, index: usize, processor: Processor) {
    // Without an alternate stack no task's stack could grow; a thread that cannot have 64 KiB for
    // it is past saving.
    let signal_stack = SignalStack::install().unwrap_or_else(|error| {
        crate::fatal(format_args!("no signal stack for a worker: {error}"))
    });
    let watched = processor.exclusive() && !shared.thread_bound();
    let worker = Worker {
        remote: NonNull::from(&shared.remotes[index]),
        shared,
        index,
        processor,
        current: Current(PeekPtr::new(ptr::null())),
        window: AtomicPtr::new(ptr::null_mut()),
        previous: Cell::new(None),
        handoff: Cell::new(None),
        kept: Cell::new(ptr::null()),
        scheduler_sp: Cell::new(0),
        unwinding: Cell::new(0),
        reserved: Cell::new(0),
        searching: Cell::new(false),
        watched: Cell::new(watched),
    };
    worker.remote().time.is_mine();
    worker.shared().config.preempt.into_iter().for_each(pause::unblock);
    // Release pairs with the Acquire of the monitor. It looks until it has ended, and it ends before
    // this thread may.
    worker.remote().worker.store((&raw const worker).cast_mut(), Ordering::Release);
    CURRENT.with(|current| current.set((&raw const worker).cast_mut()));
    schedule(WorkerRef(NonNull::from(&worker)));
    CURRENT.with(|current| current.set(ptr::null_mut()));
    worker.processor.with_cache(|cache| cache.flush());
    drop(signal_stack);
}

/// The scheduler loop, on the worker's own stack. Go: `schedule`.
fn schedule(worker: WorkerRef) {
    loop {
        let next = match worker.handoff.take() {
            Some(task) => task,
            None => match worker.find_work() {
                Some(task) => task,
                None => return,
            },
        };
        // SAFETY: we are on the worker's own stack, so no window is the current one.
        match unsafe { mount(worker, next, ptr::null()) } {
            Mounted::Ready => {
                worker.set_current(Some(next));
                // SAFETY: just mounted, so its saved context is in place and this worker's alone;
                // nothing of this thread's is held across, and the loop stays on its thread.
                unsafe {
                    arch::switch(
                        worker.scheduler_sp.as_ptr(),
                        next.header().image.sp.get(),
                        worker.to_word(),
                    )
                };
                // SAFETY: we are the next context.
                unsafe { switch::finish(worker) };
            }
            Mounted::Waiting => {}
            Mounted::OnCurrent => unreachable!("no window is current here"),
        }
    }
}

/// For the fault handler: the window of this thread that contains `address`. Async-signal-safe.
pub(crate) fn faulting_window(address: usize) -> Option<Faulting> {
    let worker = current()?;
    let contains = |task: Option<Ready>| -> Option<*const Window> {
        let window = task?.header().image.window.get();
        // SAFETY: the tasks a worker is about to leave or to enter are bound to living windows.
        (!window.is_null() && unsafe { (*window).contains(address) }).then_some(window)
    };
    // During a switch `current` is already the next one while its predecessor still pushes
    // registers.
    let window = contains(worker.current.get())
        .or_else(|| contains(worker.previous.get().map(|(task, _)| task)))?;
    Some(Faulting { window, describe: describe_current, grown: count_growth })
}

fn count_growth() {
    if let Some(worker) = current() {
        worker.remote().counters.growth_events.add(1);
    }
}

/// Writes who runs. Async-signal-safe.
fn describe_current(line: &mut Line) {
    let Some(task) = current().and_then(|worker| worker.current.get()) else { return };
    let header = task.header();
    line.text("task ").decimal(header.id);
    if let Some(name) = header.name() {
        line.text(" \"").text(name).text("\"");
    }
    let location = header.location;
    line.text(" (spawned at ").text(location.file()).text(":");
    line.decimal(u64::from(location.line())).text(":");
    line.decimal(u64::from(location.column())).text(")");
}
