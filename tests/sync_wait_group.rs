//! Promise: `WaitGroup::wait` returns when all other clones are gone, however they went, and not
//! before.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds, wait_until};
use midge::sync::WaitGroup;
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn waits_for_tasks_and_threads() {
    for_each_mode(WORKERS, |rt, _| {
        for _ in 0..rounds(30, 5) {
            let (group, done) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
            for number in 0..20 {
                let (member, done) = (group.clone(), done.clone());
                let work = move || {
                    task::yield_now();
                    done.fetch_add(1, Ordering::Relaxed);
                    drop(member);
                };
                if number % 10 == 0 {
                    drop(std::thread::spawn(work));
                } else {
                    drop(rt.spawn(work));
                }
            }
            let (theirs, seen) = (group.clone(), done.clone());
            let waits = rt.spawn(move || {
                theirs.wait();
                seen.load(Ordering::Relaxed)
            });
            group.wait();
            assert_eq!(done.load(Ordering::Relaxed), 20);
            assert_eq!(join(waits), 20);
        }
    });
}

#[test]
fn alone_it_does_not_wait() {
    WaitGroup::new().wait();
    let group = WaitGroup::default();
    drop(group.clone());
    assert_eq!(format!("{group:?}"), "WaitGroup { count: 1 }");
    group.wait();
}

#[test]
fn members_may_grow_in_number_while_others_wait() {
    fn work(member: WaitGroup, depth: usize, done: Arc<AtomicUsize>) {
        if depth > 0 {
            for _ in 0..2 {
                let (member, done) = (member.clone(), done.clone());
                midge::spawn(move || work(member, depth - 1, done));
            }
        }
        task::yield_now();
        done.fetch_add(1, Ordering::Relaxed);
    }
    for_each_mode(WORKERS, |rt, _| {
        let (group, done) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        let (member, count) = (group.clone(), done.clone());
        drop(rt.spawn(move || work(member, 7, count)));
        group.wait();
        assert_eq!(done.load(Ordering::Relaxed), 255);
    });
}

#[test]
#[cfg(panic = "unwind")]
fn panicked_and_cancelled_members_count_as_done() {
    for_each_mode(WORKERS, |rt, _| {
        let group = WaitGroup::new();
        let member = group.clone();
        let panics = rt.spawn(move || {
            let _member = member;
            panic!("a member panics");
        });
        let member = group.clone();
        let cancelled = rt.spawn(move || {
            let _member = member;
            loop {
                task::park()
            }
        });
        cancelled.cancel();
        group.wait();
        assert!(panics.join().is_err());
        let result: std::thread::Result<()> = cancelled.join();
        assert!(result.is_err());
    });
}

/// A task that keeps a clone while it waits waits for itself: it can be got rid of, and nobody else
/// is held up then.
#[test]
#[cfg(panic = "unwind")]
fn misuse_is_a_wait_that_can_be_cancelled() {
    for_each_mode(WORKERS, |rt, _| {
        let group = WaitGroup::new();
        let (kept, waited) = (group.clone(), group.clone());
        let began = Arc::new(AtomicBool::new(false));
        let flag = began.clone();
        let misuse = rt.spawn(move || {
            let _kept = kept;
            flag.store(true, Ordering::SeqCst);
            waited.wait();
        });
        wait_until(|| began.load(Ordering::SeqCst));
        rt.run(|| (0..50).for_each(|_| task::yield_now()));
        assert!(!misuse.is_finished());
        misuse.cancel();
        group.wait(); // the clone it kept is gone
        assert!(misuse.join().unwrap_err().is::<task::Cancelled>());
    });
}
