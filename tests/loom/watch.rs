//! Promise: the monitor looks at what an only worker has for itself only while the worker is
//! outside, and each sees what the other did.
//!
//! What the worker has for itself is a loom cell. Both halves of the fence are SeqCst fences here,
//! which is what they add up to.
//!
//! Seen to fail without the fence in `enter`, without the one in `look`, with a Relaxed store in
//! `leave` or `finish`, and with a Relaxed load in `enter` or `look`.

use crate::atomic::Mutex;
use crate::source_watch::Watch;
use crate::{check, join_all};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

struct Model {
    watch: Watch,
    monitor: Mutex<()>,
    own: UnsafeCell<usize>,
}

impl Model {
    fn new() -> Arc<Model> {
        let model = Arc::new(Model {
            watch: Watch::new(),
            monitor: Mutex::new(()),
            own: UnsafeCell::new(0),
        });
        model.touch(); // a worker begins inside
        model.watch.leave();
        model
    }

    fn touch(&self) {
        // SAFETY: loom checks that no two threads do this at once.
        self.own.with_mut(|own| unsafe { *own += 1 });
    }

    /// A task's call into the runtime.
    fn call(&self) {
        if self.watch.enter() {
            drop(self.monitor.lock());
            // The monitor may be back by now, but it sees that we are inside.
        }
        self.touch();
        self.watch.leave();
    }

    /// The monitor's look. True if the worker was outside.
    fn look(&self) -> bool {
        let lock = self.monitor.lock();
        let outside = self.watch.look();
        if outside {
            self.touch();
        }
        self.watch.finish();
        drop(lock);
        outside
    }
}

#[test]
fn one_at_a_time() {
    check(|| {
        let model = Model::new();
        let worker = {
            let model = model.clone();
            thread::spawn(move || {
                model.call();
                model.call();
            })
        };
        let monitor = {
            let model = model.clone();
            thread::spawn(move || {
                model.look();
            })
        };
        join_all([worker, monitor]);
    });
}

#[test]
fn two_looks() {
    check(|| {
        let model = Model::new();
        let worker = {
            let model = model.clone();
            thread::spawn(move || model.call())
        };
        let monitor = {
            let model = model.clone();
            thread::spawn(move || {
                model.look();
                model.look();
            })
        };
        join_all([worker, monitor]);
        assert!(model.look(), "the worker has left, and the monitor does not see it");
    });
}
