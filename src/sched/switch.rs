//! Suspending a task and continuing another: the path every park, yield and exit takes.
//!
//! A task that suspends picks its successor and, if that one has another window, makes its stack
//! ready and switches to it directly. If the successor needs the very window the task stands on, or
//! if there is none, it switches to the worker's own stack instead.
//!
//! Nothing is published before the switch is complete: the context that runs next calls [`finish`],
//! which releases the window that was left, *then* makes the task known as parked (or queues it
//! again). So an early unpark never runs a half-saved task, and whoever gets the task finds its
//! window free, or itself on the window's wait list.
//!
//! Go: `runtime/proc.go` `gopark`/`park_m`, `goschedImpl`, `goexit0`, `execute`.

use super::unwind;
use super::window_choice::Choice;
use super::worker::{self, Worker, WorkerRef};
use super::Ready;
use crate::arch;
use crate::stack::image;
use crate::stack::ownership::{Asked, Waiters};
use crate::stack::trim;
use crate::stack::window::Window;
use crate::task::header::{self, Header};
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

/// Why a task leaves its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suspension {
    /// It goes on as soon as the others have had their turn.
    Yield,
    /// It waits for an unpark.
    Park,
    /// The same, and that has been published already (see [`park_early`]).
    Parked,
    /// It has ended.
    Exit,
}

/// What came of making a task's stack ready.
pub(crate) enum Mounted {
    /// It can be switched to.
    Ready,
    /// It needs the window whose stack the caller stands on.
    OnCurrent,
    /// It waits for its window and will be made ready by whoever releases that.
    Waiting,
}

/// Suspends the running task. Returns on the worker where it goes on.
///
/// # Safety
///
/// The caller is a task on `worker`'s thread, and holds nothing of that thread's across the call if
/// the task may migrate.
#[inline(never)]
pub(crate) unsafe fn suspend(
    worker: WorkerRef,
    task: NonNull<Header>,
    why: Suspension,
    next: Option<Ready>,
) -> WorkerRef {
    let to = depart(worker, Ready(task), why, next);
    let Some(to) = to else { return worker };
    // SAFETY: a context was chosen that is saved, in place and this worker's to resume; the next
    // context finishes this switch before anybody can resume us.
    unsafe {
        let sp = (*task.as_ptr()).image.sp.as_ptr();
        let word = arch::switch(sp, to, worker.to_word());
        let worker = WorkerRef::from_word(word);
        finish(worker);
        // Asked of the worker, since whatever is kept across the switch is one more live word in
        // each parked stack.
        if let Some(task) = worker.current.get() {
            unwind::forget_unwinding(worker, task.header());
        }
        worker
    }
}

/// Chooses where to go from a task's stack, by the short way if it can be had; returns the stack pointer
/// to switch to, or None if the task is ready and stays.
#[inline(never)] // its registers and locals would be in every parked stack
fn depart(worker: WorkerRef, task: Ready, why: Suspension, next: Option<Ready>) -> Option<usize> {
    match (why, next) {
        (Suspension::Yield, Some(next)) => match yield_to(worker, task, next) {
            Some(to) => Some(to),
            None => leave(worker, task, why, Some(next)),
        },
        (Suspension::Park, None) => match park_early(worker, task) {
            Early::Not => leave(worker, task, why, None),
            Early::To(to) => Some(to),
            Early::Parked(next) => leave(worker, task, Suspension::Parked, next),
            Early::Stay => None,
        },
        _ => leave(worker, task, why, next),
    }
}

/// The short way for the most frequent switch of all: a yield to a task that is resident in another
/// window, where nobody but this worker could run either. Then the task that leaves may be queued
/// before it has left, and nothing remains to be finished. Returns the stack pointer to switch to,
/// or None if it takes the long way.
#[inline(always)]
fn yield_to(worker: WorkerRef, task: Ready, next: Ready) -> Option<usize> {
    if !may_be_early(worker) {
        return None;
    }
    let to = resident_elsewhere(task, next)?;
    let header = task.header();
    header.thread_locked.set(false);
    header.panicked.set(false);
    worker.remote().counters.yields.add(1);
    worker.processor.push_bound(task);
    worker.current.set(Some(next));
    Some(to)
}

/// What came of parking early.
enum Early {
    /// The long way, from the beginning.
    Not,
    /// It has been woken, and does not leave.
    Stay,
    /// It is parked: to this stack pointer.
    To(usize),
    /// It is parked: the long way from there. The successor, if one has been picked.
    Parked(Option<Ready>),
}

