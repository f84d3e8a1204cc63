//! Promise: a process that is stopped and continued, again and again, at any moment, loses nothing:
//! not a wake-up, a timer, a message or a closure on a blocking thread.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{build, emulator, in_child, join, Random, Watchdog, MODES};
use midge::chan::bounded;
use midge::{blocking, spawn, task};

const NAME: &str = "sigstop_and_sigcont_at_any_moment";

/// What the child does for each line that it is sent: it uses everything that can wait.
fn work(rt: &midge::Runtime) -> usize {
    rt.run(|| {
        let (send, receive) = bounded(1);
        let tasks: Vec<_> = (0..20usize)
            .map(|n| {
                let send = send.clone();
                spawn(move || {
                    task::sleep(Duration::from_micros(n as u64 * 50));
                    send.send(blocking(move || n)).unwrap();
                })
            })
            .collect();
        drop(send);
        let sum = receive.iter().sum();
        tasks.into_iter().for_each(join);
        sum
    })
}

fn child() {
    for mode in MODES {
        let rt = build(mode, 2);
        for line in std::io::stdin().lines().take(20) {
            assert_eq!(line.unwrap(), "go");
            println!("sum {}", work(&rt));
        }
    }
}

#[test]
fn sigstop_and_sigcont_at_any_moment() {
    if in_child().is_some() {
        return child();
    }
    let _watchdog = Watchdog::new(NAME.to_string());
    let executable = std::env::current_exe().expect("the path of this test");
    let mut command = match emulator() {
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.arg(executable);
            command
        }
        None => Command::new(executable),
    };
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]);
    command.env("MIDGE_TEST_CHILD", "stopped").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the child process starts");
    let id = child.id() as libc::pid_t;
    let signal = |signal| {
        // SAFETY: a signal to our own child, which has not been waited for.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    };
    let mut random = Random::new(3);
    let mut ask = child.stdin.take().expect("a pipe");
    let mut sums = BufReader::new(child.stdout.take().expect("a pipe"))
        .lines()
        .map(|line| line.expect("the child's output"))
        // The test harness may have begun the line.
        .filter_map(|line| line.split_once("sum ").map(|(_, sum)| sum.to_string()));
    for _ in 0..20 * MODES.len() {
        writeln!(ask, "go").expect("the child reads");
        for _ in 0..3 {
            std::thread::sleep(Duration::from_micros(random.below(500) as u64));
            signal(libc::SIGSTOP);
            std::thread::sleep(Duration::from_micros(random.below(2000) as u64));
            signal(libc::SIGCONT);
        }
        assert_eq!(sums.next().as_deref(), Some("190"));
    }
    drop(ask);
    assert_eq!(sums.next(), None);
    assert!(child.wait().expect("the child's end").success());
}
