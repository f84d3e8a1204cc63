//! Follows `BenchmarkChanProdCons`, `BenchmarkChanContended` and `BenchmarkChanSem`
//! (`src/runtime/chan_test.go`): many producers and many consumers at one channel, with and without
//! a buffer and with work in between; a million messages; a channel as a semaphore; and a chain of
//! stages.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, unbounded};
use midge::spawn;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

fn work(amount: usize) {
    for n in 0..amount {
        black_box(n);
    }
}

fn produce_and_consume(capacity: usize, amount: usize, each: usize) {
    const PAIRS: usize = 4;
    let (s, r) = bounded(capacity);
    let producers: Vec<_> = (0..PAIRS)
        .map(|_| s.clone())
        .map(|s| {
            spawn(move || {
                for n in 1..=each {
                    work(amount);
                    s.send(n).unwrap();
                }
            })
        })
        .collect();
    drop(s);
    let consumers: Vec<_> = (0..PAIRS)
        .map(|_| r.clone())
        .map(|r| spawn(move || r.iter().inspect(|_| work(amount)).sum::<usize>()))
        .collect();
    producers.into_iter().for_each(join);
    assert_eq!(consumers.into_iter().map(join).sum::<usize>(), PAIRS * each * (each + 1) / 2);
}

#[test]
fn producers_and_consumers() {
    let each = rounds(2_000, 200);
    go(|| {
        for capacity in [0, 10, 100] {
            produce_and_consume(capacity, 0, each);
            produce_and_consume(capacity, 100, each);
        }
    });
}

#[test]
fn a_million_messages_through_one_channel() {
    const SENDERS: usize = 10;
    let count = rounds(1_000_000, 30_000);
    go(|| {
        let (s, r) = bounded(128);
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| s.clone())
            .map(|s| spawn(move || (0..count / SENDERS).for_each(|n| s.send(n).unwrap())))
            .collect();
        drop(s);
        assert_eq!(r.iter().count(), count);
        senders.into_iter().for_each(join);
    });
}

#[test]
fn a_channel_as_a_semaphore() {
    const PERMITS: usize = 2;
    let each = rounds(2_000, 200);
    go(|| {
        let (acquire, release) = bounded(PERMITS);
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (acquire, release) = (acquire.clone(), release.clone());
                let inside = inside.clone();
                spawn(move || {
                    for _ in 0..each {
                        acquire.send(()).unwrap();
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < PERMITS);
                        midge::task::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        release.recv().unwrap();
                    }
                })
            })
            .collect();
        tasks.into_iter().for_each(join);
        assert!(release.is_empty());
    });
}

#[test]
fn a_chain_of_stages() {
    const STAGES: usize = 20;
    let count = rounds(5_000, 300);
    go(|| {
        for capacity in [Some(0), Some(5), None] {
            let new = || capacity.map_or_else(unbounded, bounded);
            let (first, mut last) = new();
            let producer = spawn(move || (0..count).for_each(|n| first.send(n).unwrap()));
            for _ in 0..STAGES {
                let (s, next) = new();
                let r = std::mem::replace(&mut last, next);
                spawn(move || r.iter().for_each(|n| s.send(n + 1).unwrap()));
            }
            assert!(last.iter().eq(STAGES..count + STAGES));
            join(producer);
        }
    });
}
