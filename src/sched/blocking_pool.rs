//! The threads that `blocking` runs closures on.
//!
//! A queue under one lock; threads take from its front. Whoever adds to it wakes a thread if more
//! threads are idle than jobs wait, and else makes one more, up to the limit. An idle thread is
//! counted as such until it runs, so two jobs never rely on the same one. A thread that has been
//! idle for long ends; it joins the one that ended before it, so that the runtime's end, which joins
//! the last and all that still live, leaves none behind.
//!
//! Go: `runtime/proc.go` `startm`, `stopm`; the shape is tokio's `blocking/pool.rs`.

use super::config::Config;
use super::shared::Shared;
use crate::lock::{Condvar, Mutex, MutexGuard};
use std::cell::OnceCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// What a thread does. It does not panic.
pub(crate) trait Job: Send + Sync {
    fn run(&self);
    /// Tells who waits that it has run. By then the thread counts as idle, so that calls one after
    /// the other are served by one thread.
    fn tell(&self);
}

/// The threads of one runtime.
pub(crate) struct Pool {
    name: String,
    limit: usize,
    /// How long a thread waits for work before it ends.
    keep_alive: Duration,
    state: Mutex<State>,
    work: Condvar,
    /// Those that live. Written under the lock.
    threads: AtomicUsize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Arc<dyn Job>>,
    /// Threads that wait for work, have been woken and do not run yet, or are about to wait.
    idle: usize,
    /// Threads that are about to wake a task.
    telling: usize,
    /// The number of the next thread.
    next: u64,
    handles: HashMap<u64, thread::JoinHandle<()>>,
    /// The thread that ended last.
    ended: Option<thread::JoinHandle<()>>,
    closed: bool,
}

thread_local! {
    /// The runtime that the calling thread is a blocking thread of.
    static RUNTIME: OnceCell<Weak<Shared>> = const { OnceCell::new() };
}

/// The runtime that the calling thread is a blocking thread of, if it is one.
pub(crate) fn runtime_of_thread() -> Option<Arc<Shared>> {
    RUNTIME.try_with(|runtime| runtime.get().and_then(Weak::upgrade)).ok().flatten()
}

impl Pool {
    /// No thread yet.
    pub(crate) fn new(config: &Config) -> Pool {
        let stem = config.name.strip_suffix("-worker").unwrap_or(&config.name);
        Pool {
            name: format!("{stem}-blocking"), // Linux shows 15 bytes: "midge-blocking" fits
            limit: config.max_blocking_threads,
            keep_alive: config.blocking_keep_alive,
            state: Mutex::default(),
            work: Condvar::new(),
            threads: AtomicUsize::new(0),
        }
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed) // a figure; changed under the lock
    }

    /// How many threads there are, if none of them does anything.
    pub(crate) fn idle_threads(&self) -> Option<usize> {
        let state = self.state.lock();
        let threads = self.threads();
        let quiet = state.queue.is_empty() && state.telling == 0 && state.idle == threads;
        quiet.then_some(threads)
    }

    /// Queues a job.
    ///
    /// # Errors
    ///
    /// There is no thread, and none could be made: then nothing is queued.
    pub(crate) fn submit(
        self: &Arc<Pool>,
        job: Arc<dyn Job>,
        runtime: &Arc<Shared>,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        debug_assert!(!state.closed, "a task outlives its runtime's end");
        state.queue.push_back(job);
        if state.queue.len() <= state.idle {
            self.work.notify_one();
        } else if self.threads() < self.limit {
            if let Err(error) = self.start(&mut state, runtime) {
                if self.threads() == 0 {
                    state.queue.pop_back();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn start(self: &Arc<Pool>, state: &mut State, runtime: &Arc<Shared>) -> io::Result<()> {
        let number = state.next;
        let (pool, runtime) = (self.clone(), Arc::downgrade(runtime));
        let thread = thread::Builder::new().name(self.name.clone()).spawn(move || {
            RUNTIME.with(|own| own.get_or_init(|| runtime).strong_count());
            pool.serve(number);
        })?;
        state.next += 1;
        state.handles.insert(number, thread);
        self.threads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The body of a thread.
    fn serve(&self, number: u64) {
        let mut state = self.state.lock();
        loop {
            while let Some(job) = state.queue.pop_front() {
                MutexGuard::unlocked(&mut state, || job.run());
                state.telling += 1;
                state.idle += 1; // it looks at the queue once more, below
                MutexGuard::unlocked(&mut state, || {
                    job.tell();
                    drop(job);
                });
                state.idle -= 1;
                state.telling -= 1;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let timed_out = !self.work.wait_for(&mut state, self.keep_alive);
            state.idle -= 1;
            if timed_out && state.queue.is_empty() {
                break;
            }
        }
        self.threads.fetch_sub(1, Ordering::Relaxed);
        if state.closed {
            return; // `close` has the handle
        }
        let own = state.handles.remove(&number);
        let before = std::mem::replace(&mut state.ended, own);
        drop(state);
        if let Some(before) = before {
            let _ = before.join(); // jobs do not panic
        }
    }

    /// Waits for the jobs that run, drops those that wait, and ends the threads. To be called when
    /// no task runs any more, and not on one of the threads.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let State { queue, handles, ended, .. } = &mut *state;
        let queue = std::mem::take(queue);
        let threads: Vec<_> =
            handles.drain().map(|(_, thread)| thread).chain(ended.take()).collect();
        drop(state);
        self.work.notify_all();
        drop(queue); // whose tasks have left, or (under `panic = "abort"`) never come back
        for thread in threads {
            let _ = thread.join();
        }
    }
}
