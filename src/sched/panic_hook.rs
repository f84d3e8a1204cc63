//! A panic in a task says which task it was.
//!
//! std's message names the thread, which here is a worker. So the first runtime of a process puts a hook in front of the
//! present one that prints a line about the task; what was there before then prints as ever.
//!
//! Go: `runtime/traceback.go` `goroutineheader`.

use super::worker;
use std::panic;
use std::sync::Once;

/// Installs the hook, once for the process.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Some(task) = worker::current().and_then(|worker| worker.current.get()) {
                let header = task.header();
                header.panicked.set(true); // for `unwind`, which cannot tell whose panic a thread has
                let name = header.name().map_or(String::new(), |name| format!(" {name:?}"));
                eprintln!("task {}{name} (spawned at {}) panicked:", header.id, header.location);
            }
            previous(info);
        }));
    });
}
