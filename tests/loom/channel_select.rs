//! Promise: a select does one of its operations or none, whoever comes from several sides at once;
//! what it was promised and does not use goes to the next.

use crate::chan::{bounded, Select};
use crate::waiting;
use crate::{check_bounded, join_all};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use std::panic::{catch_unwind, AssertUnwindSafe};

fn start(f: impl FnOnce() + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        f();
        waiting::end();
    })
}

/// Fails if `disconnect` does not claim selects; with a plain store for the compare-and-swap in
/// `Node::claim`.
#[test]
fn a_select_and_two_ends() {
    check_bounded(3, || {
        let (s1, r1) = bounded::<u8>(0);
        let (s2, r2) = bounded::<u8>(0);
        let ends = [start(move || drop(s1)), start(move || drop(s2))];
        let got = crate::select! {
            recv(r1) -> message => message,
            recv(r2) -> message => message,
        };
        assert!(got.is_err());
        join_all(ends);
    });
}

/// One message on each of two channels, for a select that takes both, one after the other. Fails as
/// above (both senders give theirs to the one select); if a select's other nodes stay in the lists.
#[test]
fn a_select_is_served_once() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let (s1, r1) = bounded(capacity);
            let (s2, r2) = bounded(capacity);
            let senders = [
                start(move || assert!(s1.send(1).is_ok())),
                start(move || assert!(s2.send(2).is_ok())),
            ];
            let mut sum = 0;
            for _ in 0..2 {
                let mut select = Select::new_biased();
                let (first, _) = (select.recv(&r1), select.recv(&r2));
                let selected = select.select();
                let from = if selected.index() == first { &r1 } else { &r2 };
                if let Ok(message) = selected.recv(from) {
                    sum += message;
                } else {
                    // Its sender has sent and gone: the message is on the other one.
                    let other = if std::ptr::eq(from, &r1) { &r2 } else { &r1 };
                    sum += other.recv().unwrap();
                }
            }
            assert_eq!(sum, 3);
            join_all(senders);
        });
    }
}

/// Two selects that send and receive on two channels, against each other. Fails without the promise
/// that `State::promise` or `State::take` counts; if the second select is not committed.
#[test]
fn two_selects_meet() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let (s1, r1) = bounded(capacity);
            let (s2, r2) = bounded(capacity);
            let sending = start(move || {
                crate::select! {
                    send(s1, 1) -> result => assert!(result.is_ok()),
                    send(s2, 2) -> result => assert!(result.is_ok()),
                }
            });
            let (mut open1, mut open2) = (r1, r2);
            let mut got = 0;
            while got == 0 {
                crate::select! {
                    recv(open1) -> message => match message {
                        Ok(message) => got = message,
                        Err(_) => open1 = crate::chan::never(),
                    },
                    recv(open2) -> message => match message {
                        Ok(message) => got = message,
                        Err(_) => open2 = crate::chan::never(),
                    },
                }
            }
            assert!(got == 1 || got == 2);
            sending.join().unwrap();
        });
    }
}

/// A select that sends meets a plain receiver and the end of another channel. Fails if a claim that
/// comes too late takes the place with it.
#[test]
fn a_promise_and_an_end() {
    check_bounded(3, || {
        let (s1, r1) = bounded(0);
        let (s2, r2) = bounded::<u8>(0);
        let others = [start(move || assert_eq!(r1.recv(), Ok(1))), start(move || drop(s2))];
        let mut r2 = r2;
        let mut sent = false;
        while !sent {
            crate::select! {
                send(s1, 1) -> result => { assert!(result.is_ok()); sent = true }
                recv(r2) -> end => { assert!(end.is_err()); r2 = crate::chan::never() }
            }
        }
        join_all(others);
    });
}

/// A select that was told to send unwinds while it computes its message; the receiver that waited
/// for it has the next one. Fails if `release_promise` does not say Retry.
#[test]
fn a_promise_is_taken_back() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let (s, r) = bounded(capacity);
            let (mine, got) = (s.clone(), Arc::new(AtomicUsize::new(0)));
            let breaking = start(move || {
                let mut select = Select::new();
                select.send(&mine);
                // Dropped, it is given back, and panics.
                let selected = catch_unwind(AssertUnwindSafe(|| drop(select.select())));
                assert!(selected.is_err());
            });
            let count = Arc::clone(&got);
            let receiving = start(move || {
                count.store(r.recv().unwrap(), Ordering::Relaxed);
                // The other select may be waiting for a receiver yet.
                let _ = r.recv();
            });
            assert!(s.send(5).is_ok());
            drop(s);
            breaking.join().unwrap();
            receiving.join().unwrap();
            assert_eq!(got.load(Ordering::Relaxed), 5);
        });
    }
}

/// Two selects that send, a receiver that takes what comes, and room for one: the place that a
/// promised message does not need goes to the other. Fails if `fulfil` does not move the waiting
/// one up.
#[test]
fn a_place_that_is_not_needed() {
    check_bounded(2, || {
        let (s, r) = bounded(1);
        let senders = [s.clone(), s].map(|s| {
            start(move || crate::select! { send(s, 1) -> result => assert!(result.is_ok()) })
        });
        assert_eq!(r.recv(), Ok(1));
        assert_eq!(r.recv(), Ok(1));
        join_all(senders);
    });
}

/// A select that is cancelled while it is served. Fails if `settle` does not wait for DONE, or
/// drops the message.
#[test]
fn a_select_is_cancelled() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let (s, r) = bounded(capacity);
            let (mine, back) = (r.clone(), s.clone());
            let selecting = start(move || {
                waiting::cancel_me();
                let message = catch_unwind(AssertUnwindSafe(|| {
                    crate::select! { recv(mine) -> message => message.unwrap() }
                }));
                waiting::cancel_me_no_more();
                if let Ok(message) = message {
                    // What it receives in spite of all it sends again.
                    assert!(back.send(message).is_ok());
                }
            });
            let sending = start(move || assert!(s.send(1).is_ok()));
            assert_eq!(r.recv(), Ok(1));
            selecting.join().unwrap();
            sending.join().unwrap();
        });
    }
}

/// A watcher is told. Fails if `claim` drops watchers without a word.
#[test]
fn a_watcher_is_told() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let (s, r) = bounded(capacity);
            let sending = start(move || assert!(s.send(1).is_ok()));
            let mut select = Select::new();
            select.recv(&r);
            assert_eq!(select.ready(), 0);
            assert_eq!(r.recv(), Ok(1));
            sending.join().unwrap();
        });
    }
}
