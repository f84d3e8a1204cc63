//! Follows `test/ken/chan1.go`: as many readers as writers at one channel. Every number is received
//! exactly once.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::bounded;
use midge::spawn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

#[test]
fn readers_and_writers() {
    let (each, writers) = (rounds(1_000, 100), 10);
    go(|| {
        for capacity in [0, 1, 100] {
            let (s, r) = bounded(capacity);
            let seen: Arc<Vec<_>> =
                Arc::new((0..each * writers).map(|_| AtomicU32::new(0)).collect());
            let mut tasks = Vec::new();
            for writer in 0..writers {
                let (s, r, seen) = (s.clone(), r.clone(), seen.clone());
                tasks.push(spawn(move || {
                    for n in 0..each {
                        s.send(writer * each + n).unwrap();
                    }
                }));
                tasks.push(spawn(move || {
                    for _ in 0..each {
                        seen[r.recv().unwrap()].fetch_add(1, Ordering::Relaxed);
                    }
                }));
            }
            tasks.into_iter().for_each(join);
            assert!(seen.iter().all(|times| times.load(Ordering::Relaxed) == 1));
            assert!(r.is_empty());
        }
    });
}
