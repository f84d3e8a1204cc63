//! The bare switch of `generator`, the coroutine that may is built on, with a number each way.

use std::time::Instant;

use generator::Gn;
use midge_peers::job::{self, Job};

fn main() {
    let [rounds] = Job::from_arguments().numbers();
    let mut generator = Gn::<usize>::new_scoped(|mut scope| {
        let mut number = scope.get_yield().expect("the first number");
        loop {
            number = scope.yield_(number + 1).expect("the next number");
        }
    });
    let mut round_trips = |count: usize| {
        let number = (0..count).fold(0, |number, _| generator.send(number));
        assert_eq!(number, count);
    };
    round_trips(rounds / 10);
    let start = Instant::now();
    round_trips(rounds);
    job::each("time", start.elapsed(), 2 * rounds);
    // Its loop has no end, so it has to be unwound or left as it is.
    std::mem::forget(generator);
}
