//! midge, in its migrating mode: the one that does what Go does.

mod bursts;
mod channels;
mod locks;
mod sleeps;
mod spawns;
mod trees;
mod yields;

use midge::Runtime;
use midge_peers::job::Job;
use midge_peers::recursion::two_descents;

fn main() {
    let job = Job::from_arguments();
    let mut builder = Runtime::builder();
    // SAFETY: a task of this program has integers, `Arc`s and handles on its stack when it
    // suspends, lends nobody a reference to them, and holds nothing of its thread.
    let runtime = unsafe { builder.workers(job.workers).build_migrating() };
    let runtime = runtime.expect("a runtime with a few workers can be built");
    runtime.run(|| match job.work.as_str() {
        "yield" => yields::run(job.numbers()),
        "spawn" => spawns::run(job.numbers()),
        "parked" => bursts::run(job.numbers()),
        "ping_pong" => channels::ping_pong(job.numbers()),
        "bounded" => channels::bounded(job.numbers()),
        "skynet" => trees::skynet(job.numbers()),
        "fib" => trees::fibonacci(job.numbers()),
        "mutex" => locks::run(job.numbers()),
        "sleeps" => sleeps::run(job.numbers()),
        "recursion" => {
            let [bytes] = job.numbers();
            midge::spawn(move || two_descents(bytes)).join().expect("a descent returns");
        }
        _ => job.unknown(),
    });
}
