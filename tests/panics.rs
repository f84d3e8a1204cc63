//! Promise: a panic crosses no task boundary, at whatever stage it happens: it becomes the result
//! of its own task, every destructor runs once, and all other tasks go on.
#![cfg(panic = "unwind")]

mod common;

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, panic_any, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{
    child_of, for_each_mode, for_each_mode_with, in_child, join, park_until_woken, recurse,
    wait_until, Guard, Runtime, Tally,
};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 4];

/// Suspends when it is dropped, in both ways, then counts.
struct SuspendsInDrop(#[allow(dead_code)] Guard);

impl Drop for SuspendsInDrop {
    fn drop(&mut self) {
        task::yield_now();
        park_until_woken();
        task::yield_now();
    }
}

/// Panics when it is dropped, after counting.
struct PanicsInDrop(Arc<AtomicUsize>);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("in the drop of a value");
    }
}

fn still_works(rt: &Runtime) {
    rt.run(|| {
        let handles: Vec<_> = (0..100)
            .map(|i| {
                midge::spawn(move || {
                    task::yield_now();
                    i
                })
            })
            .collect();
        assert_eq!(handles.into_iter().map(join).sum::<i32>(), 4950);
    });
}

fn message(result: std::thread::Result<impl Sized>) -> &'static str {
    let payload = result.err().expect("the task panicked");
    payload.downcast_ref::<&'static str>().expect("a text")
}

#[test]
fn before_and_after_the_first_suspension() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            assert_eq!(message(midge::spawn(|| panic!("at once")).join()), "at once");
            let handle = midge::spawn(|| {
                task::yield_now();
                panic!("after a yield")
            });
            assert_eq!(message(handle.join()), "after a yield");
            let handle = midge::spawn(|| {
                park_until_woken();
                panic!("after a park")
            });
            assert_eq!(message(handle.join()), "after a park");
        });
        still_works(rt);
    });
}

#[test]
fn in_nested_frames() {
    #[inline(never)]
    fn nest(depth: usize, tally: &Tally) {
        let _guard = tally.guard();
        if depth % 10 == 0 {
            task::yield_now();
        }
        if depth == 0 {
            panic!("at the bottom");
        }
        nest(depth - 1, tally);
        std::hint::black_box(());
    }
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        rt.run(|| {
            let handles: Vec<_> = (0..20)
                .map(|_| {
                    let tally = tally.clone();
                    midge::spawn(move || nest(99, &tally))
                })
                .collect();
            for handle in handles {
                assert_eq!(message(handle.join()), "at the bottom");
            }
        });
        assert_eq!(tally.count(), 2000);
    });
}

#[test]
fn in_the_drop_of_a_capture() {
    for_each_mode(WORKERS, |rt, _| {
        let drops = Arc::new(AtomicUsize::new(0));
        let captured = PanicsInDrop(drops.clone());
        let handle = rt.spawn(move || {
            let _captured = captured;
            task::yield_now();
        });
        assert_eq!(message(handle.join()), "in the drop of a value");
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        still_works(rt);
    });
}

/// Who joins has the result, and its destructor's panic with it.
#[test]
fn in_the_drop_of_a_joined_result() {
    for_each_mode(WORKERS, |rt, _| {
        let drops = Arc::new(AtomicUsize::new(0));
        let result = PanicsInDrop(drops.clone());
        let handle = rt.spawn(move || result);
        let joined = join(handle);
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        assert_eq!(
            message(catch_unwind(AssertUnwindSafe(|| drop(joined)))),
            "in the drop of a value"
        );
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        still_works(rt);
    });
}

#[test]
fn in_the_drop_of_a_result_nobody_takes() {
    for_each_mode(WORKERS, |rt, _| {
        let drops = Arc::new(AtomicUsize::new(0));
        for i in 0..10 {
            let result = PanicsInDrop(drops.clone());
            let handle = rt.spawn(move || result);
            if i % 2 == 0 {
                wait_until(|| handle.is_finished());
            }
            // Whoever comes last drops the result: the task, or this thread. Whether the panic
            // arrives here or not, the result is dropped once and nothing else is harmed.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(handle)));
        }
        wait_until(|| drops.load(Ordering::SeqCst) == 10);
        still_works(rt);
        assert_eq!(drops.load(Ordering::SeqCst), 10);
    });
}

