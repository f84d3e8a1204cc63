//! Promise: a reader-writer lock lets readers in together and a writer alone; a waiting writer goes
//! before later readers, and waiting readers before the next writer.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, rounds, wait_until, Random};
use midge::sync::{Barrier, RwLock, RwLockReadGuard, RwLockWriteGuard};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn readers_together_and_writers_alone_among_tasks_and_threads() {
    let each = rounds(1500, 200);
    for_each_mode(WORKERS, |rt, _| {
        let lock = Arc::new(RwLock::new((0_u64, 0_u64)));
        let work = |seed: u64| {
            let lock = lock.clone();
            move || {
                let mut random = Random::new(seed);
                let mut written = 0;
                for _ in 0..each {
                    if random.below(4) == 0 {
                        let mut guard = lock.write();
                        guard.0 += 1;
                        if random.below(4) == 0 {
                            task::yield_now();
                        }
                        guard.1 += 1;
                        written += 1;
                        if random.below(4) == 0 {
                            let guard = RwLockWriteGuard::downgrade(guard);
                            task::yield_now();
                            assert_eq!(guard.0, guard.1);
                        }
                    } else {
                        let guard = lock.read();
                        let before = *guard;
                        assert_eq!(before.0, before.1);
                        if random.below(4) == 0 {
                            task::yield_now();
                        }
                        assert_eq!(*guard, before);
                    }
                }
                written
            }
        };
        let tasks: Vec<_> = (0..10).map(|seed| rt.spawn(work(seed))).collect();
        let threads: Vec<_> = (10..13).map(|seed| std::thread::spawn(work(seed))).collect();
        let written: u64 = tasks.into_iter().map(join).sum::<u64>()
            + threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>();
        assert_eq!(lock.read().0, written);
        assert!(!lock.is_locked() || !lock.is_locked_exclusive());
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn readers_are_in_together() {
    for_each_mode(WORKERS, |rt, _| {
        let (lock, all_in) = (Arc::new(RwLock::new(())), Arc::new(Barrier::new(8)));
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let (lock, all_in) = (lock.clone(), all_in.clone());
                rt.spawn(move || {
                    let _guard = lock.read();
                    all_in.wait(); // no reader could pass this alone
                })
            })
            .collect();
        readers.into_iter().for_each(join);
    });
}

#[test]
fn a_waiting_writer_goes_before_later_readers() {
    for_each_mode(WORKERS, |rt, _| {
        let lock = Arc::new(RwLock::new(0));
        let reading = lock.read();
        let theirs = lock.clone();
        let writer = rt.spawn(move || *theirs.write() = 1);
        // It has announced itself when no reader gets in any more.
        wait_until(|| lock.try_read().is_none());
        assert!(!lock.is_locked_exclusive() && lock.is_locked());
        let later: Vec<_> = (0..5)
            .map(|_| {
                let theirs = lock.clone();
                rt.spawn(move || *theirs.read())
            })
            .collect();
        rt.run(|| (0..50).for_each(|_| task::yield_now()));
        assert!(later.iter().all(|reader| !reader.is_finished()), "a reader overtook the writer");
        assert_eq!(*reading, 0);
        drop(reading);
        join(writer);
        later.into_iter().for_each(|reader| assert_eq!(join(reader), 1));
    });
}

#[test]
fn a_stream_of_readers_does_not_keep_a_writer_out_nor_a_stream_of_writers_readers() {
    for_each_mode(WORKERS, |rt, _| {
        for stream_reads in [true, false] {
            let lock = Arc::new(RwLock::new(0));
            let (stop, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let stream: Vec<_> = (0..4)
                .map(|_| {
                    let (lock, stop, busy) = (lock.clone(), stop.clone(), busy.clone());
                    rt.spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            busy.fetch_add(1, Ordering::Relaxed);
                            if stream_reads {
                                let _guard = lock.read();
                                task::yield_now();
                            } else {
                                let _guard = lock.write();
                                task::yield_now();
                            }
                        }
                    })
                })
                .collect();
            wait_until(|| busy.load(Ordering::Relaxed) > 20);
            let theirs = lock.clone();
            let other = rt.spawn(move || {
                for _ in 0..10 {
                    if stream_reads {
                        *theirs.write() += 1;
                    } else {
                        assert_eq!(*theirs.read(), 0);
                    }
                }
            });
            wait_until(|| other.is_finished());
            stop.store(true, Ordering::Relaxed);
            stream.into_iter().for_each(join);
            join(other);
            assert_eq!(*lock.read(), if stream_reads { 10 } else { 0 });
        }
    });
}

#[test]
fn trying_never_waits() {
    let lock = RwLock::new(1);
    let (one, two) = (lock.read(), lock.try_read().unwrap());
    assert_eq!(*one + *two, 2);
    assert!(lock.try_write().is_none());
    drop((one, two));
    let guard = lock.try_write().unwrap();
    assert!(lock.is_locked_exclusive());
    assert!(lock.try_read().is_none() && lock.try_write().is_none());
    drop(guard);
    assert!(!lock.is_locked());
}

#[test]
fn a_limit_of_time() {
    let brief = Duration::from_millis(2);
    for_each_mode(WORKERS, |rt, _| {
        let lock = Arc::new(RwLock::new(0));
        let writing = lock.write();
        let theirs = lock.clone();
        let none = rt.spawn(move || {
            theirs.try_read_for(brief).is_none()
                && theirs.try_write_for(brief).is_none()
                && theirs.try_read_until(Instant::now()).is_none()
                && theirs.try_write_until(Instant::now()).is_none()
        });
        assert!(join(none));
        drop(writing);
        // A writer that gives up lets in the readers that waited behind it.
        let reading = lock.read();
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, stopped) = (lock.clone(), stop.clone());
        let writer = rt.spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                assert!(theirs.try_write_for(brief).is_none());
            }
        });
        wait_until(|| lock.try_read().is_none());
        let theirs = lock.clone();
        join(rt.spawn(move || drop(theirs.read())));
        stop.store(true, Ordering::SeqCst);
        join(writer);
        drop(reading);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn guards_of_parts() {
    let lock = RwLock::new((1, vec![1]));
    RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1).push(2);
    let list = RwLockReadGuard::map(lock.read(), |pair| &pair.1);
    let one = RwLockReadGuard::map(lock.read(), |pair| &pair.0);
    assert_eq!((list.len(), *one), (2, 1));
    assert!(RwLockReadGuard::try_map(lock.read(), |pair| pair.1.get(5)).is_err());
    drop((list, one));
    assert_eq!(format!("{lock:?}"), "RwLock { data: (1, [1, 2]) }");
    assert_eq!(lock.into_inner().0, 1);
}
