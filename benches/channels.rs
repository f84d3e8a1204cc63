//! What a message costs on its way through a channel, in the migrating mode with one worker and
//! with two.
//!
//! `ping_pong` is a round trip through two rendezvous channels, `one_to_one` a message from a
//! sender that runs ahead to the room of 128, `select` a message to a task that waits for either of
//! two channels, each of which has a sender of its own.
//!
//! Go's counterparts are `BenchmarkChanSync`, `BenchmarkChanProdCons100` and
//! `BenchmarkSelectProdCons` (runtime/chan_test.go).

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{criterion_group, criterion_main, Criterion};
use midge::chan::bounded;
use midge::{select, spawn, Runtime};

/// Takes so many rounds, and returns how long that took.
type Exchange = fn(u64) -> Duration;

fn channels(criterion: &mut Criterion) {
    for workers in [1, 2] {
        // SAFETY: a task here owns its ends of channels and lends nothing of its stack; and it
        // holds nothing of its thread when it suspends.
        let runtime = unsafe { Runtime::builder().workers(workers).build_migrating() };
        let runtime = runtime.expect("a runtime with a few workers can be built");
        let mut group = criterion.benchmark_group(format!("channels/{workers}_workers"));
        let exchanges: [(&str, Exchange); 3] =
            [("ping_pong", ping_pong), ("one_to_one", one_to_one), ("select", select_of_two)];
        for (name, exchange) in exchanges {
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|rounds| runtime.run(|| exchange(rounds)));
            });
        }
        group.finish();
    }
}

/// The time of so many round trips.
fn ping_pong(rounds: u64) -> Duration {
    let (ping, pinged) = bounded(0);
    let (pong, ponged) = bounded(0);
    let answering = spawn(move || pinged.iter().for_each(|n: u64| pong.send(n).unwrap()));
    let start = Instant::now();
    for n in 0..rounds {
        ping.send(n).unwrap();
        black_box(ponged.recv().unwrap());
    }
    let elapsed = start.elapsed();
    drop(ping);
    answering.join().unwrap();
    elapsed
}

/// The time of so many messages.
fn one_to_one(rounds: u64) -> Duration {
    let (s, r) = bounded(128);
    let start = Instant::now();
    let sending = spawn(move || (0..rounds).for_each(|n| s.send(n).unwrap()));
    assert_eq!(r.iter().map(black_box).count() as u64, rounds);
    let elapsed = start.elapsed();
    sending.join().unwrap();
    elapsed
}

/// The time of so many messages, half of them through each of two rendezvous channels.
fn select_of_two(rounds: u64) -> Duration {
    let ((s1, r1), (s2, r2)) = (bounded(0), bounded(0));
    let start = Instant::now();
    let senders = [(s1, rounds / 2), (s2, rounds.div_ceil(2))].map(|(s, count)| {
        spawn(move || {
            (0..count).for_each(|n| s.send(n).unwrap());
            s // so that it stays connected until all have come
        })
    });
    for _ in 0..rounds {
        black_box(select! {
            recv(r1) -> n => n.unwrap(),
            recv(r2) -> n => n.unwrap(),
        });
    }
    let elapsed = start.elapsed();
    senders.into_iter().for_each(|sender| drop(sender.join().unwrap()));
    elapsed
}

criterion_group!(benches, channels);
criterion_main!(benches);
