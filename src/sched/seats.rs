//! Who may run tasks: as many workers as there are seats.
//!
//! A worker runs tasks while it has a seat. The monitor ([`sysmon`](super::sysmon)) takes back the
//! seat of one whose task hogs it, and gives it to another: a *spare* one that rests, else a new
//! thread. The hog's queue need not move, since others may steal from it; so nothing has to be
//! handed over while its owner may be using it. When the hog suspends, its worker finds that it has
//! no seat, and takes a free one; without one it leaves its tasks to the others and becomes a spare.
//!
//! A task that only one worker may run calls that worker to a seat, even beyond the limit. Whoever
//! finds nothing to do while there are more seated than the limit gets up again. The same serves to
//! change the number of workers. A worker that is reserved for the tasks of its own thread
//! ([`reserve`](super::reserve)) would not do anything else with a seat: it is *exempt*, and leaves
//! its seat to the others from its first suspension on.
//!
//! All of it is under one lock, which nobody takes on the way of a switch but who is reserved.
//! Guarantees: a seat that
//! was given up is filled while there is work; a spare is called exactly once; the task that was
//! posted to a worker while it became a spare is seen by one of the two. `tests/loom/seats.rs`
//! checks them.
//!
//! Go: `runtime/proc.go` `retake`, `handoffp`, `startm`, `stopm`, `procresize`. There what changes
//! hands is the processor with its queues.

use crate::atomic::{fence, AtomicBool, Mutex, Ordering};

/// What a worker is, in respect of seats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Seated,
    /// It runs a task that hogs it, and has lost its seat.
    Retaken,
    /// It rests without a seat, for whatever comes.
    Spare,
    /// It runs the tasks of its thread, or did when it last asked, and needs no seat for them.
    Exempt,
    /// It rests without a seat, until there is something for its thread.
    Reserved,
}

impl Place {
    fn rests(self) -> bool {
        matches!(self, Place::Spare | Place::Reserved)
    }

    fn runs_without(self) -> bool {
        matches!(self, Place::Retaken | Place::Exempt)
    }
}

/// Who gets a free seat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fill {
    /// None is free.
    Full,
    /// This spare worker, to be woken.
    Wake(usize),
    /// A new worker of this number, to be started.
    Start(usize),
    /// There are as many threads as there may be.
    Exhausted,
}

/// What a worker without a seat, or beyond the limit, is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// Go on: it has a seat.
    Seated,
    /// Go on with the tasks of its thread, without a seat. If it had one until now, that is to be
    /// filled.
    Exempt { left_seat: bool },
    /// Look once more for what was posted, then rest: whoever ends the rest wakes it.
    Spare,
}

/// The seats of a runtime.
pub(crate) struct Seats {
    inner: Mutex<Inner>,
    /// More are seated than the limit. A hint.
    over: AtomicBool,
    /// Some rest without a seat.
    any_rest: AtomicBool,
}

struct Inner {
    limit: usize,
    taken: usize,
    most_threads: usize,
    places: Vec<Place>,
    spares: Vec<usize>,
    /// Spare and reserved ones.
    resting: usize,
    closed: bool,
}

impl Seats {
    /// All `workers` are seated.
    pub(crate) fn new(workers: usize, most_threads: usize) -> Seats {
        Seats {
            inner: Mutex::new(Inner {
                limit: workers,
                taken: workers,
                most_threads: most_threads.max(workers),
                places: vec![Place::Seated; workers],
                spares: Vec::new(),
                resting: 0,
                closed: false,
            }),
            over: AtomicBool::new(false),
            any_rest: AtomicBool::new(false),
        }
    }

    /// Takes the seat of a worker back, if it has one. `notify` tells it, under the lock.
    pub(crate) fn retake(&self, worker: usize, notify: impl FnOnce()) -> bool {
        let mut inner = self.inner.lock();
        let retaken = inner.places[worker] == Place::Seated;
        if retaken {
            inner.places[worker] = Place::Retaken;
            inner.taken -= 1;
            notify();
        }
        self.note(&inner);
        retaken
    }

    /// Fills a seat, if one is free and the runtime does not end.
    pub(crate) fn fill(&self) -> Fill {
        let mut inner = self.inner.lock();
        if inner.taken >= inner.limit || inner.closed {
            return Fill::Full;
        }
        if let Some(spare) = inner.spares.pop() {
            inner.sit(spare);
            self.note(&inner);
            return Fill::Wake(spare);
        }
        if inner.places.len() >= inner.most_threads {
            return Fill::Exhausted;
        }
        inner.places.push(Place::Seated);
        inner.taken += 1;
        Fill::Start(inner.places.len() - 1)
    }

    /// The worker that [`fill`](Self::fill) asked for last could not be started.
    pub(crate) fn not_started(&self, worker: usize) {
        let mut inner = self.inner.lock();
        debug_assert_eq!(worker + 1, inner.places.len(), "one is started at a time");
        inner.places.pop();
        inner.taken -= 1;
        self.note(&inner);
    }

    /// Whether a worker runs a task without a seat.
    pub(crate) fn runs_without(&self, worker: usize) -> bool {
        self.inner.lock().places[worker].runs_without()
    }

