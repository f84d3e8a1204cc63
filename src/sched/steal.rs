//! Finding work when the own queues are empty, and sleeping when there is none anywhere.
//!
//! Go: `runtime/proc.go` `findRunnable`, `stealWork`, `stopm`.

use super::timers::NEVER;
use super::worker::Worker;
use super::Ready;
use crate::stack::window::memory_is_short;
use crossbeam_deque::Steal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Rounds over all victims before a searcher gives up. Go: `stealTries`.
const STEAL_TRIES: usize = 4;

/// How long a searcher waits between two rounds, in spin hints: long enough (about 3 us in all)
/// that a task in another's run-next slot that is about to run there is not taken away. Go sleeps 3
/// us for the same reason.
const PAUSE: usize = 64;

/// A worker that has slept for so long empties its slab cache.
pub(super) const CACHE_PATIENCE: Duration = Duration::from_millis(50);

impl Worker {
    /// The next task to run, from anywhere; sleeps until there is one. None when the runtime ends.
    pub(crate) fn find_work(&self) -> Option<Ready> {
        loop {
            if self.remote().watch.is_wanted() {
                self.meet_monitor();
            }
            if self.remote().inbox.has_notice() {
                if let Some(task) = self.ask_for_seat() {
                    return Some(task);
                }
            }
            if let Some(task) = self.processor.pick(self.shared(), self.remote()) {
                self.found();
                return Some(task);
            }
            if self.shared.seats.are_over() {
                if let Some(task) = self.ask_for_seat() {
                    return Some(task);
                }
                continue;
            }
            if self.fire_all() {
                continue;
            }
            if let Some(task) = self.search() {
                self.found();
                return Some(task);
            }
            if self.shared.stopped.load(Ordering::Acquire) {
                return None;
            }
            self.sleep();
        }
    }

    /// Ends the search; if this was the only searcher, another one takes over.
    fn found(&self) {
        if self.searching.replace(false) && self.shared.idle.end_search() {
            self.shared.notify();
        }
    }

    /// For a task that yields: the next one, the global queue included.
    #[inline]
    pub(crate) fn pick_for_yield(&self) -> Option<Ready> {
        let picked = self.processor.pick(self.shared(), self.remote());
        picked.or_else(|| self.pick_elsewhere())
    }

    #[inline(never)] // out of the way of yields that find somebody at once
    fn pick_elsewhere(&self) -> Option<Ready> {
        if self.remote().inbox.has_notice() {
            return None;
        }
        self.processor.take_global(self.shared())
    }

    fn search(&self) -> Option<Ready> {
        if let Some(task) = self.processor.take_global(self.shared()) {
            return Some(task);
        }
        if self.shared.remotes.len() == 1 {
            return None;
        }
        if !self.searching.get() {
            if !self.shared.idle.begin_search() {
                return None;
            }
            self.searching.set(true);
        }
        for round in 1..=STEAL_TRIES {
            let last = round == STEAL_TRIES;
            if let Some(task) = self.steal(last) {
                return Some(task);
            }
            if let Some(task) = self.processor.take_global(self.shared()) {
                return Some(task);
            }
            if self.remote().inbox.any() {
                return self.processor.pick(self.shared(), self.remote());
            }
            for _ in 0..PAUSE {
                std::hint::spin_loop();
            }
        }
        None
    }

    /// One round over the other workers, from a random one on: half of somebody's queue; in the
    /// last round, what is in the run-next slots, too.
    fn steal(&self, run_next_too: bool) -> Option<Ready> {
        let count = self.shared.remotes.len();
        let start = self.processor.random_below(count);
        for victim in (start..count).chain(0..start).filter(|victim| *victim != self.index) {
            let victim = &self.shared.remotes[victim];
            loop {
                match victim.stealer.steal_batch_and_pop(&self.processor.stealable) {
                    Steal::Success(task) => {
                        self.remote().counters.steals.add(1);
                        return Some(task);
                    }
                    Steal::Empty => break,
                    Steal::Retry => std::hint::spin_loop(),
                }
            }
            if run_next_too && !self.processor.exclusive() {
                if let Some(task) = victim.steal_run_next() {
                    self.remote().counters.steals.add(1);
                    return Some(task);
                }
            }
        }
        None
    }

    /// Sleeps until somebody has work for this worker, until a timer is due if it is the keeper, or
    /// until the runtime ends.
    fn sleep(&self) {
        let idle = &self.shared.idle;
        idle.lie_down(self.index, self.searching.replace(false));
        let keeper = &self.shared.keeper;
        let keeps = keeper.apply(self.index);
        if !self.work_anywhere() {
            let tick = if keeps { self.shared.first_timer() } else { NEVER };
            if keeps {
                keeper.until(self.index, tick);
            }
            self.rest(self.shared.clock.instant_of(tick));
        }
        if keeps {
            keeper.resign();
        }
        // If nobody has woken us (there was something in the second look, or a timer is due), we
        // get up by ourselves. Those who submitted work while we searched have woken nobody: as a
        // searcher again, we wake the next one when we have found ours. If there are searchers
        // enough, they do. Go: `becomeSpinning` after the recheck. And whoever wakes us has counted
        // us in, or will leave us a token that ends the next rest early.
        let woken = !idle.get_up(self.index);
        self.searching.set(woken || idle.begin_search());
        self.shared.sysmon.wake_if_asleep();
    }

    /// Sleeps until somebody comes, or until the deadline.
    fn rest(&self, deadline: Option<Instant>) {
        if memory_is_short() {
            self.trim_due(); // what the monitor has woken us for
            if self.processor.has_work(self.remote()) {
                return;
            }
        }
        let parker = &self.remote().parker;
        let patience = Instant::now() + CACHE_PATIENCE;
        if let Some(deadline) = deadline.filter(|deadline| *deadline <= patience) {
            parker.park_until(deadline);
            return;
        }
        if parker.park_until(patience) {
            return;
        }
        // A long rest: what the cache holds may keep whole chunks of a past burst from going back.
        self.processor.with_cache(|cache| cache.flush());
        self.rest_and_trim(deadline);
    }

    /// Sleeps on, and gets up in between for windows that are to be given back.
    fn rest_and_trim(&self, deadline: Option<Instant>) {
        let parker = &self.remote().parker;
        let mut rest = self.shared.deadlock.rest();
        loop {
            self.trim_due();
            if self.processor.has_work(self.remote()) {
                return; // somebody waited for a window that was being trimmed
            }
            let look = rest.look(self.shared());
            let due = [deadline, self.processor.grown.next_due(), look].into_iter().flatten().min();
            let Some(due) = due else { return parker.park() };
            if parker.park_until(due) || deadline.is_some_and(|deadline| deadline <= due) {
                return;
            }
        }
    }

    /// The second look: whether there is anything this worker could do.
    fn work_anywhere(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
            || self.remote().watch.is_wanted()
            || self.processor.has_work(self.remote())
            || !self.shared.injector.is_empty()
            || self.shared.remotes.iter().any(|victim| {
                !victim.stealer.is_empty()
                    || (!self.processor.exclusive()
                        && !victim.run_next.load(Ordering::Relaxed).is_null())
            })
    }
}
