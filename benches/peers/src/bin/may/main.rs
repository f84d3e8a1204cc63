//! may: stackful coroutines, each with a fixed stack of its own.

mod bursts;
mod channels;
mod locks;
mod sleeps;
mod spawns;
mod trees;
mod yields;

use may::coroutine::{self, JoinHandle};
use midge_peers::job::{note, Job};
use midge_peers::process::room_for_stacks;
use midge_peers::recursion::two_descents;

/// Stack of a coroutine in words: may's own default, and enough for all works but the recursion.
const STACK_WORDS: usize = 4096;

/// Spawns a coroutine.
fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // SAFETY: no coroutine of these programs uses thread-locals across a suspension, and their
    // stacks are large enough for what they do.
    unsafe { coroutine::spawn(f) }
}

/// As many tasks as asked for, if may can hold them. Each stack is a mapping and a guard, of which
/// a process may have `vm.max_map_count`; beyond that may panics.
fn held(tasks: usize) -> usize {
    let room = room_for_stacks();
    if tasks > room {
        note(format_args!("{room} tasks: each takes two mappings of vm.max_map_count"));
    }
    tasks.min(room)
}

fn main() {
    let job = Job::from_arguments();
    may::config().set_workers(job.workers).set_stack_size(STACK_WORDS);
    if job.work == "recursion" {
        let [bytes] = job.numbers();
        // The stack has to be chosen beforehand: half as much again.
        let builder = coroutine::Builder::new().stack_size((bytes + bytes / 2) / 8 + STACK_WORDS);
        // SAFETY: as in `spawn`.
        let task = unsafe { builder.spawn(move || two_descents(bytes)) };
        task.expect("there are addresses for it").join().expect("a descent returns");
        return;
    }
    let main = spawn(move || match job.work.as_str() {
        "yield" => yields::run(job.numbers()),
        "spawn" => spawns::run(job.numbers()),
        "parked" => bursts::run(job.numbers()),
        "ping_pong" => channels::ping_pong(job.numbers()),
        "bounded" => channels::bounded(job.numbers()),
        "skynet" => trees::skynet(job.numbers()),
        "fib" => trees::fibonacci(job.numbers()),
        "mutex" => locks::run(job.numbers()),
        "sleeps" => sleeps::run(job.numbers()),
        _ => job.unknown(),
    });
    if main.join().is_err() {
        std::process::exit(1); // the panic has been printed
    }
}
