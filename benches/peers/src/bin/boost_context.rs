//! Boost.Context's bare switch, `jump_fcontext`: to another stack and back, with a number each way.
//! The crate `context` has Boost's assembly and calls it.

use std::time::Instant;

use context::stack::ProtectedFixedSizeStack;
use context::{Context, Transfer};
use midge_peers::job::{self, Job};

extern "C" fn other(mut transfer: Transfer) -> ! {
    loop {
        // SAFETY: goes back to whoever came here, which waits for it.
        transfer = unsafe { transfer.context.resume(transfer.data + 1) };
    }
}

fn main() {
    let [rounds] = Job::from_arguments().numbers();
    let stack = ProtectedFixedSizeStack::default();
    // SAFETY: the stack outlives the context, which nothing resumes after the last round trip.
    let context = unsafe { Context::new(&stack, other) };
    let round_trips = |context: Context, count: usize| {
        let start = Transfer { context, data: 0 };
        // SAFETY: each context is the one that the last switch has left.
        let resume = |last: Transfer, _| unsafe { last.context.resume(last.data) };
        let end = (0..count).fold(start, resume);
        assert_eq!(end.data, count);
        end.context
    };
    let context = round_trips(context, rounds / 10);
    let start = Instant::now();
    round_trips(context, rounds);
    job::each("time", start.elapsed(), 2 * rounds);
}
