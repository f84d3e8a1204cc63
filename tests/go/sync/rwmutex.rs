//! Follows `src/sync/rwmutex_test.go`: `TestParallelReaders`, `TestRWMutex` (hammered by readers
//! and writers) and what the type promises: a writer that waits keeps out readers that come later,
//! and a writer's end lets in the readers that came meanwhile.
//!
//! Unlocking what is not locked cannot be written; `RLocker` is the read guard.

use crate::common::{join, rounds, spawn_parked, wait_until};
use crate::{go, spawn_waiting};
use midge::chan::bounded;
use midge::sync::RwLock;
use midge::{spawn, task};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::Arc;

/// All readers are in at the same time: none leaves before the last has come.
#[test]
fn parallel_readers() {
    go(|| {
        for readers in [1, 3, 4] {
            let lock = Arc::new(RwLock::new(7));
            let ((enter, entered), (leave, left)) = (bounded(readers), bounded::<()>(0));
            let tasks: Vec<_> = (0..readers)
                .map(|_| (lock.clone(), enter.clone(), left.clone()))
                .map(|(lock, enter, left)| {
                    spawn(move || {
                        let guard = lock.read();
                        enter.send(()).unwrap();
                        assert!(left.recv().is_err());
                        assert_eq!(*guard, 7);
                    })
                })
                .collect();
            (0..readers).for_each(|_| entered.recv().unwrap());
            assert!(lock.try_write().is_none());
            drop(leave);
            tasks.into_iter().for_each(join);
            assert!(lock.try_write().is_some());
        }
    });
}

fn hammer(readers: usize, each: usize) {
    // A writer is ten thousand readers.
    const WRITER: isize = 10_000;
    let lock = Arc::new((RwLock::new(()), AtomicIsize::new(0)));
    let write = |lock: &(RwLock<()>, AtomicIsize)| {
        let _guard = lock.0.write();
        assert_eq!(lock.1.fetch_add(WRITER, Ordering::SeqCst), 0, "a writer is not alone");
        task::yield_now();
        lock.1.fetch_sub(WRITER, Ordering::SeqCst);
    };
    let read = |lock: &(RwLock<()>, AtomicIsize)| {
        let _guard = lock.0.read();
        assert!(lock.1.fetch_add(1, Ordering::SeqCst) < WRITER, "a reader beside a writer");
        task::yield_now();
        lock.1.fetch_sub(1, Ordering::SeqCst);
    };
    let mut tasks = Vec::new();
    for number in 0..readers + 2 {
        let lock = lock.clone();
        tasks.push(spawn(move || {
            (0..each).for_each(|_| if number < 2 { write(&lock) } else { read(&lock) });
        }));
    }
    tasks.into_iter().for_each(join);
    assert_eq!(lock.1.load(Ordering::SeqCst), 0);
}

#[test]
fn hammered_by_readers_and_writers() {
    let each = rounds(500, 40);
    go(|| [1, 3, 10].into_iter().for_each(|readers| hammer(readers, each)));
}

#[test]
fn a_waiting_writer_goes_before_later_readers() {
    go(|| {
        let lock = Arc::new(RwLock::new(Vec::new()));
        let first = lock.read();
        let writer = lock.clone();
        let writer = spawn_waiting(move || writer.write().push("writer"));
        // The lock is only read, yet a reader who comes now has to wait behind the writer.
        wait_until(|| lock.try_read().is_none());
        let readers: Vec<_> = (0..3)
            .map(|_| lock.clone())
            .map(|lock| spawn_waiting(move || assert_eq!(*lock.read(), ["writer"])))
            .collect();
        assert!(first.is_empty());
        drop(first);
        join(writer);
        readers.into_iter().for_each(join);
    });
}

/// Readers and then a writer come while another one writes. What the readers see.
fn readers_between_two_writers() -> Vec<i32> {
    let lock = Arc::new(RwLock::new(0));
    let mut first = lock.write();
    let readers: Vec<_> =
        (0..3).map(|_| lock.clone()).map(|lock| spawn_parked(move || *lock.read())).collect();
    let second = lock.clone();
    let second = spawn_parked(move || *second.write() = 2);
    *first = 1;
    drop(first);
    let seen = readers.into_iter().map(join).collect();
    join(second);
    assert_eq!(*lock.read(), 2);
    seen
}

#[test]
fn readers_who_came_during_a_write_go_before_the_next_writer() {
    go(|| assert_eq!(readers_between_two_writers(), [1, 1, 1]));
}
