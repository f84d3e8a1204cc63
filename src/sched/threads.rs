//! Starting the threads of workers: those a runtime begins with, and those that come later, when
//! tasks hog the others.
//!
//! Go: `runtime/proc.go` `newm`, `startm`.

use super::config::Mode;
use super::processor::Processor;
use super::seats::Fill;
use super::shared::{Remote, Shared};
use super::window_choice::WindowChoice;
use super::worker;
use crate::membarrier::heavy_fence;
use crate::stack::addresses::Purpose;
use crate::stack::window::Window;
use crossbeam_deque::Worker as Queue;
use std::io;
use std::sync::{mpsc, Arc};
use std::thread::{self, JoinHandle};

/// A worker that is to be started: its queue, which thieves know already, and its first window.
pub(crate) struct New {
    pub(crate) index: usize,
    queue: Queue<super::Ready>,
    window: Option<*const Window>,
}

impl New {
    /// Enters a new worker into the table of all. One caller at a time.
    pub(crate) fn enter(shared: &Shared, window: Option<*const Window>) -> New {
        let queue = Queue::new_fifo();
        let index = shared.remotes.push(Remote::new(queue.stealer()));
        New { index, queue, window }
    }

    /// Starts its thread.
    pub(crate) fn start(self, shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
        let index = self.index;
        let start = self.ready(shared);
        spawn(shared, index, move |shared| start.run(shared, index))
    }

    /// All that its thread needs to begin.
    fn ready(self, shared: &Shared) -> Start {
        let New { index, queue, window } = self;
        let most = shared.config.windows_per_worker;
        let windows = WindowChoice::new(window, most, shared.exclusive());
        Start { processor: Processor::new(shared, index, queue, windows) }
    }
}

fn spawn(
    shared: &Arc<Shared>,
    index: usize,
    body: impl FnOnce(Arc<Shared>) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let shared = shared.clone();
    thread::Builder::new()
        .name(format!("{}-{index}", shared.config.name))
        .spawn(move || body(shared))
}

/// A processor on its way to its worker's thread.
struct Start {
    processor: Processor,
}

// SAFETY: the processor's windows and cells are used by nobody until the thread has it.
unsafe impl Send for Start {}

impl Start {
    fn run(self, shared: Arc<Shared>, index: usize) {
        worker::run(shared, index, self.processor);
    }
}

/// Why a seat stays empty although there is work.
#[derive(Debug)]
pub(crate) enum NoWorker {
    /// There are as many threads as the builder allows.
    Threads(usize),
    /// The system gives no thread, or no room for a window.
    System(io::Error),
}

/// Fills the free seats: with spare workers, else with new ones.
pub(crate) fn fill_seats(shared: &Arc<Shared>) -> Result<(), NoWorker> {
    if !shared.is_shared() {
        return Ok(()); // the only worker has yet to share what it has
    }
    let mut threads = shared.threads.lock(); // one at a time
    loop {
        match shared.seats.fill() {
            Fill::Full => return Ok(()),
            Fill::Exhausted => return Err(NoWorker::Threads(shared.seats.workers())),
            Fill::Wake(spare) => shared.remotes[spare].parker.unpark(),
            Fill::Start(number) => match start_one(shared, number) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    shared.seats.not_started(number);
                    return Err(NoWorker::System(error));
                }
            },
        }
    }
}

/// Starts the worker of this number, the next one. What cannot be taken back comes last.
fn start_one(shared: &Arc<Shared>, index: usize) -> io::Result<JoinHandle<()>> {
    let (give, take) = mpsc::sync_channel::<Start>(1);
    let thread = spawn(shared, index, move |shared| {
        if let Ok(start) = take.recv() {
            start.run(shared, index);
        }
    })?;
    // In the pinned mode no window is shared.
    let window = match shared.config.mode {
        Mode::Pinned => Ok(None),
        _ => shared.windows.new_shared(Purpose::Shared).map(Some),
    };
    let window = match window {
        Ok(window) => window,
        Err(error) => {
            drop(give); // it ends
            let _ = thread.join();
            return Err(error);
        }
    };
    let new = New::enter(shared, window);
    debug_assert_eq!(new.index, index);
    // Pairs with the light fence of `Worker::ready_fresh`. (Where it fails, the memory of a thread
    // that does not know of the new one yet has long become visible when that begins.)
    let _ = heavy_fence();
    let _ = give.send(new.ready(shared)); // it waits for it
    Ok(thread)
}
