//! corosensei's bare switch: into a coroutine and back, with a number each way.

use std::time::Instant;

use corosensei::{Coroutine, Yielder};
use midge_peers::job::{self, Job};

fn main() {
    let [rounds] = Job::from_arguments().numbers();
    let mut coroutine = Coroutine::new(|yielder: &Yielder<usize, usize>, mut number| loop {
        number = yielder.suspend(number + 1);
    });
    let mut round_trips = |count: usize| {
        let number = (0..count).fold(0, |number, _| {
            coroutine.resume(number).as_yield().expect("the coroutine has no end")
        });
        assert_eq!(number, count);
    };
    round_trips(rounds / 10);
    let start = Instant::now();
    round_trips(rounds);
    job::each("time", start.elapsed(), 2 * rounds);
    // Its loop has no end, so it has to be unwound or left as it is.
    std::mem::forget(coroutine);
}
