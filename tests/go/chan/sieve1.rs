//! Follows `test/chan/sieve1.go`: the prime sieve, a daisy chain of filters that grows by one task
//! for each prime.

use crate::common::rounds;
use crate::go;
use midge::chan::{bounded, Receiver, Sender};
use midge::spawn;

/// 2, 3, 4, ... until nobody wants more.
fn generate(out: Sender<u32>) {
    (2..).try_for_each(|n| out.send(n)).unwrap_err();
}

/// Passes on what is not divisible by `prime`.
fn filter(from: Receiver<u32>, out: Sender<u32>, prime: u32) {
    let _ = from.iter().filter(|n| n % prime != 0).try_for_each(|n| out.send(n));
}

fn sieve(primes: Sender<u32>) {
    let (out, mut numbers) = bounded(0);
    spawn(move || generate(out));
    while let Ok(prime) = numbers.recv() {
        if primes.send(prime).is_err() {
            return;
        }
        let (out, filtered) = bounded(0);
        let from = std::mem::replace(&mut numbers, filtered);
        spawn(move || filter(from, out, prime));
    }
}

/// Primes by trial division.
pub fn primes() -> impl Iterator<Item = u32> {
    (2..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}

#[test]
fn a_daisy_chain_of_filters() {
    let count = rounds(100, 30);
    go(|| {
        let (s, r) = bounded(0);
        spawn(move || sieve(s));
        assert!(r.iter().take(count).eq(primes().take(count)));
    });
}
