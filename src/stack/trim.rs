//! Giving deep windows' memory back, but not too soon.
//!
//! A window stays as deep as its deepest task has needed, which is what makes the next descent
//! cheap and an idle process fat. So a processor keeps a list of the windows it has left grown. One
//! that has been on the list for its *patience*, 100 ms at first, is cut down to what its resident
//! uses. If it then grows again soon, the cut was a mistake, and the patience of this window
//! doubles: a loop that descends a MiB each turn pays for it again once in 100 ms, then once in
//! 200, at last once in 6.4 s. Where the windows on the list have more than a budget, the oldest
//! are cut at once, whatever their patience (so tasks that need more than that in turn do pay each
//! time). And all of them are while the system refuses a stack more memory.
//!
//! Guarantees: a window is cut only while it is held, by a worker that does not run on it, and
//! never into its resident's bytes.
//!
//! Go: `runtime/stack.go` `shrinkstack` (halves once a garbage collection if a quarter is used),
//! and `runtime/mgcscavenge.go`, which returns free memory slowly for the same reason.

use super::ownership::Waiters;
use super::window::{memory_is_short, Window};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr;
use std::time::{Duration, Instant};

/// What a window may keep for ever, in bytes. Half of the default windows of a worker (128) with
/// this much take 16 MiB.
const KEEP: usize = 256 << 10;

/// How long a grown window is left alone at first, and at most.
const PATIENCE: Duration = Duration::from_millis(100);
const MOST_PATIENCE: Duration = Duration::from_millis(6400);

/// A window that grows again within so many times its patience after it was cut was cut too soon.
const SOON: u32 = 4;

/// The largest page of any system this runs on, in bytes.
const LARGEST_PAGE: usize = 64 << 10;

/// A window that others hold whenever it is tried is tried after 100 ms, 200 ms, ... 6.4 s.
const TRIES: u32 = 6;

/// Bytes that could be given back from the windows on one list before the oldest are cut at once.
const BUDGET: usize = 64 << 20;

/// What a window remembers of its cuts. Only the holder of the window touches it.
pub(crate) struct History {
    /// Whether it is on a list.
    listed: Cell<bool>,
    patience: Cell<Duration>,
    cut: Cell<Option<Instant>>,
}

impl History {
    pub(crate) fn new() -> History {
        History { listed: Cell::new(false), patience: Cell::new(PATIENCE), cut: Cell::new(None) }
    }

    /// Whether some processor's list has it.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.get()
    }

    /// The patience from now on, for a window that has grown.
    fn grown(&self, now: Instant) -> Duration {
        if let Some(cut) = self.cut.take() {
            let too_soon = now.saturating_duration_since(cut) < self.patience.get() * SOON;
            let patience = if too_soon { self.patience.get() * 2 } else { PATIENCE };
            self.patience.set(patience.min(MOST_PATIENCE));
        }
        self.patience.get()
    }
}

struct Entry {
    window: *const Window,
    due: Instant,
    /// What could be given back when the window came onto the list.
    bytes: usize,
    /// How often others held it when its time had come.
    tries: u32,
}

/// The grown windows that one processor has left, the oldest first.
#[derive(Default)]
pub(crate) struct TrimList {
    entries: RefCell<VecDeque<Entry>>,
    /// `entries.len()`, close at hand.
    length: Cell<usize>,
    bytes: Cell<usize>,
    next_due: Cell<Option<Instant>>,
}

/// What a pass has cut.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trimmed {
    pub(crate) windows: u64,
    pub(crate) bytes: u64,
}

/// Whether a window has more than it may keep for ever: that, rounded up to a page of the largest
/// size.
#[inline]
pub(crate) fn is_grown(window: &Window) -> bool {
    window.committed_bytes() >= KEEP + LARGEST_PAGE
}

/// Cuts a window that the caller holds; returns how many bytes that gave back. A list that has the
/// window finds nothing more to cut.
pub(crate) fn cut(window: &Window, now: Instant) -> usize {
    window.history.cut.set(Some(now));
    window.trim(KEEP)
}

