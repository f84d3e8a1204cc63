//! A processor: the queues, caches and windows it takes to run tasks.
//!
//! Three places hold ready tasks. The *stealable* queue has those that any worker may run; the
//! *bound* queue those that only this one will (started tasks in the thread-bound modes, or of an
//! only worker); the *run-next* slot the one woken last. Both queues are first in, first out.
//!
//! Go: `runtime/runtime2.go` `p`, `runtime/proc.go` `runqput`, `runqget`, `globrunqget`.

use super::shared::{Remote, Shared};
use super::timed::{self, Looks};
use super::trimming;
use super::window_choice::WindowChoice;
use super::Ready;
use crate::arch;
use crate::stack::slab::Cache;
use crate::stack::trim::TrimList;
use crossbeam_deque::{Steal, Worker as Queue};
use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Every so many picks the global queue comes first. Go: `schedtick%61 == 0`.
const GLOBAL_QUEUE_TICK: u32 = 61;

/// So many times in a row the run-next slot comes before the queues; then they get a turn, so that
/// two tasks that wake each other do not shut out the rest. (Go lets run-next inherit the rest of a
/// 10 ms slice.)
const RUN_NEXT_STREAK: u32 = 64;

/// How many tasks ahead of the next one a header is fetched, and, from the header, the block.
/// (Yield of 100,000 tasks: see `benches/yield.rs`.)
const HEADER_AHEAD: usize = 8;
const BLOCK_AHEAD: usize = 4;

pub(crate) struct Processor {
    pub(crate) stealable: Queue<Ready>,
    bound: UnsafeCell<VecDeque<Ready>>,
    /// How often this processor has looked for a task. Read by the monitor.
    ticks: AtomicU32,
    /// The tick at which the global queue comes first.
    global_turn: Cell<u32>,
    /// Picks until the next look at the own timers.
    look_in: Cell<u32>,
    looks: Cell<Looks>,
    /// Which of the two queues comes first next time.
    bound_first: Cell<bool>,
    streak: Cell<u32>,
    pub(crate) windows: WindowChoice,
    /// The windows that were left grown.
    pub(crate) grown: TrimList,
    cache: UnsafeCell<Cache>,
    random: Cell<u64>,
    ids: Cell<(u64, u64)>,
    exclusive: Cell<bool>,
    /// Whether stress mode is on.
    pub(crate) stress: bool,
    /// Whether windows are preempted. Then every task lays in a block before it leaves, since whoever
    /// holds a window that others may be paused in must not wait for the allocator: they may have its
    /// locks.
    pub(crate) preempts: bool,
}

impl Processor {
    pub(crate) fn new(
        shared: &Shared,
        index: usize,
        stealable: Queue<Ready>,
        windows: WindowChoice,
    ) -> Processor {
        let seed = shared.config.stress.unwrap_or(0) ^ (index as u64 + 1);
        if shared.config.stress.is_some() {
            super::context::note_stress();
        }
        let grown = TrimList::default();
        grown.make_room();
        Processor {
            stealable,
            bound: UnsafeCell::new(VecDeque::new()),
            ticks: AtomicU32::new(0),
            global_turn: Cell::new(0),
            look_in: Cell::new(0),
            looks: Cell::new(Looks::new()),
            bound_first: Cell::new(false),
            streak: Cell::new(0),
            windows,
            grown,
            cache: UnsafeCell::new(Cache::new()),
            random: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            ids: Cell::new((0, 0)),
            exclusive: Cell::new(shared.exclusive()),
            stress: shared.config.stress.is_some(),
            preempts: shared.config.preempt.is_some(),
        }
    }

    /// Runs `f` with the slab cache. `f` must not come back here: it calls the allocator and
    /// nothing else.
    #[inline]
    pub(crate) fn with_cache<R>(&self, f: impl FnOnce(&mut Cache) -> R) -> R {
        // SAFETY: a processor is used by one thread, and `f` does not nest.
        f(unsafe { &mut *self.cache.get() })
    }

    /// Appends to the queue of tasks that only this worker may run.
    #[inline]
    pub(crate) fn push_bound(&self, task: Ready) {
        // SAFETY: one thread, and no reference into the queue outlives the call.
        unsafe { (*self.bound.get()).push_back(task) };
    }

    /// The next task that only this worker may run.
    pub(crate) fn pop_bound(&self) -> Option<Ready> {
        // SAFETY: as in `push_bound`.
        let bound = unsafe { &mut *self.bound.get() };
        let task = bound.pop_front();
        if self.exclusive.get() {
            // With many tasks each is a miss in every cache: fetch those that are soon to come.
            if let Some(ahead) = bound.get(HEADER_AHEAD) {
                let header = ahead.0.as_ptr().cast::<u8>();
                arch::prefetch(header);
                arch::prefetch(header.wrapping_add(64));
            }
            if let Some(ahead) = bound.get(BLOCK_AHEAD) {
                ahead.header().image.prefetch_block(); // nobody else holds a window here
            }
        }
        if task.is_none() && bound.capacity() > 4096 {
            bound.shrink_to(64); // a burst is over
        }
        task
    }

    /// Puts a task into the run-next slot; returns the one that was there.
    #[inline]
    pub(crate) fn put_run_next(&self, remote: &Remote, task: Ready) -> Option<Ready> {
        let slot = &remote.run_next;
        let before = if self.exclusive.get() {
            // Relaxed: nobody else touches the slot.
            let before = slot.load(Ordering::Relaxed);
            slot.store(task.0.as_ptr(), Ordering::Relaxed);
            before
        } else {
            // Release publishes the task to a thief; Acquire takes over what a thief left behind.
            slot.swap(task.0.as_ptr(), Ordering::AcqRel)
        };
        NonNull::new(before).map(Ready)
    }

