//! Whether a thread that seems to be stuck computes, waits in the system, or waits for a processor.
//!
//! The monitor ([`sysmon`](super::sysmon)) sees only that a worker has been at the same task for a
//! while. On a machine with more to do than processors, that may be because the thread has not been
//! run: then one more thread would only add to the crowd. So the monitor asks the system: for the
//! thread's state, and for the processor time it has used.
//!
//! Guarantees: asking needs no heap, and does not disturb the thread.
//!
//! Go: nothing; a goroutine that computes is preempted, and no thread takes its thread's place.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// Where the system keeps the time and the state of one thread.
pub(crate) struct ThreadTime {
    id: AtomicI32,
    clock: AtomicI32,
}

impl ThreadTime {
    /// Of no thread yet.
    pub(crate) fn new() -> ThreadTime {
        ThreadTime { id: AtomicI32::new(0), clock: AtomicI32::new(0) }
    }

    /// It is the calling thread's. Others know of it through what that thread publishes later.
    pub(crate) fn is_mine(&self) {
        let mut clock = 0;
        // SAFETY: the calling thread, and a valid pointer.
        let (id, error) = unsafe {
            (libc::gettid(), libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock))
        };
        // Relaxed: see above.
        self.id.store(id, Ordering::Relaxed);
        self.clock.store(if error == 0 { clock } else { 0 }, Ordering::Relaxed);
    }

    /// The processor time that the thread has used. None if the system does not say.
    pub(crate) fn used(&self) -> Option<Duration> {
        let clock = self.clock.load(Ordering::Relaxed); // see `is_mine`
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a valid pointer; a clock that is none is an error.
        if clock == 0 || unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
            return None;
        }
        Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
    }

    /// Sends it a signal. Neither allocates nor locks.
    pub(crate) fn send(&self, signal: libc::c_int) {
        let id = self.id.load(Ordering::Relaxed); // see `is_mine`
                                                  // SAFETY: a system call that takes no pointers, and reaches threads of this process only.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, signal) };
    }

    /// Whether the thread runs, or would if it got a processor; false if it waits for something in
    /// the system. None if the system does not say.
    pub(crate) fn is_runnable(&self) -> Option<bool> {
        let mut path = [0; 40];
        let room = path.len();
        let mut rest = &mut path[..];
        // Relaxed: see `is_mine`.
        write!(rest, "/proc/self/task/{}/stat", self.id.load(Ordering::Relaxed)).ok()?;
        let length = room - rest.len();
        let path = Path::new(std::str::from_utf8(&path[..length]).ok()?);
        let mut text = [0; 256];
        let length = File::open(path).ok()?.read(&mut text).ok()?;
        // Behind the thread's name, which ends with the last parenthesis.
        let name = text[..length].iter().rposition(|byte| *byte == b')')?;
        Some(*text[..length].get(name + 2)? == b'R')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::sync::{mpsc, Arc};

    #[test]
    fn tells_who_computes_from_who_waits() {
        let (time, stop) = (Arc::new(ThreadTime::new()), Arc::new(AtomicBool::new(false)));
        let (wait, waits) = mpsc::channel::<()>();
        let thread = std::thread::spawn({
            let (time, stop) = (time.clone(), stop.clone());
            move || {
                time.is_mine();
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                let _ = waits.recv();
            }
        });
        while time.used().is_none_or(|used| used < Duration::from_millis(2)) {
            std::thread::yield_now();
        }
        assert_eq!(time.is_runnable(), Some(true));
        stop.store(true, Ordering::Relaxed);
        while time.is_runnable() != Some(false) {
            std::thread::yield_now();
        }
        drop(wait);
        thread.join().unwrap();
        assert_eq!(ThreadTime::new().used(), None);
    }
}
