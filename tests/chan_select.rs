//! Promise: a select does exactly one of its operations, the choice among those that are ready is
//! fair, it sees one instant, is never matched with itself, and leaves nothing behind in the
//! channels it has waited at.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use common::{for_each_mode, join, parked_at_once, rounds, wait_until, Tally};
use midge::chan::{
    after, bounded, never, unbounded, RecvError, Select, SendError, TryReadyError, TryRecvError,
    TrySelectError,
};
use midge::{select, select_biased, spawn, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn takes_what_is_ready() {
    let (s1, r1) = unbounded();
    let (s2, r2) = unbounded();
    s1.send(1).unwrap();
    select! {
        recv(r1) -> n => assert_eq!(n, Ok(1)),
        recv(r2) -> _ => unreachable!(),
    }
    s2.send("two").unwrap();
    let got = select! {
        recv(r1) -> _ => unreachable!(),
        recv(r2) -> s => s.unwrap().len(),
    };
    assert_eq!(got, 3);
    drop(s1);
    select! {
        recv(r1) -> n => assert_eq!(n, Err(RecvError)),
        recv(r2) -> _ => unreachable!(),
    }
}

fn panic_instead() -> i32 {
    panic!("the message of a case that was not chosen")
}

#[test]
fn sends_where_there_is_room() {
    let (s1, r1) = bounded(1);
    let (s2, r2) = bounded(1);
    s1.send(0).unwrap();
    select! {
        send(s1, panic_instead()) -> _ => {}
        send(s2, 2) -> result => assert_eq!(result, Ok(())),
    }
    assert_eq!((r1.recv(), r2.recv()), (Ok(0), Ok(2)));
    s2.send(0).unwrap();
    drop(r1);
    select! {
        send(s1, 1) -> result => assert_eq!(result, Err(SendError(1))),
        send(s2, 2) -> _ => unreachable!(),
    }
}

#[test]
fn default_and_timeouts() {
    let (s, r) = bounded::<u8>(0);
    assert_eq!(select! { recv(r) -> _ => 1, default => 2 }, 2);
    assert_eq!(select! { send(s, 1) -> _ => 1, default() => 2 }, 2);
    assert_eq!(select! { default => 3 }, 3);
    assert_eq!(select! { recv(r) -> _ => 1, default(Duration::from_millis(1)) => 2 }, 2);
    assert_eq!(select! { default(Duration::from_millis(1)) => 4 }, 4);
    let timeout = after(Duration::from_millis(1));
    assert_eq!(select! { recv(r) -> _ => 1, send(s, 1) -> _ => 2, recv(timeout) -> _ => 3 }, 3);
    drop(s);
    let got = select! { recv(r) -> m => m, default => Ok(9) };
    assert_eq!(got, Err(RecvError));
}

#[test]
#[allow(clippy::never_loop, unused_assignments)]
fn bodies_may_do_what_bodies_do() {
    fn question_mark() -> Result<u8, RecvError> {
        let (s, r) = unbounded();
        s.send(4).unwrap();
        Ok(select! { recv(r) -> n => n? })
    }
    assert_eq!(question_mark(), Ok(4));
    let (s, mut r) = unbounded::<u8>();
    s.send(1).unwrap();
    let mut count = 0;
    'outer: loop {
        loop {
            select! {
                recv(&r) -> n => match n {
                    Ok(_) => { count += 1; r = never(); continue 'outer }
                    Err(_) => unreachable!(),
                },
                recv(never::<u8>()) -> _ => unreachable!(),
                default => break 'outer,
            }
        }
    }
    assert_eq!(count, 1);
    let senders = [Some(s), None];
    select! {
        send(senders[0].as_ref().unwrap(), 3) -> result => result.unwrap_err(),
        default => unreachable!(),
    };
}

#[test]
fn biased_takes_the_first() {
    let (s1, r1) = unbounded();
    let (s2, r2) = unbounded();
    for n in 0..50 {
        s1.send(n).unwrap();
        s2.send(n).unwrap();
    }
    for n in 0..50 {
        select_biased! {
            recv(r1) -> m => assert_eq!(m, Ok(n)),
            recv(r2) -> _ => unreachable!(),
        }
    }
}

#[test]
fn choices_are_fair() {
    for_each_mode(&[1, 2], |rt, _| {
        let hits = rt.run(|| {
            let (s1, r1) = unbounded();
            let (s2, r2) = unbounded();
            let (s3, r3) = bounded(4000);
            for _ in 0..4000 {
                s1.send(()).unwrap();
                s2.send(()).unwrap();
            }
            let mut hits = [0; 4];
            for _ in 0..4000 {
                select! {
                    recv(r1) -> _ => hits[0] += 1,
                    recv(r2) -> _ => hits[1] += 1,
                    recv(after(Duration::ZERO)) -> _ => hits[2] += 1,
                    send(s3, ()) -> _ => hits[3] += 1,
                }
            }
            drop(r3);
            hits
        });
        assert!(hits.iter().all(|hits| *hits > 700), "{hits:?}");
    });
}

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
                let (mut sum, mut owed) = (0, 0);
                let (mut r1, mut r2) = (r1, r2);
                for _ in 0..2 * count {
                    let some = if owed > 0 { &back } else { &bounded(0).0 };
                    let dead = bounded::<usize>(0).1;
                    if owed == 0 {
                        select! {
                            recv(r1) -> n => match n { Ok(n) => { sum += n; owed = n + 1 } Err(_) => r1 = never() },
                            recv(r2) -> n => match n { Ok(n) => { sum += n; owed = n + 1 } Err(_) => r2 = never() },
                        }
                    } else {
                        select! {
                            send(some, owed) -> result => { result.unwrap(); owed = 0 }
                            recv(never::<u8>()) -> _ => unreachable!(),
                        }
                    }
                    drop(dead);
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
fn the_dynamic_select() {
    let (s1, r1) = unbounded::<i32>();
    let (s2, r2) = bounded::<i32>(1);
    let mut select = Select::new();
    let (a, b, c) = (select.recv(&r1), select.send(&s2), select.recv(&r2));
    assert_eq!((a, b, c), (0, 1, 2));
    let selected = select.try_select().unwrap();
    assert_eq!(selected.index(), b);
    selected.send(&s2, 5).unwrap();
    select.remove(b);
    assert_eq!(select.ready(), c);
    let selected = select.select();
    assert_eq!((selected.index(), selected.recv(&r2)), (c, Ok(5)));
    assert_eq!(select.try_select().err(), Some(TrySelectError));
    assert_eq!(select.try_ready(), Err(TryReadyError));
    assert!(select.select_timeout(Duration::from_millis(1)).is_err());
    assert!(select.ready_timeout(Duration::from_millis(1)).is_err());
    assert!(Select::new().try_select().is_err());
    assert!(Select::new().select_timeout(Duration::from_millis(1)).is_err());
    drop(s1);
    assert_eq!(select.ready(), a);
}

#[test]
#[should_panic(expected = "no operations have been added to `Select`")]
fn an_empty_select_cannot_wait() {
    let _ = Select::new().select();
}

#[test]
#[should_panic(expected = "passed a receiver that wasn't selected")]
fn the_wrong_receiver() {
    let (s, r) = unbounded();
    s.send(1).unwrap();
    let mut select = Select::new();
    select.recv(&r);
    let _ = select.select().recv(&r.clone());
}

#[test]
fn an_operation_that_is_not_completed_loses_nothing() {
    let drop_it = |select: &mut Select<'_>| {
        let dropped =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(select.select())));
        let message = *dropped.unwrap_err().downcast::<&str>().unwrap();
        assert_eq!(message, "dropped `SelectedOperation` without completing the operation");
    };
    let (s, r) = bounded(1);
    let mut select = Select::new();
    select.send(&s);
    drop_it(&mut select);
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    s.try_send(1).unwrap();
    let mut select = Select::new();
    select.recv(&r);
    drop_it(&mut select);
    assert_eq!(r.try_recv(), Ok(1));
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let receiver = rt.spawn(move || r.recv());
        rt.run(move || {
            let mut select = Select::new();
            select.send(&s);
            drop_it(&mut select); // the receiver that it had been promised waits on
            s.send(3).unwrap();
        });
        assert_eq!(join(receiver), Ok(3));
    });
}

