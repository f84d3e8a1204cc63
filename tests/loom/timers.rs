//! Promise: a timer ends once, by firing or by being removed, and when it has been removed nobody
//! touches what it pointed to; a worker that sleeps for a later timer is woken for an earlier one;
//! and as long as a worker sleeps, there is one that gets up for the next timer, or one that
//! searches.
//!
//! There is no time here: a keeper that sleeps until a tick later than `SOON` can only be woken, so
//! if it is not told of the timer at `SOON`, the model ends in a deadlock.

use crate::parker::Parker;
use crate::sched::wheel::EntryKey;
use crate::source_idle::Idle;
use crate::source_keeper::Keeper;
use crate::source_timers::{Timers, NEVER};
use crate::{check, check_bounded, join_all};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

const SOON: u64 = 5;
const LATER: u64 = 1000;

/// A task as a timer sees it: memory that is freed after the timer is gone. The owner writes to it
/// then, and loom tells if anything else is not ordered before that.
struct Task {
    memory: UnsafeCell<u32>,
    woken: AtomicUsize,
}

// SAFETY: what the model is about; loom watches the cell.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    fn new() -> Arc<Task> {
        Arc::new(Task { memory: UnsafeCell::new(0), woken: AtomicUsize::new(0) })
    }

    /// As `timed::Target::fire`.
    fn fire(&self) {
        // SAFETY: as above.
        self.memory.with(|memory| unsafe { assert_eq!(*memory, 0) });
        self.woken.fetch_add(1, Ordering::Relaxed);
    }

    /// The task goes on without its timer, and ends.
    fn remove_timer(&self, timers: &Timers<Arc<Task>>, key: EntryKey) {
        let removed = timers.remove(key).is_some();
        // SAFETY: as above.
        self.memory.with_mut(|memory| unsafe { *memory = 1 });
        assert_eq!(self.woken.load(Ordering::Relaxed), usize::from(!removed));
    }
}

/// Fails if `Timers::fire` collects what is due and tells of it after the lock is free; or if
/// `Wheel::remove` does not look at the generation (in the second part).
#[test]
fn a_timer_fires_or_is_removed() {
    check_bounded(2, || {
        let timers = Arc::new(Timers::new());
        let (task, other) = (Task::new(), Task::new());
        let (key, sooner) = timers.add(SOON, task.clone());
        assert_eq!(sooner, Some(SOON));
        let firing = [0, 1].map(|_| {
            let timers = timers.clone();
            thread::spawn(move || {
                if timers.next() <= SOON {
                    assert!(timers.fire(SOON, |task| task.fire()));
                }
            })
        });
        task.remove_timer(&timers, key);
        // The next one may lie in the same place.
        let (next_key, _) = timers.add(LATER, other.clone());
        assert!(timers.remove(key).is_none());
        join_all(firing);
        assert!(timers.next() <= LATER);
        other.remove_timer(&timers, next_key);
        assert_eq!(timers.next(), NEVER);
    });
}

/// A worker that lies down as the keeper, and a busy one that adds a timer. With `before` there is
/// a later one already.
///
/// Fails without the fence in `Keeper::apply` or the one in `Keeper::tell`; if `apply` is called
/// after the look at the timers; and (with `before`) if `tell` wakes nobody who has a deadline, or
/// changes his tick and does not wake him.
fn keeper_and_adder(before: bool) {
    check(move || {
        let timers = Arc::new(Timers::new());
        let keeper = Arc::new(Keeper::new());
        let parker = Arc::new(Parker::new());
        if before {
            timers.add(LATER, ());
        }
        let sleeper = {
            let (timers, keeper, parker) = (timers.clone(), keeper.clone(), parker.clone());
            thread::spawn(move || loop {
                // As `Worker::sleep`.
                assert!(keeper.apply(0));
                let first = timers.next();
                keeper.until(0, first);
                if first > SOON {
                    parker.park();
                }
                keeper.resign();
                if timers.next() <= SOON {
                    return;
                }
            })
        };
        // As `SetTimer::new`.
        let (_, sooner) = timers.add(SOON, ());
        if let Some(worker) = sooner.and_then(|tick| keeper.tell(tick)) {
            assert_eq!(worker, 0);
            parker.unpark();
        }
        sleeper.join().unwrap();
    });
}

