//! What the runtime has done, counted.
//!
//! Each worker counts for itself with plain loads and stores; a reader adds them up.
//!
//! Go: `runtime/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one worker writes and anybody reads.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds to it; for its one writer.
    #[inline]
    pub(crate) fn add(&self, amount: u64) {
        // One writer, so no read-modify-write. Release pairs with the Acquire in `get`: the end of
        // a runtime relies on it (`shutdown`).
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Release);
    }

    /// Subtracts from it; for its one writer.
    #[inline]
    pub(crate) fn sub(&self, amount: u64) {
        self.add(amount.wrapping_neg());
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One worker's counts, on cache lines of their own.
        #[derive(Default)]
        #[repr(align(128))]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        /// Figures of one runtime since it was built. They are read one after the other while tasks
        /// run, so they may disagree by what happened meanwhile.
        ///
        /// ```
        /// let rt = midge::Runtime::pinned().unwrap();
        /// rt.run(|| midge::spawn(|| ()).join().unwrap());
        /// assert_eq!(rt.metrics().tasks_spawned, 2); // main is one
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct Metrics {
            $($(#[$doc])* pub $name: u64,)*
            /// Tasks that were spawned and have not ended.
            pub tasks_live: u64,
            /// Threads of workers that there are, those included that rest without work.
            pub threads: u64,
            /// Times a worker whose task ran for over 10 ms lost its turn to another worker.
            pub retakes: u64,
            /// Tasks that ran for over 100 ms while others had to wait for them.
            pub hogs: u64,
            /// Windows reserved now.
            pub windows: u64,
            /// Threads that [`blocking`](crate::blocking) has now, busy or not.
            pub blocking_threads: u64,
            /// Bytes mapped for tasks and blocks of up to 2,048 bytes, by all runtimes of the
            /// process.
            pub slab_bytes: u64,
        }

        impl Metrics {
            /// Adds one worker's counts.
            pub(crate) fn add(&mut self, counters: &Counters) {
                $(self.$name = self.$name.wrapping_add(counters.$name.get());)*
            }
        }
    };
}

counters! {
    /// Tasks spawned, the main tasks included.
    tasks_spawned,
    /// Tasks that have ended.
    tasks_finished,
    /// Times a task parked.
    parks,
    /// Times a task yielded to another.
    yields,
    /// Times a parked stack was copied out of its window.
    freezes,
    /// Times it was copied back.
    thaws,
    /// Bytes copied out.
    bytes_frozen,
    /// Bytes copied back.
    bytes_thawed,
    /// Bytes of the blocks that tasks have now.
    block_bytes,
    /// Times a window was grown by a guard fault.
    growth_events,
    /// Times a grown window was cut down to what its task uses.
    trims,
    /// Bytes given back by that.
    bytes_trimmed,
    /// Times a worker took tasks from another's queue.
    steals,
    /// Tasks that a timer made ready.
    timers_fired,
    /// Times a started task went on on another worker than it stopped on.
    migrations,
    /// Times a task was paused so that others could have its window
    /// ([`Builder::preempt_windows`](crate::Builder::preempt_windows)).
    preemptions,
}

/// The figures of the runtime that the calling task belongs to.
///
/// # Panics
///
/// Outside of tasks: see [`Runtime::metrics`](crate::Runtime::metrics).
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// assert_eq!(rt.run(|| midge::runtime::metrics().tasks_live), 1);
/// ```
pub fn metrics() -> Metrics {
    match super::worker::current() {
        Some(worker) => worker.shared().metrics(),
        None => panic!("runtime::metrics called outside of a task; use Runtime::metrics"),
    }
}
