//! Promise: a task-local value is its task's alone, made at its first use, and dropped when the
//! task ends, before `join` returns; on an ordinary thread it is the thread's.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{for_each_mode, join, Guard, Tally};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

static MADE: AtomicUsize = AtomicUsize::new(0);

midge::task_local! {
    static COUNT: Cell<usize> = {
        MADE.fetch_add(1, Ordering::SeqCst);
        Cell::new(5)
    };
    static LIST: RefCell<Vec<Rc<usize>>> = RefCell::new(Vec::new());
    /// With a visibility, a comment and no semicolon.
    pub static GUARD: RefCell<Option<Guard>> = RefCell::new(None)
}

#[test]
fn each_task_has_its_own() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let tasks: Vec<_> = (0..200)
                .map(|n| {
                    midge::spawn(move || {
                        assert_eq!(COUNT.get(), 5);
                        COUNT.set(n);
                        for i in 0..5 {
                            LIST.with_borrow_mut(|list| list.push(Rc::new(n + i)));
                            task::yield_now();
                            assert_eq!(COUNT.get(), n);
                        }
                        // A reference that lives across suspension points.
                        LIST.with(|list| {
                            task::yield_now();
                            assert!(list.borrow().iter().map(|rc| **rc).eq(n..n + 5));
                        });
                        assert_eq!(COUNT.replace(1), n);
                        assert_eq!(COUNT.take(), 1);
                        assert_eq!(LIST.take().len(), 5);
                    })
                })
                .collect();
            tasks.into_iter().for_each(join);
        });
    });
}

#[test]
fn set_does_not_run_the_initialiser() {
    midge::task_local! { static UNMADE: Cell<u8> = panic!("it was run"); }
    for_each_mode(&[1], |rt, _| {
        rt.run(|| {
            UNMADE.set(3);
            assert_eq!(UNMADE.get(), 3);
        });
    });
    assert!(std::panic::catch_unwind(|| UNMADE.get()).is_err());
}

#[test]
fn values_are_dropped_before_join_returns() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let handles: Vec<_> = (0..50)
            .map(|n| {
                let guard = tally.guard();
                rt.spawn(move || {
                    GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
                    task::yield_now();
                    if n % 3 == 1 {
                        std::panic::resume_unwind(Box::new(n));
                    }
                    if n % 3 == 2 {
                        loop {
                            task::park();
                        }
                    }
                })
            })
            .collect();
        for (n, handle) in handles.into_iter().enumerate() {
            let before = tally.count();
            if n % 3 == 2 {
                handle.cancel();
            }
            assert_eq!(handle.join().is_ok(), n % 3 == 0);
            assert!(tally.count() > 0 && tally.count() >= before);
        }
        assert_eq!(tally.count(), 50);
    });
}

type Record = Arc<Mutex<Vec<String>>>;

struct Says(&'static str, Record);

impl Drop for Says {
    fn drop(&mut self) {
        let error = match self.0 {
            "first" => SECOND.try_with(|_| ()),
            _ => FIRST.try_with(|_| ()),
        };
        if task::try_current().is_some() {
            task::yield_now(); // a destructor may suspend
        }
        self.1.lock().unwrap().push(format!("{} {error:?}", self.0));
    }
}

midge::task_local! {
    static FIRST: RefCell<Option<Says>> = RefCell::new(None);
    static SECOND: RefCell<Option<Says>> = RefCell::new(None);
}

fn use_both(record: Record) {
    FIRST.set(Some(Says("first", record.clone())));
    SECOND.set(Some(Says("second", record)));
}

#[test]
fn the_youngest_goes_first_and_then_is_gone() {
    let check = |run: &dyn Fn(Record)| {
        let record = Record::default();
        run(record.clone());
        let expected = ["second Ok(())", "first Err(AccessError)"];
        assert_eq!(*record.lock().unwrap(), expected);
    };
    for_each_mode(WORKERS, |rt, _| check(&|record| join(rt.spawn(|| use_both(record)))));
    check(&|record| std::thread::spawn(|| use_both(record)).join().unwrap());
}

#[test]
fn an_initialiser_may_use_its_own_key() {
    midge::task_local! {
        static NESTED: usize = {
            if DEPTH.replace(DEPTH.get() + 1) == 0 { NESTED.with(|inner| inner + 1) } else { 10 }
        };
        static DEPTH: Cell<usize> = Cell::new(0);
    }
    for_each_mode(&[1], |rt, _| assert_eq!(rt.run(|| NESTED.with(|nested| *nested)), 11));
}

#[test]
fn values_that_destructors_make_are_dropped_too() {
    struct MakesAnother(Guard);
    impl Drop for MakesAnother {
        fn drop(&mut self) {
            let guard = self.0.clone();
            GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
        }
    }
    midge::task_local! { static MAKES: RefCell<Option<MakesAnother>> = RefCell::new(None); }
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let guard = tally.guard();
        join(rt.spawn(move || MAKES.set(Some(MakesAnother(guard)))));
        assert_eq!(tally.count(), 2);
        // Of a result that nobody takes, as well.
        let guard = tally.guard();
        let handle = rt.spawn(move || {
            task::park(); // until the handle is gone
            MakesAnother(guard)
        });
        let detached = handle.task().clone();
        drop(handle);
        detached.unpark();
        common::wait_until(|| tally.count() == 4);
    });
}

#[test]
fn a_panicking_destructor_ends_there() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("in a destructor"));
        }
    }
    midge::task_local! { static PANICS: RefCell<Option<Panics>> = RefCell::new(None); }
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let guard = tally.guard();
        let result = rt.spawn(move || {
            GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
            PANICS.set(Some(Panics));
            7
        });
        assert_eq!(join(result), 7);
        assert_eq!(tally.count(), 1);
    });
}
