//! Promise: a task that is cancelled while it waits at a channel leaves it as if it had never come:
//! no message is lost or dropped twice, and nobody who waits is forgotten.
#![cfg(panic = "unwind")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds, wait_until, Tally};
use midge::chan::{bounded, never, unbounded, RecvError};
use midge::{select, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn a_waiting_sender_drops_its_message() {
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1] {
            let tally = Tally::default();
            let (s, r) = bounded(capacity);
            let tasks: Vec<_> = (0..10 + capacity)
                .map(|_| {
                    let (s, guard) = (s.clone(), tally.guard());
                    rt.spawn(move || s.send(guard).is_ok())
                })
                .collect();
            rt.run(|| (0..20).for_each(|_| task::yield_now()));
            tasks.iter().for_each(|task| task.cancel());
            let sent = tasks.into_iter().filter_map(|task| task.join().ok()).count();
            wait_until(|| tally.count() == 10 + capacity - sent);
            assert_eq!(sent, r.try_iter().count());
            assert_eq!(tally.count(), 10 + capacity);
            drop(s);
        }
    });
}

#[test]
fn a_waiting_receiver_is_passed_over() {
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            let spawn_receiver = |r: midge::chan::Receiver<usize>| rt.spawn(move || r.recv());
            let first = spawn_receiver(r.clone());
            let second = spawn_receiver(r.clone());
            rt.run(|| (0..20).for_each(|_| task::yield_now()));
            first.cancel();
            let cancelled = first.join();
            rt.run(move || s.send(5).unwrap());
            assert!(cancelled.is_err());
            assert_eq!(join(second), Ok(5));
        }
    });
}

/// Receivers are cancelled in the very moments in which they are served.
#[test]
fn no_message_is_lost() {
    let count = rounds(300, 60);
    for_each_mode(WORKERS, |rt, _| {
        for (capacity, selects) in [(0, false), (2, false), (0, true), (2, true)] {
            let tally = Tally::default();
            let received = Arc::new(AtomicUsize::new(0));
            let (s, r) = bounded(capacity);
            let (_keep, idle) = bounded::<u8>(0);
            let made = tally.clone();
            let sender = rt.spawn(move || {
                for _ in 0..count {
                    s.send(made.guard()).expect("there are receivers");
                }
            });
            let receive = || {
                let (r, idle, received) = (r.clone(), idle.clone(), received.clone());
                rt.spawn(move || loop {
                    let message = if selects {
                        select! { recv(r) -> m => m, recv(idle) -> _ => unreachable!() }
                    } else {
                        r.recv()
                    };
                    match message {
                        Ok(_) => received.fetch_add(1, Ordering::SeqCst),
                        Err(_) => break,
                    };
                })
            };
            while !sender.is_finished() {
                let receivers: Vec<_> = (0..3).map(|_| receive()).collect();
                rt.run(task::yield_now);
                receivers.iter().for_each(|receiver| receiver.cancel());
                receivers.into_iter().for_each(|receiver| drop(receiver.join()));
            }
            join(sender);
            join(receive());
            assert_eq!(received.load(Ordering::SeqCst), count, "a message was lost");
            assert_eq!(tally.count(), count);
        }
    });
}

