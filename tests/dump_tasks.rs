//! Promise: `dump_tasks` names every task that has not ended, with what it waits for, at any time:
//! also while thousands are spawned and end.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{build, for_each_mode, join, rounds, wait_until, Mode};
use midge::chan::bounded;
use midge::{blocking, runtime, task};

/// The paragraph of the task with this name.
fn paragraph<'a>(dump: &'a str, name: &str) -> &'a str {
    let wanted = format!(" {name:?} [");
    dump.split("\n\n").find(|text| text.contains(&wanted)).unwrap_or_else(|| panic!("{dump}"))
}

fn named(name: &str, f: impl FnOnce() + Send + 'static) -> midge::JoinHandle<()> {
    task::Builder::new().name(name).spawn(f)
}

#[test]
fn each_task_is_named_with_what_it_is_up_to() {
    for_each_mode(&[1, 2], |rt, _| {
        rt.run(|| {
            let (stop, stopped) = bounded::<()>(0);
            let (begun, ended) =
                (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let (begin, end) = (begun.clone(), ended.clone());
            let tasks = [
                named("receiver", move || assert!(stopped.recv().is_err())),
                named("parker", task::park),
                named("caller", move || {
                    blocking(move || {
                        begin.store(true, Ordering::SeqCst);
                        wait_until(|| end.load(Ordering::SeqCst));
                    })
                }),
            ];
            let waits = |name, reason: &str| {
                wait_until(|| {
                    let dump = runtime::dump_tasks();
                    assert!(paragraph(&dump, "main").contains("[running]"), "{dump}");
                    paragraph(&dump, name).contains(reason)
                });
            };
            waits("receiver", "\"receiver\" [chan receive]:\n\tspawned at tests/dump_tasks.rs:");
            waits("parker", "[park]");
            waits("caller", "[blocking]");
            wait_until(|| begun.load(Ordering::SeqCst));
            let dump = rt.dump_tasks();
            assert_eq!(dump.matches("spawned at").count(), 4, "{dump}");
            // The closure may begin before its task waits.
            blocking(|| {
                wait_until(|| paragraph(&runtime::dump_tasks(), "main").contains("[blocking]"));
            });
            ended.store(true, Ordering::SeqCst);
            tasks[1].task().unpark();
            drop(stop);
            tasks.into_iter().for_each(join);
            let dump = runtime::dump_tasks();
            assert_eq!(dump.matches("spawned at").count(), 1, "{dump}"); // main
        });
    });
}

#[test]
fn those_that_run_and_those_that_could() {
    for_each_mode(&[1], |rt, _| {
        rt.run(|| {
            let fresh = named("fresh", || ());
            let dump = rt.dump_tasks();
            assert!(paragraph(&dump, "main").contains("[running]"), "{dump}");
            assert!(paragraph(&dump, "fresh").contains("[runnable]"), "{dump}");
            join(fresh);
            let yielding = named("yielding", || {
                (0..3).for_each(|_| task::yield_now());
            });
            while !yielding.is_finished() {
                let dump = rt.dump_tasks();
                if !yielding.is_finished() {
                    assert!(paragraph(&dump, "yielding").contains("[runnable]"), "{dump}");
                }
                task::yield_now();
            }
            join(yielding);
        });
    });
}

/// Of another runtime's tasks nothing is said.
#[test]
fn each_runtime_has_its_own() {
    let (one, other) = (build(Mode::Pinned, 1), build(Mode::Copying, 1));
    one.run(|| {
        other.run(|| {
            assert!(paragraph(&one.dump_tasks(), "main").contains("[running]"));
            assert_eq!(one.dump_tasks().matches("spawned at").count(), 1);
            assert_eq!(runtime::dump_tasks().matches("spawned at").count(), 1);
        });
    });
}

#[test]
fn while_tasks_come_and_go() {
    let dumps = rounds(300, 50);
    for_each_mode(&[1, 3], |rt, _| {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::new(AtomicUsize::new(0));
        let spawners: Vec<_> = (0..3)
            .map(|n| {
                let (stop, ended) = (stop.clone(), ended.clone());
                rt.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let children: Vec<_> = (0..50)
                            .map(|child| {
                                let ended = ended.clone();
                                // Names are heap that goes with the task.
                                named(&format!("child {child} of {n}"), move || {
                                    task::yield_now();
                                    ended.fetch_add(1, Ordering::Relaxed);
                                })
                            })
                            .collect();
                        let handles = children.len() / 2; // of some the handle goes first
                        children.into_iter().take(handles).for_each(join);
                    }
                })
            })
            .collect();
        for _ in 0..dumps {
            let dump = rt.dump_tasks();
            for text in dump.split_terminator("\n\n") {
                let known = ["\t", "spawned at", "tests/dump_tasks.rs:", "task "];
                assert!(known.iter().all(|part| text.contains(part)), "{text:?}");
            }
            std::thread::yield_now();
        }
        wait_until(|| ended.load(Ordering::Relaxed) > 100);
        stop.store(true, Ordering::Relaxed);
        spawners.into_iter().for_each(join);
        wait_until(|| rt.metrics().tasks_live == 0);
        assert_eq!(rt.dump_tasks(), "");
    });
}

#[test]
#[cfg(panic = "unwind")]
fn outside_of_tasks_there_is_no_runtime_to_ask() {
    let payload = std::panic::catch_unwind(runtime::dump_tasks).unwrap_err();
    let text = payload.downcast_ref::<&str>().expect("a text");
    assert!(text.contains("use Runtime::dump_tasks"), "{text}");
}
