//! Promise: one holder of a lock at a time, who sees what the one before did; nobody sleeps for a lock
//! that is free.

use crate::source_futex_lock::{sleep_for, try_lock, unlock, FREE};
use crate::{check_bounded, join_all};
use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU32;
use loom::sync::Arc;
use loom::thread;

struct Model {
    word: AtomicU32,
    count: UnsafeCell<u32>,
}

// SAFETY: loom checks that no two threads are at the cell at once.
unsafe impl Sync for Model {}
// SAFETY: as above.
unsafe impl Send for Model {}

impl Model {
    fn add_one(&self) {
        if !try_lock(&self.word) {
            sleep_for(&self.word);
        }
        // SAFETY: as above.
        self.count.with_mut(|count| unsafe { *count += 1 });
        unlock(&self.word);
    }
}

/// Fails with, in `try_lock` or in `sleep_for`, Relaxed for the Acquire; in `unlock`, Relaxed for the
/// Release, or no `futex_wake`; in `sleep_for`, TAKEN swapped in for CONTENDED.
#[test]
fn three_take_turns() {
    check_bounded(3, || {
        let model = Arc::new(Model { word: AtomicU32::new(FREE), count: UnsafeCell::new(0) });
        let others = [0, 1].map(|_| {
            let model = Arc::clone(&model);
            thread::spawn(move || model.add_one())
        });
        model.add_one();
        join_all(others);
        // SAFETY: all other threads have ended.
        model.count.with_mut(|count| assert_eq!(unsafe { *count }, 3));
        assert!(try_lock(&model.word), "it is free");
    });
}
