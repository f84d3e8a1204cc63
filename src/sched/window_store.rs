//! The windows of a runtime that are in no processor's hands: private ones for pinned tasks, and
//! the account of how many there may be.
//!
//! A pinned task that finds no window, and no room for one, waits here unstarted until another
//! pinned task ends; or until the monitor finds room, which another runtime of the process may have
//! left. First come, first served: what becomes free goes to the first who waits.
//!
//! Go: `runtime/stack.go` `stackpool` and `stackLarge`, as the shared tier behind the per-processor
//! caches.

use super::Ready;
use crate::lock::Mutex;
use crate::stack::addresses::{self, Purpose};
use crate::stack::window::{Shape, Window};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// So many free private windows are kept for the next pinned tasks (12 KiB each); more are
/// unmapped, but for those that a processor still has on its list of windows to trim.
const KEPT: usize = 64;

pub(crate) struct WindowStore {
    /// What all its windows have in common.
    pub(crate) shape: Arc<Shape>,
    made: AtomicUsize,
    colour: AtomicUsize,
    /// All shared windows, kept until the runtime ends: tasks and processors point to them.
    #[allow(clippy::vec_box)] // they must stay where they are
    shared: Mutex<Vec<Box<Window>>>,
    private: Mutex<Private>,
    /// How many tasks wait for a private window. Written under the lock.
    waiting: AtomicUsize,
}

/// Free ones, or else tasks that wait.
#[derive(Default)]
struct Private {
    #[allow(clippy::vec_box)] // tasks get them as pointers
    free: Vec<Box<Window>>,
    waiting: VecDeque<Ready>,
}

impl Private {
    /// Keeps a window that the caller holds for the next pinned task.
    fn keep(&mut self, window: Box<Window>) {
        let waiters = window.ownership.release();
        debug_assert_eq!(waiters.count(), 0, "nobody waits for a private window");
        self.free.push(window);
    }
}

impl WindowStore {
    pub(crate) fn new(shape: Shape) -> WindowStore {
        WindowStore {
            shape: Arc::new(shape),
            made: AtomicUsize::new(0),
            colour: AtomicUsize::new(0),
            shared: Mutex::new(Vec::new()),
            private: Mutex::new(Private::default()),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Windows reserved now.
    pub(crate) fn count(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    fn reserve(&self, private: bool, purpose: Purpose) -> io::Result<Box<Window>> {
        self.made.fetch_add(1, Ordering::Relaxed); // guards nothing
        let number = self.colour.fetch_add(1, Ordering::Relaxed);
        let size = self.shape.size();
        let window = addresses::take(size, purpose).and_then(|()| {
            Window::reserve(&self.shape, number, private)
                .inspect_err(|_| addresses::give_back(size))
        });
        if window.is_err() {
            self.made.fetch_sub(1, Ordering::Relaxed);
        }
        window.map(Box::new)
    }

    /// A new window to share, held by the caller.
    pub(crate) fn new_shared(&self, purpose: Purpose) -> io::Result<*const Window> {
        let window = self.reserve(false, purpose)?;
        let pointer: *const Window = &*window;
        self.shared.lock().push(window);
        Ok(pointer)
    }

    /// Calls `f` with every window that is shared.
    pub(crate) fn for_each_shared(&self, mut f: impl FnMut(&Window)) {
        self.shared.lock().iter().for_each(|window| f(window));
    }

    /// Lays in a private window, so that the first main task cannot fail to get one.
    pub(crate) fn stock_private(&self) -> io::Result<()> {
        let window = self.reserve(true, Purpose::Start)?;
        self.private.lock().keep(window);
        Ok(())
    }

    /// A window for a pinned task that has not started, held by the caller; without one the task
    /// waits here.
    pub(crate) fn private_or_wait(&self, task: Ready) -> Option<*const Window> {
        let handed_on = task.header().image.window.get();
        if !handed_on.is_null() {
            return Some(handed_on); // it has waited
        }
        let mut private = self.private.lock();
        if !private.waiting.is_empty() {
            self.wait(&mut private, task);
            return None;
        }
        let window = match private.free.pop() {
            Some(window) => {
                // Somebody may be trimming it, which takes one system call.
                while !window.ownership.try_acquire() {
                    std::hint::spin_loop();
                }
                window
            }
            None => match self.reserve(true, Purpose::Pinned) {
                Ok(window) => window,
                Err(_) => {
                    self.wait(&mut private, task);
                    return None;
                }
            },
        };
        Some(Box::into_raw(window))
    }

    fn wait(&self, private: &mut Private, task: Ready) {
        private.waiting.push_back(task);
        self.waiting.store(private.waiting.len(), Ordering::Relaxed); // a hint
    }

    /// Gives a window that the caller holds to the first task that waits. Returns the task, which is
    /// to be made ready; or the window, if nobody waits.
    fn hand_on(&self, private: &mut Private, window: Box<Window>) -> Result<Ready, Box<Window>> {
        let Some(task) = private.waiting.pop_front() else { return Err(window) };
        self.waiting.store(private.waiting.len(), Ordering::Relaxed); // a hint
        task.header().image.window.set(Box::into_raw(window));
        Ok(task)
    }

    /// Whether a pinned task waits for a window.
    pub(crate) fn somebody_waits(&self) -> bool {
        !self.private.lock().waiting.is_empty()
    }

    /// The same as a hint, for those who soon look again.
    #[inline]
    pub(crate) fn somebody_may_wait(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Makes a window for a pinned task that waits, if there is room now; returns the task, which is
    /// to be made ready.
    pub(crate) fn retry(&self) -> Option<Ready> {
        let mut private = self.private.lock();
        if private.waiting.is_empty() {
            return None;
        }
        let window = self.reserve(true, Purpose::Pinned).ok()?;
        self.hand_on(&mut private, window).ok()
    }

    /// Takes back the window of a pinned task that has ended; returns a task that has waited for it,
    /// and is to be made ready.
    ///
    /// # Safety
    ///
    /// `window` came from [`private_or_wait`](Self::private_or_wait), the caller holds it and
    /// nobody runs on it or is bound to it.
    pub(crate) unsafe fn give_back_private(&self, window: *const Window) -> Option<Ready> {
        // SAFETY: made by Box::into_raw there.
        let window = unsafe { Box::from_raw(window.cast_mut()) };
        window.trim(0); // nobody knows when the next one comes
        let mut private = self.private.lock();
        let window = match self.hand_on(&mut private, window) {
            Ok(task) => return Some(task),
            Err(window) => window,
        };
        // One that is on a processor's list must stay where it is until it comes off.
        if private.free.len() < KEPT || window.history.is_listed() {
            private.keep(window);
        } else {
            drop(private);
            drop(window);
            addresses::give_back(self.shape.size());
            self.made.fetch_sub(1, Ordering::Relaxed);
        }
        None
    }
}

impl Drop for WindowStore {
    fn drop(&mut self) {
        // A window that a task still has (under panic=abort a parked one is leaked) is not given
        // back.
        let mut windows = std::mem::take(self.shared.get_mut());
        windows.append(&mut self.private.get_mut().free);
        let bytes = windows.len() * self.shape.size();
        drop(windows);
        addresses::give_back(bytes);
    }
}