    /// For a worker that has lost its seat, or finds nothing to do while too many are seated, or is
    /// `reserved` for the tasks of its thread.
    /// `must_run` is asked under the lock whether it has tasks that nobody else may run: then it
    /// goes on in any case. `told` forgets what [`retake`](Self::retake) told it.
    pub(crate) fn ask(
        &self,
        worker: usize,
        reserved: bool,
        must_run: impl FnOnce() -> bool,
        told: impl FnOnce(),
    ) -> Answer {
        let mut inner = self.inner.lock();
        told();
        let seated = inner.places[worker] == Place::Seated;
        let others = inner.taken - usize::from(seated);
        // At the end of a runtime everybody gets a seat, to see it and to leave.
        let free = others < inner.limit && !reserved;
        let must_run = must_run();
        inner.taken = others;
        let answer = if free || inner.closed || (must_run && !reserved) {
            inner.sit(worker);
            Answer::Seated
        } else if must_run {
            inner.places[worker] = Place::Exempt;
            Answer::Exempt { left_seat: seated }
        } else {
            inner.rest(worker, if reserved { Place::Reserved } else { Place::Spare });
            Answer::Spare
        };
        self.note(&inner);
        drop(inner);
        if answer == Answer::Spare {
            // Pairs with the fence in `call`: either the poster sees that this worker is a spare, or
            // the worker, which looks once more, what was posted.
            fence(Ordering::SeqCst);
        }
        answer
    }

    /// Whether a worker rests without a seat.
    pub(crate) fn rests(&self, worker: usize) -> bool {
        self.inner.lock().places[worker].rests()
    }

    /// After a task was posted to a worker that alone may run it: ends its rest, if it rests
    /// without a seat. True if so, and it is to be woken.
    #[must_use]
    pub(crate) fn call(&self, worker: usize) -> bool {
        // Pairs with the fence in `ask`.
        fence(Ordering::SeqCst);
        if !self.any_rest.load(Ordering::Relaxed) {
            return false;
        }
        let mut inner = self.inner.lock();
        match inner.places[worker] {
            Place::Spare => {
                inner.spares.retain(|spare| *spare != worker);
                inner.sit(worker);
            }
            Place::Reserved => {
                inner.resting -= 1;
                inner.places[worker] = Place::Exempt;
            }
            _ => return false,
        }
        self.note(&inner);
        true
    }

    /// Changes the number of seats. Returns the number before. `notify` tells those who are seated
    /// beyond it to ask anew, under the lock.
    pub(crate) fn set_limit(&self, limit: usize, mut notify: impl FnMut(usize)) -> usize {
        let mut inner = self.inner.lock();
        let before = std::mem::replace(&mut inner.limit, limit);
        inner.most_threads = inner.most_threads.max(limit);
        let seated =
            (0..inner.places.len()).filter(|worker| inner.places[*worker] == Place::Seated);
        seated.skip(limit).for_each(&mut notify);
        self.note(&inner);
        before
    }

    /// How many workers may be seated.
    pub(crate) fn limit(&self) -> usize {
        self.inner.lock().limit
    }

    /// Whether nobody runs anything, if so many sleep.
    pub(crate) fn all_sleep(&self, sleepers: usize) -> bool {
        let inner = self.inner.lock();
        // Without anybody seated there may be work that waits for a thread.
        let all_sit_or_rest = !inner.places.iter().any(|place| place.runs_without());
        inner.taken > 0 && sleepers >= inner.taken && all_sit_or_rest
    }

    /// How many workers there are, with a seat or without.
    pub(crate) fn workers(&self) -> usize {
        self.inner.lock().places.len()
    }

    /// Whether more are seated than the limit: a worker that finds nothing to do should ask.
    #[inline]
    pub(crate) fn are_over(&self) -> bool {
        // Relaxed: a hint; who follows it looks again under the lock.
        self.over.load(Ordering::Relaxed)
    }

    /// The runtime ends: no more workers. Returns those who rest, to be woken.
    pub(crate) fn close(&self) -> Vec<usize> {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.spares.clear();
        let rests = |worker: &usize| inner.places[*worker].rests();
        let resting: Vec<_> = (0..inner.places.len()).filter(rests).collect();
        resting.iter().for_each(|worker| inner.sit(*worker));
        self.note(&inner);
        resting
    }

    fn note(&self, inner: &Inner) {
        // Relaxed: the lock orders the writers; for the readers see `are_over` and `call`.
        self.over.store(inner.taken > inner.limit && !inner.closed, Ordering::Relaxed);
        self.any_rest.store(inner.resting > 0, Ordering::Relaxed);
    }
}

impl Inner {
    fn rest(&mut self, worker: usize, place: Place) {
        self.places[worker] = place;
        self.resting += 1;
        if place == Place::Spare {
            self.spares.push(worker);
        }
    }

    fn sit(&mut self, worker: usize) {
        self.resting -= usize::from(self.places[worker].rests());
        self.places[worker] = Place::Seated;
        self.taken += 1;
    }
}
