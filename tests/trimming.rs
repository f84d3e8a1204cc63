//! Promise: a window that was grown deep gives its memory back, soon but not at once: a loop that
//! goes deep each turn does not pay for it each turn.

mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{
    descend, for_each_mode_with, join, room_for, status, succeeds_in_each_mode, try_build,
    wait_until, Mode, Runtime,
};
use midge::{stack, task};

const MIB: usize = 1 << 20;

#[test]
fn a_parked_task_that_was_deep_does_not_keep_the_memory() {
    for_each_mode_with(
        &[1, 2],
        |builder| room_for(32 * MIB, 2, builder),
        |rt, mode| {
            let task = rt.spawn(|| {
                let mut most = 0;
                loop {
                    descend(32 * MIB);
                    most = most.max(stack::committed_bytes());
                    task::park();
                    if stack::committed_bytes() <= MIB {
                        return most;
                    }
                }
            });
            let deadline = Instant::now() + common::PATIENCE;
            let mut trims = 0;
            while !task.is_finished() {
                assert!(Instant::now() < deadline, "{mode:?}: it stays deep: {:?}", rt.metrics());
                // An idle worker gives back what its windows do not need. Each round is more
                // patient.
                wait_until(|| rt.metrics().trims > trims || task.is_finished());
                trims = rt.metrics().trims; // before the unpark: the next cut may be quick
                task.task().unpark();
            }
            assert!(join(task) >= 32 * MIB);
            // The bytes are counted after the cut, which the task does not wait for.
            wait_until(|| rt.metrics().bytes_trimmed >= 31 * MIB as u64);
        },
    );
}

#[test]
fn a_loop_that_goes_deep_each_turn_does_not_fault_each_turn() {
    for_each_mode_with(
        &[1],
        |builder| room_for(MIB, 8, builder),
        |rt, mode| {
            rt.run(|| {
                let before = midge::runtime::metrics();
                let other = midge::spawn(|| loop {
                    task::yield_now();
                });
                let began = Instant::now();
                let mut turns = 0;
                while turns < 300 || began.elapsed() < Duration::from_millis(300) {
                    descend(MIB);
                    task::yield_now();
                    turns += 1;
                }
                let after = midge::runtime::metrics();
                let patience_periods = began.elapsed().as_millis() as u64 / 100 + 1; // at least
                other.cancel();
                let (grown, trims) =
                    (after.growth_events - before.growth_events, after.trims - before.trims);
                // 64 KiB to 1 MiB and a bit is five steps of doubling, and every cut costs three
                // anew at most: 256 KiB stay. In stress mode and with one window both tasks have
                // the same.
                assert!(trims <= patience_periods, "{mode:?}: {trims} cuts in {turns} turns");
                assert!(grown <= 16 + 4 * patience_periods, "{mode:?}: {grown} in {turns} turns");
            });
        },
    );
}

/// In turn, each of a hundred tasks needs 16 MiB and stays alive, parked and shallow: 1.6 GB would
/// be resident, did each keep them.
#[test]
fn a_hundred_deep_tasks_in_turn_leave_a_small_process() {
    const STATED_KIB: usize = 200 << 10;
    // As many as a 32-bit process has room for in the pinned mode.
    const TASKS: usize = if cfg!(target_pointer_width = "64") { 100 } else { 20 };
    succeeds_in_each_mode("a_hundred_deep_tasks_in_turn_leave_a_small_process", |mode| {
        let rt = try_build(mode, Runtime::builder().workers(2).max_stack(24 * MIB));
        let rt = rt.expect("a runtime");
        let before = status("VmRSS");
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let parks = rt.metrics().parks; // before the spawn: the task may be quick
                let deep = rt.spawn(|| {
                    descend(16 * MIB);
                    task::park();
                });
                wait_until(|| rt.metrics().parks > parks || deep.is_finished());
                // Never more than the budget of each worker's list, what is being grown, and a
                // margin.
                let now = status("VmRSS");
                assert!(now < before + STATED_KIB, "{mode:?}: {now} KiB, {before} before");
                deep
            })
            .collect();
        wait_until(|| status("VmRSS") < before + (64 << 10));
        tasks.iter().for_each(|task| task.task().unpark());
        tasks.into_iter().for_each(join);
    });
}

#[test]
fn a_deep_parked_stack_is_cut_no_deeper_than_it_is() {
    #[inline(never)]
    fn deep_and_parked(bytes: usize, marker: u64) -> u64 {
        let words = black_box([marker ^ bytes as u64; 500]);
        if bytes > 4096 {
            deep_and_parked(bytes - 4096, marker);
        } else {
            descend(32 * MIB);
            task::park();
        }
        assert!(black_box(words).iter().all(|word| *word == marker ^ bytes as u64));
        words[0]
    }
    for_each_mode_with(
        &[1, 2],
        |builder| room_for(36 * MIB, 8, builder),
        |rt, mode| {
            let tasks: Vec<_> = (0..4)
                .map(|i| rt.spawn(move || deep_and_parked(3 * MIB + i * 5000, i as u64)))
                .collect();
            let least = if mode == Mode::Pinned || !common::stressed() { 4 } else { 1 };
            wait_until(|| rt.metrics().trims >= least);
            tasks.iter().for_each(|task| task.task().unpark());
            tasks.into_iter().for_each(|task| assert!(join(task) < 8 * MIB as u64));
        },
    );
}
