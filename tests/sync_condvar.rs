//! Promise: a waiter that is in the queue when somebody notifies is woken, in the order of arrival,
//! and has the mutex when it returns.

mod common;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, rounds, wait_until};
use midge::sync::{Condvar, Mutex};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

#[derive(Default)]
struct Shared<T> {
    data: Mutex<T>,
    changed: Condvar,
}

#[test]
fn a_bounded_queue_between_tasks_and_threads() {
    const ROOM: usize = 3;
    let each = rounds(2000, 300);
    #[derive(Default)]
    struct Queue {
        items: Mutex<VecDeque<usize>>,
        not_empty: Condvar,
        not_full: Condvar,
    }
    for_each_mode(WORKERS, |rt, _| {
        let queue = Arc::new(Queue::default());
        let produce = |queue: Arc<Queue>| {
            move || {
                for n in 1..=each {
                    let mut items = queue.items.lock();
                    queue.not_full.wait_while(&mut items, |items| items.len() == ROOM);
                    items.push_back(n);
                    queue.not_empty.notify_one();
                }
            }
        };
        let consume = |queue: Arc<Queue>| {
            move || {
                let mut sum = 0;
                for _ in 0..each {
                    let mut items = queue.items.lock();
                    while items.is_empty() {
                        queue.not_empty.wait(&mut items);
                    }
                    sum += items.pop_front().unwrap();
                    queue.not_full.notify_one();
                }
                sum
            }
        };
        let producers: Vec<_> = (0..4).map(|_| rt.spawn(produce(queue.clone()))).collect();
        let thread = std::thread::spawn(produce(queue.clone()));
        let consumers: Vec<_> = (0..4).map(|_| rt.spawn(consume(queue.clone()))).collect();
        let other_thread = std::thread::spawn(consume(queue.clone()));
        producers.into_iter().for_each(join);
        thread.join().unwrap();
        let sum = consumers.into_iter().map(join).sum::<usize>() + other_thread.join().unwrap();
        assert_eq!(sum, 5 * each * (each + 1) / 2);
    });
}

#[test]
fn one_notification_wakes_one_in_order_and_all_wake_all() {
    for_each_mode(WORKERS, |rt, _| {
        const TASKS: usize = 10;
        let shared = Arc::new(Shared::<(Vec<usize>, Vec<usize>)>::default());
        assert!(!shared.changed.notify_one());
        assert_eq!(shared.changed.notify_all(), 0);
        let waiting: Vec<_> = (0..TASKS)
            .map(|number| {
                let shared = shared.clone();
                rt.spawn(move || {
                    let mut data = shared.data.lock();
                    data.0.push(number);
                    shared.changed.wait(&mut data);
                    data.1.push(number);
                })
            })
            .collect();
        // Who has arrived and let go of the mutex is in the queue.
        wait_until(|| shared.data.lock().0.len() == TASKS);
        for woken in 1..=3 {
            assert!(shared.changed.notify_one());
            wait_until(|| shared.data.lock().1.len() == woken);
        }
        {
            let data = shared.data.lock();
            assert_eq!(data.1, data.0[..3]);
        }
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        assert_eq!(shared.data.lock().1.len(), 3, "somebody woke without a notification");
        assert_eq!(shared.changed.notify_all(), TASKS - 3);
        waiting.into_iter().for_each(join);
        assert_eq!(shared.data.lock().1.len(), TASKS);
    });
}

#[test]
fn broadcasts_to_tasks_and_threads_round_after_round() {
    let laps = rounds(200, 50);
    for_each_mode(WORKERS, |rt, _| {
        let shared = Arc::new(Shared::<(usize, usize)>::default()); // round, arrivals
        let work = |shared: Arc<Shared<(usize, usize)>>| {
            move || {
                for lap in 0..laps {
                    let mut data = shared.data.lock();
                    data.1 += 1;
                    if data.1 == 10 {
                        *data = (lap + 1, 0);
                        shared.changed.notify_all();
                    } else {
                        shared.changed.wait_while(&mut data, |data| data.0 == lap);
                    }
                    assert_eq!(data.0, lap + 1);
                }
            }
        };
        let tasks: Vec<_> = (0..8).map(|_| rt.spawn(work(shared.clone()))).collect();
        let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(work(shared.clone()))).collect();
        tasks.into_iter().for_each(join);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_limit_of_time() {
    let brief = Duration::from_millis(2);
    for_each_mode(WORKERS, |rt, _| {
        let shared = Arc::new(Shared::<bool>::default());
        let theirs = shared.clone();
        let timed_out = rt.spawn(move || {
            let mut data = theirs.data.lock();
            let first = theirs.changed.wait_for(&mut data, brief);
            let second = theirs.changed.wait_until(&mut data, Instant::now());
            let third = theirs.changed.wait_while_for(&mut data, |data| !*data, brief);
            *data = true; // it has the mutex
            let fourth = theirs.changed.wait_while_for(&mut data, |data| !*data, brief);
            [first, second, third, fourth].map(|result| result.timed_out())
        });
        assert_eq!(join(timed_out), [true, true, true, false]);
        assert!(*shared.data.lock());

        let theirs = shared.clone();
        let in_time = rt.spawn(move || {
            let mut data = theirs.data.lock();
            *data = false;
            theirs.changed.wait_for(&mut data, Duration::MAX).timed_out()
        });
        wait_until(|| !*shared.data.lock());
        assert!(shared.changed.notify_one());
        assert!(!join(in_time));
    });
}
