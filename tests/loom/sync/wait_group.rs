//! Promise: who waits is told when the count is zero, not before, and sees what was done until
//! then; also if the count grows while it waits, and if several wait.
//!
//! Breakages of `raw_wait_group.rs` that make both models fail: no second look at the count under
//! the lock; a Relaxed `done`.

use super::raw_wait_group::RawWaitGroup;
use super::{empty_queue, Guarded};
use crate::{check_bounded, join_all};
use loom::sync::atomic::AtomicUsize;
use loom::sync::Arc;
use loom::thread;

struct Shared {
    group: RawWaitGroup,
    done: [Guarded; 2],
}

impl Shared {
    fn new(count: usize) -> Arc<Shared> {
        Arc::new(Shared {
            group: RawWaitGroup::from_parts(AtomicUsize::new(count), empty_queue()),
            done: [Guarded::new(), Guarded::new()],
        })
    }

    fn finish(&self, member: usize) {
        self.done[member].add_one();
        self.group.done();
    }

    fn wait_for_both(&self) {
        self.group.wait();
        assert_eq!([self.done[0].get(), self.done[1].get()], [1, 1]);
    }
}

#[test]
fn two_members_and_two_waiters() {
    check_bounded(3, || {
        let shared = Shared::new(2);
        let threads = [0, 1].map(|member| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.finish(member);
                if member == 0 {
                    shared.wait_for_both();
                }
            })
        });
        shared.wait_for_both();
        join_all(threads);
    });
}

#[test]
fn a_group_that_grows_while_somebody_waits() {
    check_bounded(3, || {
        let shared = Shared::new(1);
        let theirs = shared.clone();
        let first = thread::spawn(move || {
            theirs.group.add();
            let shared = theirs.clone();
            let second = thread::spawn(move || shared.finish(1));
            theirs.finish(0);
            second
        });
        shared.wait_for_both();
        shared.wait_for_both(); // at once
        first.join().unwrap().join().unwrap();
    });
}
