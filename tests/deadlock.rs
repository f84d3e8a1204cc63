//! Promise: when all tasks are parked for good, the process says so in Go's words, lists each task
//! with what it waits for, and aborts; and it never does when something might still wake one.
//!
//! Each scenario is a process of its own without any other thread, so that this file is its own
//! harness.

mod common;

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::panic::AssertUnwindSafe;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::{build, builder, emulator, in_child, join, status, try_build, Mode, MODES, PATIENCE};
use midge::chan::{bounded, never, Select};
use midge::context::Context;
use midge::sync::{Barrier, Condvar, Mutex, Once, RwLock, Semaphore, WaitGroup};
use midge::{blocking, scope, spawn, task, time};

/// Longer than a deadlock takes to be noticed.
const LONG: Duration = Duration::from_millis(400);

/// How a scenario is to end.
enum End {
    /// With the report, in which all of this is found.
    Deadlock(&'static [&'static str]),
    /// As usual.
    Success,
    /// Not at all: it must be ended.
    Never,
}

struct Scenario {
    name: &'static str,
    run: fn(Mode),
    end: End,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "nobody sends",
        run: |mode| build(mode, 2).run(nobody_sends),
        end: End::Deadlock(&["task 1 \"main\" [chan receive]:\n\tspawned at tests/deadlock.rs:"]),
    },
    Scenario {
        name: "two locks in two orders",
        run: two_locks,
        end: End::Deadlock(&[
            "\"main\" [join]:",
            "\"first\" [sync.Mutex.Lock]:",
            "\"second\" [sync.Mutex.Lock]:",
        ]),
    },
    Scenario {
        name: "joins a task that parks",
        run: |mode| build(mode, 3).run(|| join(spawn(task::park))),
        end: End::Deadlock(&["\"main\" [join]:", "[park]:\n\tspawned at tests/deadlock.rs:"]),
    },
    Scenario {
        name: "every reason",
        run: every_reason,
        end: End::Deadlock(&[
            "\"main\" [join]:",
            "[chan receive]:",
            "[chan receive (never)]:",
            "[chan send]:",
            "[select]:",
            "[sleep]:",
            "[sync.Mutex.Lock]:",
            "[sync.RWMutex.RLock]:",
            "[sync.RWMutex.Lock]:",
            "[sync.Cond.Wait]:",
            "[sync.WaitGroup.Wait]:",
            "[sync.Semaphore.acquire]:",
            "[sync.Barrier.wait]:",
            "[sync.Once]:",
            "[context wait]:",
            "[scope]:",
        ]),
    },
    Scenario {
        name: "another thread ends without a word",
        run: |mode| {
            let rt = build(mode, 2);
            drop(thread::spawn(|| thread::sleep(LONG)));
            rt.run(task::park);
        },
        end: End::Deadlock(&["\"main\" [park]:"]),
    },
    Scenario {
        name: "after a timer and a blocking call",
        run: |mode| {
            build(mode, 2).run(|| {
                time::sleep(LONG);
                blocking(|| thread::sleep(LONG));
                task::park();
            });
        },
        end: End::Deadlock(&["\"main\" [park]:"]),
    },
    Scenario {
        name: "after another runtime is gone",
        run: |mode| {
            drop(build(mode, 2));
            build(mode, 1).run(task::park);
        },
        end: End::Deadlock(&["\"main\" [park]:"]),
    },
    Scenario {
        name: "a task sleeps",
        run: |mode| {
            build(mode, 2).run(|| {
                let parked = spawn(task::park);
                let sleeper = parked.task().clone();
                drop(spawn(move || {
                    time::sleep(LONG);
                    sleeper.unpark();
                }));
                join(parked);
            });
        },
        end: End::Success,
    },
    Scenario {
        name: "a timeout is over",
        run: |mode| {
            build(mode, 2).run(|| {
                // Under `panic = "abort"` a timeout ends nothing.
                if cfg!(panic = "unwind") {
                    assert!(time::timeout(
                        LONG,
                        AssertUnwindSafe(|| loop {
                            task::park()
                        })
                    )
                    .is_err());
                }
            });
        },
        end: End::Success,
    },
    Scenario {
        name: "another thread sends",
        run: |mode| {
            let (send, receive) = bounded(0);
            let sender = thread::spawn(move || {
                thread::sleep(LONG);
                send.send(7).unwrap();
            });
            assert_eq!(build(mode, 2).run(|| receive.recv()), Ok(7));
            sender.join().unwrap();
        },
        end: End::Success,
    },
    Scenario {
        name: "a blocking call wakes",
        run: |mode| {
            build(mode, 2).run(|| {
                let parked = spawn(task::park);
                let (waiting, quick) = (parked.task().clone(), spawn(|| blocking(|| ())));
                let call = spawn(move || blocking(move || thread::sleep(LONG)));
                join(quick);
                join(call);
                waiting.unpark();
                join(parked);
            });
        },
        end: End::Success,
    },
    Scenario {
        name: "a task blocks its thread",
        run: |mode| {
            build(mode, 2).run(|| {
                let parked = spawn(task::park);
                task::yield_now();
                thread::sleep(LONG);
                parked.task().unpark();
                join(parked);
            });
        },
        end: End::Success,
    },
    Scenario {
        name: "main has ended",
        run: |mode| {
            let rt = build(mode, 2);
            rt.run(|| drop(spawn(task::park)));
            thread::sleep(LONG);
        },
        end: End::Success,
    },
    Scenario {
        name: "another runtime sends",
        run: |mode| {
            let (here, there) = (build(mode, 2), build(mode, 1));
            let (send, receive) = bounded(0);
            let sender = there.spawn(move || {
                time::sleep(LONG);
                send.send(8).unwrap();
            });
            assert_eq!(here.run(|| receive.recv()), Ok(8));
            join(sender);
        },
        end: End::Success,
    },
    Scenario {
        name: "it is switched off",
        run: |mode| {
            let rt = try_build(mode, builder().workers(2).deadlock_detection(false)).unwrap();
            rt.run(task::park);
        },
        end: End::Never,
    },
    Scenario {
        name: "a signal handler might wake",
        run: |mode| {
            extern "C" fn wake(_: libc::c_int) {}
            let handler: extern "C" fn(libc::c_int) = wake;
            // SAFETY: a handler that does nothing.
            unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
            build(mode, 2).run(task::park);
        },
        end: End::Never,
    },
];

