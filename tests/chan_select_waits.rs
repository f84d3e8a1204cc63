//! Promise: a select that waits is served by whichever side comes first, sees one instant, is never
//! matched with itself, and leaves nothing behind in the channels it has waited at.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use common::{for_each_mode, join, parked_at_once, rounds, Tally};
use midge::chan::{bounded, never, RecvError, TryRecvError};
use midge::{select, spawn, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn waits_for_either_side() {
    let count = rounds(4_000, 500);
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1, 3] {
            let (s1, r1) = bounded(capacity);
            let (s2, r2) = bounded(capacity);
            let (back, r3) = bounded(capacity);
            let other = rt.spawn(move || {
                let mut sum = 0;
                for n in 0..count {
                    if n % 2 == 0 {
                        s1.send(n).unwrap();
                    } else {
                        s2.send(n).unwrap();
                    }
                    sum += r3.recv().unwrap();
                }
                sum
            });
            let mine = rt.run(move || {
                let mut sum = 0;
                for _ in 0..count {
                    let n = select! {
                        recv(r1) -> n => n.unwrap(),
                        recv(r2) -> n => n.unwrap(),
                    };
                    sum += n;
                    select! {
                        send(back, n + 1) -> result => result.unwrap(),
                        recv(never::<u8>()) -> _ => unreachable!(),
                    }
                }
                sum
            });
            assert_eq!(mine, count * (count - 1) / 2);
            assert_eq!(join(other), mine + count);
        }
    });
}

#[test]
fn selects_meet_selects() {
    let count = rounds(3_000, 300);
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1] {
            let (s1, r1) = bounded(capacity);
            let (s2, r2) = bounded(capacity);
            let tally = Arc::new(AtomicUsize::new(0));
            let tasks: Vec<_> = (0..3)
                .flat_map(|_| {
                    let (s1, s2, r1, r2) = (s1.clone(), s2.clone(), r1.clone(), r2.clone());
                    let received = tally.clone();
                    [
                        rt.spawn(move || {
                            for n in 0..count {
                                select! {
                                    send(s1, n) -> result => result.unwrap(),
                                    send(s2, n) -> result => result.unwrap(),
                                }
                            }
                        }),
                        rt.spawn(move || {
                            for _ in 0..count {
                                let n = select! {
                                    recv(r1) -> n => n.unwrap(),
                                    recv(r2) -> n => n.unwrap(),
                                };
                                received.fetch_add(n, Ordering::Relaxed);
                            }
                        }),
                    ]
                })
                .collect();
            tasks.into_iter().for_each(join);
            assert_eq!(tally.load(Ordering::SeqCst), 3 * count * (count - 1) / 2);
            assert_eq!(
                (r1.try_recv(), r2.try_recv()),
                (Err(TryRecvError::Empty), Err(TryRecvError::Empty))
            );
        }
    });
}

#[test]
fn no_select_matches_itself() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        for _ in 0..2 {
            let (mine, other) = ((s.clone(), r.clone()), (s.clone(), r.clone()));
            let run = |(s, r): (midge::chan::Sender<usize>, midge::chan::Receiver<usize>),
                       me: usize| {
                rt.spawn(move || {
                    for _ in 0..200 {
                        select! {
                            send(s, me) -> result => result.unwrap(),
                            recv(r) -> who => assert_ne!(who, Ok(me), "it has received its own message"),
                        }
                    }
                })
            };
            let tasks = [run(mine, 0), run(other, 1)];
            tasks.into_iter().for_each(join);
        }
        let alone = select! {
            send(s, 1) -> _ => false,
            recv(r) -> _ => false,
            default(Duration::from_millis(2)) => true,
        };
        assert!(alone);
    });
}

#[test]
fn one_channel_in_several_cases() {
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 2] {
            let (s, r) = bounded(capacity);
            let sender = rt.spawn(move || (0..500).for_each(|n| s.send(n).unwrap()));
            rt.run(move || {
                let mut hits = [0; 3];
                for n in 0..500 {
                    select! {
                        recv(r) -> m => { assert_eq!(m, Ok(n)); hits[0] += 1 }
                        recv(r) -> m => { assert_eq!(m, Ok(n)); hits[1] += 1 }
                        recv(r.clone()) -> m => { assert_eq!(m, Ok(n)); hits[2] += 1 }
                    }
                }
                assert_eq!(hits.iter().sum::<i32>(), 500);
            });
            join(sender);
        }
    });
}

#[test]
fn sees_one_instant() {
    // One of the two is always full, so that `default` may never be taken. Go:
    // TestNonblockSelectRace.
    let count = rounds(5_000, 500);
    for_each_mode(&[1, 2], |rt, _| {
        for _ in 0..count {
            let (s1, r1) = bounded(1);
            let (s2, r2) = bounded(1);
            s1.send(1).unwrap();
            let (c1, c2) = (r1.clone(), r2.clone());
            let looker = rt.spawn(move || {
                select! {
                    recv(c1) -> _ => true,
                    recv(c2) -> _ => true,
                    default => false,
                }
            });
            s2.send(1).unwrap();
            let _ = r1.try_recv();
            assert!(join(looker), "it has seen a time in which neither was ready");
            drop(r2);
        }
    });
}

#[test]
fn only_never_waits_until_it_is_cancelled() {
    if cfg!(panic = "abort") {
        return;
    }
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let guard = tally.guard();
        let waiting = rt.spawn(move || {
            let _guard = guard;
            select! { recv(never::<u8>()) -> _ => {}, recv(never::<u8>()) -> _ => {} }
        });
        rt.run(|| (0..10).for_each(|_| task::yield_now()));
        assert!(!waiting.is_finished());
        waiting.cancel();
        assert!(waiting.join().is_err());
        assert_eq!(tally.count(), 1);
    });
}

#[test]
fn many_wait_for_one_end() {
    for_each_mode(WORKERS, |rt, mode| {
        let (stop, stopped) = bounded::<u8>(0);
        let (s, r) = bounded::<u8>(0);
        let tasks: Vec<_> = (0..parked_at_once(mode, 500))
            .map(|_| {
                let (stopped, r) = (stopped.clone(), r.clone());
                rt.spawn(move || {
                    select! {
                        recv(stopped) -> end => assert_eq!(end, Err(RecvError)),
                        recv(r) -> _ => unreachable!(),
                    }
                })
            })
            .collect();
        rt.run(move || {
            spawn(task::yield_now).join().unwrap();
            drop(stop);
        });
        tasks.into_iter().for_each(join);
        assert!(s.try_send(1).is_err(), "somebody is still in the list");
    });
}
