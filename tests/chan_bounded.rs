//! Promise: a bounded channel holds as many messages as it says, in order; a send waits for room
//! and a receive for a message; each message is received once; and the other side's end is told to
//! all who wait.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds, spawn_parked, wait_until, Tally};
use midge::chan::{bounded, RecvError, SendError, TryRecvError, TrySendError};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn counts() {
    for capacity in 1..4 {
        let (s, r) = bounded(capacity);
        assert_eq!((s.capacity(), r.capacity()), (Some(capacity), Some(capacity)));
        for n in 0..capacity {
            assert_eq!((s.len(), r.len(), s.is_empty(), s.is_full()), (n, n, n == 0, false));
            s.try_send(n).unwrap();
        }
        assert_eq!((r.len(), r.is_full(), r.is_empty()), (capacity, true, false));
        assert_eq!(s.try_send(9), Err(TrySendError::Full(9)));
        assert_eq!(r.try_iter().collect::<Vec<_>>(), (0..capacity).collect::<Vec<_>>());
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    }
    let (s, r) = bounded(usize::MAX); // takes no memory by itself
    s.send([0u64; 100]).unwrap();
    assert_eq!(r.len(), 1);
}

#[test]
fn in_order() {
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [1, 2, 7, 128] {
            let count = rounds(20_000, 2_000);
            let (s, r) = bounded(capacity);
            let sender = rt.spawn(move || (0..count).for_each(|n| s.send(n).unwrap()));
            rt.run(move || {
                for n in 0..count {
                    assert!(r.len() <= capacity);
                    assert_eq!(r.recv(), Ok(n));
                }
                assert_eq!(r.recv(), Err(RecvError));
            });
            join(sender);
        }
    });
}

#[test]
fn a_send_waits_for_room() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(2);
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let sender = rt.spawn(move || {
            for n in 0..50 {
                s.send(n).unwrap();
                count.store(n + 1, Ordering::SeqCst);
            }
        });
        rt.run(move || {
            for n in 0..48 {
                wait_until(|| sent.load(Ordering::SeqCst) == n + 2);
                task::yield_now();
                assert_eq!((sent.load(Ordering::SeqCst), r.len()), (n + 2, 2));
                assert_eq!(r.recv(), Ok(n));
            }
            assert_eq!(r.iter().count(), 2);
        });
        join(sender);
    });
}

#[test]
fn who_waits_first_is_served_first() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(1);
        s.send(0).unwrap();
        let order = rt.run(move || {
            let senders: Vec<_> = (1..=20)
                .map(|n| {
                    let s = s.clone();
                    spawn_parked(move || s.send(n).unwrap())
                })
                .collect();
            let order: Vec<_> = (0..=20).map(|_| r.recv().unwrap()).collect();
            senders.into_iter().for_each(join);
            order
        });
        assert_eq!(order, (0..=20).collect::<Vec<_>>());
    });
}

#[test]
fn many_to_many() {
    let (tasks, each) = (8, rounds(3_000, 300));
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [1, 16] {
            let (s, r) = bounded(capacity);
            let seen: Arc<Vec<AtomicUsize>> =
                Arc::new((0..tasks * each).map(|_| AtomicUsize::new(0)).collect());
            let senders: Vec<_> = (0..tasks)
                .map(|who| {
                    let s = s.clone();
                    rt.spawn(move || (0..each).for_each(|n| s.send(who * each + n).unwrap()))
                })
                .collect();
            drop(s);
            let receivers: Vec<_> = (0..tasks)
                .map(|_| {
                    let (r, seen) = (r.clone(), seen.clone());
                    rt.spawn(move || {
                        let mut last = vec![0; tasks];
                        for n in r {
                            assert!(last[n / each] <= n, "one sender's messages are in order");
                            last[n / each] = n;
                            seen[n].fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            senders.into_iter().chain(receivers).for_each(join);
            assert!(seen.iter().all(|count| count.load(Ordering::SeqCst) == 1));
        }
    });
}

#[test]
fn the_end_of_the_senders() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(4);
        let receivers: Vec<_> = (0..10)
            .map(|_| {
                let r = r.clone();
                rt.spawn(move || r.recv())
            })
            .collect();
        let other = s.clone();
        rt.run(move || {
            (0..20).for_each(|_| task::yield_now());
            drop(s);
            other.send(1).unwrap();
            drop(other);
        });
        let got: Vec<_> = receivers.into_iter().map(join).collect();
        assert_eq!(got.iter().filter(|got| got.is_ok()).count(), 1);
        assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn the_end_of_the_receivers() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let (s, r) = bounded(2);
        s.send(tally.guard()).unwrap();
        s.send(tally.guard()).unwrap();
        let senders: Vec<_> = (0..5)
            .map(|_| {
                let (s, tally) = (s.clone(), tally.clone());
                rt.spawn(move || s.send(tally.guard()).is_err())
            })
            .collect();
        rt.run(move || {
            (0..20).for_each(|_| task::yield_now());
            drop(r);
        });
        assert!(senders.into_iter().all(join));
        assert_eq!(tally.count(), 7);
        assert!(matches!(s.send(tally.guard()), Err(SendError(_))));
    });
}

#[test]
fn a_message_whose_drop_uses_the_channel() {
    struct Recursive(Option<midge::chan::Sender<Recursive>>);
    impl Drop for Recursive {
        fn drop(&mut self) {
            if let Some(s) = self.0.take() {
                assert!(s.try_send(Recursive(None)).is_err());
            }
        }
    }
    let (s, r) = bounded(3);
    s.send(Recursive(Some(s.clone()))).ok().unwrap();
    drop(r);
}
