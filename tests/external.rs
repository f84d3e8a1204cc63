//! Promise: `spawn`, `unpark`, `current` and `join` work from threads that are no workers. There
//! `midge::spawn` means the only runtime of the process, and says so when that is not clear.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::{build, join, wait_until, Mode, Watchdog, MODES};
use midge::task;

/// Each test counts the live runtimes of the process, so there may be one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn threads_spawn_on_the_only_runtime() {
    let _alone = alone();
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("spawn from threads, {mode:?}"));
        let rt = build(mode, 2);
        let before = rt.metrics().tasks_spawned;
        std::thread::scope(|scope| {
            for thread in 0..4usize {
                scope.spawn(move || {
                    let handles: Vec<_> =
                        (0..500).map(|i| midge::spawn(move || i + thread)).collect();
                    for (i, handle) in handles.into_iter().enumerate() {
                        assert_eq!(join(handle), i + thread);
                    }
                    let handle = task::Builder::new().name("outside").spawn(|| {
                        assert!(task::try_current().is_some());
                        task::current()
                    });
                    assert_eq!(join(handle).name(), Some("outside"));
                });
            }
        });
        assert_eq!(rt.metrics().tasks_spawned - before, 4 * 501);
    }
}

#[test]
#[cfg(panic = "unwind")]
fn spawn_without_a_runtime_is_a_clear_panic() {
    let _alone = alone();
    // Where a runtime has lived and gone there is none either, though a handle is left.
    let rt = build(Mode::Pinned, 1);
    let handle = rt.spawn(|| 1);
    let task = handle.task().clone();
    drop(rt);
    let payload = std::panic::catch_unwind(|| midge::spawn(|| ())).expect_err("a panic");
    assert!(text_of(&*payload).contains("outside of any runtime"), "{}", text_of(&*payload));
    assert!(!text_of(&*payload).contains("several"), "{}", text_of(&*payload));
    task.unpark();
    assert!(handle.join().map_or_else(|payload| payload.is::<task::Cancelled>(), |one| one == 1));
}

#[test]
#[cfg(panic = "unwind")]
fn spawn_with_several_runtimes_is_a_clear_panic() {
    let _alone = alone();
    let (first, second) = (build(Mode::Pinned, 1), build(Mode::Copying, 1));
    let left = first.spawn(|| 1);
    let payload = std::panic::catch_unwind(|| midge::spawn(|| ())).expect_err("a panic");
    assert!(text_of(&*payload).contains("several"), "{}", text_of(&*payload));
    // Named, each can be used; and with one gone, the other is the only one.
    assert_eq!(join(first.spawn(|| 1)) + join(second.spawn(|| 2)), 3);
    assert_eq!(join(task::Builder::new().name("named").spawn_on(&second, || 4)), 4);
    drop(first);
    assert_eq!(join(midge::spawn(|| 5)), 5);
    drop(left);
}

#[cfg(panic = "unwind")]
fn text_of(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string())).expect("a text")
}

#[test]
fn a_task_spawns_on_its_own_runtime() {
    let _alone = alone();
    for first_mode in MODES {
        for second_mode in MODES {
            let _watchdog = Watchdog::new(format!("{first_mode:?} and {second_mode:?}"));
            let (first, second) = (build(first_mode, 1), build(second_mode, 2));
            let counts = || (first.metrics().tasks_spawned, second.metrics().tasks_spawned);
            let before = counts();
            join(first.spawn(|| {
                (0..10).map(|_| midge::spawn(task::yield_now)).for_each(join);
            }));
            assert_eq!(counts(), (before.0 + 11, before.1));
            join(second.spawn(|| {
                task::yield_now();
                (0..10).map(|_| midge::spawn(task::yield_now)).for_each(join);
            }));
            assert_eq!(counts(), (before.0 + 11, before.1 + 11));
        }
    }
}