/// The same for a park: where nobody but this worker could run the task, it may be known as parked
/// before it has left. Whoever wakes it queues it, and it is only taken from the queue when it has
/// left; or by itself, and then it stays.
#[inline(always)]
fn park_early(worker: WorkerRef, task: Ready) -> Early {
    if !may_be_early(worker) {
        return Early::Not;
    }
    let header = task.header();
    // Before it is published: whoever wakes it reads where it belongs.
    header.thread_locked.set(false);
    header.panicked.set(false);
    if !header.state.publish_parked(unwind::may_unwind(header)) {
        return Early::Stay;
    }
    worker.remote().counters.parks.add(1);
    let Some(next) = worker.processor.pick(worker.shared(), worker.remote()) else {
        return Early::Parked(None);
    };
    if next == task {
        return Early::Stay;
    }
    match resident_elsewhere(task, next) {
        Some(to) => {
            worker.current.set(Some(next));
            Early::To(to)
        }
        None => Early::Parked(Some(next)),
    }
}

/// Whether nobody but this worker can run its tasks, and they are only being run.
#[inline(always)]
fn may_be_early(worker: WorkerRef) -> bool {
    worker.processor.exclusive && !worker.processor.stress && !std::thread::panicking()
}

/// Where to switch to, if `next` is resident in another window than `task`, whose window there is
/// no need to look at. In the exclusive case.
#[inline(always)]
fn resident_elsewhere(task: Ready, next: Ready) -> Option<usize> {
    let (from, to) = (&task.header().image, &next.header().image);
    let (window, next_window) = (from.window.get(), to.window.get());
    if next_window.is_null() || ptr::eq(next_window, window) {
        return None;
    }
    // SAFETY: the windows of started tasks are alive, and in the exclusive case this worker's own.
    let (resident, grown) = unsafe { ((*next_window).resident.get(), trim::is_grown(&*window)) };
    (ptr::eq(resident, to) && !grown).then(|| to.sp.get())
}

/// The long way. `next` is a successor that has been picked already.
fn leave(
    worker: WorkerRef,
    task: Ready,
    why: Suspension,
    mut next: Option<Ready>,
) -> Option<usize> {
    if why != Suspension::Parked {
        let header = task.header();
        let panicking = std::thread::panicking();
        // The panic count is the thread's, so whoever may have a part in it stays there.
        header.thread_locked.set(panicking);
        if panicking {
            // Not for one that has ended: its panic has, too, and it does not come back to be taken
            // off the count.
            if why != Suspension::Exit {
                unwind::note_unwinding(worker, header);
            }
        } else {
            header.panicked.set(false);
        }
    }
    let window = task.header().image.window.get();
    let target = loop {
        let picked =
            next.take().or_else(|| worker.processor.pick(worker.shared(), worker.remote()));
        let Some(picked) = picked else { break None };
        if picked == task {
            debug_assert_eq!(why, Suspension::Parked);
            return None; // woken before it has left
        }
        // SAFETY: `window` is the one we stand on, and `picked` is ours to run.
        match unsafe { mount(worker, picked, window) } {
            Mounted::Ready => break Some(picked),
            Mounted::OnCurrent => {
                worker.handoff.set(Some(picked));
                break None;
            }
            Mounted::Waiting => {}
        }
    };
    worker.previous.set(Some((task, why)));
    worker.current.set(target);
    Some(match target {
        Some(target) => target.header().image.sp.get(),
        None => worker.scheduler_sp.get(),
    })
}

/// Makes a task's stack ready to be switched to. `current` is the window whose stack the caller
/// stands on, or null.
///
/// # Safety
///
/// `next` is the caller's to run; `current` is as said; the caller is on `worker`'s thread.
pub(crate) unsafe fn mount(worker: WorkerRef, next: Ready, current: *const Window) -> Mounted {
    let header = next.header();
    let kept = worker.kept.replace(ptr::null());
    let fresh = !header.has_started();
    if fresh {
        debug_assert!(kept.is_null());
        // SAFETY: passed on; a fresh task is on no wait list.
        match unsafe { choose_window(worker, next, current) } {
            Choice::Window(window) => {
                header.image.window.set(window);
                // SAFETY: chosen windows are alive and held.
                let bound = unsafe { &(*window).bound };
                bound.set(bound.get() + 1);
                header.started.store(true, Ordering::Relaxed);
                header.home.set(worker.index as u32);
            }
            Choice::OnlyCurrent => return Mounted::OnCurrent,
            Choice::Waiting => return Mounted::Waiting,
        }
    } else {
        let window = header.image.window.get();
        if ptr::eq(window, current) {
            return Mounted::OnCurrent;
        }
        if !worker.processor.exclusive && !ptr::eq(window, kept) {
            debug_assert!(kept.is_null());
            // SAFETY: a started task's window is alive; the task is in our hands, so on no list,
            // and the scheduler's reference keeps it valid.
            let asked = unsafe {
                (*window).ownership.acquire_or_wait(NonNull::from(&(*next.0.as_ptr()).waiter))
            };
            if asked == Asked::Waiting {
                return Mounted::Waiting;
            }
        }
        if header.home.get() != worker.index as u32 {
            header.home.set(worker.index as u32);
            worker.remote().counters.migrations.add(1);
        }
        // SAFETY: alive, and held now.
        if ptr::eq(unsafe { (*window).resident.get() }, &header.image) {
            return Mounted::Ready; // the usual case with few tasks: nothing to copy
        }
    }
    // SAFETY: bound to a window that this worker holds now (or that is its own, in the exclusive
    // case) and that nobody stands on; whoever is resident there is parked.
    let copied = unsafe { worker.processor.with_cache(|cache| image::mount(&header.image, cache)) };
    worker.count_copies(copied);
    if fresh {
        // SAFETY: the window is vacant, and its top is committed and 64-byte aligned.
        let sp = unsafe { arch::init_stack((*header.image.window.get()).top(), task_main) };
        header.image.sp.set(sp);
    }
    Mounted::Ready
}

