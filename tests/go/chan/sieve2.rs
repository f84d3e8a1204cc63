//! Follows `test/chan/sieve2.go`: the prime sieve without a division. The multiples of each prime
//! are the stream of a task of their own, another task merges these streams with a heap, and what
//! is in none of them is prime.
//!
//! The primes go back to the merging task, which begins with a prime's multiples when its square is
//! due.

use super::sieve1::primes;
use crate::common::rounds;
use crate::go;
use midge::chan::{bounded, unbounded, Receiver, Sender};
use midge::spawn;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The odd numbers from 3, until nobody wants more.
fn odds() -> Receiver<u32> {
    let (s, r) = bounded(50);
    spawn(move || (3..).step_by(2).try_for_each(|n| s.send(n)));
    r
}

/// The odd multiples of an odd prime, from its square.
fn multiples(prime: u32) -> Receiver<u32> {
    let (s, r) = bounded(10);
    spawn(move || (prime * prime..).step_by(2 * prime as usize).try_for_each(|n| s.send(n)));
    r
}

/// The odd composites in order, some more than once. `primes` has those from 7.
fn composites(primes: Receiver<u32>) -> Receiver<u32> {
    let (s, r) = bounded(50);
    spawn(move || {
        let mut streams = vec![multiples(3)];
        // The first number of each stream, and which stream that is.
        let mut heads = BinaryHeap::from([Reverse((streams[0].recv().unwrap(), 0))]);
        let mut next_prime = 5;
        loop {
            let Reverse((least, _)) = *heads.peek().expect("there is a stream");
            if next_prime * next_prime <= least {
                let stream = multiples(next_prime);
                heads.push(Reverse((stream.recv().unwrap(), streams.len())));
                streams.push(stream);
                let Ok(prime) = primes.recv() else { return };
                next_prime = prime;
                continue;
            }
            let Reverse((composite, stream)) = heads.pop().expect("as above");
            if s.send(composite).is_err() {
                return;
            }
            heads.push(Reverse((streams[stream].recv().unwrap(), stream)));
        }
    });
    r
}

/// The primes. Those from 7 go to the composites, too.
fn sieve(out: Sender<u32>) {
    let (back, odd_primes) = unbounded();
    let composites = composites(odd_primes);
    let mut composite = composites.recv().unwrap();
    if out.send(2).is_err() {
        return;
    }
    for n in odds() {
        while composite < n {
            let Ok(next) = composites.recv() else { return };
            composite = next;
        }
        let prime = n != composite;
        if prime && (n >= 7 && back.send(n).is_err() || out.send(n).is_err()) {
            return;
        }
    }
}

#[test]
fn streams_of_multiples_merged_by_a_heap() {
    let count = rounds(500, 150);
    go(|| {
        let (s, r) = bounded(0);
        spawn(move || sieve(s));
        assert!(r.iter().take(count).eq(primes().take(count)));
    });
}
