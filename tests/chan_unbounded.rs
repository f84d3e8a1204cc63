//! Promise: an unbounded channel takes every message at once and gives them back in order.

mod common;

use common::{for_each_mode, join, parked_at_once, rounds, Tally};
use midge::chan::{unbounded, RecvError, SendError};
use midge::spawn;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn never_full() {
    let (s, r) = unbounded();
    for n in 0..10_000 {
        assert_eq!((s.len(), s.is_full(), s.capacity()), (n, false, None));
        s.try_send(n).unwrap();
    }
    assert_eq!(r.try_iter().count(), 10_000);
    assert_eq!((r.len(), r.is_empty(), r.capacity()), (0, true, None));
    s.send(1).unwrap();
    drop(s);
    assert_eq!((r.recv(), r.recv()), (Ok(1), Err(RecvError)));
}

#[test]
fn in_order_and_once() {
    let (tasks, each) = (4, rounds(20_000, 2_000));
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = unbounded();
        let senders: Vec<_> = (0..tasks)
            .map(|who| {
                let s = s.clone();
                rt.spawn(move || (0..each).for_each(|n| s.send((who, n)).unwrap()))
            })
            .collect();
        drop(s);
        rt.run(move || {
            let mut next = vec![0; tasks];
            for (who, n) in r {
                assert_eq!(n, next[who]);
                next[who] += 1;
            }
            assert_eq!(next, vec![each; tasks]);
        });
        senders.into_iter().for_each(join);
    });
}

#[test]
fn what_nobody_received_is_dropped() {
    let tally = Tally::default();
    let (s, r) = unbounded();
    (0..10).for_each(|_| s.send(tally.guard()).ok().unwrap());
    drop(r.recv().unwrap());
    assert_eq!(tally.count(), 1);
    let second = r.clone();
    drop(r);
    assert_eq!(tally.count(), 1);
    drop(second);
    assert_eq!(tally.count(), 10);
    assert!(matches!(s.send(tally.guard()), Err(SendError(_))));
    let (s, r) = unbounded();
    s.send(tally.guard()).ok().unwrap();
    drop(s);
    assert_eq!(tally.count(), 11);
    drop(r);
    assert_eq!(tally.count(), 12);
}

#[test]
fn a_long_chain() {
    // Go: test/chan/goroutines.go.
    let length = rounds(10_000, 1_000);
    for_each_mode(&[1, 2], |rt, mode| {
        let length = if mode == midge::Mode::Pinned { length / 10 } else { length };
        let length = parked_at_once(mode, length);
        let last = rt.run(|| {
            let (first, mut r) = unbounded();
            for _ in 0..length {
                let (s, next) = unbounded();
                let previous = std::mem::replace(&mut r, next);
                spawn(move || s.send(previous.recv().unwrap() + 1).unwrap());
            }
            first.send(0).unwrap();
            r.recv().unwrap()
        });
        assert_eq!(last, length);
    });
}

#[test]
fn a_channel_through_a_channel() {
    for_each_mode(WORKERS, |rt, _| {
        let (requests, to_answer) = unbounded::<(u32, midge::chan::Sender<u32>)>();
        let server = rt.spawn(move || to_answer.iter().for_each(|(n, to)| to.send(2 * n).unwrap()));
        rt.run(move || {
            for n in 0..100 {
                let (to, answer) = unbounded();
                requests.send((n, to)).unwrap();
                assert_eq!(answer.recv(), Ok(2 * n));
                assert_eq!(answer.recv(), Err(RecvError)); // when the server has dropped it
            }
        });
        join(server);
    });
}