#[test]
fn a_message_is_asked_for_when_it_is_its_turn() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let (_keep, idle) = bounded::<u8>(0);
        let receivers: Vec<_> = (0..4)
            .map(|n| {
                let (r, idle) = (r.clone(), idle.clone());
                rt.spawn(move || match n % 2 {
                    0 => r.recv(),
                    _ => select! { recv(r) -> m => m, recv(idle) -> _ => unreachable!() },
                })
            })
            .collect();
        let sum = rt.run(move || {
            for n in 0..4 {
                select! {
                    // While it is computed, the receiver that it has been promised waits.
                    send(s, { (0..5).for_each(|_| task::yield_now()); n }) -> result => result.unwrap(),
                }
            }
            receivers.into_iter().map(|receiver| join(receiver).unwrap()).sum::<i32>()
        });
        assert_eq!(sum, 6);
    });
}

#[test]
fn watchers_are_told() {
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            let watcher = rt.spawn(move || {
                let mut got = 0;
                while got < 100 {
                    let mut select = Select::new();
                    select.recv(&r);
                    assert_eq!(select.ready(), 0);
                    got += r.try_iter().count();
                }
            });
            rt.run(move || {
                (0..100).for_each(|n| {
                    if n % 2 == 0 {
                        s.send(n).unwrap();
                    } else {
                        select! { send(s, n) -> result => result.unwrap() }
                    }
                })
            });
            join(watcher);
        }
        let (s, r) = bounded(0);
        let watcher = rt.spawn(move || {
            let mut select = Select::new();
            select.send(&s);
            select.ready();
            wait_until(|| s.try_send(1).is_ok());
        });
        assert_eq!(rt.run(move || r.recv()), Ok(1));
        join(watcher);
    });
}

#[test]
fn stress() {
    // Go: TestSelectStress.
    let count = rounds(2_000, 200);
    for_each_mode(WORKERS, |rt, _| {
        let channels: Vec<_> = [0, 0, 2, 3].into_iter().map(bounded::<usize>).collect();
        let mut tasks = Vec::new();
        for (s, r) in &channels {
            let (s, r) = (s.clone(), r.clone());
            tasks.push(rt.spawn(move || (0..count).for_each(|n| s.send(n).unwrap())));
            tasks.push(rt.spawn(move || (0..count).for_each(|_| assert!(r.recv().is_ok()))));
        }
        for sends in [true, false] {
            let channels = channels.clone();
            tasks.push(rt.spawn(move || {
                let mut left = [count; 4];
                while left.iter().any(|left| *left > 0) {
                    let mut select = Select::new();
                    let mut of = Vec::new();
                    for (n, (s, r)) in channels.iter().enumerate() {
                        if left[n] > 0 {
                            if sends {
                                select.send(s)
                            } else {
                                select.recv(r)
                            };
                            of.push(n);
                        }
                    }
                    let selected = select.select();
                    let n = of[selected.index()];
                    left[n] -= 1;
                    if sends {
                        selected.send(&channels[n].0, 1).unwrap();
                    } else {
                        selected.recv(&channels[n].1).unwrap();
                    }
                }
            }));
        }
        tasks.into_iter().for_each(join);
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
