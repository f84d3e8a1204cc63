//! Promise: the lock-free protocols are right under every interleaving and every reordering that
//! the memory model allows, not only under those that this machine happens to show.
//!
//! The protocols' own source files are compiled here a second time, under a crate root whose
//! `atomic` is loom's; so what is checked is what runs, and the library needs no `--cfg loom`. A
//! model cannot have the whole runtime in it: what stands around a protocol (queues, parked
//! threads, a task's stack) is imitated. Loom watches the accesses to its cells, so an access that
//! nothing orders fails a model; so does a state in which every thread waits.
//!
//! Each model says which breakages of the source make it fail; all of them have been tried. Loom's
//! limits: a weak compare-and-swap does not fail for no reason; SeqCst accesses (not fences) count
//! as AcqRel; and a load is forgotten as soon as another thread loads the same word, so that some
//! orders of events are not tried (see `ownership::Model::turn`). So a new model is worth something
//! only once it has been seen to fail.

mod channel;
mod channel_select;
mod futex_lock;
mod idle;
mod join;
mod ownership;
mod parker;
mod parking;
mod rests;
mod seats;
mod slumber;
mod state;
mod sync;
mod timers;
mod turns;
mod waiting;
mod watch;

// Not every model uses everything that is in the files.
#[allow(dead_code)]
#[path = "../../src/futex_lock.rs"]
mod source_futex_lock;
#[allow(dead_code)]
#[path = "../../src/sched/idle.rs"]
mod source_idle;
#[allow(dead_code)]
#[path = "../../src/sched/keeper.rs"]
mod source_keeper;
#[allow(dead_code)]
#[path = "../../src/stack/ownership.rs"]
mod source_ownership;
#[allow(dead_code)]
#[path = "../../src/sched/parker.rs"]
mod source_parker;
#[allow(dead_code)]
#[path = "../../src/task/reason.rs"]
mod source_reason;
#[allow(dead_code)]
#[path = "../../src/sched/rests.rs"]
mod source_rests;
#[allow(dead_code)]
#[path = "../../src/sched/seats.rs"]
mod source_seats;
#[allow(dead_code)]
#[path = "../../src/sched/slumber.rs"]
mod source_slumber;
#[allow(dead_code)]
#[path = "../../src/task/state.rs"]
mod source_state;
#[allow(dead_code)]
#[path = "../../src/sched/timers.rs"]
mod source_timers;
#[allow(dead_code)]
#[path = "../../src/stack/turns.rs"]
mod source_turns;
#[allow(dead_code)]
#[path = "../../src/sched/watch.rs"]
mod source_watch;
#[allow(dead_code)]
#[path = "../../src/sched/wheel.rs"]
mod source_wheel;

/// All of it, under the name by which its macro knows it.
#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../src/chan/mod.rs"]
mod chan;

/// Where the files look for each other.
mod sched {
    pub(crate) use crate::waiting::{self, park_until};

    pub(crate) mod context {
        pub(crate) use crate::waiting::park_for;
        pub(crate) use loom::thread::yield_now;
    }

    pub(crate) use crate::{source_timers as timers, source_wheel as wheel};
}

mod stack {
    pub(crate) use crate::source_ownership as ownership;
}

mod task {
    pub(crate) use crate::source_reason as reason;
}

/// What `src/atomic.rs` is for the library.
mod atomic {
    pub(crate) use loom::sync::atomic::{
        fence, AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    use loom::sync::{Condvar, MutexGuard};
    use std::time::Duration;

    pub(crate) use loom::cell::UnsafeCell;

    pub(crate) fn light_fence() {
        fence(Ordering::SeqCst);
    }

    pub(crate) fn heavy_fence() -> bool {
        fence(Ordering::SeqCst);
        true
    }

    /// What a model uses is made in it.
    pub(crate) const REUSE: bool = false;

    pub(crate) fn relax(_: u32) {
        loom::thread::yield_now();
    }

    loom::lazy_static! {
        /// The kernel's part of a futex, with the time.
        static ref SLEEPERS: (loom::sync::Mutex<u32>, Condvar) =
            (loom::sync::Mutex::new(0), Condvar::new());
    }

    loom::thread_local! {
        /// When this thread last woke up.
        static WOKE_UP: std::cell::Cell<u32> = std::cell::Cell::new(0);
    }

    /// Who sleeps for a while does so until `time_passes` has been called since he last woke up.
    pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, most: Option<Duration>) {
        let mut time = SLEEPERS.0.lock().unwrap();
        let passed = most.is_some() && *time != WOKE_UP.with(std::cell::Cell::get);
        if !passed && word.load(Ordering::Relaxed) == expected {
            time = SLEEPERS.1.wait(time).unwrap();
        }
        WOKE_UP.with(|woke_up| woke_up.set(*time));
    }

    /// Wakes all, which a futex may do at any time.
    pub(crate) fn futex_wake(_: *const AtomicU32) {
        drop(SLEEPERS.0.lock().unwrap());
        SLEEPERS.1.notify_all();
    }

    pub(crate) fn futex_wake_all(word: *const AtomicU32) {
        futex_wake(word);
    }

    /// All who sleep for a while have done so.
    pub(crate) fn time_passes() {
        *SLEEPERS.0.lock().unwrap() += 1;
        SLEEPERS.1.notify_all();
    }

    /// The spin lock in the shape that loom can go through: its waiters sleep.
    pub(crate) struct SpinLock(loom::sync::Mutex<bool>, Condvar);

    impl SpinLock {
        pub(crate) fn new() -> SpinLock {
            SpinLock(loom::sync::Mutex::new(false), Condvar::new())
        }

        pub(crate) fn lock(&self) {
            let mut taken = self.0.lock().unwrap();
            while *taken {
                taken = self.1.wait(taken).unwrap();
            }
            *taken = true;
        }

        pub(crate) unsafe fn unlock(&self) {
            *self.0.lock().unwrap() = false;
            self.1.notify_one();
        }
    }

    /// Loom's mutex in the shape of parking_lot's.
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}

/// Goes through all executions of `model`.
fn check(model: impl Fn() + Send + Sync + 'static) {
    loom::model::Builder::new().check(model);
}

/// Goes through all executions of `model` in which threads are preempted at most `preemptions`
/// times, for models with too many others. Going on with another thread where one blocks or ends is
/// no preemption.
fn check_bounded(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

fn join_all<const N: usize>(threads: [loom::thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}
