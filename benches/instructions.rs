//! The hot paths, each as often as one asks for and nothing else: for `ci/instructions`, which
//! counts their instructions.
//!
//! ```text
//! instructions <path> <iterations>     does that path so often
//! instructions --list                  names the paths
//! instructions                         does every path a few times
//! ```
//!
//! Two runs with different numbers of iterations differ by the iterations alone, since everything
//! is made and warmed up in the same way: on one worker, with nobody else. Before each iteration of
//! the first task a word is written to [`MARK`], by which a trace of memory accesses can be cut
//! into iterations.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use midge::chan::{bounded, Receiver, Sender};
use midge::sync::Mutex;
use midge::task::{self, Task};
use midge::{Builder, JoinHandle, Runtime};

/// Written to before each iteration.
static MARK: AtomicU64 = AtomicU64::new(0);

fn mark() {
    MARK.store(1, Ordering::Relaxed); // nobody reads it
}

/// More messages than any run sends: what a channel allocates must not depend on the iterations.
const ROOM: usize = 1 << 16;

/// A hot path: its name, what one iteration is, and who does it.
struct Path {
    name: &'static str,
    about: &'static str,
    windows: Option<usize>,
    run: fn(usize),
}

const fn path(name: &'static str, about: &'static str, run: fn(usize)) -> Path {
    Path { name, about, windows: None, run }
}

const PATHS: [Path; 9] = [
    path("yield", "a yield to another task, both resident", turns),
    Path {
        windows: Some(1),
        ..path("freeze_thaw", "a yield that freezes one task and thaws the other", turns)
    },
    path("spawn", "spawning an empty task, running it and joining it", spawns),
    path("wake", "an unpark of the other task and a park", wakes),
    path("send", "a send into a buffer", sends),
    path("receive", "a receive from a buffer", receives),
    path("send_wake", "a send to a task that waits for it, and its receive", handovers),
    path("ping_pong", "to and fro through two channels without a buffer", ping_pong),
    path("lock", "locking and unlocking a free mutex", locks),
];

fn turns(count: usize) {
    let other = midge::spawn(move || {
        for _ in 0..count / 2 {
            task::yield_now();
        }
    });
    for _ in 0..count / 2 {
        mark();
        task::yield_now();
    }
    join(other);
}

fn spawns(count: usize) {
    for i in 0..count {
        mark();
        assert_eq!(join(midge::spawn(move || black_box(i))), i);
    }
}

fn wakes(count: usize) {
    let caller = task::current();
    let take_turns = move |partner: &Task, marks: bool| {
        for _ in 0..count / 2 {
            if marks {
                mark();
            }
            partner.unpark();
            task::park();
        }
    };
    let other = midge::spawn(move || {
        task::park();
        take_turns(&caller, false);
    });
    task::yield_now(); // the other one parks
    take_turns(other.task(), true);
    other.task().unpark();
    join(other);
}

/// A channel whose buffer has its full size. Its messages are small, since whether the allocator
/// copies a buffer that grows or moves its pages is chance.
fn roomy_channel() -> (Sender<u8>, Receiver<u8>) {
    let (sender, receiver) = bounded(ROOM);
    for _ in 0..ROOM {
        sender.send(1).expect("there is room");
    }
    (sender, receiver)
}

fn sends(count: usize) {
    let (sender, receiver) = roomy_channel();
    assert_eq!(receiver.try_iter().map(usize::from).sum::<usize>(), ROOM);
    for _ in 0..count {
        mark();
        sender.send(1).expect("there is room");
    }
}

fn receives(count: usize) {
    let (_sender, receiver) = roomy_channel();
    for _ in 0..count {
        mark();
        assert_eq!(receiver.recv(), Ok(1));
    }
}

fn handovers(count: usize) {
    let (sender, receiver) = bounded::<usize>(1);
    let other = midge::spawn(move || receiver.iter().sum::<usize>());
    task::yield_now(); // the other one waits
    for _ in 0..count {
        mark();
        sender.send(1).expect("the receiver stays");
        task::yield_now();
    }
    drop(sender);
    assert_eq!(join(other), count);
}

fn ping_pong(count: usize) {
    let (ping, pings) = bounded::<usize>(0);
    let (pong, pongs) = bounded::<usize>(0);
    let echo = midge::spawn(move || {
        for message in pings {
            pong.send(message).expect("the other end waits for it");
        }
    });
    for i in 0..count {
        mark();
        ping.send(i).expect("the echo is there");
        assert_eq!(pongs.recv(), Ok(i));
    }
    drop(ping);
    join(echo);
}

fn locks(count: usize) {
    let mutex = Mutex::new(0);
    for _ in 0..count {
        mark();
        *mutex.lock() += 1;
    }
    assert_eq!(*mutex.lock(), count);
}

fn join<T>(handle: JoinHandle<T>) -> T {
    handle.join().expect("nobody panics")
}

/// Does a path so often, in a task that is not pinned.
fn walk(path: &Path, count: usize) {
    assert!(count <= ROOM, "at most {ROOM} iterations");
    let mut builder: Builder = Runtime::builder();
    builder.workers(1);
    if let Some(windows) = path.windows {
        builder.windows(windows);
    }
    // SAFETY: a task here has integers, `Arc`s and handles on its stack when it suspends, lends
    // nobody a reference to them, and holds nothing of its thread.
    let runtime = unsafe { builder.build_migrating() };
    let runtime = runtime.expect("a runtime with one worker can be built");
    let run = path.run;
    runtime.run(move || join(midge::spawn(move || run(count))));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let by_name = |name: &str| PATHS.iter().find(|path| path.name == name);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => PATHS.iter().for_each(|path| println!("{} {}", path.name, path.about)),
        ["--mark"] => println!("{:p}", &MARK),
        // `cargo bench` passes `--bench`.
        [] | ["--bench"] => PATHS.iter().for_each(|path| walk(path, 100)),
        [name, count] => match (by_name(name), count.parse()) {
            (Some(path), Ok(count)) => walk(path, count),
            _ => return usage(),
        },
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions [--list | <path> <iterations>]; ci/instructions uses it");
    ExitCode::FAILURE
}
