//! Promise: a context is over with those above it, and never the other way round; who waits is
//! woken; a parent keeps nothing of a child that is gone.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, rounds, wait_until, Random};
use midge::context::{Context, ContextError};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];
const AGES: Duration = Duration::from_secs(1_000_000);

#[test]
fn cancelling_goes_down_and_not_up() {
    let (root, root_guard) = Context::background().with_cancel();
    let (left, left_guard) = root.with_cancel();
    let (below, _below_guard) = left.with_timeout(AGES);
    let (right, _right_guard) = root.with_cancel();
    left_guard.cancel();
    left_guard.cancel();
    let over = [&root, &left, &below, &right].map(|context| context.err().is_some());
    assert_eq!(over, [false, true, true, false]);
    drop(root_guard);
    assert_eq!(right.err(), Some(ContextError::Cancelled));
    // A child of one that is over is over from the start.
    let (late, _guard) = below.with_deadline(Instant::now() + AGES);
    assert_eq!(late.wait(), ContextError::Cancelled);
}

#[test]
fn who_waits_is_woken() {
    for_each_mode(WORKERS, |rt, _| {
        for _ in 0..rounds(50, 10) {
            let (root, guard) = Context::background().with_cancel();
            let waiting = Arc::new(AtomicUsize::new(0));
            let tasks: Vec<_> = (0..20)
                .map(|n| {
                    let (context, waiting) = (root.clone(), waiting.clone());
                    rt.spawn(move || {
                        let (child, _guard) = context.with_timeout(AGES);
                        waiting.fetch_add(1, Ordering::Release);
                        if n % 2 == 0 {
                            child.wait()
                        } else {
                            context.wait()
                        }
                    })
                })
                .collect();
            wait_until(|| waiting.load(Ordering::Acquire) > 10);
            guard.cancel();
            tasks.into_iter().for_each(|task| assert_eq!(join(task), ContextError::Cancelled));
            assert_eq!(root.wait(), ContextError::Cancelled); // on this thread
        }
    });
}

#[test]
fn deadlines_pass() {
    for_each_mode(WORKERS, |rt, _| {
        let deadline = Instant::now() + Duration::from_millis(3);
        let (soon, _soon) = Context::background().with_deadline(deadline);
        let (below, _below) = soon.with_timeout(AGES);
        assert_eq!(below.deadline(), Some(deadline), "the earlier one counts");
        let (sooner, _sooner) = below.with_timeout(Duration::ZERO);
        assert_eq!(sooner.err(), Some(ContextError::DeadlineExceeded));
        let theirs = below.clone();
        let waiting = rt.spawn(move || (theirs.wait(), Instant::now()));
        let (error, ended) = join(waiting);
        assert_eq!(error, ContextError::DeadlineExceeded);
        assert!(ended >= deadline);
        assert_eq!(soon.err(), Some(ContextError::DeadlineExceeded));
    });
}

#[test]
fn a_deadline_that_passed_unasked_was_first() {
    let (parent, guard) = Context::background().with_cancel();
    let (child, _child) = parent.with_timeout(Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(2));
    guard.cancel();
    assert_eq!(parent.err(), Some(ContextError::Cancelled));
    assert_eq!(child.err(), Some(ContextError::DeadlineExceeded));
}

#[test]
fn for_ever_is_no_limit() {
    let (context, _guard) = Context::background().with_timeout(Duration::MAX);
    assert_eq!(context.deadline(), None);
    assert!(!context.is_cancelled());
}

#[test]
#[cfg(panic = "unwind")]
fn a_cancelled_task_waits_no_more() {
    for_each_mode(WORKERS, |rt, _| {
        let (context, guard) = Context::background().with_cancel();
        let theirs = context.clone();
        let waiting = rt.spawn(move || theirs.wait());
        rt.run(|| task::sleep(Duration::from_millis(1)));
        waiting.cancel();
        assert!(waiting.join().is_err());
        assert!(!context.is_cancelled());
        drop(guard);
    });
}

/// Memory would grow by gigabytes otherwise.
#[test]
fn children_that_are_gone_leave_nothing_behind() {
    const NAME: &str = "children_that_are_gone_leave_nothing_behind";
    if common::in_child().is_none() {
        let output = common::child_of(NAME, "leak", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let (root, _guard) = Context::background().with_cancel();
    let before = common::status("VmRSS");
    for _ in 0..rounds(1_000_000, 200_000) {
        let (child, guard) = root.with_timeout(AGES);
        assert!(!child.is_cancelled());
        drop((guard, child));
    }
    assert!(common::status("VmRSS") < before + (8 << 10), "{} KiB", common::status("VmRSS"));
}

#[test]
fn a_long_line_of_contexts_is_no_deep_recursion() {
    let (root, guard) = Context::background().with_cancel();
    let (mut last, mut guards) = (root, Vec::new());
    for _ in 0..rounds(200_000, 20_000) {
        let (child, guard) = last.with_cancel();
        last = child;
        guards.push(guard);
    }
    guard.cancel();
    assert!(last.is_cancelled());
    drop((guard, guards));
    drop(last);
}

#[test]
fn cancelling_waiting_and_dropping_race() {
    for_each_mode(WORKERS, |rt, _| {
        let (root, guard) = Context::background().with_cancel();
        let tasks: Vec<_> = (0..16)
            .map(|seed| {
                let root = root.clone();
                rt.spawn(move || {
                    let mut random = Random::new(seed);
                    while !root.is_cancelled() {
                        let limit = Duration::from_micros(random.below(100) as u64);
                        let (child, guard) = root.with_timeout(limit);
                        if random.below(2) == 0 {
                            guard.cancel();
                        }
                        child.wait();
                    }
                })
            })
            .collect();
        rt.run(|| task::sleep(Duration::from_millis(20)));
        guard.cancel();
        tasks.into_iter().for_each(join);
    });
}
