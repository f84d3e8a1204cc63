//! Promise: `spawn` and `join` work as in `std::thread`. Values and results arrive, each closure
//! runs once, each result is dropped once, whatever the size and alignment of the closure.

mod common;

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{build, for_each_mode, join, parked_at_once, rounds, wait_until, Guard, Mode, Tally};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 4];

#[test]
fn values_arrive() {
    for_each_mode(WORKERS, |rt, mode| {
        assert_eq!(rt.mode(), mode);
        let sum = rt.run(|| {
            let handles: Vec<_> = (0..100u64).map(|i| midge::spawn(move || i * i)).collect();
            handles.into_iter().map(join).sum::<u64>()
        });
        assert_eq!(sum, (0..100u64).map(|i| i * i).sum());
        assert_eq!(join(rt.spawn(|| String::from("text"))), "text");
        join(rt.spawn(|| ()));
    });
}

#[test]
fn run_may_borrow_and_can_be_repeated() {
    for_each_mode(WORKERS, |rt, _| {
        let mut numbers = vec![1, 2, 3];
        for round in 0..50 {
            let length = rt.run(|| {
                task::yield_now();
                numbers.push(round);
                numbers.len()
            });
            assert_eq!(length, 4 + round);
        }
    });
}

#[test]
#[cfg(panic = "unwind")]
fn panic_payloads_arrive() {
    struct Payload(u32);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let payload = midge::spawn(|| panic!("static")).join().unwrap_err();
            assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "static");
            let payload = midge::spawn(|| panic!("number {}", black_box(7))).join().unwrap_err();
            assert_eq!(payload.downcast_ref::<String>().unwrap(), "number 7");
            let payload = midge::spawn(|| std::panic::panic_any(Payload(9))).join().err().unwrap();
            assert_eq!(payload.downcast_ref::<Payload>().unwrap().0, 9);
        });
        let payload = rt.spawn(|| panic!("from outside")).join().unwrap_err();
        assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "from outside");
    });
}

#[test]
fn detached_tasks_run_to_their_end() {
    for_each_mode(WORKERS, |rt, _| {
        let done = Arc::new(AtomicUsize::new(0));
        rt.run(|| {
            for _ in 0..1000 {
                let done = done.clone();
                drop(midge::spawn(move || {
                    task::yield_now();
                    done.fetch_add(1, Ordering::SeqCst);
                }));
            }
        });
        wait_until(|| done.load(Ordering::SeqCst) == 1000);
    });
}

#[test]
fn many_tasks_finish() {
    let count = rounds(100_000, 20_000);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let handles: Vec<_> = (0..count).map(|i| midge::spawn(move || i)).collect();
            for (i, handle) in handles.into_iter().enumerate() {
                assert_eq!(join(handle), i);
            }
        });
        wait_until(|| rt.metrics().tasks_live == 0);
        let metrics = rt.metrics();
        assert_eq!(metrics.tasks_spawned, metrics.tasks_finished);
        assert!(metrics.tasks_spawned >= count as u64);
    });
}

#[test]
fn spawns_nest() {
    fn leaves(depth: u32) -> u64 {
        if depth == 0 {
            return 1;
        }
        let left = midge::spawn(move || leaves(depth - 1));
        let right = midge::spawn(move || leaves(depth - 1));
        join(left) + join(right)
    }
    for_each_mode(WORKERS, |rt, mode| {
        // A parked task of the pinned mode costs a window, so its tree is smaller: of as many tasks
        // as may be parked at once.
        let depth = if mode == Mode::Pinned { parked_at_once(mode, 512).ilog2() } else { 13 };
        assert_eq!(rt.run(|| leaves(depth)), 1 << depth);
    });
}

