//! Promise: `blocking` runs a closure on a thread of its own while its task waits and all others go
//! on; the result or the panic comes back; threads are few, reused and given back; and who is
//! cancelled does not wait.

mod common;

use std::panic::{self, AssertUnwindSafe};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

use common::{
    build, builder, child_of, for_each_mode, for_each_mode_with, in_child, join, os_thread, status,
    try_build, wait_until, wait_until_others_sleep, Mode, Tally, Watchdog, MODES,
};
use midge::{blocking, spawn, task, time, BuildError};

#[test]
fn others_run_while_the_closure_blocks() {
    for_each_mode(&[1, 2], |rt, _| {
        let answer = rt.run(|| {
            let (tell, told) = mpsc::channel();
            let waiting = spawn(move || blocking(move || told.recv().unwrap()));
            // With one worker this runs only if that closure does not hold it up.
            let telling = spawn(move || tell.send(42).unwrap());
            join(telling);
            join(waiting)
        });
        assert_eq!(answer, 42);
    });
}

#[test]
fn it_runs_on_no_worker_and_its_task_goes_on_where_it_may() {
    for_each_mode(&[1, 3], |rt, _| {
        rt.run(|| {
            for _ in 0..100 {
                let (here, there) = (os_thread(), blocking(os_thread));
                assert_ne!(here, there);
                assert!(blocking(|| task::try_current().is_none()));
            }
        });
    });
}

#[test]
#[cfg(panic = "unwind")]
fn a_panic_comes_back() {
    for_each_mode(&[1, 2], |rt, _| {
        let payload = rt.run(|| {
            let failing = || blocking(|| panic::panic_any::<u8>(17));
            let payload = panic::catch_unwind(failing).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&17u8));
            // Uncaught, it is the task's.
            spawn(|| blocking(|| panic::panic_any("lost"))).join().unwrap_err()
        });
        assert_eq!(payload.downcast_ref(), Some(&"lost"));
        assert_eq!(rt.run(|| blocking(|| 1)), 1); // the thread has survived
    });
}

#[test]
fn outside_of_tasks_it_is_a_call() {
    let here = os_thread();
    assert_eq!(blocking(os_thread), here);
}

#[test]
fn one_thread_serves_calls_in_turn() {
    for_each_mode(&[2], |rt, _| {
        assert_eq!(rt.metrics().blocking_threads, 0);
        rt.run(|| {
            (0..1000).for_each(|n| assert_eq!(blocking(move || n + 1), n + 1));
        });
        assert_eq!(rt.metrics().blocking_threads, 1);
    });
}

#[test]
fn no_more_threads_than_allowed_and_first_come_first_served() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("one blocking thread, {mode:?}"));
        let rt = try_build(mode, builder().workers(1).max_blocking_threads(1)).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        rt.run(|| {
            let (release, gate) = mpsc::channel::<()>();
            let asked = Arc::new(AtomicUsize::new(0));
            let first = spawn(move || blocking(move || gate.recv().unwrap_err()));
            wait_until(|| rt.metrics().blocking_threads == 1);
            let others: Vec<_> = (0..20)
                .map(|n| {
                    let (order, mine) = (order.clone(), asked.clone());
                    let other = spawn(move || {
                        mine.fetch_add(1, Ordering::SeqCst);
                        blocking(move || order.lock().unwrap().push(n))
                    });
                    wait_until(|| asked.load(Ordering::SeqCst) == n + 1);
                    other
                })
                .collect();
            assert_eq!(rt.metrics().blocking_threads, 1);
            assert!(order.lock().unwrap().is_empty());
            drop(release);
            join(first);
            others.into_iter().for_each(join);
        });
        assert_eq!(rt.metrics().blocking_threads, 1);
        if !common::stressed() {
            assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>(), "{mode:?}");
        }
    }
    assert!(matches!(
        builder().max_blocking_threads(0).build_pinned(),
        Err(BuildError::ZeroBlockingThreads)
    ));
}

