//! Promise: no wake-up is lost, and what the waker did before is seen after.

use crate::source_parker::Parker;
use crate::{check, check_bounded, join_all};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

/// Two come, one after the other or at once; the thread goes on when it has seen both.
///
/// Fails with, in `take_token`, a store of EMPTY for the swap, or Relaxed for its Acquire; in
/// `unpark`, Relaxed for the Release, TOKEN swapped in only if the state was EMPTY, or no
/// `futex_wake`.
#[test]
fn all_who_come_are_seen() {
    check_bounded(3, || {
        let shared = Arc::new((Parker::new(), [AtomicUsize::new(0), AtomicUsize::new(0)]));
        let comers = [0, 1].map(|number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                // Relaxed, here and below: what orders it is the parker.
                shared.1[number].store(1, Ordering::Relaxed);
                shared.0.unpark();
            })
        });
        while shared.1.iter().any(|came| came.load(Ordering::Relaxed) == 0) {
            shared.0.park();
        }
        join_all(comers);
    });
}

/// A token that is there spares the sleep, once.
///
/// Fails with the token not taken.
#[test]
fn a_token_is_taken_once() {
    check(|| {
        let shared = Arc::new((Parker::new(), AtomicUsize::new(0)));
        shared.0.unpark();
        shared.0.park();
        let comer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.1.store(1, Ordering::Relaxed); // as above
                shared.0.unpark();
            })
        };
        shared.0.park();
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        join_all([comer]);
    });
}