#[test]
fn names_ids_and_locations() {
    for_each_mode(&[2], |rt, _| {
        let main_id = rt.run(|| {
            let (handle, line) = (midge::spawn(task::current), line!());
            let location = handle.task().location();
            assert!(location.file().ends_with("spawn_join.rs"), "{location}");
            assert_eq!(location.line(), line);
            let seen_from_outside = handle.task().clone();
            let seen_from_inside = join(handle);
            assert_eq!(seen_from_inside.id(), seen_from_outside.id());
            assert_eq!(seen_from_inside.name(), None);

            let builder = task::Builder::new().name("worker bee");
            let (handle, line) =
                (builder.spawn(|| task::current().name() == Some("worker bee")), line!());
            assert_eq!(handle.task().name(), Some("worker bee"));
            assert_eq!(handle.task().location().line(), line);
            assert!(format!("{:?}", handle.task()).contains("worker bee"));
            assert!(join(handle));

            let pinned = task::Builder::new().pinned(true).spawn(|| task::current().id());
            let id = pinned.task().id();
            assert_eq!(join(pinned), id);
            assert!(!id.to_string().is_empty());
            task::current().id()
        });
        let (handle, line) = (rt.spawn(|| task::current().id()), line!());
        assert_eq!(handle.task().location().line(), line);
        assert!(handle.task().location().file().ends_with("spawn_join.rs"));
        let ids: HashSet<_> = rt.run(|| {
            let handles: Vec<_> =
                (0..1000).map(|_| midge::spawn(|| task::current().id())).collect();
            handles.into_iter().map(join).collect()
        });
        assert_eq!(ids.len(), 1000);
        assert!(!ids.contains(&join(handle)) && !ids.contains(&main_id));
    });
}

#[test]
fn is_finished_follows_the_task() {
    for_each_mode(WORKERS, |rt, _| {
        let release = Arc::new(AtomicBool::new(false));
        let waiting = release.clone();
        let handle = rt.spawn(move || wait_until(|| waiting.load(Ordering::SeqCst)));
        assert!(!handle.is_finished());
        release.store(true, Ordering::SeqCst);
        wait_until(|| handle.is_finished());
        join(handle);
    });
}

#[test]
fn a_result_nobody_takes_is_dropped_once() {
    for_each_mode(WORKERS, |rt, _| {
        let (results, captures) = (Tally::default(), Tally::default());
        for i in 0..300 {
            let (result, capture) = (results.guard(), captures.guard());
            let handle = rt.spawn(move || {
                let _capture = capture;
                result
            });
            match i % 3 {
                0 => drop(handle), // Before it finishes, most likely.
                1 => {
                    wait_until(|| handle.is_finished());
                    drop(handle);
                }
                _ => drop::<Guard>(join(handle)),
            }
        }
        wait_until(|| results.count() == 300 && captures.count() == 300);
        wait_until(|| rt.metrics().tasks_live == 0);
        assert_eq!((results.count(), captures.count()), (300, 300));
    });
}

fn of_size<const SIZE: usize>(seed: u8) {
    let mut bytes = [0u8; SIZE];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = seed.wrapping_add(i as u8);
    }
    let handle = midge::spawn(move || {
        task::yield_now();
        black_box(bytes)
    });
    assert_eq!(join(handle)[..], bytes[..], "a closure and a result of {SIZE} bytes");
}

macro_rules! of_alignment {
    ($($alignment:literal)*) => {$({
        #[repr(align($alignment))]
        struct Aligned(u8);
        fn aligned(value: &Aligned) -> bool {
            black_box(value as *const Aligned as usize) % $alignment == 0 && value.0 == 42
        }
        let value = Aligned(42);
        let handle = midge::spawn(move || {
            assert!(aligned(&value), "a capture aligned to {}", $alignment);
            task::yield_now();
            assert!(aligned(&value), "a capture aligned to {}", $alignment);
            value
        });
        assert!(aligned(&join(handle)));
    })*};
}

#[test]
fn closures_of_every_size_and_alignment() {
    for_each_mode(&[1, 2], |rt, _| {
        rt.run(|| {
            for seed in 0..5 {
                of_size::<0>(seed);
                of_size::<1>(seed);
                of_size::<7>(seed);
                of_size::<8>(seed);
                of_size::<24>(seed);
                of_size::<64>(seed);
                of_size::<100>(seed);
                of_size::<255>(seed);
                of_size::<256>(seed);
                of_size::<1000>(seed);
                of_size::<2048>(seed);
                of_size::<4096>(seed);
                of_size::<16_000>(seed);
                of_size::<65_536>(seed);
            }
            of_alignment!(2 4 8 16 32 64 128 256 512 1024 2048 4096);
        });
    });
}

#[test]
fn joined_from_ordinary_threads() {
    for mode in common::MODES {
        let rt = build(mode, 2);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for i in 0..500 {
                        assert_eq!(join(rt.spawn(move || i + 1)), i + 1);
                    }
                });
            }
        });
    }
}
