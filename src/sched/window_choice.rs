//! Which window a fresh task is bound to.
//!
//! First one that nobody is bound to: the warmest that this processor has, else a new one while
//! there are fewer than the configured number. Then the tasks spread over the processor's windows
//! in turn, leaving alone those with a heavy resident, since that would have to be copied.
//!
//! The free list is a hint: a window on it is FREE, like any that nobody stands on, and a worker
//! that looks for one to share may take it from under the list. So whoever finds a window HELD may
//! wait for it: somebody stands on it, or is about to, and will leave.
//!
//! Go: `runtime/proc.go` `gfget` (a dead goroutine's stack goes to the next one).

use super::window_store::WindowStore;
use crate::stack::addresses::Purpose;
use crate::stack::ownership::{Asked, Waiter, Waiters};
use crate::stack::window::Window;
use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

/// Residents with more live bytes than this are left in their windows while another will do:
/// copying them costs more than a new window's first page.
const HEAVY: usize = 16 << 10;

/// The tasks that find all windows taken share this many of them. Few stay in the caches and in the
/// TLB, where copying is cheap; many keep fewer tasks waiting behind one that hogs its window.
/// (Yield of 100,000 tasks, one worker, on a busy 2 GHz Zen 1 before blocks were fetched ahead: 107
/// ns over 1 window, 147 over 16, 239 over 256.)
const SPREAD: usize = 16;

/// What came of choosing.
pub(crate) enum Choice {
    /// This one; the caller holds it (or it is the caller's own, in the exclusive case).
    Window(*const Window),
    /// Only the window whose stack the caller stands on is left.
    OnlyCurrent,
    /// All are held by others; the task waits for one of them.
    Waiting,
}

/// The windows of one processor.
pub(crate) struct WindowChoice {
    /// Nobody is bound to these, as far as is known; the warmest last.
    free: UnsafeCell<Vec<*const Window>>,
    /// All that this processor made.
    made: UnsafeCell<Vec<*const Window>>,
    most: Cell<usize>,
    turn: Cell<usize>,
}

impl WindowChoice {
    /// A processor's windows: `first` and up to `most` in all. In the pinned mode there is no first
    /// one, and nothing to choose.
    ///
    /// `first` is held by the caller, and stays so only in the exclusive case.
    pub(crate) fn new(first: Option<*const Window>, most: usize, exclusive: bool) -> WindowChoice {
        if let Some(first) = first {
            // SAFETY: shared windows live as long as the runtime.
            let window = unsafe { &*first };
            window.listed.store(true, Ordering::Relaxed);
            if !exclusive {
                let waiters = window.ownership.release();
                debug_assert_eq!(waiters.count(), 0, "nobody knows the window yet");
            }
        }
        WindowChoice {
            free: UnsafeCell::new(Vec::from_iter(first)),
            made: UnsafeCell::new(Vec::from_iter(first)),
            most: Cell::new(most),
            turn: Cell::new(0),
        }
    }

    /// Chooses a window for a fresh task. `current` is the window whose stack the caller stands on,
    /// or null; `exclusive` says that this processor's windows are nobody else's. `passed_on` gets
    /// those who waited for a window that was looked at and left alone.
    ///
    /// # Safety
    ///
    /// Only this processor's worker calls it; `waiter` is the link of the task and on no list.
    pub(crate) unsafe fn choose(
        &self,
        store: &WindowStore,
        current: *const Window,
        exclusive: bool,
        waiter: NonNull<Waiter>,
        mut passed_on: impl FnMut(Waiters),
    ) -> Choice {
        // SAFETY: one thread, and nothing below calls back into this value.
        let (free, made) = unsafe { (&mut *self.free.get(), &mut *self.made.get()) };
        while let Some(window) = free.pop() {
            // SAFETY: shared windows live as long as the runtime.
            let ours = unsafe { &*window };
            // Relaxed: with the worst luck the window is on no list for a while; it is still found
            // below.
            ours.listed.store(false, Ordering::Relaxed);
            if exclusive || ours.ownership.try_acquire() {
                if ours.bound.get() == 0 {
                    return Choice::Window(window);
                }
                if !exclusive {
                    passed_on(ours.ownership.release());
                }
            }
        }
        if made.len() < self.most.get() {
            match store.new_shared(Purpose::Shared) {
                Ok(window) => {
                    made.push(window);
                    return Choice::Window(window);
                }
                // No room: these must do.
                Err(_) => self.most.set(made.len()),
            }
        }
        for (among, may_be_heavy) in [(SPREAD, false), (usize::MAX, false), (usize::MAX, true)] {
            let among = made.len().min(among);
            for _ in 0..among {
                let turn = (self.turn.get() + 1) % among;
                self.turn.set(turn);
                let window = made[turn];
                if ptr::eq(window, current) {
                    continue;
                }
                // SAFETY: shared windows live as long as the runtime.
                let ours = unsafe { &*window };
                if !exclusive && !ours.ownership.try_acquire() {
                    continue;
                }
                if may_be_heavy || !is_heavy(ours) {
                    return Choice::Window(window);
                }
                if !exclusive {
                    passed_on(ours.ownership.release());
                }
            }
        }
        if made.iter().any(|window| ptr::eq(*window, current)) {
            return Choice::OnlyCurrent;
        }
        // SAFETY: shared windows live as long as the runtime.
        let first = unsafe { &*made[self.turn.get() % made.len()] };
        // SAFETY: by the caller's promise.
        match unsafe { first.ownership.acquire_or_wait(waiter) } {
            Asked::Acquired => Choice::Window(first),
            Asked::Waiting => Choice::Waiting,
        }
    }

    /// Notes a window that its last task has left.
    pub(crate) fn note_free(&self, window: &Window) {
        if !window.listed.swap(true, Ordering::Relaxed) {
            // SAFETY: one thread, and nothing below calls back into this value.
            unsafe { (*self.free.get()).push(window) };
        }
    }
}

/// Whether copying the resident would cost much. The caller holds the window.
fn is_heavy(window: &Window) -> bool {
    let resident = window.resident.get();
    // SAFETY: a resident outlives its residence, is bound to this window, and the caller holds it.
    !resident.is_null() && unsafe { (*resident).live_bytes() } > HEAVY
}
