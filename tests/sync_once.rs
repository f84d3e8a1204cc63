//! Promise: what is done once is done once, everybody sees it done, and a panic in it is followed
//! by another try (or, where the closure is gone, by a panic in each who asks).

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, wait_until};
use midge::sync::{LazyLock, Once, OnceLock};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn one_makes_it_and_the_others_wait() {
    for_each_mode(WORKERS, |rt, _| {
        for _ in 0..10 {
            let value = Arc::new(OnceLock::new());
            let made = Arc::new(AtomicUsize::new(0));
            let work = || {
                let (value, made) = (value.clone(), made.clone());
                move || {
                    *value.get_or_init(|| {
                        task::yield_now();
                        made.fetch_add(1, Ordering::SeqCst);
                        vec![1, 2, 3].len()
                    })
                }
            };
            let tasks: Vec<_> = (0..20).map(|_| rt.spawn(work())).collect();
            let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(work())).collect();
            assert!(tasks.into_iter().map(join).all(|value| value == 3));
            assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 3));
            assert_eq!(made.load(Ordering::SeqCst), 1);
        }
    });
}

#[test]
fn set_and_get() {
    let mut value = OnceLock::new();
    assert_eq!(value.get(), None);
    assert_eq!(value.set("one".to_string()), Ok(()));
    assert_eq!(value.set("two".to_string()), Err("two".to_string()));
    assert_eq!(value.get_or_init(|| unreachable!()), "one");
    value.get_mut().unwrap().push('!');
    assert_eq!(value.clone(), value);
    assert_eq!(format!("{value:?}"), "OnceLock(Some(\"one!\"))");
    assert_eq!(value.take().as_deref(), Some("one!"));
    assert_eq!(value.set("three".to_string()), Ok(()));
    assert_eq!(value.into_inner().as_deref(), Some("three"));
    assert_eq!(OnceLock::from(4).into_inner(), Some(4));
}

#[test]
#[cfg(panic = "unwind")]
fn after_a_panic_the_next_one_tries() {
    for_each_mode(WORKERS, |rt, _| {
        let value = Arc::new(OnceLock::new());
        let (tries, arrived) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (value, tries, arrived) = (value.clone(), tries.clone(), arrived.clone());
                rt.spawn(move || {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    *value.get_or_init(|| {
                        wait_until(|| arrived.load(Ordering::SeqCst) == 8);
                        if tries.fetch_add(1, Ordering::SeqCst) < 3 {
                            panic!("not yet");
                        }
                        5
                    })
                })
            })
            .collect();
        let results: Vec<_> = tasks.into_iter().map(|task| task.join()).collect();
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3);
        assert!(results.into_iter().flatten().all(|value| value == 5));
        assert_eq!(tries.load(Ordering::SeqCst), 4);
    });
}

#[test]
#[cfg(panic = "unwind")]
fn after_a_cancelled_one_the_next_one_tries() {
    for_each_mode(WORKERS, |rt, _| {
        let (once, began) = (Arc::new(Once::new()), Arc::new(AtomicBool::new(false)));
        let (theirs, flag) = (once.clone(), began.clone());
        let stuck = rt.spawn(move || {
            theirs.call_once(|| {
                flag.store(true, Ordering::SeqCst);
                loop {
                    task::park()
                }
            })
        });
        wait_until(|| began.load(Ordering::SeqCst));
        let calls = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..5)
            .map(|_| {
                let (once, calls) = (once.clone(), calls.clone());
                rt.spawn(move || {
                    once.call_once(|| {
                        calls.fetch_add(1, Ordering::SeqCst);
                    })
                })
            })
            .collect();
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        assert!(!once.is_completed() && waiting.iter().all(|task| !task.is_finished()));
        waiting[2].cancel(); // one that waits
        stuck.cancel(); // the one that is at it
        assert!(stuck.join().is_err());
        let ended: Vec<_> = waiting.into_iter().map(|task| task.join().is_ok()).collect();
        assert!(ended.iter().filter(|ok| **ok).count() >= 4);
        assert!(once.is_completed());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
#[cfg(panic = "unwind")]
fn lazy_values_are_made_on_first_use_and_poisoned_by_a_panic() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static LAZY: LazyLock<usize> = LazyLock::new(|| {
        task::yield_now();
        MADE.fetch_add(1, Ordering::SeqCst) + 10
    });
    assert_eq!(format!("{LAZY:?}"), "LazyLock(None)");
    for_each_mode(WORKERS, |rt, _| {
        let tasks: Vec<_> = (0..10).map(|_| rt.spawn(|| *LAZY)).collect();
        assert!(tasks.into_iter().map(join).all(|value| value == 10));
    });
    assert_eq!(MADE.load(Ordering::SeqCst), 1);

    let bad: LazyLock<usize> = LazyLock::new(|| panic!("no value"));
    for expected in ["no value", "poisoned", "poisoned"] {
        let payload = catch_unwind(AssertUnwindSafe(|| *bad)).unwrap_err();
        let message = payload.downcast_ref::<&str>().expect("a message");
        assert!(message.contains(expected), "{message}");
    }
}