/// # Safety
///
/// As [`mount`], for a task that has not started.
unsafe fn choose_window(worker: WorkerRef, task: Ready, current: *const Window) -> Choice {
    let store = &worker.shared().windows;
    if task.header().pinned {
        return match store.private_or_wait(task) {
            Some(window) => Choice::Window(window),
            None => Choice::Waiting,
        };
    }
    // SAFETY: this is the processor's worker, and the task is on no list.
    unsafe {
        worker.processor.windows.choose(
            store,
            current,
            worker.processor.exclusive,
            NonNull::from(&(*task.0.as_ptr()).waiter),
            |waiters| worker.ready_all(waiters),
        )
    }
}

/// Finishes the switch that led to the running context: gives up the window that was left, then
/// lets the world know of the task that left it.
///
/// # Safety
///
/// The caller is the context that runs after a switch on `worker`'s thread.
#[inline(always)]
pub(crate) unsafe fn finish(worker: WorkerRef) {
    if let Some((task, why)) = worker.previous.get() {
        worker.previous.set(None);
        // SAFETY: passed on.
        unsafe { finish_previous(worker, task, why) };
    }
}

/// # Safety
///
/// As [`finish`]; `task` has just been switched away from, because of `why`.
#[inline(never)] // out of the way of the yields that leave nothing to finish
unsafe fn finish_previous(worker: WorkerRef, task: Ready, why: Suspension) {
    let header = task.header();
    let window = header.image.window.get();
    // SAFETY: a started task's window is alive, and we hold it until we give it up below.
    let window = unsafe { &*window };
    if why == Suspension::Exit {
        // SAFETY: the task has ended and left its stack.
        return unsafe { bury(worker, task, window) };
    }
    if trim::is_grown(window) {
        worker.note_grown(window);
    }
    if worker.processor.stress && !header.pinned {
        // SAFETY: held, nobody stands on it, and its resident is the task that has just left.
        let copied = unsafe { worker.processor.with_cache(|cache| image::evict(window, cache)) };
        worker.count_copies(copied);
    }
    if !worker.processor.exclusive {
        worker.leave_window(window);
    }
    if why == Suspension::Parked {
        return;
    }
    let counters = &worker.remote().counters;
    if why == Suspension::Park {
        counters.parks.add(1);
        if header.state.publish_parked(unwind::may_unwind(header)) {
            return; // it may run elsewhere by now, and be gone
        }
    } else {
        counters.yields.add(1);
    }
    worker.ready_last(task);
}

/// Lets go of a task that has ended: its window, its block, the scheduler's reference.
///
/// # Safety
///
/// The task has ended and left its stack; the caller is on `worker`'s thread and holds `window`.
unsafe fn bury(worker: WorkerRef, task: Ready, window: &Window) {
    window.resident.set(ptr::null());
    window.bound.set(window.bound.get() - 1);
    worker.drop_block(task);
    if window.private {
        if worker.processor.exclusive {
            worker.processor.grown.forget(window); // only this worker's list can have it
        }
        // SAFETY: the one task that was bound to it has left.
        if let Some(waiting) = unsafe { worker.shared().windows.give_back_private(window) } {
            worker.shared().inject(waiting);
        }
    } else {
        if window.bound.get() == 0 {
            worker.processor.windows.note_free(window);
        }
        if trim::is_grown(window) {
            worker.note_grown(window);
        }
        if !worker.processor.exclusive {
            worker.leave_window(window);
        }
    }
    // SAFETY: passed on.
    unsafe { worker.end_task(task) };
}

impl Worker {
    /// Gives up a window, unless the task in `handoff` needs it next; either way those who wait get
    /// their turn.
    fn leave_window(&self, window: &Window) {
        let next = self.handoff.get();
        let wanted = next.map_or(ptr::null(), |task| task.header().image.window.get());
        if ptr::eq(wanted, window) {
            self.kept.set(window);
            self.ready_all(window.ownership.take_waiters());
        } else {
            self.ready_all(window.ownership.release());
        }
    }

