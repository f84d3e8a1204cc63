//! Promise: never more are seated than there are seats, but for those that must run; a task that is
//! posted to a worker which becomes a spare is seen by one of the two; a seat that was given up is
//! filled once; a worker that is reserved for the tasks of its thread leaves its seat to the others.
//!
//! A worker here does what `sched::seated` does. One that rests and is not woken ends the model in a
//! deadlock, which loom reports.
//!
//! Seen to fail without the fence in `ask`, without the one in `call`, and without the look for posted
//! tasks after `ask`.

use crate::parker::Parker;
use crate::source_seats::{Answer, Fill, Seats};
use crate::{check, check_bounded, join_all};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

struct Model {
    seats: Seats,
    /// Tasks that only worker 0 may run.
    inbox: AtomicUsize,
    /// Worker 0 has been told to ask.
    notice: AtomicUsize,
    /// Worker 0 has a seat, or has not noticed that it has none.
    goes_on: AtomicBool,
    /// The runtime ends.
    closed: AtomicBool,
    parkers: [Parker; 3],
}

impl Model {
    fn new(workers: usize) -> Arc<Model> {
        Arc::new(Model {
            seats: Seats::new(workers, 3),
            inbox: AtomicUsize::new(0),
            notice: AtomicUsize::new(0),
            goes_on: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            parkers: [Parker::new(), Parker::new(), Parker::new()],
        })
    }

    fn posted(&self) -> bool {
        self.inbox.load(Ordering::Relaxed) > 0
    }

    /// As `Worker::ask_for_seat`.
    fn ask(&self, worker: usize) {
        let told = || self.notice.store(0, Ordering::Relaxed);
        if self.seats.ask(worker, false, || worker == 0 && self.posted(), told) == Answer::Seated {
            return;
        }
        if worker == 0 && self.posted() && self.seats.call(worker) {
            return;
        }
        while self.seats.rests(worker) {
            self.parkers[worker].park();
        }
    }

    /// As `Worker::ask_for_seat` of worker 0, when it is reserved. Returns what came of filling the
    /// seats that it left.
    fn ask_reserved(&self) -> Vec<Fill> {
        let mut fills = Vec::new();
        loop {
            match self.seats.ask(0, true, || self.posted(), || ()) {
                Answer::Seated => panic!("it needs none"),
                Answer::Exempt { left_seat } => {
                    fills.extend(left_seat.then(|| self.seats.fill()));
                    return fills;
                }
                Answer::Spare => fills.push(self.seats.fill()),
            }
            if self.posted() && self.seats.call(0) {
                continue;
            }
            while self.seats.rests(0) {
                self.parkers[0].park();
            }
        }
    }

    /// As `Shared::post`, for worker 0.
    fn post(&self) {
        self.inbox.fetch_add(1, Ordering::Relaxed);
        if self.seats.call(0) {
            self.parkers[0].unpark();
        }
    }

    /// As the monitor.
    fn retake_and_fill(&self) -> Fill {
        self.seats.retake(0, || self.notice.store(1, Ordering::Relaxed));
        let fill = self.seats.fill();
        if let Fill::Wake(spare) = fill {
            self.parkers[spare].unpark();
        }
        fill
    }
}

#[test]
fn what_is_posted_is_seen() {
    check(|| {
        let model = Model::new(2);
        model.seats.set_limit(1, |_| ());
        let worker = {
            let model = model.clone();
            thread::spawn(move || {
                model.ask(0);
                assert!(!model.seats.rests(0));
                assert!(model.posted(), "nothing else calls it");
            })
        };
        let poster = {
            let model = model.clone();
            thread::spawn(move || model.post())
        };
        join_all([worker, poster]);
    });
}

#[test]
fn a_retaken_seat_is_filled_once() {
    check(|| {
        let model = Model::new(1);
        let worker = {
            let model = model.clone();
            thread::spawn(move || {
                // A hog that suspends looks whether it has been told.
                if model.notice.load(Ordering::Relaxed) == 1 {
                    model.ask(0);
                }
                model.goes_on.store(true, Ordering::Relaxed);
            })
        };
        let monitor = {
            let model = model.clone();
            thread::spawn(move || {
                let fill = model.retake_and_fill();
                if fill == Fill::Start(1) {
                    // The new worker is hogged in turn, and there are threads for no third one.
                    assert!(model.seats.retake(1, || ()));
                    // It tries again and again, until the hog is back or lies down.
                    loop {
                        match model.seats.fill() {
                            Fill::Start(2) => model.seats.not_started(2),
                            Fill::Wake(spare) => return model.parkers[spare].unpark(),
                            Fill::Full => return,
                            other => panic!("{other:?}"),
                        }
                        if model.goes_on.load(Ordering::Relaxed) {
                            return;
                        }
                        thread::yield_now();
                    }
                } else {
                    assert_eq!(fill, Fill::Full, "the hog was back before the monitor");
                }
            })
        };
        join_all([worker, monitor]);
        assert!(!model.seats.runs_without(0) || model.notice.load(Ordering::Relaxed) == 1);
    });
}

/// It goes on with what is posted to it, before or after, and the only seat is another's.
///
/// Fails without `inner.taken = others` in `ask`, without the fence in `call`, and if `call` leaves it
/// resting.
#[test]
fn a_reserved_worker_leaves_its_seat() {
    check(|| {
        let model = Model::new(1);
        let worker = {
            let model = model.clone();
            thread::spawn(move || {
                let fills = model.ask_reserved();
                assert_eq!(fills.iter().filter(|fill| **fill == Fill::Start(1)).count(), 1);
                assert!(model.posted() && model.seats.runs_without(0));
                assert!(!model.seats.are_over());
            })
        };
        let poster = {
            let model = model.clone();
            thread::spawn(move || model.post())
        };
        join_all([worker, poster]);
        // When it is reserved no longer, the seat is taken.
        assert_eq!(model.seats.ask(0, false, || false, || ()), Answer::Spare);
        assert!(model.seats.rests(0) && !model.seats.rests(1));
    });
}

#[test]
fn one_too_many_gives_its_seat_back() {
    check(|| {
        let model = Model::new(2);
        let limit = {
            let model = model.clone();
            thread::spawn(move || {
                model.seats.set_limit(1, |_| ());
                model.seats.set_limit(2, |_| ());
                if let Fill::Wake(spare) = model.seats.fill() {
                    model.parkers[spare].unpark();
                }
            })
        };
        let worker = {
            let model = model.clone();
            thread::spawn(move || {
                if model.seats.are_over() {
                    model.ask(1);
                }
                assert!(!model.seats.rests(1));
            })
        };
        join_all([limit, worker]);
        assert!(!model.seats.rests(0) && !model.seats.rests(1));
    });
}

/// One has lost its seat, another is one too many, and the runtime ends: both see it.
///
/// Fails without `inner.closed` in `ask`, and without the spares in what `close` returns.
#[test]
fn the_end_seats_everybody() {
    check_bounded(2, || {
        let model = Model::new(3);
        model.seats.set_limit(1, |_| ());
        model.seats.retake(0, || ());
        // Worker 2 keeps its seat.
        let workers = [0, 1].map(|worker| {
            let model = model.clone();
            thread::spawn(move || {
                model.ask(worker);
                assert!(model.closed.load(Ordering::Relaxed));
                assert!(!model.seats.rests(worker) && !model.seats.runs_without(worker));
            })
        });
        model.closed.store(true, Ordering::Relaxed); // the lock of the seats orders it
        for worker in model.seats.close() {
            model.parkers[worker].unpark();
        }
        join_all(workers);
    });
}
