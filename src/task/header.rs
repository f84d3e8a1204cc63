//! The part of a task that does not depend on its closure.
//!
//! Guarantees: the memory of a task is type-stable: a free slot keeps its `refs` word at zero, so
//! that a walk over all slots ([`try_reference`]) can tell tasks from free slots without a lock on
//! each. The first word is not stable (the allocator links free slots through it).
//!
//! Go: `runtime/runtime2.go` `type g struct`.

use super::handle::Task;
use super::locals::Locals;
use super::reason::WaitReason;
use super::state::State;
use crate::atomic::{AtomicU32, Ordering};
use crate::peek::PeekU32;
use crate::stack::image::Image;
use crate::stack::ownership::Waiter;
use crate::stack::slab::{self, Kind};
use std::cell::{Cell, UnsafeCell};
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicBool;

/// What a task can do that depends on its closure, or on its not being a task but a thread.
pub(crate) struct Vtable {
    /// Runs the closure on the task's own stack and leaves the result in the task.
    pub(crate) run: unsafe fn(NonNull<Header>),
    /// Moves the result out to a `thread::Result<T>`.
    pub(crate) take_result: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the result where it is.
    pub(crate) drop_result: unsafe fn(NonNull<Header>),
    /// Wakes the task, or leaves it a notification.
    pub(crate) unpark: unsafe fn(NonNull<Header>),
    /// The size class of the task's slot.
    pub(crate) class: u8,
}

/// The part that all tasks share. Fields without a comment of their own never change.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) vtable: &'static Vtable,
    /// References: one of the scheduler until the task has ended, one for each handle. 0: a free
    /// slot.
    pub(crate) refs: AtomicU32,
    pub(crate) state: State,
    /// The runtime (`sched::shared::Shared`); null for a thread.
    pub(crate) runtime: *const (),
    pub(crate) id: u64,
    pub(crate) location: &'static Location<'static>,
    /// Touched by whoever holds the task's window.
    pub(crate) image: Image,
    /// The link in a window's wait list.
    pub(crate) waiter: Waiter,
    /// Who waits in `join`: written by the handle before it sets JOINER, taken by the task after it
    /// has set DONE.
    pub(crate) joiner: UnsafeCell<Option<Task>>,
    pub(crate) name: Option<Box<Box<str>>>,
    /// Its task-local values and timeouts, or null. Touched by the running task alone.
    pub(crate) locals: Cell<*mut Locals>,
    /// The worker a started task belongs to in the thread-bound modes. Written by the worker that
    /// runs the task; read by whoever has just taken PARKED from it.
    pub(crate) home: PeekU32,
    /// Has run. Written likewise; a mere hint for anybody else.
    pub(crate) started: AtomicBool,
    /// May not leave its thread now: a panic was under way there when it suspended. Read and
    /// written as `home`.
    pub(crate) thread_locked: Cell<bool>,
    /// How many guards of `lock_thread` it has. For its own worker.
    pub(crate) thread_locks: Cell<u16>,
    /// It was unwinding itself when it suspended. For its own worker.
    pub(crate) unwinding: Cell<bool>,
    /// It has panicked since the last time that no panic was under way on its thread. For its own
    /// worker.
    pub(crate) panicked: Cell<bool>,
    /// It may not unwind now, though it be cancelled. For its own worker.
    pub(crate) masked: Cell<bool>,
    /// What it waits for. Written by the running task alone; read by anybody.
    pub(crate) reason: WaitReason,
    /// Has a window of its own and is never frozen.
    pub(crate) pinned: bool,
}

impl Header {
    /// The task whose link is `waiter`.
    ///
    /// # Safety
    ///
    /// `waiter` is the `waiter` field of a header.
    pub(crate) unsafe fn of_waiter(waiter: NonNull<Waiter>) -> NonNull<Header> {
        // SAFETY: by the caller's promise the header begins so many bytes before.
        unsafe { waiter.byte_sub(std::mem::offset_of!(Header, waiter)).cast() }
    }

    /// Whether it has run.
    #[inline]
    pub(crate) fn has_started(&self) -> bool {
        // Relaxed: whoever has the task in hand got it with Acquire; to others it is a hint.
        self.started.load(Ordering::Relaxed)
    }

    /// The task's name as text.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }
}

/// Adds a reference.
///
/// # Safety
///
/// The caller has a reference itself, or the scheduler's is known to be there.
pub(crate) unsafe fn reference(header: NonNull<Header>) {
    // Relaxed: whoever passes the reference on synchronises that.
    // SAFETY: alive by the caller's promise.
    let before = unsafe { header.as_ref() }.refs.fetch_add(1, Ordering::Relaxed);
    if before > u32::MAX / 2 {
        crate::fatal(format_args!("more than {} handles to one task", u32::MAX / 2));
    }
}

/// Adds a reference if the slot is a live task.
///
/// # Safety
///
/// `slot` is a slot of a task slab that stays one during the call.
pub(crate) unsafe fn try_reference(slot: NonNull<u8>) -> bool {
    // SAFETY: the word is an atomic in a live task, and last was one (or is zero) in a free slot.
    let refs = unsafe { &*ptr::addr_of!((*slot.cast::<Header>().as_ptr()).refs) };
    let mut now = refs.load(Ordering::Relaxed); // a guess, which the exchange checks
    while now != 0 {
        // Acquire pairs with the Release of `publish`: the header is complete.
        match refs.compare_exchange_weak(now, now + 1, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(other) => now = other,
        }
    }
    false
}

/// Makes a complete header visible to walks, with `count` references.
///
/// # Safety
///
/// The caller has just written the header and nobody else knows it.
pub(crate) unsafe fn publish(header: NonNull<Header>, count: u32) {
    // Release pairs with the Acquire in `try_reference`.
    // SAFETY: passed on.
    unsafe { header.as_ref() }.refs.store(count, Ordering::Release);
}

/// Gives up a reference that a walk added, without freeing: whoever had the last real one meanwhile
/// has left the freeing to us, and a walk must not free. So the reference is only given up if it is
/// not the last.
///
/// Returns false if it was: the caller keeps it, and gives it up after the walk.
///
/// # Safety
///
/// The caller owns a reference; on true it is gone.
pub(crate) unsafe fn release_unless_last(header: NonNull<Header>) -> bool {
    // SAFETY: alive while the caller has its reference.
    let refs = unsafe { &header.as_ref().refs };
    let mut now = refs.load(Ordering::Relaxed); // a guess, which the exchange checks
    while now > 1 {
        // Release: as in `release`.
        match refs.compare_exchange_weak(now, now - 1, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(other) => now = other,
        }
    }
    false
}

/// Gives up a reference; the last one frees the task.
///
/// # Safety
///
/// The caller owns a reference and does not use the task afterwards; `cache` is the calling
/// thread's.
pub(crate) unsafe fn release(header: NonNull<Header>, cache: Option<&mut slab::Cache>) {
    // Release and Acquire pair with each other (and with the Release of `release_unless_last`):
    // what this owner did is seen by the one that frees. SAFETY: alive until the count is zero.
    if unsafe { header.as_ref() }.refs.fetch_sub(1, Ordering::AcqRel) == 1 {
        // SAFETY: that was the last reference. The result is gone already (`State::complete` and
        // `drop_handle` see to it), and so are the closure and the joiner.
        unsafe {
            let class = header.as_ref().vtable.class;
            ptr::drop_in_place(&raw mut (*header.as_ptr()).name);
            match cache {
                Some(cache) => cache.free(header.cast(), Kind::Task, class),
                None => slab::free_uncached(header.cast(), Kind::Task, class),
            }
        }
    }
}
