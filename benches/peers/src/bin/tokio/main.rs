//! tokio's multi-threaded runtime: stackless tasks, which the compiler turns into state machines.

mod bursts;
mod channels;
mod locks;
mod sleeps;
mod spawns;
mod trees;
mod yields;

use midge_peers::job::Job;
use midge_peers::recursion::two_descents;
use tokio::runtime::Builder;

async fn run(job: Job) {
    match job.work.as_str() {
        "yield" => yields::run(job.numbers()).await,
        "spawn" => spawns::run(job.numbers()).await,
        "parked" => bursts::run(job.numbers()).await,
        "ping_pong" => channels::ping_pong(job.numbers()).await,
        "bounded" => channels::bounded(job.numbers()).await,
        "skynet" => trees::skynet(job.numbers()).await,
        "fib" => trees::fibonacci(job.numbers()).await,
        "mutex" => locks::run(job.numbers()).await,
        "sleeps" => sleeps::run(job.numbers()).await,
        // A task has no stack to speak of: a plain recursion is on the worker's.
        "recursion" => two_descents(job.numbers::<1>()[0]),
        _ => job.unknown(),
    }
}

fn main() {
    let job = Job::from_arguments();
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(job.workers).enable_time();
    if job.work == "recursion" {
        // Thread stacks have to be chosen beforehand: half as much again.
        let [bytes] = job.numbers();
        builder.thread_stack_size(bytes + bytes / 2 + (2 << 20));
    }
    let runtime = builder.build().expect("threads can be had");
    // Spawned, because `block_on` would run it on one more thread.
    let main = runtime.block_on(async { tokio::spawn(run(job)).await });
    if main.is_err() {
        std::process::exit(1); // the panic has been printed
    }
}
