//! midge's bare switch: to another stack and back, with no task, no queue and no runtime.
//!
//! midge does not offer it to programs, so its source is included here.

#[allow(dead_code, unused_imports)] // what reads signal frames
#[path = "../../../../src/arch/mod.rs"]
mod arch;

use std::hint::black_box;
use std::time::Instant;

use midge_peers::job::{self, Job};

/// What the two stacks share: their saved stack pointers, and how often the other one ran.
struct Pair {
    main: usize,
    other: usize,
    turns: usize,
}

/// The other stack's only function.
extern "C" fn other(pair: usize) -> ! {
    let pair = pair as *mut Pair;
    loop {
        // SAFETY: the main stack keeps the pair, and does not touch it until it is switched to. It
        // saved itself in `main` when it came here, and goes on there.
        unsafe {
            (*pair).turns += 1;
            arch::switch(&raw mut (*pair).other, (*pair).main, 0);
        }
    }
}

fn main() {
    let job = Job::from_arguments();
    let [rounds] = job.numbers();
    let mut stack = vec![0_u128; 4096];
    let top = stack.as_mut_ptr_range().end as usize;
    let mut pair = Pair { main: 0, other: 0, turns: 0 };
    let pair = black_box(&raw mut pair);
    // SAFETY: the stack is aligned, its own, and not in use.
    unsafe { (*pair).other = arch::init_stack(top, other) };
    let round_trips = |count: usize| {
        for _ in 0..count {
            // SAFETY: `other` is a stack pointer that the other stack's last switch, or init_stack,
            // has made; it lives on `stack`, which outlives this.
            unsafe { arch::switch(&raw mut (*pair).main, (*pair).other, pair as usize) };
        }
    };
    round_trips(rounds / 10);
    let start = Instant::now();
    round_trips(rounds);
    job::each("time", start.elapsed(), 2 * rounds);
    // SAFETY: the other stack does not run.
    assert_eq!(unsafe { (*pair).turns }, rounds / 10 + rounds);
}
