//! Promise: a channel of capacity zero passes each message from hand to hand: a send returns when
//! its message has been received, not before, and nothing is held in between.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds, wait_until, Tally};
use midge::chan::{bounded, RecvError, SendError, TryRecvError, TrySendError};
use midge::{spawn, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn holds_nothing() {
    let (s, r) = bounded(0);
    assert_eq!((s.len(), s.is_empty(), s.is_full(), s.capacity()), (0, true, true, Some(0)));
    assert_eq!((r.len(), r.is_empty(), r.is_full(), r.capacity()), (0, true, true, Some(0)));
    assert_eq!(s.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_send_returns_when_its_message_is_received() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let sender = rt.spawn(move || {
            for n in 0..100 {
                s.send(n).unwrap();
                count.store(n + 1, Ordering::SeqCst);
            }
        });
        rt.run(move || {
            for n in 0..100 {
                for _ in 0..3 {
                    task::yield_now();
                }
                assert_eq!(sent.load(Ordering::SeqCst), n, "a send returned unreceived");
                assert_eq!(r.recv(), Ok(n));
                wait_until(|| sent.load(Ordering::SeqCst) == n + 1);
            }
            assert_eq!(r.recv(), Err(RecvError));
        });
        join(sender);
    });
}

#[test]
fn a_receiver_that_waits_makes_try_send_succeed() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let receiver = rt.spawn(move || r.recv());
        rt.run(move || wait_until(|| s.try_send(7).is_ok()));
        assert_eq!(join(receiver), Ok(7));
    });
}

#[test]
fn a_sender_that_waits_makes_try_recv_succeed() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let sender = rt.spawn(move || s.send(7));
        rt.run(move || wait_until(|| r.try_recv() == Ok(7)));
        assert_eq!(join(sender), Ok(()));
    });
}

#[test]
fn ping_pong() {
    let count = rounds(20_000, 2_000);
    for_each_mode(WORKERS, |rt, _| {
        let (there, r) = bounded(0);
        let (s, back) = bounded(0);
        let pong = rt.spawn(move || r.iter().for_each(|n| s.send(n).unwrap()));
        rt.run(move || {
            for n in 0..count {
                there.send(n).unwrap();
                assert_eq!(back.recv(), Ok(n));
            }
        });
        join(pong);
    });
}

#[test]
fn many_to_many() {
    let (tasks, each) = (8, rounds(1_000, 200));
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let sum = rt.run(move || {
            for _ in 0..tasks {
                let s = s.clone();
                spawn(move || (0..each).for_each(|n| s.send(n).unwrap()));
            }
            drop(s);
            let receivers: Vec<_> = (0..tasks)
                .map(|_| r.clone())
                .map(|r| spawn(move || r.iter().sum::<usize>()))
                .collect();
            receivers.into_iter().map(join).sum::<usize>()
        });
        assert_eq!(sum, tasks * each * (each - 1) / 2);
    });
}

#[test]
fn waiting_senders_get_their_message_back() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let senders: Vec<_> = (0..10)
            .map(|n| {
                let s = s.clone();
                rt.spawn(move || s.send(n))
            })
            .collect();
        let none = bounded::<u8>(0).1;
        rt.run(move || {
            for _ in 0..20 {
                task::yield_now();
            }
            drop(r);
        });
        drop(none);
        for (n, sender) in senders.into_iter().enumerate() {
            assert_eq!(join(sender), Err(SendError(n)));
        }
        assert_eq!(s.try_send(1), Err(TrySendError::Disconnected(1)));
    });
}

#[test]
fn messages_of_every_size_arrive() {
    fn check<T: Clone + PartialEq + std::fmt::Debug + Send + 'static>(
        rt: &midge::Runtime,
        value: T,
    ) {
        for sender_first in [false, true] {
            let (s, r) = bounded(0);
            let sent = value.clone();
            let (sender, receiver) = if sender_first {
                let sender = rt.spawn(move || s.send(sent));
                rt.run(task::yield_now);
                (sender, rt.spawn(move || r.recv()))
            } else {
                let receiver = rt.spawn(move || r.recv());
                rt.run(task::yield_now);
                (rt.spawn(move || s.send(sent)), receiver)
            };
            assert_eq!(join(sender), Ok(()));
            assert_eq!(join(receiver), Ok(value.clone()));
        }
    }
    #[derive(Clone, PartialEq, Debug)]
    #[repr(align(64))]
    struct Aligned(u8);
    for_each_mode(&[1, 2], |rt, _| {
        check(rt, ());
        check(rt, 1u8);
        check(rt, "text".to_string());
        check(rt, [7u64; 4]);
        check(rt, [7u64; 5]);
        check(rt, [7u8; 3000]);
        check(rt, Aligned(3));
    });
}

#[test]
fn each_message_is_dropped_once() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let (s, r) = bounded(0);
        let sender = {
            let tally = tally.clone();
            rt.spawn(move || while s.send(tally.guard()).is_ok() {})
        };
        rt.run(move || (0..100).for_each(|_| drop(r.recv().unwrap())));
        join(sender);
        assert_eq!(tally.count(), 101);
    });
}
