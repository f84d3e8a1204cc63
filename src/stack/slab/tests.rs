//! Tests of the whole slab, each in a slab of its own, so that the others cannot disturb its
//! counts.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::*;

fn new_slab() -> &'static Slab {
    Box::leak(Box::new(Slab::new()))
}

fn all_classes() -> impl Iterator<Item = (Kind, u8)> + Clone {
    [Kind::Task, Kind::Block]
        .into_iter()
        .flat_map(|kind| (0..=class_of(kind, 2048).unwrap()).map(move |class| (kind, class)))
}

/// What an idle slab may keep: one chunk.
const IDLE: (usize, usize, usize) = (2 << 20, 0, 0);

/// An object on its way to another thread.
struct Parcel(NonNull<u8>, Kind, u8);

// SAFETY: objects are plain memory that any thread may use and free.
unsafe impl Send for Parcel {}

#[test]
fn objects_of_every_class_are_aligned_apart_and_whole() {
    let slab = new_slab();
    let mut cache = Cache::of(slab);
    let mut taken = Vec::new();
    for (kind, class) in all_classes() {
        // More than three spans of each.
        for _ in 0..3 * 65_536 / class_size(kind, class) + 10 {
            let object = cache.alloc(kind, class).unwrap();
            assert_eq!(object.as_ptr().addr() % 16, 0);
            // SAFETY: the object is ours and has as many bytes.
            unsafe { object.write_bytes(taken.len() as u8, class_size(kind, class)) };
            taken.push((object, kind, class));
        }
    }
    for (number, &(object, kind, class)) in taken.iter().enumerate() {
        // SAFETY: as above, and written; nobody writes while the slice lives.
        let bytes = unsafe { std::slice::from_raw_parts(object.as_ptr(), class_size(kind, class)) };
        assert!(bytes.iter().all(|byte| *byte == number as u8), "objects overlap");
    }
    let addresses: HashSet<_> = taken.iter().map(|(object, ..)| *object).collect();
    assert_eq!(addresses.len(), taken.len());
    for (object, kind, class) in taken {
        // SAFETY: allocated with these, freed once.
        unsafe { cache.free(object, kind, class) };
    }
    drop(cache);
    assert_eq!(slab.heap.stats(), IDLE);
}

#[test]
fn a_million_objects_take_little_more_than_their_size_and_go_back() {
    let slab = new_slab();
    let mut cache = Cache::of(slab);
    let task = class_of(Kind::Task, 112).unwrap();
    let block = class_of(Kind::Block, 256).unwrap();
    // The second time from recycled spans.
    for _ in 0..2 {
        let mut taken = Vec::new();
        for _ in 0..500_000 {
            taken.push((cache.alloc(Kind::Task, task).unwrap(), Kind::Task, task));
            taken.push((cache.alloc(Kind::Block, block).unwrap(), Kind::Block, block));
        }
        let (mapped, task_bytes, block_bytes) = slab.heap.stats();
        let needed = 500_000 * (112 + 256);
        assert!(task_bytes >= 500_000 * 112 && block_bytes >= 500_000 * 256);
        assert!(mapped < needed + needed / 50 + (4 << 20), "{mapped} for {needed}");
        // In an order that is neither the allocation's nor its reverse.
        for start in 0..7 {
            for &(object, kind, class) in taken.iter().skip(start).step_by(7) {
                // SAFETY: allocated with these; each number is of one start only.
                unsafe { cache.free(object, kind, class) };
            }
        }
        cache.flush();
        assert_eq!(slab.heap.stats(), IDLE);
    }
}

