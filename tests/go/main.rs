//! Promise: what Go's own tests check of goroutines, channels, `select` and `sync` holds of tasks
//! here, where it has a meaning: in every mode, with one, two and eight workers.
//!
//! Each file follows one of Go's programs (`test/chan`, `test/ken`) or tests (`src/runtime`,
//! `src/sync`) and names it. The behaviour is Go's; the code is not. Where the two languages
//! differ, it maps like this:
//!
//! | Go | here |
//! |---|---|
//! | `close(c)` by the sender | the drop of the last `Sender` |
//! | `v, ok := <-c` of a closed channel: `0, false` | `recv` gives `Err`, when it is empty |
//! | a send on a closed channel panics | with all receivers gone, `send` gives an `Err` |
//! | closing twice, closing nil | does not compile: nobody can drop twice |
//! | receiving from a nil channel waits for ever | `never()` does |
//! | sending to a nil channel waits for ever | no such sender; a `Select`'s case is left out |
//! | `chan<- T`, `<-chan T` | `Sender<T>`, `Receiver<T>`; nothing is both |
//! | a goroutine that the end of `main` kills | a task that ends when its channel disconnects |
//! | a panic in a goroutine ends the process | it is the `Err` of `join`, or goes on from `run` |

#[path = "../common/mod.rs"]
mod common;
mod counting;

mod chan {
    mod chancap;
    mod closedchan;
    mod doubleselect;
    mod fifo;
    mod goroutines;
    mod ken_chan;
    mod ken_chan1;
    mod nonblock;
    mod peano;
    mod perm;
    mod power_series;
    mod powser1;
    mod powser2;
    mod select;
    mod select2;
    mod select3;
    mod select4;
    mod select5;
    mod select6;
    mod select7;
    mod select8;
    mod select_none;
    mod sendstmt;
    mod sieve1;
    mod sieve2;
    mod stack;
    mod zerosize;
}

mod runtime {
    mod big_gomaxprocs;
    mod chan;
    mod chan_send_barrier;
    mod chan_send_interface;
    mod multi_consumer;
    mod nonblock_recv_race;
    mod nonblock_select_race;
    mod num_goroutine;
    mod parallelism;
    mod ping_pong_hog;
    mod prod_cons;
    mod pseudo_random_send;
    mod select_duplicate_channel;
    mod select_fairness;
    mod select_stack_adjust;
    mod select_stress;
    mod self_select;
    mod shrink_stack_during_send;
    mod timer_fairness;
    mod unrecovered_panic;
    mod yield_progress;
}

mod sync {
    mod cond;
    mod mutex;
    mod once;
    mod rwmutex;
    mod wait_group;
}

use common::{for_each_mode, wait_until, Mode};
use midge::{task, JoinHandle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Runs `main` as the main task of a fresh runtime, in every mode: with one, two and eight workers,
/// or with as many as `MIDGE_WORKERS` says.
fn go(main: impl Fn() + Send + Sync) {
    go_in(|_| main());
}

/// The same for what depends on the mode.
fn go_in(main: impl Fn(Mode) + Send + Sync) {
    let asked = std::env::var("MIDGE_WORKERS").ok().map(|n| n.parse().expect("a number"));
    let workers = asked.map_or(vec![1, 2, 8], |n| vec![n]);
    for_each_mode(&workers, |rt, mode| rt.run(|| main(mode)));
}

/// Spawns a task that waits for something. It has begun, and does not end however often others get
/// their turn. (With several workers, or under stress, it may not have come to its wait yet.)
#[track_caller]
fn spawn_waiting<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let begun = Arc::new(AtomicBool::new(false));
    let flag = begun.clone();
    let waiting = midge::spawn(move || {
        flag.store(true, Ordering::Release);
        f()
    });
    wait_until(|| begun.load(Ordering::Acquire));
    yields(20);
    assert!(!waiting.is_finished(), "it does not wait");
    waiting
}

/// Ends a task that would wait for ever. (Where a panic aborts, nothing unwinds, and the task is
/// left alone.)
#[track_caller]
fn end<T>(waiting: JoinHandle<T>) {
    if cfg!(panic = "unwind") {
        waiting.cancel();
        assert!(waiting.join().is_err(), "it did not wait any more");
    }
}

/// Lets others have their turn so many times.
fn yields(count: usize) {
    (0..count).for_each(|_| task::yield_now());
}