#[test]
fn payloads_that_suspend() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let guards = tally.clone();
        rt.run(move || {
            let guard = guards.guard();
            let handle = midge::spawn(move || {
                panic_any({
                    park_until_woken();
                    SuspendsInDrop(guard)
                })
            });
            let result: std::thread::Result<()> = handle.join();
            let payload = result.unwrap_err();
            assert!(payload.is::<SuspendsInDrop>());
            drop(payload);
            let guard = guards.guard();
            drop(midge::spawn(move || panic_any(SuspendsInDrop(guard))));
        });
        wait_until(|| tally.count() == 2);
        still_works(rt);
    });
}

fn suspend_while_unwinding(rt: &Runtime) {
    const TASKS: usize = 12;
    let tally = Tally::default();
    rt.run(|| {
        let unwinding: Vec<_> = (0..TASKS)
            .map(|_| {
                let tally = tally.clone();
                midge::spawn(move || {
                    let _first = SuspendsInDrop(tally.guard());
                    recurse(20, &mut || {
                        let _inner = SuspendsInDrop(tally.guard());
                        task::yield_now();
                        panic_any(17u8);
                    });
                })
            })
            .collect();
        // Their neighbours meanwhile panic and catch, start tasks, and finish.
        let neighbours: Vec<_> = (0..TASKS)
            .map(|i| {
                midge::spawn(move || {
                    for round in 0..10 {
                        let caught = catch_unwind(|| {
                            task::yield_now();
                            if round % 2 == 0 {
                                panic_any(round);
                            }
                            resume_unwind(Box::new(round));
                        });
                        assert_eq!(*caught.unwrap_err().downcast_ref::<i32>().unwrap(), round);
                        join(midge::spawn(|| ()));
                    }
                    i
                })
            })
            .collect();
        for handle in unwinding {
            assert_eq!(*handle.join().unwrap_err().downcast_ref::<u8>().unwrap(), 17);
        }
        assert_eq!(neighbours.into_iter().map(join).sum::<usize>(), TASKS * (TASKS - 1) / 2);
    });
    assert_eq!(tally.count(), 2 * TASKS);
    assert!(!std::thread::panicking());
    still_works(rt);
    let panicking = rt.run(|| midge::spawn(std::thread::panicking).join());
    assert!(!panicking.unwrap(), "a panic count was left behind");
}

#[test]
fn suspending_while_unwinding() {
    for_each_mode(WORKERS, |rt, _| suspend_while_unwinding(rt));
    for_each_mode_with(WORKERS, |builder| builder.windows(1), |rt, _| suspend_while_unwinding(rt));
    for_each_mode_with(&[1, 2], |builder| builder.stress(21), |rt, _| suspend_while_unwinding(rt));
}

#[test]
fn caught_across_suspensions() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let handles: Vec<_> = (0..20usize)
                .map(|i| {
                    midge::spawn(move || {
                        let outer = catch_unwind(|| {
                            let inner = catch_unwind(|| {
                                task::yield_now();
                                panic_any(i);
                            });
                            park_until_woken();
                            let found = *inner.unwrap_err().downcast_ref::<usize>().unwrap();
                            task::yield_now();
                            panic_any(found + 1000);
                        });
                        task::yield_now();
                        *outer.unwrap_err().downcast_ref::<usize>().unwrap()
                    })
                })
                .collect();
            for (i, handle) in handles.into_iter().enumerate() {
                assert_eq!(join(handle), i + 1000);
            }
        });
    });
}

#[test]
fn a_panic_of_main_propagates_out_of_run() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        for suspend_first in [false, true] {
            let guard = tally.guard();
            let result = catch_unwind(AssertUnwindSafe(|| {
                rt.run(move || -> u32 {
                    let _guard = guard;
                    if suspend_first {
                        task::yield_now();
                    }
                    panic!("in main")
                })
            }));
            assert_eq!(message(result), "in main");
        }
        assert_eq!(tally.count(), 2);
        still_works(rt);
    });
}

/// A message that nobody reads is lost, and nothing else: a stream whose reader is gone would make
/// `eprintln!` panic in the panic hook, which aborts.
#[test]
fn its_message_may_find_nobody_to_read_it() {
    let name = "its_message_may_find_nobody_to_read_it";
    if in_child().is_none() {
        let output = child_of(name, "closed pipe", &[]);
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let (writer, reader) = UnixStream::pair().expect("a pair of sockets");
    drop(reader);
    // SAFETY: both are open file descriptors; standard error's is replaced, and nobody owns it.
    let replaced = unsafe { libc::dup2(writer.as_raw_fd(), libc::STDERR_FILENO) };
    assert_eq!(replaced, libc::STDERR_FILENO);
    for_each_mode(WORKERS, |rt, _| {
        let result = rt.run(|| midge::spawn(|| panic!("unheard")).join());
        assert_eq!(message(result), "unheard");
        still_works(rt);
    });
}
