//! A panic in a task says which task it was.
//!
//! std's message names the thread, which here is a worker. So the first runtime of a process puts a
//! hook in front of the present one that prints a line about the task; what was there before then
//! prints as ever.
//!
//! Go: `runtime/traceback.go` `goroutineheader`.

use super::worker;
use std::io::{self, Write};
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
                let (id, at) = (header.id, header.location);
                // Nobody may be reading (a closed pipe), and `eprintln!` would panic in the hook.
                let _ = writeln!(io::stderr(), "task {id}{name} (spawned at {at}) panicked:");
            }
            previous(info);
        }));
    });
}
