//! Promise: the monitor does not sleep on when a worker is up.
//!
//! A monitor that sleeps for good ends the model in a deadlock, which loom reports. Seen to fail
//! without either fence.

use crate::parker::Parker;
use crate::source_slumber::Slumber;
use crate::{check, join_all};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

struct Model {
    slumber: Slumber,
    parker: Parker,
    /// Workers that are up. Relaxed throughout: the protocol orders it.
    up: AtomicUsize,
}

impl Model {
    fn new() -> Arc<Model> {
        Arc::new(Model { slumber: Slumber::new(), parker: Parker::new(), up: AtomicUsize::new(0) })
    }

    /// As a worker that somebody has woken.
    fn get_up(&self) {
        self.up.fetch_add(1, Ordering::Relaxed);
        if self.slumber.must_wake() {
            self.parker.unpark();
        }
    }

    /// As the monitor, which goes on when it is up: returns once somebody is.
    fn watch(&self) {
        while self.up.load(Ordering::Relaxed) == 0 {
            if self.slumber.lie_down(|| self.up.load(Ordering::Relaxed) == 0) {
                self.parker.park();
            }
            self.slumber.get_up();
        }
    }
}

fn start(model: &Arc<Model>, f: fn(&Model)) -> thread::JoinHandle<()> {
    let model = model.clone();
    thread::spawn(move || f(&model))
}

#[test]
fn the_first_who_gets_up_wakes_the_monitor() {
    check(|| {
        let model = Model::new();
        join_all([start(&model, Model::watch), start(&model, Model::get_up)]);
    });
}
