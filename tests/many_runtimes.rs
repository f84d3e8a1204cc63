//! Promise: a process may have many runtimes, one after the other, side by side and inside each
//! other; and one that is dropped leaves no thread, no mapping and no memory behind.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use common::{
    build, child_of, emulator, in_child, join, repeated, status, wait_until, Watchdog, MODES,
};
use midge::chan::bounded;
use midge::{blocking, spawn, task, Runtime};

/// Counts what the heap holds: a leak of a byte a runtime shows.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: the system's allocator does it all; the count is an atomic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static HEAP: Counting = Counting;

/// Something of everything a runtime has: tasks that end and tasks that do not, deep stacks,
/// timers, channels, a blocking thread.
fn use_it(rt: &Runtime) {
    rt.run(|| {
        let (send, receive) = bounded(1);
        let tasks: Vec<_> = (0..10usize)
            .map(|n| {
                let send = send.clone();
                task::Builder::new().name(format!("task {n}")).spawn(move || {
                    common::recurse(n * 100, &mut task::yield_now);
                    task::sleep(Duration::from_micros(10));
                    send.send(n).unwrap();
                })
            })
            .collect();
        drop(send);
        assert_eq!(receive.iter().sum::<usize>(), 45);
        tasks.into_iter().for_each(join);
        if cfg!(panic = "unwind") {
            drop(spawn(|| loop {
                task::park();
            }));
        }
        assert_eq!(blocking(|| 5), 5);
    });
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").expect("the mappings").lines().count()
}

#[test]
fn a_thousand_in_turn_leave_nothing_behind() {
    const NAME: &str = "a_thousand_in_turn_leave_nothing_behind";
    if in_child().is_none() {
        // One malloc arena, so that which thread allocated what makes no difference.
        let output = child_of(NAME, "in turn", &[("MALLOC_ARENA_MAX", Some("1"))]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        eprint!("{said}");
        return;
    }
    let _watchdog = Watchdog::new(NAME.to_string());
    let rounds = repeated(1000);
    let some = |count: usize| {
        for round in 0..count {
            use_it(&build(MODES[round % MODES.len()], 1 + round % 3));
        }
        [LIVE.load(Ordering::Relaxed) as usize, status("VmRSS"), mappings()]
    };
    some(rounds / 10); // what is made once, and kept
    let threads = status("Threads");
    let figures: Vec<_> = (0..2).map(|_| some(rounds / 2)).collect();
    wait_until(|| status("Threads") <= threads); // a joined thread is counted for a moment more
    eprintln!("[heap bytes, VmRSS in KiB, mappings] halfway and at the end: {figures:?}");
    let [heap, memory, mappings] =
        std::array::from_fn(|figure| figures[1][figure].saturating_sub(figures[0][figure]));
    // Less than 16 bytes a runtime: what remains is garbage of crossbeam's that waits for its turn.
    assert!(heap < 16 * rounds / 2, "{heap} bytes of heap");
    // An emulator keeps what it has translated.
    assert!(memory < 1 << 10 || emulator().is_some(), "{memory} KiB of memory");
    assert!(mappings < 10, "{mappings} mappings");
}

#[test]
fn inside_a_task_of_another() {
    for outer in MODES {
        for inner in MODES {
            let _watchdog = Watchdog::new(format!("{inner:?} inside {outer:?}"));
            let rt = build(outer, 2);
            let sum = rt.run(|| {
                let inside: Vec<_> = (0..3usize)
                    .map(|n| {
                        spawn(move || {
                            let rt = build(inner, 2);
                            use_it(&rt);
                            // Here `spawn` is the outer runtime's, in there the inner one's.
                            let there = rt.run(|| join(spawn(move || n)));
                            there + join(spawn(|| 10)) + join(rt.spawn(|| 100))
                        })
                    })
                    .collect();
                inside.into_iter().map(join).sum::<usize>()
            });
            assert_eq!(sum, 333);
        }
    }
}

#[test]
fn side_by_side_from_many_threads() {
    let _watchdog = Watchdog::new("runtimes side by side".to_string());
    std::thread::scope(|scope| {
        for thread in 0..6 {
            scope.spawn(move || {
                for round in 0..20 {
                    let rt = build(MODES[(thread + round) % MODES.len()], 2);
                    use_it(&rt);
                }
            });
        }
    });
}

#[test]
fn tasks_of_two_wake_each_other_through_channels() {
    for (first, second) in MODES.into_iter().flat_map(|one| MODES.map(|other| (one, other))) {
        let _watchdog = Watchdog::new(format!("{first:?} and {second:?}"));
        let (here, there) = (build(first, 2), build(second, 2));
        let (ask, asked) = bounded::<u64>(0);
        let (answer, answers) = bounded(0);
        let answering = there.spawn(move || asked.iter().for_each(|n| answer.send(n + 1).unwrap()));
        let last = here.run(move || {
            (0..200).fold(0, |n, _| {
                ask.send(n).unwrap();
                answers.recv().unwrap()
            })
        });
        assert_eq!(last, 200);
        join(answering);
    }
}

#[test]
fn dropped_in_a_task_of_another() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("dropped elsewhere, {mode:?}"));
        let (rt, other) = (build(mode, 2), build(mode, 2));
        use_it(&other);
        rt.run(move || join(spawn(move || drop(other))));
    }
}
