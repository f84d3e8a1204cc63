//! Where a thread waits until it is woken, for models of something else: `sched::parker` has one of
//! its own (`parking`).

use loom::sync::{Condvar, Mutex};

/// Holds at most one token, as `std::thread::park` does.
pub(crate) struct Parker {
    token: Mutex<bool>,
    came: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { token: Mutex::new(false), came: Condvar::new() }
    }

    pub(crate) fn park(&self) {
        let mut token = self.token.lock().unwrap();
        while !*token {
            token = self.came.wait(token).unwrap();
        }
        *token = false;
    }

    pub(crate) fn unpark(&self) {
        *self.token.lock().unwrap() = true;
        self.came.notify_one();
    }
}
