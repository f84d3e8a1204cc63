//! A chat with many rooms and thousands of users, all of them tasks.
//!
//! ```text
//! cargo run --release --example chat_sim
//! cargo run --release --example chat_sim -- --users 20000 --rooms 1000 --mode migrating
//! cargo run --release --example chat_sim -- --slow 0 --every 2000
//! ```
//!
//! A user is one task with one `select!`: over its inbox, a ticker that makes it say something, and
//! a channel that tells it to quit. A room is a task that gives what it hears to each member's
//! inbox. `--slow` percent of the users take 0.5 s to read a message; their inboxes fill, and a
//! room that has waited for such a one for `--patience` drops it.
//!
//! Each second gets a line: messages said, copies that were read, users dropped so far, the time
//! from saying to reading that half (p50) and 99 of 100 (p99) of the copies did not exceed, and the
//! tasks there are. In the end the main task drops one sender, and everybody quits.
//!
//! In Go, this is the chat server of "The Go Programming Language" (`gopl.io/ch8/chat`), with
//! `time.Ticker` and `time.After` in its `select` statements, and without the network.

#[path = "support/chat.rs"]
mod chat;
#[path = "support/format.rs"]
mod format;
#[path = "support/latency.rs"]
mod latency;
#[path = "support/leftover.rs"]
mod leftover;
#[path = "support/options.rs"]
mod options;

use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use chat::{User, DELIVERED, DROPPED, HEARD, LATENCIES, READ, SAID};
use clap::Parser;
use format::{grouped, row};
use midge::{chan, runtime, spawn};
use options::RuntimeOptions;

/// Messages that wait for a user, and for a room.
const INBOX: usize = 16;
/// How long a slow user thinks about a message.
const THINKS: Duration = Duration::from_millis(500);

/// Lets thousands of users chat in rooms, and tells how long their messages take.
#[derive(Debug, Parser)]
#[command(name = "chat_sim")]
struct Arguments {
    /// How many users there are
    #[arg(long, value_name = "COUNT", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    users: u32,

    /// How many rooms they are spread over
    #[arg(long, value_name = "COUNT", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rooms: u32,

    /// How long they chat
    #[arg(long, value_name = "SECONDS", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,

    /// The milliseconds between two messages of a user
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,

    /// How many of 100 users are slow
    #[arg(long, value_name = "PERCENT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(..=100))]
    slow: u32,

    /// For how many milliseconds a room waits for a user with a full inbox
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    patience: u32,

    #[command(flatten)]
    runtime: RuntimeOptions,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.runtime.check_tasks::<Arguments>("--users", arguments.users, arguments.rooms);
    // SAFETY: what rooms and users have on their stacks while they wait is channel ends, times
    // and small numbers, which nobody else has a reference to and which belong to no thread.
    let runtime = match unsafe { arguments.runtime.build() } {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.run(|| simulate(&arguments));

    let left_over = leftover::tasks(&runtime);
    let [said, heard] = [&SAID, &HEARD].map(|count| count.load(Relaxed));
    let [delivered, read] = [&DELIVERED, &READ].map(|count| count.load(Relaxed));
    println!();
    row("messages said", grouped(said));
    row("copies delivered", grouped(delivered));
    row("users dropped", grouped(DROPPED.load(Relaxed)));
    row("tasks left over", grouped(left_over));
    if left_over > 0 || said != heard || read > delivered {
        eprintln!("error: {said} were said, {heard} heard; {delivered} delivered, {read} read");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Lets everybody in, prints a line each second, and lets everybody out. Called in the main task.
fn simulate(arguments: &Arguments) {
    let start = Instant::now();
    let (bell, quit) = chan::bounded::<()>(0);
    let mut tasks = Vec::new();
    let mut number = 0;
    for room in 0..arguments.rooms {
        let (ear, hears) = chan::bounded(INBOX);
        let mut members = Vec::new();
        // The users that come to this room if they are dealt out in turn.
        for _ in (room..arguments.users).step_by(arguments.rooms as usize) {
            let (sender, inbox) = chan::bounded(INBOX);
            members.push(sender);
            let user = user(number, inbox, ear.clone(), quit.clone(), arguments);
            tasks.push(spawn(move || user.chat()));
            number += 1;
        }
        let patience = Duration::from_millis(arguments.patience.into());
        tasks.push(spawn(move || chat::room(hears, members, patience)));
    }
    println!("{} tasks spawned in {:.1?}\n", grouped(tasks.len() as u64), start.elapsed());

    report(arguments.seconds);

    let start = Instant::now();
    drop(bell);
    tasks.into_iter().for_each(|task| task.join().expect("no task panics"));
    println!("\nall of them ended in {:.1?}", start.elapsed());
}

/// Makes up a user: its numbers are spread evenly, but look like chance.
fn user(
    number: u32,
    inbox: chan::Receiver<chat::Message>,
    room: chan::Sender<chat::Message>,
    quit: chan::Receiver<()>,
    arguments: &Arguments,
) -> User {
    // Steps of the golden ratio: Knuth's multiplicative hash, as a fraction of 1.
    let share = f64::from(number.wrapping_mul(2_654_435_769)) / f64::from(u32::MAX);
    let pause = Duration::from_millis(arguments.every.into());
    let is_slow = number % 100 < arguments.slow;
    let thinks = if is_slow { THINKS } else { Duration::ZERO };
    User { inbox, room, quit, first: pause.mul_f64(share), pause, thinks }
}

/// Prints a line each second.
fn report(seconds: u32) {
    let header = ["second", "said/s", "read/s", "dropped", "p50", "p99", "tasks"];
    println!("{}", header.map(|name| format!("{name:>11}")).concat());
    let ticker = chan::tick(Duration::from_secs(1));
    let mut then = (Instant::now(), SAID.load(Relaxed), READ.load(Relaxed), LATENCIES.now());
    for second in 1..=seconds {
        ticker.recv().expect("a ticker ticks for ever");
        let now = (Instant::now(), SAID.load(Relaxed), READ.load(Relaxed), LATENCIES.now());
        let elapsed = (now.0 - then.0).as_secs_f64();
        let each_second = |count: u64| grouped((count as f64 / elapsed) as u64);
        let latencies = now.3.since(&then.3);
        let percentile = |percent| match latencies.percentile(percent) {
            Some(latency) => format!("{latency:.1?}"),
            None => "-".to_string(),
        };
        let cells = [
            second.to_string(),
            each_second(now.1 - then.1),
            each_second(now.2 - then.2),
            grouped(DROPPED.load(Relaxed)),
            percentile(50),
            percentile(99),
            grouped(runtime::metrics().tasks_live),
        ];
        println!("{}", cells.map(|cell| format!("{cell:>11}")).concat());
        then = now;
    }
}