#[test]
fn freed_objects_come_back_last_first_and_only_their_first_word_changes() {
    let slab = new_slab();
    let mut cache = Cache::of(slab);
    // Holds the span: without it a flush would give it back, and it would be zeroed.
    let holder = cache.alloc(Kind::Task, 0).unwrap();
    let object = cache.alloc(Kind::Task, 0).unwrap();
    let word = size_of::<usize>();
    let size = class_size(Kind::Task, 0);
    // SAFETY: ours, and within its size.
    unsafe { object.write_bytes(0xA5, size) };
    // SAFETY: allocated with these, freed once. (The bytes are looked at while it is free, which
    // is what this is about; nobody else has the slab.)
    unsafe { cache.free(object, Kind::Task, 0) };
    let untouched = || {
        // SAFETY: the span is in use as long as `holder`, so the memory is mapped.
        let bytes = unsafe { std::slice::from_raw_parts(object.as_ptr().add(word), size - word) };
        bytes.iter().all(|byte| *byte == 0xA5)
    };
    assert!(untouched());
    assert_eq!(cache.alloc(Kind::Task, 0), Some(object));
    // SAFETY: allocated with these, freed once.
    unsafe { cache.free(object, Kind::Task, 0) };
    cache.flush();
    assert!(untouched());
    // SAFETY: allocated with these, freed once.
    unsafe { slab.free_uncached(holder, Kind::Task, 0) };
}

#[test]
fn a_span_that_becomes_one_of_tasks_is_zero() {
    let slab = new_slab();
    for round in 0..4 {
        let mut cache = Cache::of(slab);
        let kind = [Kind::Block, Kind::Task][round % 2];
        let mut taken = Vec::new();
        for _ in 0..2_000 {
            let object = cache.alloc(kind, 3).unwrap();
            let size = class_size(kind, 3);
            if kind == Kind::Task {
                // SAFETY: ours; zero, or written before this test got it.
                let bytes = unsafe { std::slice::from_raw_parts(object.as_ptr(), size) };
                assert!(bytes[size_of::<usize>()..].iter().all(|byte| *byte == 0));
            }
            // SAFETY: ours, and within its size.
            unsafe { object.write_bytes(0xFF, size) };
            taken.push(object);
        }
        for object in taken {
            // SAFETY: allocated with these, freed once.
            unsafe { cache.free(object, kind, 3) };
        }
    }
    assert_eq!(slab.heap.stats(), IDLE);
}

#[test]
fn a_cache_keeps_two_batches_at_most() {
    let slab = new_slab();
    let mut cache = Cache::of(slab);
    let at = index(Kind::Task, 0);
    let taken: Vec<_> = (0..1000).map(|_| cache.alloc(Kind::Task, 0).unwrap()).collect();
    for object in taken {
        // SAFETY: allocated with these, freed once.
        unsafe { cache.free(object, Kind::Task, 0) };
        assert!(cache.lists[at].count <= 2 * batch(at));
    }
    let mut length = 0;
    let mut next = cache.lists[at].head;
    while !next.is_null() {
        length += 1;
        // SAFETY: the objects of the list are free, and nobody else has the cache.
        next = unsafe { (*next).next };
    }
    assert_eq!(length, cache.lists[at].count);
}

#[test]
fn threads_without_a_cache_share_the_process_wide_slab() {
    let objects: Vec<_> = (0..100).map(|_| alloc_uncached(Kind::Block, 1).unwrap()).collect();
    let (mapped, _, in_blocks) = stats();
    assert!(mapped >= 2 << 20 && in_blocks >= 64 << 10);
    let mut cache = Cache::new();
    for (number, object) in objects.into_iter().enumerate() {
        // SAFETY: allocated with these, freed once.
        unsafe {
            match number % 2 {
                0 => cache.free(object, Kind::Block, 1),
                _ => free_uncached(object, Kind::Block, 1),
            }
        }
    }
    let task = alloc_uncached(Kind::Task, 5).unwrap();
    let mut found = false;
    for_each_task_slot(&mut |slot| found |= slot == task);
    assert!(found);
    // SAFETY: allocated with these, freed once.
    unsafe { free_uncached(task, Kind::Task, 5) };
}

