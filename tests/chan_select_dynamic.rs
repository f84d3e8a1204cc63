//! Promise: `Select` does for a set of operations that is made up at run time what `select!` does;
//! what it has got and nobody completes is not lost; and who only watches is told.

mod common;

use std::time::Duration;

use common::{for_each_mode, join, rounds, wait_until};
use midge::chan::{bounded, unbounded, Select, TryReadyError, TryRecvError, TrySelectError};
use midge::select;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn the_dynamic_select() {
    let (s1, r1) = unbounded::<i32>();
    let (s2, r2) = bounded::<i32>(1);
    let mut select = Select::new();
    let (a, b, c) = (select.recv(&r1), select.send(&s2), select.recv(&r2));
    assert_eq!((a, b, c), (0, 1, 2));
    let selected = select.try_select().unwrap();
    assert_eq!(selected.index(), b);
    selected.send(&s2, 5).unwrap();
    select.remove(b);
    assert_eq!(select.ready(), c);
    let selected = select.select();
    assert_eq!((selected.index(), selected.recv(&r2)), (c, Ok(5)));
    assert_eq!(select.try_select().err(), Some(TrySelectError));
    assert_eq!(select.try_ready(), Err(TryReadyError));
    assert!(select.select_timeout(Duration::from_millis(1)).is_err());
    assert!(select.ready_timeout(Duration::from_millis(1)).is_err());
    assert!(Select::new().try_select().is_err());
    assert!(Select::new().select_timeout(Duration::from_millis(1)).is_err());
    drop(s1);
    assert_eq!(select.ready(), a);
}

#[test]
#[should_panic(expected = "no operations have been added to `Select`")]
fn an_empty_select_cannot_wait() {
    let _ = Select::new().select();
}

#[test]
#[should_panic(expected = "passed a receiver that wasn't selected")]
fn the_wrong_receiver() {
    let (s, r) = unbounded();
    s.send(1).unwrap();
    let mut select = Select::new();
    select.recv(&r);
    let _ = select.select().recv(&r.clone());
}

#[test]
fn an_operation_that_is_not_completed_loses_nothing() {
    let drop_it = |select: &mut Select<'_>| {
        let dropped =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(select.select())));
        let message = *dropped.unwrap_err().downcast::<&str>().unwrap();
        assert_eq!(message, "dropped `SelectedOperation` without completing the operation");
    };
    let (s, r) = bounded(1);
    let mut select = Select::new();
    select.send(&s);
    drop_it(&mut select);
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    s.try_send(1).unwrap();
    let mut select = Select::new();
    select.recv(&r);
    drop_it(&mut select);
    assert_eq!(r.try_recv(), Ok(1));
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let receiver = rt.spawn(move || r.recv());
        rt.run(move || {
            let mut select = Select::new();
            select.send(&s);
            drop_it(&mut select); // the receiver that it had been promised waits on
            s.send(3).unwrap();
        });
        assert_eq!(join(receiver), Ok(3));
    });
}

#[test]
fn watchers_are_told() {
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            let watcher = rt.spawn(move || {
                let mut got = 0;
                while got < 100 {
                    let mut select = Select::new();
                    select.recv(&r);
                    assert_eq!(select.ready(), 0);
                    got += r.try_iter().count();
                }
            });
            rt.run(move || {
                (0..100).for_each(|n| {
                    if n % 2 == 0 {
                        s.send(n).unwrap();
                    } else {
                        select! { send(s, n) -> result => result.unwrap() }
                    }
                })
            });
            join(watcher);
        }
        let (s, r) = bounded(0);
        let watcher = rt.spawn(move || {
            let mut select = Select::new();
            select.send(&s);
            select.ready();
            wait_until(|| s.try_send(1).is_ok());
        });
        assert_eq!(rt.run(move || r.recv()), Ok(1));
        join(watcher);
    });
}

#[test]
fn stress() {
    // Go: TestSelectStress.
    let count = rounds(2_000, 200);
    for_each_mode(WORKERS, |rt, _| {
        let channels: Vec<_> = [0, 0, 2, 3].into_iter().map(bounded::<usize>).collect();
        let mut tasks = Vec::new();
        for (s, r) in &channels {
            let (s, r) = (s.clone(), r.clone());
            tasks.push(rt.spawn(move || (0..count).for_each(|n| s.send(n).unwrap())));
            tasks.push(rt.spawn(move || (0..count).for_each(|_| assert!(r.recv().is_ok()))));
        }
        for sends in [true, false] {
            let channels = channels.clone();
            tasks.push(rt.spawn(move || {
                let mut left = [count; 4];
                while left.iter().any(|left| *left > 0) {
                    let mut select = Select::new();
                    let mut of = Vec::new();
                    for (n, (s, r)) in channels.iter().enumerate() {
                        if left[n] > 0 {
                            if sends {
                                select.send(s)
                            } else {
                                select.recv(r)
                            };
                            of.push(n);
                        }
                    }
                    let selected = select.select();
                    let n = of[selected.index()];
                    left[n] -= 1;
                    if sends {
                        selected.send(&channels[n].0, 1).unwrap();
                    } else {
                        selected.recv(&channels[n].1).unwrap();
                    }
                }
            }));
        }
        tasks.into_iter().for_each(join);
    });
}
