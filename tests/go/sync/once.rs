//! Follows `src/sync/once_test.go` (`TestOnce`, `TestOncePanic`) and the panics of
//! `oncefunc_test.go`.
//!
//! In Go a `Do` whose function panics counts as done: the next `Do` returns at once. Here, as in
//! parking_lot's spirit of no poisoning, it counts as not done: the next one tries again.
//! `LazyLock` is what behaves like Go's `OnceFunc`, which panics again on each call.

use crate::common::{join, rounds};
use crate::go;
use midge::sync::{LazyLock, Once, OnceLock};
use midge::{spawn, task};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

#[test]
fn once_among_many() {
    let count = rounds(200, 30);
    go(|| {
        for tasks in [1, 10] {
            for _ in 0..count / tasks {
                let once = Arc::new((Once::new(), AtomicUsize::new(0)));
                let handles: Vec<_> = (0..tasks)
                    .map(|_| once.clone())
                    .map(|once| {
                        spawn(move || {
                            once.0.call_once(|| {
                                task::yield_now(); // the others come meanwhile, and wait
                                once.1.fetch_add(1, Ordering::Relaxed);
                            });
                            // Whoever returns sees that it is done.
                            assert_eq!(once.1.load(Ordering::Relaxed), 1);
                        })
                    })
                    .collect();
                handles.into_iter().for_each(join);
            }
        }
    });
}

#[cfg(panic = "unwind")]
#[test]
fn once_with_a_panic() {
    go(|| {
        let once = Arc::new((Once::new(), AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..4)
            .map(|number| (number, once.clone()))
            .map(|(number, once)| {
                spawn(move || {
                    once.0.call_once(|| {
                        task::yield_now();
                        // The first who is in panics, whoever that is.
                        let turn = once.1.fetch_add(1, Ordering::Relaxed);
                        assert!(turn > 0, "task {number} fails on purpose");
                    });
                })
            })
            .collect();
        let failed = tasks.into_iter().map(|task| task.join().is_err()).filter(|err| *err).count();
        assert_eq!(failed, 1);
        assert!(once.0.is_completed());
        assert_eq!(once.1.load(Ordering::Relaxed), 2); // the one that failed, and one that did it
        once.0.call_once(|| panic!("it is done"));
    });
}

#[test]
fn one_value_for_all() {
    go(|| {
        let value = Arc::new((OnceLock::new(), AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..10)
            .map(|_| value.clone())
            .map(|value| {
                spawn(move || {
                    *value.0.get_or_init(|| {
                        task::yield_now();
                        value.1.fetch_add(1, Ordering::Relaxed)
                    })
                })
            })
            .collect();
        assert!(tasks.into_iter().map(join).all(|got| got == 0));
        assert_eq!(value.1.load(Ordering::Relaxed), 1);
    });
}

#[cfg(panic = "unwind")]
#[test]
fn a_value_that_panics_panics_each_time() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    go(|| {
        let before = CALLS.load(Ordering::Relaxed);
        let value = Arc::new(LazyLock::<u8, fn() -> u8>::new(|| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            panic!("on purpose");
        }));
        for _ in 0..3 {
            let value = value.clone();
            assert!(spawn(move || **value).join().is_err());
        }
        assert_eq!(CALLS.load(Ordering::Relaxed), before + 1);
    });
}