#[test]
fn many_at_once_stay_within_the_bound() {
    const CALLS: usize = 400;
    for_each_mode_with(
        &[2],
        |builder| builder.max_blocking_threads(8),
        |rt, _| {
            let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            rt.run(|| {
                let calls: Vec<_> = (0..CALLS)
                    .map(|n| {
                        let (now, most) = (now.clone(), most.clone());
                        spawn(move || {
                            blocking(move || {
                                most.fetch_max(
                                    now.fetch_add(1, Ordering::SeqCst) + 1,
                                    Ordering::SeqCst,
                                );
                                std::thread::sleep(Duration::from_micros(50));
                                now.fetch_sub(1, Ordering::SeqCst);
                                n
                            })
                        })
                    })
                    .collect();
                let sum: usize = calls.into_iter().map(join).sum();
                assert_eq!(sum, CALLS * (CALLS - 1) / 2);
            });
            assert!(most.load(Ordering::SeqCst) <= 8);
            assert!(rt.metrics().blocking_threads <= 8);
        },
    );
}

/// A closure that has begun and goes on when it is told.
struct Gate {
    begun: Arc<AtomicBool>,
    open: Arc<AtomicBool>,
}

impl Gate {
    fn new() -> Gate {
        Gate { begun: Arc::default(), open: Arc::default() }
    }

    fn pass(&self) -> impl FnOnce() + Send + 'static {
        let (begun, open) = (self.begun.clone(), self.open.clone());
        move || {
            begun.store(true, Ordering::SeqCst);
            wait_until(|| open.load(Ordering::SeqCst));
        }
    }

    fn wait_for_begin(&self) {
        wait_until(|| self.begun.load(Ordering::SeqCst));
    }

    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

#[test]
#[cfg(panic = "unwind")]
fn who_is_cancelled_does_not_wait() {
    for_each_mode_with(
        &[1, 2],
        |builder| builder.max_blocking_threads(1),
        |rt, _| {
            let (gate, results, closures) = (Gate::new(), Tally::default(), Tally::default());
            let ran = Arc::new(AtomicBool::new(false));
            rt.run(|| {
                let (pass, result) = (gate.pass(), results.guard());
                let begun = spawn(move || {
                    blocking(move || {
                        pass();
                        result
                    })
                });
                gate.wait_for_begin();
                let (closure, flag) = (closures.guard(), ran.clone());
                let asked = Arc::new(AtomicBool::new(false));
                let asks = asked.clone();
                let queued = spawn(move || {
                    asks.store(true, Ordering::SeqCst);
                    blocking(move || {
                        flag.store(true, Ordering::SeqCst);
                        drop(closure);
                    })
                });
                wait_until(|| asked.load(Ordering::SeqCst));
                queued.cancel();
                assert!(queued.join().unwrap_err().is::<task::Cancelled>());
                assert_eq!(closures.count(), 1); // dropped with its task
                begun.cancel();
                assert!(begun.join().is_err_and(|error| error.is::<task::Cancelled>()));
                assert_eq!(results.count(), 0); // the closure still runs
                gate.open();
                wait_until(|| results.count() == 1);
                blocking(|| ()); // the queue has moved on past the one that was cancelled
            });
            assert!(!ran.load(Ordering::SeqCst));
        },
    );
}

#[test]
#[cfg(panic = "unwind")]
fn a_timeout_ends_the_wait() {
    for_each_mode(&[1, 2], |rt, _| {
        let gate = Gate::new();
        rt.run(|| {
            let pass = gate.pass();
            let out = time::timeout(Duration::from_millis(5), AssertUnwindSafe(|| blocking(pass)));
            assert!(out.is_err());
            assert_eq!(blocking(|| 3), 3); // on another thread
        });
        gate.open();
    });
}

#[test]
fn an_unpark_meant_for_something_else_does_not_end_the_wait() {
    for_each_mode(&[1, 2], |rt, _| {
        let gate = Gate::new();
        rt.run(|| {
            let pass = gate.pass();
            let waiting = spawn(move || blocking(pass));
            gate.wait_for_begin();
            for _ in 0..100 {
                waiting.task().unpark();
                task::yield_now();
            }
            assert!(!waiting.is_finished());
            gate.open();
            join(waiting);
        });
    });
}