fn nobody_sends() {
    let (_send, receive) = bounded::<()>(1);
    receive.recv().unwrap();
}

fn two_locks(mode: Mode) {
    let rt = build(mode, 2);
    rt.run(|| {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let both = Arc::new(Barrier::new(2));
        let (theirs, meet) = (locks.clone(), both.clone());
        let first = task::Builder::new().name("first").spawn(move || {
            let _first = theirs.0.lock();
            meet.wait();
            drop(theirs.1.lock());
        });
        let second = task::Builder::new().name("second").spawn(move || {
            let _second = locks.1.lock();
            both.wait();
            drop(locks.0.lock());
        });
        join(first);
        join(second);
    });
}

fn every_reason(mode: Mode) {
    let rt = build(mode, 2);
    rt.run(|| {
        let parked = || loop {
            task::park();
        };
        let pinned = || task::Builder::new().pinned(true);
        drop(spawn(nobody_sends));
        drop(spawn(|| never::<()>().recv()));
        drop(spawn(|| {
            let (send, _receive) = bounded(0);
            send.send(()).unwrap();
        }));
        drop(spawn(|| {
            let ((_a, a), (_b, b)) = (bounded::<()>(0), bounded::<()>(0));
            let mut select = Select::new();
            select.recv(&a);
            select.recv(&b);
            select.ready();
        }));
        drop(spawn(|| time::sleep(Duration::MAX)));
        let mutex = Arc::new(Mutex::new(()));
        std::mem::forget(mutex.lock());
        let other = mutex.clone();
        drop(spawn(move || drop(other.lock())));
        let lock = Arc::new(RwLock::new(()));
        std::mem::forget(lock.write());
        let other = lock.clone();
        drop(spawn(move || drop(other.read())));
        let lock = Arc::new(RwLock::new(()));
        std::mem::forget(lock.read());
        drop(spawn(move || drop(lock.write())));
        drop(spawn(|| {
            let (mutex, condvar) = (Mutex::new(()), Condvar::new());
            let mut guard = mutex.lock();
            condvar.wait(&mut guard);
        }));
        let group = WaitGroup::new();
        let other = group.clone();
        drop(spawn(move || other.wait()));
        drop(spawn(|| drop(Semaphore::new(0).acquire())));
        drop(spawn(|| {
            Barrier::new(2).wait();
        }));
        let once = Arc::new(Once::new());
        let other = once.clone();
        drop(spawn(move || once.call_once(parked)));
        drop(spawn(move || other.call_once(parked))); // whoever comes first
        drop(spawn(|| {
            let (context, _guard) = Context::background().with_cancel();
            context.wait();
        }));
        drop(pinned().spawn(move || {
            scope(|s| {
                s.spawn(parked);
            });
        }));
        join(spawn(parked));
        drop(group);
    });
}

