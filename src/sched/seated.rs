//! A worker without a seat: it asks for one, and rests until it is given one.
//!
//! Go: `runtime/proc.go` `exitsyscall0`, `stopm`.

use super::seats::Answer;
use super::worker::Worker;
use std::sync::atomic::{fence, Ordering};

impl Worker {
    /// On the worker's own stack, when its seat has been retaken or too many are seated: returns
    /// with a seat, or at the end of the runtime.
    #[cold]
    pub(super) fn ask_for_seat(&self) {
        let shared = self.shared();
        let remote = self.remote();
        let must_run = || self.processor.has_bound() || remote.inbox.any_tasks();
        let answer = shared.seats.ask(self.index, must_run, || remote.inbox.forget_notice());
        if answer == Answer::Seated {
            return;
        }
        self.leave_tasks();
        // Pairs with the fence in `Seats::call`: either the poster sees that this worker is a
        // spare, or we see what it has posted.
        fence(Ordering::SeqCst);
        if remote.inbox.any_tasks() && shared.seats.call(self.index) {
            return;
        }
        while !shared.seats.is_seated(self.index) {
            remote.parker.park(); // a token may be left from before
        }
        shared.sysmon.wake_if_asleep();
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
