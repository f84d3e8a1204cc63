//! Tests that need a process of their own: the test runs its own executable again, with a filter
//! that selects just itself and an environment variable that tells the child what it is.

use std::ffi::OsString;
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use super::{Mode, Watchdog, MODES};

const CHILD: &str = "MIDGE_TEST_CHILD";

/// Whether this process is the child of a test, and of which kind.
pub fn in_child() -> Option<String> {
    let kind = std::env::var(CHILD).ok()?;
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a valid rlimit for the length of the call. Children may abort on
    // purpose, and no core file should stay behind.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &no_core) };
    Some(kind)
}

/// What runs the programs of this target, if the machine cannot: `ci/cross` says so.
///
/// Emulation is slow, and an emulator is not quite a kernel. But what a test leaves out for that
/// reason it leaves out by looking at what the system does, not by asking this.
pub fn emulator() -> Option<OsString> {
    std::env::var_os("MIDGE_TEST_EMULATOR")
}

/// Runs the test named `test` alone in a child process of the given kind.
pub fn child_of(test: &str, kind: &str, environment: &[(&str, Option<&str>)]) -> Output {
    let executable = std::env::current_exe().expect("the path of this test");
    let mut command = match emulator() {
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.arg(executable);
            command
        }
        None => Command::new(executable),
    };
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, kind);
    // The child's own panics are part of what the parent shows; a backtrace only slows it down.
    command.env("RUST_BACKTRACE", "0");
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().expect("the child process starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    // A filter that selects nothing would make every such test pass.
    assert!(stdout.contains("running 1 test"), "no test is named {test}: {stdout}");
    output
}

/// Runs the test named `test` alone in a child process for each mode: in that one `child` is
/// called, and here `judge`, with how the child has ended and what it has said on standard error.
pub fn child_of_each_mode(
    test: &str,
    child: impl FnOnce(Mode),
    judge: impl Fn(Mode, ExitStatus, &str),
) {
    if let Some(kind) = in_child() {
        let _watchdog = Watchdog::new(format!("{test}, {kind}"));
        return child(MODES.into_iter().find(|mode| format!("{mode:?}") == kind).expect("a mode"));
    }
    // All at once: what they wait for, they wait for together.
    let outputs = std::thread::scope(|scope| {
        let children =
            MODES.map(|mode| scope.spawn(move || child_of(test, &format!("{mode:?}"), &[])));
        children.map(|child| child.join().expect("the child is waited for"))
    });
    for (mode, output) in MODES.into_iter().zip(outputs) {
        judge(mode, output.status, &String::from_utf8_lossy(&output.stderr));
    }
}

/// The same for a child that is to succeed.
pub fn succeeds_in_each_mode(test: &str, child: impl FnOnce(Mode)) {
    child_of_each_mode(test, child, |mode, status, said| {
        assert!(status.success(), "{mode:?}: {status:?} {said}");
    });
}

/// Waits until all other threads sleep: none is still on its way to where it waits. (A thread that
/// finds no memory when it starts ends the process.)
pub fn wait_until_others_sleep() {
    let this = std::fs::read_link("/proc/thread-self").expect("/proc/thread-self");
    let asleep = || {
        let threads = std::fs::read_dir("/proc/self/task").expect("/proc/self/task");
        let others = threads
            .map(|thread| thread.expect("a thread").path())
            .filter(|thread| thread.file_name() != this.file_name());
        others.into_iter().all(|thread| {
            // Behind its name, which ends with the last parenthesis. It may have ended meanwhile.
            let stat = std::fs::read_to_string(thread.join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, fields)| fields.starts_with('S'))
        })
    };
    // Not `wait_until`: in a task that would be a sleep of the runtime's.
    while !asleep() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A number from /proc/self/status: KiB for the `Vm` lines, a count for `Threads`.
pub fn status(field: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == field)
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{field} in /proc/self/status"))
}
