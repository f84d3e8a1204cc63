//! Follows `TestYieldProgress` and `TestStopTheWorldDeadlock` (`src/runtime/proc_test.go`), as far
//! as a task's behaviour goes: a task that yields in a loop lets the one run that will stop it,
//! however many do the same; and tasks that do nothing but spawn their successor do not keep others
//! out.

use crate::common::{join, rounds, wait_until};
use crate::go;
use midge::chan::{unbounded, Sender};
use midge::{spawn, task};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

#[test]
fn who_yields_lets_others_run() {
    go(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let yielding: Vec<_> = (0..20)
            .map(|_| stop.clone())
            .map(|stop| {
                spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        task::yield_now();
                    }
                })
            })
            .collect();
        join(spawn(move || stop.store(true, Ordering::Relaxed)));
        yielding.into_iter().for_each(join);
    });
}

/// Spawns itself again and again.
fn respawn(generation: Arc<AtomicUsize>, stop: Arc<AtomicBool>, ended: Sender<()>) {
    generation.fetch_add(1, Ordering::Relaxed);
    if stop.load(Ordering::Relaxed) {
        ended.send(()).unwrap();
    } else {
        spawn(move || respawn(generation, stop, ended));
    }
}

#[test]
fn who_respawns_lets_others_run() {
    let (turns, generations) = (rounds(1_000, 100), rounds(10_000, 500));
    go(|| {
        let (generation, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (s, ended) = unbounded();
        for _ in 0..2 {
            let (generation, stop, s) = (generation.clone(), stop.clone(), s.clone());
            spawn(move || respawn(generation, stop, s));
        }
        drop(s);
        join(spawn(move || (0..turns).for_each(|_| task::yield_now())));
        wait_until(|| generation.load(Ordering::Relaxed) >= generations);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(ended.iter().count(), 2);
    });
}