#[test]
fn the_drop_of_a_runtime_waits_for_closures_that_have_begun() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("drop beside a closure, {mode:?}"));
        let rt = build(mode, 2);
        let (gate, ended) = (Gate::new(), Arc::new(AtomicBool::new(false)));
        let (pass, flag) = (gate.pass(), ended.clone());
        drop(rt.spawn(move || {
            blocking(move || {
                pass();
                flag.store(true, Ordering::SeqCst);
            })
        }));
        gate.wait_for_begin();
        let opener = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20)); // most likely the drop has begun
            gate.open();
        });
        drop(rt);
        assert!(ended.load(Ordering::SeqCst));
        opener.join().unwrap();
    }
}

#[test]
fn closures_spawn_in_the_runtime_of_their_task() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("spawn in a closure, {mode:?}"));
        let (rt, _other) = (build(mode, 2), build(Mode::Pinned, 1));
        let spawned = rt.run(|| blocking(|| spawn(|| 5).join().unwrap()));
        assert_eq!(spawned, 5);
        assert_eq!(rt.metrics().tasks_spawned, 2);
    }
}

#[test]
fn a_closure_may_drop_its_own_runtime() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("dropped in a closure, {mode:?}"));
        let (send, receive) = mpsc::channel::<midge::Runtime>();
        let rt = build(mode, 2);
        let dropped = Arc::new(AtomicBool::new(false));
        let flag = dropped.clone();
        drop(rt.spawn(move || {
            blocking(move || {
                drop(receive.recv().unwrap());
                flag.store(true, Ordering::SeqCst);
            })
        }));
        send.send(rt).unwrap();
        wait_until(|| dropped.load(Ordering::SeqCst));
    }
}

#[test]
fn child_processes_start_with_the_signals_of_the_program() {
    // Of the calling thread: inherited by the threads it makes, and by their child processes.
    let blocked = || {
        let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = text.lines().find(|line| line.starts_with("SigBlk")).unwrap();
        line.to_string()
    };
    let expected = blocked();
    for_each_mode(&[1, 2], |rt, _| {
        let (mask, output) = rt.run(|| {
            blocking(move || {
                let output = Command::new("sh").args(["-c", "echo from $((6 * 7))"]).output();
                (blocked(), output.expect("a child process"))
            })
        });
        assert_eq!(mask, expected);
        assert!(output.status.success());
        assert_eq!(output.stdout, b"from 42\n");
    });
}

/// It cannot run in the task, to which the contract would apply.
#[test]
#[cfg(panic = "unwind")]
fn without_any_thread_it_is_a_clear_panic() {
    const NAME: &str = "without_any_thread_it_is_a_clear_panic";
    const STACK: usize = 256 << 20; // of each thread, so that the limit stops threads only
    if in_child().is_none() {
        let stack = (STACK / if cfg!(target_pointer_width = "32") { 4 } else { 1 }).to_string();
        let output = child_of(NAME, "limited", &[("RUST_MIN_STACK", Some(&stack))]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let rt = build(Mode::Pinned, 1);
    rt.run(|| {
        wait_until_others_sleep();
        let limit = (status("VmSize") as u64) * 1024 + (32 << 20);
        let limit = libc::rlimit { rlim_cur: limit as libc::rlim_t, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: a valid rlimit for the length of the call.
        unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
        if std::thread::Builder::new().spawn(|| ()).is_ok() {
            eprintln!("left out: this system does not heed a limit on addresses");
            return;
        }
        let payload = panic::catch_unwind(|| blocking(|| 1)).unwrap_err();
        let text = payload.downcast_ref::<String>().expect("a message");
        assert!(text.contains("cannot start a thread"), "{text}");
        let none = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: as above.
        unsafe { libc::setrlimit(libc::RLIMIT_AS, &none) };
        assert_eq!(blocking(|| 1), 1);
    });
}

#[test]
fn idle_threads_end() {
    let _watchdog = Watchdog::new("idle blocking threads".to_string());
    let mut builder = common::builder();
    builder.workers(1).blocking_keep_alive(Duration::from_millis(20));
    let rt = common::try_build(Mode::Copying, &builder).unwrap();
    rt.run(|| {
        let gate = Gate::new();
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let pass = gate.pass();
                spawn(move || blocking(pass))
            })
            .collect();
        wait_until(|| rt.metrics().blocking_threads == 3);
        gate.open();
        calls.into_iter().for_each(join);
    });
    wait_until(|| rt.metrics().blocking_threads == 0);
    assert_eq!(rt.run(|| blocking(|| 7)), 7); // and others are made
}