fn start(scenario: &Scenario, mode: Mode) -> Child {
    let executable = std::env::current_exe().expect("the path of this test");
    let mut command = match emulator() {
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.arg(executable);
            command
        }
        None => Command::new(executable),
    };
    command.env("MIDGE_TEST_CHILD", format!("{}/{mode:?}", scenario.name));
    command.env("RUST_BACKTRACE", "0").stderr(Stdio::piped()).spawn().expect("a child process")
}

fn finish(scenario: &Scenario, mode: Mode, mut child: Child) {
    let title = format!("{}, {mode:?}", scenario.name);
    let patience = if matches!(scenario.end, End::Never) { 2 * LONG } else { PATIENCE };
    let deadline = Instant::now() + patience;
    let end = loop {
        match child.try_wait().expect("the child") {
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            end => break end,
        }
    };
    if end.is_none() {
        child.kill().expect("the child");
        child.wait().expect("the child");
    }
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    match (&scenario.end, end) {
        (End::Never, None) => {}
        (End::Never, Some(end)) => panic!("{title}: it ended ({end}):\n{said}"),
        (_, None) => panic!("{title}: it hangs:\n{said}"),
        (End::Success, Some(end)) => assert!(end.success(), "{title}: {end}:\n{said}"),
        (End::Deadlock(parts), Some(end)) => {
            assert_eq!(end.signal(), Some(libc::SIGABRT), "{title}: {end}:\n{said}");
            let first = "fatal error: all tasks are asleep - deadlock!\n\ntask ";
            assert!(said.starts_with(first), "{title}:\n{said}");
            for part in *parts {
                assert!(said.contains(part), "{title}: no {part:?} in:\n{said}");
            }
            assert!(!said.contains("[runn"), "{title}: it lists a task that runs:\n{said}");
        }
    }
}

/// Whether a process has just the threads that it has made. (Under an emulator there are more, and
/// a deadlock is never certain.)
fn threads_can_be_counted() -> bool {
    let executable = std::env::current_exe().expect("the path of this test");
    let Some(emulator) = emulator() else { return true };
    let output = Command::new(emulator).arg(executable).env("MIDGE_TEST_CHILD", "count").output();
    output.expect("a child process").status.success()
}

fn main() {
    if let Some(child) = in_child() {
        if child == "count" {
            std::process::exit(i32::from(status("Threads") != 1));
        }
        let (name, mode) = child.split_once('/').expect("a scenario and a mode");
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
        let mode = MODES.into_iter().find(|known| format!("{known:?}") == mode);
        return (scenario.expect("a scenario").run)(mode.expect("a mode"));
    }
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |scenario: &&Scenario| {
        filter.as_ref().is_none_or(|filter| scenario.name.contains(filter.as_str()))
    };
    let count = threads_can_be_counted();
    for scenario in SCENARIOS.iter().filter(wanted) {
        if !count && matches!(scenario.end, End::Deadlock(_)) {
            println!("deadlock: {} ... left out: there are threads of others", scenario.name);
            continue;
        }
        let children = MODES.map(|mode| (mode, start(scenario, mode)));
        children.into_iter().for_each(|(mode, child)| finish(scenario, mode, child));
        println!("deadlock: {} ... ok", scenario.name);
    }
}