#[test]
fn senders_that_are_cancelled_send_once_or_not_at_all() {
    let count = rounds(300, 60);
    for_each_mode(WORKERS, |rt, _| {
        for (capacity, selects) in [(0, false), (2, false), (0, true), (2, true)] {
            let tally = Tally::default();
            let (s, r) = bounded(capacity);
            let receiver = rt.spawn(move || r.iter().count());
            let sent = Arc::new(AtomicUsize::new(0));
            let senders: Vec<_> = (0..count)
                .map(|_| {
                    let (s, guard, sent) = (s.clone(), tally.guard(), sent.clone());
                    rt.spawn(move || {
                        if selects {
                            select! {
                                send(s, guard) -> result => result.ok().unwrap(),
                                recv(never::<u8>()) -> _ => unreachable!(),
                            }
                        } else {
                            s.send(guard).ok().unwrap();
                        }
                        sent.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            drop(s);
            senders.iter().step_by(2).for_each(|sender| sender.cancel());
            senders.into_iter().for_each(|sender| drop(sender.join()));
            let received = join(receiver);
            assert!(received >= sent.load(Ordering::SeqCst));
            assert!(received >= count / 2);
            assert_eq!(tally.count(), count);
        }
    });
}

/// A select that has been promised a receiver is cancelled while it computes its message.
#[test]
fn a_broken_promise_frees_the_receiver() {
    for_each_mode(WORKERS, |rt, _| {
        for receiver_selects in [false, true] {
            let (s, r) = bounded(0);
            let (other, idle) = unbounded();
            let computing = Arc::new(AtomicUsize::new(0));
            let receiver = rt.spawn(move || {
                if receiver_selects {
                    select! { recv(r) -> m => m.unwrap_or(0), recv(idle) -> m => m.unwrap() }
                } else {
                    r.recv().unwrap_or(0)
                }
            });
            let (flag, mine) = (computing.clone(), s.clone());
            let sender = rt.spawn(move || {
                select! {
                    send(mine, {
                        flag.store(1, Ordering::SeqCst);
                        never::<u8>().recv().unwrap()
                    }) -> _ => {}
                }
            });
            wait_until(|| computing.load(Ordering::SeqCst) == 1);
            // It is promised to the other one, which is computing.
            assert!(s.try_send(1).is_err());
            sender.cancel();
            assert!(sender.join().is_err());
            if receiver_selects {
                other.send(7).unwrap();
                assert_eq!(join(receiver), 7);
            } else {
                rt.run(move || s.send(7).unwrap());
                assert_eq!(join(receiver), 7);
            }
        }
    });
}

/// A receiver that has been promised a message is cancelled: its sender finds another one.
#[test]
fn a_promised_receiver_that_is_cancelled() {
    for_each_mode(WORKERS, |rt, _| {
        for receiver_selects in [false, true] {
            let (s, r) = bounded(0);
            let (go, wait) = bounded::<u8>(1);
            let computing = Arc::new(AtomicUsize::new(0));
            let mine = r.clone();
            let receiver = rt.spawn(move || {
                if receiver_selects {
                    select! { recv(mine) -> m => m, recv(never::<u8>()) -> _ => unreachable!() }
                } else {
                    mine.recv()
                }
            });
            let flag = computing.clone();
            let sender = rt.spawn(move || {
                select! {
                    send(s, {
                        flag.store(1, Ordering::SeqCst);
                        wait.recv().unwrap()
                    }) -> result => result.unwrap()
                }
            });
            wait_until(|| computing.load(Ordering::SeqCst) == 1);
            receiver.cancel();
            assert!(receiver.join().is_err());
            go.send(9).unwrap();
            assert_eq!(rt.run(|| r.recv()), Ok(9));
            join(sender);
        }
    });
}

#[test]
fn destructors_may_use_channels() {
    struct SendsLast(midge::chan::Sender<&'static str>);
    impl Drop for SendsLast {
        fn drop(&mut self) {
            self.0.send("goodbye").unwrap();
        }
    }
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let task = rt.spawn(move || {
            let _last = SendsLast(s);
            never::<u8>().recv()
        });
        rt.run(task::yield_now);
        task.cancel();
        assert!(rt.run(|| matches!(r.recv(), Ok("goodbye") | Err(RecvError))));
        assert!(task.join().is_err());
    });
}

#[test]
fn a_runtime_is_dropped_with_all_waiting() {
    let tally = Tally::default();
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let (s2, r2) = bounded(0);
        for n in 0..90 {
            let (s, r, s2, r2, guard) =
                (s.clone(), r.clone(), s2.clone(), r2.clone(), tally.guard());
            rt.spawn(move || {
                let _guard = guard;
                match n % 3 {
                    0 => drop(s.send(n)),
                    1 => drop(r2.recv()),
                    _ => select! { recv(r) -> _ => {}, send(s2, n) -> _ => {} },
                }
            });
        }
    });
    assert_eq!(tally.count(), 9 * 90);
}