#[test]
fn the_keeper_hears_of_the_first_timer() {
    keeper_and_adder(false);
}

#[test]
fn the_keeper_hears_of_an_earlier_timer() {
    keeper_and_adder(true);
}

/// Two adders: the second may rely on the first one's wake-up only if that is early enough.
///
/// Fails if `tell` changes the tick of a keeper with a deadline and does not return him, and if the
/// keeper does not resign.
#[test]
fn two_timers_and_one_wake_up() {
    check_bounded(3, || {
        let timers = Arc::new([Timers::new(), Timers::new()]);
        let keeper = Arc::new(Keeper::new());
        let parker = Arc::new(Parker::new());
        let adders = [(0, SOON + 1), (1, SOON)].map(|(processor, tick)| {
            let (timers, keeper, parker) = (timers.clone(), keeper.clone(), parker.clone());
            thread::spawn(move || {
                let (_, sooner) = timers[processor].add(tick, ());
                if sooner.and_then(|tick| keeper.tell(tick)).is_some() {
                    parker.unpark();
                }
            })
        });
        loop {
            assert!(keeper.apply(0));
            let first = timers[0].next().min(timers[1].next());
            keeper.until(0, first);
            if first > SOON {
                // It would get up by itself at SOON + 1, but that is late for the other one.
                parker.park();
            }
            keeper.resign();
            if timers[1].next() <= SOON {
                break;
            }
        }
        join_all(adders);
    });
}

/// A runtime of two workers, and a third party that queues a task and sets a timer.
struct Runtime {
    idle: Idle,
    keeper: Keeper,
    parkers: [Parker; 2],
    queued: AtomicUsize,
    /// `Timers::next` of the processor of somebody who is busy.
    timer: AtomicU64,
}

impl Runtime {
    fn notify(&self) {
        if let Some(worker) = self.idle.wake_one() {
            self.parkers[worker].unpark();
        }
    }

    fn found(&self, searching: &mut bool) {
        if std::mem::take(searching) && self.idle.end_search() {
            self.notify();
        }
    }

    fn take_task(&self) -> bool {
        let less = |queued: usize| queued.checked_sub(1);
        self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn take_timer(&self) -> bool {
        self.timer.load(Ordering::Relaxed) <= SOON
            && self
                .timer
                .compare_exchange(SOON, NEVER, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// As `Worker::find_work` and `Worker::sleep`. Returns with the task or the timer, and is busy
    /// with that for ever.
    fn find_work(&self, worker: usize) {
        let mut searching = false;
        loop {
            if self.take_task() || self.take_timer() {
                return self.found(&mut searching);
            }
            searching = searching || self.idle.begin_search();
            if self.take_task() {
                return self.found(&mut searching);
            }
            self.idle.lie_down(worker, std::mem::take(&mut searching));
            let keeps = self.keeper.apply(worker);
            if self.queued.load(Ordering::Relaxed) == 0 {
                let first = if keeps { self.timer.load(Ordering::Relaxed) } else { NEVER };
                if keeps {
                    self.keeper.until(worker, first);
                }
                if first > SOON {
                    self.parkers[worker].park();
                }
            }
            if keeps {
                self.keeper.resign();
            }
            let woken = !self.idle.get_up(worker);
            searching = woken || self.idle.begin_search();
        }
    }
}

/// One worker is busy with the task for ever, so the other has to see to the timer, whoever of them
/// was the keeper.
///
/// Fails without either fence of the keeper; if a keeper that was woken does not resign; or if
/// `found` does not wake another worker. (It does not find out a keeper that resigns only after it
/// has begun to search: that would take a third worker.)
#[test]
fn there_is_always_a_keeper() {
    check_bounded(2, || {
        let runtime = Arc::new(Runtime {
            idle: Idle::new(2),
            keeper: Keeper::new(),
            parkers: [Parker::new(), Parker::new()],
            queued: AtomicUsize::new(0),
            timer: AtomicU64::new(NEVER),
        });
        let workers = [0, 1].map(|worker| {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.find_work(worker))
        });
        runtime.queued.fetch_add(1, Ordering::Relaxed);
        runtime.notify();
        runtime.timer.store(SOON, Ordering::Relaxed);
        if let Some(keeper) = runtime.keeper.tell(SOON) {
            runtime.parkers[keeper].unpark();
        }
        join_all(workers);
    });
}
