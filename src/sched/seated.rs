//! A worker without a seat: it asks for one, and rests until it is given one, or until there is
//! something to do for which it needs none.
//!
//! Go: `runtime/proc.go` `exitsyscall0`, `stopm`, `stoplockedm`.

use super::seats::Answer;
use super::steal::CACHE_PATIENCE;
use super::threads;
use super::worker::Worker;
use super::Ready;
use std::time::Instant;

impl Worker {
    /// On the worker's own stack, when its seat has been retaken, too many are seated, or it is
    /// reserved for the tasks of its thread: returns with a seat, or at the end of the runtime; if
    /// it is reserved, with one of those tasks instead.
    #[cold]
    pub(super) fn ask_for_seat(&self) -> Option<Ready> {
        let shared = self.shared();
        let remote = self.remote();
        loop {
            if remote.inbox.any_tasks() {
                self.processor.take_posted(remote);
            }
            let reserved = self.reserved.get() > 0;
            let must_run = || self.processor.has_bound() || remote.inbox.any_tasks();
            let told = || {
                if !reserved {
                    remote.inbox.forget_notice();
                }
            };
            match shared.seats.ask(self.index, reserved, must_run, told) {
                Answer::Seated => return None,
                Answer::Exempt { left_seat } => {
                    self.trim_due();
                    self.leave_tasks();
                    if left_seat {
                        self.have_seats_filled();
                    }
                }
                Answer::Spare => {
                    self.rest_without_seat();
                    continue;
                }
            }
            while let Some(task) = self.processor.pop_bound() {
                if task.header().thread_locked.get() {
                    return Some(task);
                }
                // Posted before this thread became some task's own (in stress mode).
                shared.inject(task);
            }
        }
    }

    fn rest_without_seat(&self) {
        let shared = self.shared();
        let remote = self.remote();
        self.leave_tasks();
        if self.reserved.get() > 0 {
            self.have_seats_filled();
        }
        if remote.inbox.any_tasks() && shared.seats.call(self.index) {
            shared.sysmon.wake_if_asleep();
            return;
        }
        let patience = Instant::now() + CACHE_PATIENCE;
        let mut rest = None;
        // A token may be left from before.
        while shared.seats.rests(self.index) {
            self.trim_due();
            self.leave_tasks(); // those who waited for a window that was being trimmed
            let look = if rest.is_none() && Instant::now() < patience {
                Some(patience) // a short rest is no reason for a look at everything
            } else {
                rest.get_or_insert_with(|| shared.deadlock.rest()).look(shared)
            };
            let due = [look, self.processor.grown.next_due()];
            match due.into_iter().flatten().min() {
                Some(due) => drop(remote.parker.park_until(due)),
                None => remote.parker.park(),
            }
        }
        drop(rest);
        shared.sysmon.wake_if_asleep();
    }

    /// The seat was given up in the middle of things: somebody else goes on. What cannot be had now,
    /// the monitor tries again.
    fn have_seats_filled(&self) {
        if threads::fill_seats(&self.shared).is_err() {
            self.shared().sysmon.fill_soon();
        }
    }

    /// Leaves what others may run to them.
    fn leave_tasks(&self) {
        let shared = self.shared();
        let run_next = self.processor.take_run_next(self.remote());
        let queued = std::iter::from_fn(|| self.processor.stealable.pop());
        for task in run_next.into_iter().chain(queued) {
            shared.injector.push(task);
        }
        // Others may have left it to this worker to look for work.
        let was_last = self.searching.replace(false) && shared.idle.end_search();
        if was_last || !shared.injector.is_empty() {
            shared.notify();
        }
    }
}
