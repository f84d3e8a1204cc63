//! A fixed stack that is large enough: an OS thread's. Its pages are taken as they are touched, and
//! none is given back before the thread ends.

use std::thread;
use std::time::Duration;

/// Runs `f` on a new thread with a stack that holds `bytes` and some more.
pub fn on_thread<T: Send>(bytes: usize, f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(bytes + (1 << 20));
        let thread = builder.spawn_scoped(scope, f).expect("a thread can be started");
        thread.join().expect("a descent does not panic")
    })
}

/// A first and a second descent on a new thread.
pub fn descents(bytes: usize, levels: usize) -> (Duration, Duration) {
    use super::recursion::timed_plain;
    on_thread(bytes, || (timed_plain(levels), timed_plain(levels)))
}