    /// Notes a grown window, which the caller holds and has left. (`Processor::pick` looks at the
    /// list now and then.)
    #[cold]
    fn note_grown(&self, window: &Window) {
        self.processor.grown.note(window);
        if self.processor.grown.is_over_budget() {
            self.trim_due();
        }
    }

    /// Gives back the memory of grown windows whose time has come.
    pub(crate) fn trim_due(&self) {
        let grown = &self.processor.grown;
        if grown.is_empty() || !grown.is_due() {
            return;
        }
        let exclusive = self.processor.exclusive;
        let trimmed =
            grown.pass(self.current_window(), exclusive, |waiters| self.ready_all(waiters));
        let counters = &self.remote().counters;
        counters.trims.add(trimmed.windows);
        counters.bytes_trimmed.add(trimmed.bytes);
    }

    fn ready_all(&self, waiters: Waiters) {
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

    /// Drops the scheduler's reference to a task that has ended, and counts it.
    ///
    /// # Safety
    ///
    /// The task has ended, has no window and no block, and the caller does not use it afterwards.
    unsafe fn end_task(&self, task: Ready) {
        // SAFETY: the scheduler's reference ends here.
        self.processor.with_cache(|cache| unsafe { header::release(task.0, Some(cache)) });
        self.remote().counters.tasks_finished.add(1);
        self.tell_if_draining();
    }

    fn drop_block(&self, task: Ready) {
        let image = &task.header().image;
        let bytes = image.block_capacity();
        if bytes > 0 {
            self.processor.with_cache(|cache| image.release_block(cache));
            self.remote().counters.block_bytes.sub(bytes as u64);
        }
    }

    fn count_copies(&self, copied: image::Copied) {
        let counters = &self.remote().counters;
        if let Some(bytes) = copied.frozen {
            counters.freezes.add(1);
            counters.bytes_frozen.add(bytes as u64);
        }
        if copied.block_growth != 0 {
            counters.block_bytes.add(copied.block_growth);
        }
        if let Some(bytes) = copied.thawed {
            counters.thaws.add(1);
            counters.bytes_thawed.add(bytes as u64);
        }
    }
}

/// Gives back the memory of the calling worker's grown windows whose time has come.
#[cold]
pub(crate) fn trim_due() {
    if let Some(worker) = worker::current() {
        worker.trim_due();
    }
}

/// What a fresh stack begins with. It runs its task and then, as long as there are fresh tasks that
/// may have the same window, those too: a task that never suspends costs no switch at all.
unsafe extern "C" fn task_main(word: usize) -> ! {
    // SAFETY: the switch that began this context passed its worker.
    let mut worker = unsafe { WorkerRef::from_word(word) };
    // SAFETY: we are the next context.
    unsafe { finish(worker) };
    loop {
        let Some(task) = worker.current.get() else {
            unreachable!("a task's stack without a task")
        };
        unwind::run(task);
        let Some(now) = worker::current() else { unreachable!("a task off its workers") };
        worker = now;
        let next = worker.processor.pick(worker.shared(), worker.remote());
        let Some(next) = next else {
            // SAFETY: the task has ended; nobody resumes it.
            unsafe { suspend(worker, task.0, Suspension::Exit, None) };
            unreachable!("an ended task was resumed");
        };
        // SAFETY: `task` has ended, and `next` is ours to run.
        if !unsafe { inherit(worker, task, next) } {
            // SAFETY: as above.
            unsafe { suspend(worker, task.0, Suspension::Exit, Some(next)) };
            unreachable!("an ended task was resumed");
        }
    }
}

/// Gives the window of a task that has ended to a fresh one, if it may have it; the caller then
/// runs that one on the very stack it stands on.
///
/// # Safety
///
/// The caller stands on `task`'s stack, `task` has ended, and `next` is the caller's to run.
unsafe fn inherit(worker: WorkerRef, task: Ready, next: Ready) -> bool {
    let (old, new) = (task.header(), next.header());
    // SAFETY: the window we stand on.
    let window = unsafe { &*old.image.window.get() };
    if new.has_started() || new.pinned != window.private || window.bound.get() != 1 {
        return false;
    }
    if !worker.processor.exclusive {
        worker.ready_all(window.ownership.take_waiters()); // or they would wait for a whole chain of heirs
    }
    new.image.window.set(window);
    new.image.sp.set(old.image.sp.get()); // not 0: it has begun
    new.started.store(true, Ordering::Relaxed);
    new.home.set(worker.index as u32);
    window.resident.set(&new.image);
    worker.current.set(Some(next));
    worker.drop_block(task);
    // SAFETY: ended, and its window is another's now.
    unsafe { worker.end_task(task) };
    true
}