impl TrimList {
    /// Whether a pass has nothing to do.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.length.get() == 0
    }

    /// Makes room for one more window, so that noting it takes no memory. (Whoever holds a window must
    /// not wait for the allocator where windows are preempted.)
    pub(crate) fn make_room(&self) {
        self.entries.borrow_mut().reserve(1);
    }

    /// Notes a grown window that the caller holds.
    pub(crate) fn note(&self, window: &Window) {
        if window.history.listed.get() {
            return;
        }
        let bytes = window.slack(KEEP);
        if bytes == 0 {
            return;
        }
        window.history.listed.set(true);
        let now = Instant::now();
        let due = now + window.history.grown(now);
        self.entries.borrow_mut().push_back(Entry { window, due, bytes, tries: 0 });
        self.length.set(self.length.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
        self.next_due.set(Some(self.next_due.get().map_or(due, |next| next.min(due))));
    }

    /// Forgets a window, whose memory may be freed. For a list whose windows are no other's.
    pub(crate) fn forget(&self, window: &Window) {
        if !window.history.listed.replace(false) {
            return;
        }
        let mut entries = self.entries.borrow_mut();
        if let Some(at) = entries.iter().position(|entry| ptr::eq(entry.window, window)) {
            let bytes = entries.remove(at).map_or(0, |entry| entry.bytes);
            self.bytes.set(self.bytes.get() - bytes);
        }
        drop(entries);
        self.recount();
    }

    /// Whether a pass is due, whatever the time is.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.bytes.get() > BUDGET && self.length.get() > 1
    }

    /// Whether a pass is due: a window's time has come, or they are over the budget, or memory is
    /// short.
    pub(crate) fn is_due(&self) -> bool {
        self.is_over_budget()
            || memory_is_short()
            || self.next_due.get().is_some_and(|due| due <= Instant::now())
    }

    /// When the next pass is due, if one is.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.next_due.get()
    }

    /// Cuts what is due. `current` is the window whose stack the caller stands on, or null;
    /// `exclusive` says that these windows are nobody else's. `passed_on` gets those who waited for
    /// a window meanwhile.
    pub(crate) fn pass(
        &self,
        current: *const Window,
        exclusive: bool,
        passed_on: impl FnMut(Waiters),
    ) -> Trimmed {
        self.pass_at(Instant::now(), current, exclusive, passed_on)
    }

    fn pass_at(
        &self,
        now: Instant,
        current: *const Window,
        exclusive: bool,
        mut passed_on: impl FnMut(Waiters),
    ) -> Trimmed {
        let mut trimmed = Trimmed::default();
        let count = self.length.get();
        for number in 1..=count {
            let Some(mut entry) = self.entries.borrow_mut().pop_front() else { break };
            // The newest one has just been left: over the budget or not, it has its time.
            let over = self.bytes.get() > BUDGET && number < count && entry.tries == 0;
            let at_once = over || memory_is_short();
            if ptr::eq(entry.window, current) || !(at_once || entry.due <= now) {
                self.entries.borrow_mut().push_back(entry);
                continue;
            }
            // SAFETY: shared windows live as long as the runtime; a private one is forgotten, or
            // kept while it is listed, before it could be freed (`WindowStore::give_back_private`).
            let window = unsafe { &*entry.window };
            if !exclusive && !window.ownership.try_acquire() {
                // Somebody runs there, and may do so for long.
                entry.due = now + (PATIENCE * (1 << entry.tries)).min(MOST_PATIENCE);
                entry.tries = (entry.tries + 1).min(TRIES);
                self.entries.borrow_mut().push_back(entry);
                continue;
            }
            let bytes = cut(window, now);
            window.history.listed.set(false);
            self.bytes.set(self.bytes.get() - entry.bytes);
            trimmed.windows += u64::from(bytes > 0);
            trimmed.bytes += bytes as u64;
            if !exclusive {
                passed_on(window.ownership.release()); // the last we have to do with it
            }
        }
        self.recount();
        trimmed
    }

    fn recount(&self) {
        let entries = self.entries.borrow();
        self.length.set(entries.len());
        self.next_due.set(entries.iter().map(|entry| entry.due).min());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::window::Shape;
    use std::sync::Arc;

    fn grown_window(bytes: usize) -> Window {
        let shape = Arc::new(Shape::new(1 << 30 >> 4, true));
        let window = Window::reserve(&shape, 0, false).unwrap();
        window.commit_to(window.top() - bytes);
        window
    }

    #[test]
    fn waits_for_its_patience() {
        let window = grown_window(1 << 20);
        let list = TrimList::default();
        let noted = Instant::now();
        list.note(&window);
        list.note(&window);
        assert_eq!(list.length.get(), 1);
        let due = list.next_due().expect("it is on the list");
        assert!(due >= noted + PATIENCE);
        let early = list.pass_at(noted, ptr::null(), true, |_| ());
        assert!(early == Trimmed::default() && is_grown(&window));
        assert_eq!(list.pass_at(due, ptr::null(), true, |_| ()).windows, 1);
        assert!(list.is_empty() && !is_grown(&window) && list.next_due().is_none());
    }

    #[test]
    fn patience_doubles_when_it_was_too_short() {
        let (history, now) = (History::new(), Instant::now());
        assert_eq!(history.grown(now), PATIENCE);
        for doubled in 1..=6 {
            history.cut.set(Some(now));
            assert_eq!(history.grown(now), PATIENCE * (1 << doubled));
        }
        history.cut.set(Some(now));
        assert_eq!(history.grown(now), MOST_PATIENCE);
        history.cut.set(Some(now));
        assert_eq!(history.grown(now + MOST_PATIENCE * SOON), PATIENCE, "after a long rest");
    }

    #[test]
    fn over_the_budget_the_oldest_go_first_and_the_newest_stays() {
        let windows: Vec<_> = (0..6).map(|_| grown_window(32 << 20)).collect();
        let (list, now) = (TrimList::default(), Instant::now());
        windows.iter().for_each(|window| list.note(window));
        assert!(list.is_due());
        list.pass_at(now, ptr::null(), true, |_| ());
        let grown: Vec<_> = windows.iter().map(is_grown).collect();
        assert!(!grown[0] && !grown[3] && grown[5], "{grown:?}");
        assert!(list.bytes.get() <= BUDGET);
    }

    #[test]
    fn the_newest_stays_behind_one_that_cannot_be_cut() {
        let (current, newest) = (grown_window(50 << 20), grown_window(50 << 20));
        let (list, now) = (TrimList::default(), Instant::now());
        list.note(&current);
        list.note(&newest);
        assert_eq!(list.pass_at(now, &current, true, |_| ()), Trimmed::default());
        assert!(is_grown(&current) && is_grown(&newest));
    }

    #[test]
    fn no_colour_is_still_grown_after_a_cut() {
        let shape = Arc::new(Shape::new(1 << 22, true));
        for number in 0..64 {
            let window = Window::reserve(&shape, number, false).unwrap();
            window.commit_to(window.top() - (1 << 20));
            assert!(is_grown(&window));
            window.trim(KEEP);
            assert!(!is_grown(&window) && window.slack(KEEP) == 0, "window {number}");
        }
    }

    #[test]
    fn leaves_alone_what_is_current_or_held_and_what_is_forgotten() {
        let (current, held, gone) =
            (grown_window(1 << 20), grown_window(1 << 20), grown_window(1 << 20));
        let list = TrimList::default();
        [&current, &held, &gone].into_iter().for_each(|window| list.note(window));
        list.forget(&gone);
        let due = Instant::now() + PATIENCE;
        // A new window is held by who made it.
        assert_eq!(list.pass_at(due, &current, false, |_| ()), Trimmed::default());
        assert!(is_grown(&current) && is_grown(&held) && is_grown(&gone));
        assert!(!gone.history.is_listed() && held.history.is_listed());
    }
}
