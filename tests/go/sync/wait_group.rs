//! Follows `src/sync/waitgroup_test.go`: `TestWaitGroup`, `TestWaitGroupMisuse`,
//! `TestWaitGroupRace` and the panics of `WaitGroup.Go`.
//!
//! Here a member is a clone and `Done` its drop, so that a negative counter, an `Add` that races
//! with `Wait` and a reuse before `Wait` has returned cannot be written. What can be is to wait
//! with a clone in one's own hands: that waits for ever, as a missing `Done` does.

use crate::common::{join, rounds};
use crate::{end, go, spawn_waiting};
use midge::chan::bounded;
use midge::spawn;
use midge::sync::WaitGroup;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Go's: sixteen members wait for each other and then let go one by one.
fn two_groups(members: usize) {
    let (work, leave) = (WaitGroup::new(), WaitGroup::new());
    let (s, left) = bounded(members);
    let (go_on, going_on) = bounded::<()>(0);
    for _ in 0..members {
        let (work, leave, s) = (work.clone(), leave.clone(), s.clone());
        let going_on = going_on.clone();
        spawn(move || {
            work.wait(); // for all others, who are all here
            assert!(going_on.recv().is_err());
            s.send(()).unwrap();
            drop(leave);
        });
    }
    work.wait();
    assert!(left.is_empty(), "a member has left too early");
    drop(go_on);
    leave.wait();
    assert_eq!(left.len(), members);
}

#[test]
fn members_wait_for_each_other() {
    let count = rounds(20, 4);
    go(|| (0..count).for_each(|_| two_groups(16)));
}

/// Go reuses one group; here each generation is a group of its own, which costs one allocation.
#[test]
fn generation_after_generation() {
    let count = rounds(2_000, 100);
    go(|| {
        let done = Arc::new(AtomicUsize::new(0));
        for generation in 1..=count {
            let group = WaitGroup::new();
            for _ in 0..2 {
                let (member, done) = (group.clone(), done.clone());
                spawn(move || {
                    done.fetch_add(1, Ordering::Relaxed);
                    drop(member);
                });
            }
            group.wait();
            // What the members did is seen, though nothing but the group orders it.
            assert_eq!(done.load(Ordering::Relaxed), 2 * generation);
        }
    });
}

#[test]
fn several_wait() {
    let count = rounds(200, 20);
    go(|| {
        for _ in 0..count {
            let group = WaitGroup::new();
            let waiting: Vec<_> =
                (0..4).map(|_| group.clone()).map(|group| spawn(move || group.wait())).collect();
            drop(group);
            waiting.into_iter().for_each(join);
        }
    });
}

#[test]
fn a_member_that_waits_for_itself_waits_for_ever() {
    go(|| {
        let group = WaitGroup::new();
        let other = group.clone();
        let misusing = spawn_waiting(move || {
            let forgotten = group.clone();
            group.wait();
            drop(forgotten);
        });
        end(misusing);
        // Its clones went with it, so nobody else is harmed.
        if cfg!(panic = "unwind") {
            other.wait();
        }
    });
}

#[cfg(panic = "unwind")]
#[test]
fn a_panic_is_done_too() {
    go(|| {
        let group = WaitGroup::new();
        let member = group.clone();
        let failing = spawn(move || {
            let _member = member;
            panic!("on purpose");
        });
        group.wait();
        assert!(failing.join().is_err());
    });
}