#[test]
fn objects_freed_on_another_thread_go_back() {
    let slab = new_slab();
    thread::scope(|scope| {
        for _ in 0..2 {
            let (sender, receiver) = mpsc::sync_channel::<Vec<Parcel>>(4);
            scope.spawn(move || {
                let mut cache = Cache::of(slab);
                for round in 0..300 {
                    let parcels = all_classes()
                        .cycle()
                        .skip(round)
                        .take(500)
                        .map(|(kind, class)| {
                            let object = cache.alloc(kind, class).unwrap();
                            // SAFETY: ours, and within its size.
                            unsafe { object.write_bytes(class, class_size(kind, class)) };
                            Parcel(object, kind, class)
                        })
                        .collect();
                    sender.send(parcels).unwrap();
                }
            });
            scope.spawn(move || {
                let mut cache = Cache::of(slab);
                for Parcel(object, kind, class) in receiver.into_iter().flatten() {
                    let size = class_size(kind, class);
                    // SAFETY: sent to this thread, which has it alone.
                    let bytes = unsafe { std::slice::from_raw_parts(object.as_ptr(), size) };
                    assert!(bytes.iter().all(|byte| *byte == class));
                    // SAFETY: allocated with these, freed once.
                    unsafe { cache.free(object, kind, class) };
                }
            });
        }
    });
    let (mapped, in_tasks, in_blocks) = slab.heap.stats();
    assert_eq!((in_tasks, in_blocks), (0, 0));
    assert!(mapped <= 2 << 20);
}

/// A count of references at the second word of each task, as the task layer has.
fn references(object: NonNull<u8>) -> &'static AtomicUsize {
    // SAFETY: within any object, aligned, and used as an atomic only, by all of the next test. The
    // test looks at it only where the slot is mapped.
    unsafe { object.cast::<AtomicUsize>().add(1).as_ref() }
}

/// Ends the churn also when the walk fails, since the scope waits for the churners.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_walk_sees_every_task_while_other_threads_churn() {
    const MARK: usize = 0x5AB0;
    let slab = new_slab();
    let class = class_of(Kind::Task, 200).unwrap();
    let mut cache = Cache::of(slab);
    let kept: Vec<_> = (0..5_000).map(|_| cache.alloc(Kind::Task, class).unwrap()).collect();
    kept.iter().for_each(|object| references(*object).store(MARK, Ordering::Relaxed));
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = StopOnDrop(stop);
        for churner in 0..2usize {
            scope.spawn(move || {
                let mut cache = Cache::of(slab);
                let mut round = churner;
                while !stop.load(Ordering::Relaxed) {
                    let kind = [Kind::Task, Kind::Block][round % 2];
                    let class = (round % 10) as u8;
                    round += 1;
                    let objects: Vec<_> =
                        (0..3_000).map(|_| cache.alloc(kind, class).unwrap()).collect();
                    for object in objects {
                        if kind == Kind::Task {
                            let before = references(object).swap(1, Ordering::Relaxed);
                            assert_eq!(before, 0, "a free slot was touched");
                            references(object).store(0, Ordering::Relaxed);
                        } else {
                            // SAFETY: ours, and within its size.
                            unsafe { object.write_bytes(0xEE, class_size(kind, class)) };
                        }
                        // SAFETY: allocated with these, freed once.
                        unsafe { cache.free(object, kind, class) };
                    }
                    cache.flush();
                }
            });
        }
        for _ in 0..50 {
            let mut marked = 0;
            slab.heap.for_each_task_slot(&mut |slot| {
                let count = references(slot).load(Ordering::Relaxed);
                assert!(matches!(count, 0 | 1 | MARK), "no slot for tasks: {count:#x}");
                marked += usize::from(count == MARK);
            });
            assert_eq!(marked, kept.len());
        }
    });
    for object in kept {
        // SAFETY: allocated with these, freed once.
        unsafe { cache.free(object, Kind::Task, class) };
    }
    drop(cache);
    let mut slots = 0;
    slab.heap.for_each_task_slot(&mut |_| slots += 1);
    assert_eq!(slots, 0);
}
