//! Runs a program of a system and reads what it prints.

use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

/// A line of a program's output.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Line {
    Figure { figure: String, value: f64 },
    Note { note: String },
}

/// What a run has brought.
pub struct Output {
    pub lines: Vec<Line>,
    /// The program's own processor time.
    pub cpu: Duration,
}

/// Runs `program` to its end, or kills it at the time limit. Everything that goes wrong is an error
/// of one line.
pub fn run(program: &Path, arguments: &[String], limit: Duration) -> Result<Output, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let in_time = ends_within(&child, limit).map_err(|error| error.to_string())?;
    if !in_time {
        child.kill().map_err(|error| error.to_string())?;
    }
    let (status, cpu) = reap(&child).map_err(|error| error.to_string())?;
    if !in_time {
        return Err(format!("no end within {} s", limit.as_secs()));
    }
    // What programs print fits into a pipe, so it can be read afterwards.
    let printed = read(child.stdout.take());
    if status != 0 {
        let said = read(child.stderr.take());
        let said = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
        return Err(format!("failed (status {status:#x}): {said}"));
    }
    let line = |text: &str| serde_json::from_str(text).map_err(|_| format!("printed {text:?}"));
    Ok(Output { lines: printed.lines().map(line).collect::<Result<_, _>>()?, cpu })
}

fn read(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // What cannot be read is missing from the lines.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for the child without using any processor time.
fn ends_within(child: &Child, limit: Duration) -> io::Result<bool> {
    // SAFETY: pidfd_open(2) takes two numbers and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid `pollfd`.
    match unsafe { libc::poll(&mut poll, 1, limit.as_millis() as i32) } {
        -1 => Err(io::Error::last_os_error()),
        events => Ok(events > 0),
    }
}

/// The wait status of a child that has ended or was killed, and its processor time.
fn reap(child: &Child) -> io::Result<(i32, Duration)> {
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: both places may be written to, and nobody else waits for this child.
    if unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let time = |of: libc::timeval| Duration::new(of.tv_sec as u64, of.tv_usec as u32 * 1000);
    Ok((status, time(usage.ru_utime) + time(usage.ru_stime)))
}