#[test]
fn tasks_of_two_runtimes_wake_and_join_each_other() {
    const ROUNDS: usize = 1000;
    let _alone = alone();
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("two runtimes, {mode:?}"));
        let (first, second) = (build(mode, 1), build(Mode::Copying, 2));
        let turn = Arc::new(AtomicUsize::new(0));
        let theirs = turn.clone();
        let pong = second.spawn(move || {
            let mut served = 0;
            while served < ROUNDS {
                while theirs.load(Ordering::Acquire) != 2 * served + 1 {
                    task::park();
                }
                served += 1;
                theirs.store(2 * served, Ordering::Release);
            }
            served
        });
        let ping = first.spawn(move || {
            for round in 0..ROUNDS {
                turn.store(2 * round + 1, Ordering::Release);
                pong.task().unpark();
                wait_until(|| turn.load(Ordering::Acquire) == 2 * round + 2);
            }
            join(pong)
        });
        assert_eq!(join(ping), ROUNDS);
    }
}

#[test]
fn many_threads_run_a_main_at_once() {
    let _alone = alone();
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("many mains, {mode:?}"));
        let rt = build(mode, 2);
        std::thread::scope(|scope| {
            for thread in 0..8usize {
                let rt = &rt;
                scope.spawn(move || {
                    for round in 0..50 {
                        let sum = rt.run(|| {
                            let handle = midge::spawn(move || thread * round);
                            task::yield_now();
                            join(handle) + thread
                        });
                        assert_eq!(sum, thread * round + thread);
                    }
                });
            }
        });
    }
}

#[test]
fn current_tells_tasks_and_threads_apart() {
    let _alone = alone();
    let rt = build(Mode::Copying, 2);
    assert!(task::try_current().is_none());
    let own = task::current();
    assert_eq!(own.id(), task::current().id());
    let (inside, main) = rt.run(|| (join(midge::spawn(task::current)), task::current()));
    assert!(inside.id() != own.id() && main.id() != own.id() && inside.id() != main.id());
    let other = std::thread::spawn(|| task::current().id()).join().unwrap();
    assert_ne!(other, own.id());
    let debug = format!("{own:?}");
    assert!(!debug.is_empty());
    assert_eq!(midge::stack::committed_bytes(), 0);
}

/// Does something when its thread ends.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs a thread that calls `at_end` in the destructor of a thread-local that is older than its
/// handle.
fn at_the_end_of_a_thread(at_end: impl FnMut() + Send + 'static) -> std::thread::JoinHandle<()> {
    thread_local! {
        static AT_END: std::cell::OnceCell<Box<dyn std::any::Any>> = const { std::cell::OnceCell::new() };
    }
    std::thread::spawn(move || {
        AT_END.with(|kept| assert!(kept.set(Box::new(AtEnd(at_end))).is_ok()));
        drop(task::current());
    })
}

#[test]
fn a_thread_that_is_ending_parks_and_is_unparked() {
    let _watchdog = Watchdog::new("a thread that is ending parks".to_string());
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = at_the_end_of_a_thread(move || {
        let me = task::current();
        assert_eq!(me.id(), task::current().id());
        sender.send(me).unwrap();
        task::park();
    });
    receiver.recv().unwrap().unpark();
    thread.join().unwrap();
}

#[test]
fn a_thread_that_is_ending_waits_for_a_lock_and_a_channel() {
    let _watchdog = Watchdog::new("a thread that is ending waits for a lock".to_string());
    let lock = Arc::new(midge::sync::Mutex::new(0));
    let (sender, receiver) = midge::chan::bounded(0);
    let (started, starts) = std::sync::mpsc::channel();
    let guard = lock.lock();
    let shared = lock.clone();
    let thread = at_the_end_of_a_thread(move || {
        started.send(()).unwrap();
        *shared.lock() += 1;
        sender.send(()).unwrap();
    });
    starts.recv().unwrap();
    // Long enough for it to wait, most times.
    std::thread::sleep(std::time::Duration::from_millis(20));
    drop(guard);
    std::thread::sleep(std::time::Duration::from_millis(20));
    receiver.recv().unwrap();
    thread.join().unwrap();
    assert_eq!(*lock.lock(), 1);
}
