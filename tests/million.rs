//! Promise: a million tasks can be spawned, parked and woken, and their memory is given back
//! afterwards. Each check has a process of its own, so that nothing disturbs its figures.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use common::{build, child_of, in_child, join, status, wait_until, Mode, Watchdog};
use midge::task;

const TASKS: usize = 1_000_000;
/// What may remain of a burst that takes several hundred MiB.
const REMAINS_KIB: usize = 96 << 10;

static PARKED: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);
static GO: AtomicBool = AtomicBool::new(false);

fn burst(test: &str, mode: Mode, workers: usize) {
    if in_child().is_none() {
        let output = child_of(test, "burst", &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        eprint!("{said}");
        return;
    }
    let _watchdog = Watchdog::new(test.to_string());
    let rt = build(mode, workers);
    rt.run(|| join(midge::spawn(|| ()))); // So that what is made once counts as the start.
    let start = status("VmRSS");
    rt.run(|| {
        let began = Instant::now();
        let handles: Vec<_> = (0..TASKS)
            .map(|_| {
                midge::spawn(|| {
                    PARKED.fetch_add(1, Ordering::Relaxed);
                    while !GO.load(Ordering::Acquire) {
                        task::park();
                    }
                    DONE.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        wait_until(|| PARKED.load(Ordering::Relaxed) == TASKS);
        let (parked, peak) = (began.elapsed(), status("VmRSS"));
        assert_eq!(DONE.load(Ordering::Relaxed), 0);
        let began = Instant::now();
        GO.store(true, Ordering::Release);
        handles.iter().for_each(|handle| handle.task().unpark());
        wait_until(|| DONE.load(Ordering::Relaxed) == TASKS);
        handles.into_iter().for_each(join);
        eprintln!(
            "{mode:?}, {workers} workers: parked in {parked:?} with {} MiB, done in {:?}",
            (peak - start) >> 10,
            began.elapsed(),
        );
    });
    // One task of a run may still be on its way out.
    wait_until(|| rt.metrics().tasks_live == 0);
    let within = || status("VmRSS") <= start + REMAINS_KIB;
    let given_back = std::panic::catch_unwind(|| wait_until(within)).is_ok();
    let end = status("VmRSS");
    assert!(given_back, "{start} KiB at the start, {end} KiB after the burst");
    eprintln!("{start} KiB at the start, {end} KiB after the burst, {:?}", rt.metrics());
}

#[test]
fn in_the_copying_mode() {
    burst("in_the_copying_mode", Mode::Copying, 2);
}

#[test]
fn in_the_migrating_mode() {
    burst("in_the_migrating_mode", Mode::Migrating, 2);
}

#[test]
fn on_one_worker() {
    burst("on_one_worker", Mode::Copying, 1);
}

/// The memory of one burst serves the next: ten of them peak where one does.
#[test]
fn ten_bursts_take_no_more_than_one() {
    const NAME: &str = "ten_bursts_take_no_more_than_one";
    const BURST: usize = 100_000;
    if in_child().is_none() {
        let output = child_of(NAME, "bursts", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let _watchdog = Watchdog::new(NAME.to_string());
    let rt = build(Mode::Migrating, 2);
    let mut first = 0;
    for round in 0..10 {
        PARKED.store(0, Ordering::SeqCst);
        GO.store(false, Ordering::SeqCst);
        let peak = rt.run(|| {
            let handles: Vec<_> = (0..BURST)
                .map(|_| {
                    midge::spawn(|| {
                        PARKED.fetch_add(1, Ordering::Relaxed);
                        while !GO.load(Ordering::Acquire) {
                            task::park();
                        }
                    })
                })
                .collect();
            wait_until(|| PARKED.load(Ordering::Relaxed) == BURST);
            GO.store(true, Ordering::Release);
            let peak = status("VmRSS");
            handles.iter().for_each(|handle| handle.task().unpark());
            handles.into_iter().for_each(join);
            peak
        });
        if round == 0 {
            first = peak;
        }
        assert!(peak <= first + REMAINS_KIB, "{first} KiB, then {peak} KiB in round {round}");
    }
}