    #[inline]
    pub(crate) fn take_run_next(&self, remote: &Remote) -> Option<Ready> {
        let slot = &remote.run_next;
        // Relaxed: this worker is the only one that puts anything there.
        let task = slot.load(Ordering::Relaxed);
        if task.is_null() {
            return None;
        }
        if self.exclusive.get() {
            slot.store(ptr::null_mut(), Ordering::Relaxed); // nobody else touches the slot
            return NonNull::new(task).map(Ready);
        }
        // Acquire pairs with a thief's exchange.
        NonNull::new(slot.swap(ptr::null_mut(), Ordering::Acquire)).map(Ready)
    }

    /// The next task to run, from this processor's own queues (and, every 61st time, the global
    /// one).
    #[inline]
    pub(crate) fn pick(&self, shared: &Shared, remote: &Remote) -> Option<Ready> {
        // Relaxed, and no read-modify-write: one writer, and the monitor only compares.
        let tick = self.ticks.load(Ordering::Relaxed);
        self.ticks.store(tick.wrapping_add(1), Ordering::Relaxed);
        match self.look_in.get() {
            0 => self.look_in.set(timed::look(shared, &self.looks)),
            picks => self.look_in.set(picks - 1),
        }
        if remote.inbox.any() {
            if remote.inbox.has_notice() {
                return None; // this worker runs nothing more before it has asked for a seat
            }
            self.take_posted(remote);
        }
        if tick == self.global_turn.get() {
            self.global_turn.set(tick.wrapping_add(GLOBAL_QUEUE_TICK));
            if !self.grown.is_empty() {
                trimming::trim_due();
            }
            if let Some(task) = self.take_global(shared) {
                return Some(task);
            }
        }
        let streak = self.streak.get();
        if streak < RUN_NEXT_STREAK {
            if let Some(task) = self.take_run_next(remote) {
                self.streak.set(streak + 1);
                return Some(task);
            }
        }
        self.streak.set(0);
        let bound_first = self.bound_first.get();
        self.bound_first.set(!bound_first);
        let queued = if bound_first {
            self.pop_bound().or_else(|| self.stealable.pop())
        } else {
            self.stealable.pop().or_else(|| self.pop_bound())
        };
        queued.or_else(|| self.take_run_next(remote))
    }

    /// Moves what others have posted to the queue of this worker's own tasks.
    pub(crate) fn take_posted(&self, remote: &Remote) {
        // SAFETY: as in `push_bound`.
        remote.inbox.take_all(unsafe { &mut *self.bound.get() });
    }

    /// How often this processor has looked for a task, for the monitor.
    pub(crate) fn ticks(&self) -> u32 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// `Shared::exclusive`, close at hand: started tasks can run nowhere else (they are bound to
    /// this worker, or there is no other), so that their queue, their windows and the run-next slot
    /// need no atomics.
    #[inline]
    pub(crate) fn exclusive(&self) -> bool {
        self.exclusive.get()
    }

    /// From now on, others are there.
    pub(crate) fn end_exclusive(&self) {
        self.exclusive.set(false);
    }

    /// Whether there are tasks here that only this worker may run.
    pub(crate) fn has_bound(&self) -> bool {
        // SAFETY: as in `push_bound`.
        unsafe { !(*self.bound.get()).is_empty() }
    }

    /// Takes the tasks for which `wanted` is true out of the queue of this worker's own.
    ///
    /// # Safety
    ///
    /// The caller is this processor's worker, or keeps it outside of the runtime (`watch`).
    pub(crate) unsafe fn take_bound(&self, wanted: impl Fn(Ready) -> bool) -> Vec<Ready> {
        // SAFETY: one thread at a time, by the caller's promise.
        let bound = unsafe { &mut *self.bound.get() };
        let (taken, kept): (VecDeque<_>, _) = bound.drain(..).partition(|task| wanted(*task));
        *bound = kept;
        Vec::from(taken)
    }

    /// A task of the global queue, with a few more moved to the own one.
    pub(crate) fn take_global(&self, shared: &Shared) -> Option<Ready> {
        if shared.injector.is_empty() {
            return None;
        }
        loop {
            match shared.injector.steal_batch_and_pop(&self.stealable) {
                Steal::Success(task) => return Some(task),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// Whether a queue of this processor has something.
    pub(crate) fn has_work(&self, remote: &Remote) -> bool {
        self.has_bound()
            || remote.inbox.any()
            || !self.stealable.is_empty()
            || !remote.run_next.load(Ordering::Relaxed).is_null()
    }

    /// A random number (xorshift64*).
    pub(crate) fn random(&self) -> u64 {
        let mut x = self.random.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A random number below `bound`.
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        let high = self.random() >> 32;
        ((high * bound as u64) >> 32) as usize
    }

    /// A new task number. Taken in batches, as Go does (`_GoidCacheBatch`).
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        const BATCH: u64 = 16;
        let (mut next, mut end) = self.ids.get();
        if next == end {
            next = reserve_ids(BATCH);
            end = next + BATCH;
        }
        self.ids.set((next + 1, end));
        next
    }
}

/// Reserves task numbers; returns the first.
pub(crate) fn reserve_ids(count: u64) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(count, Ordering::Relaxed) // only uniqueness matters
}
