//! Who looks whether all workers rest, and looks again afterwards, has not missed one that got up,
//! ran something and lay down in between.

use crate::check;
use crate::source_rests::Rests;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;

/// Fails with `Rests::end` the other way round (the epoch before the count), and with
/// `Rests::all_rest` reading the count before the epoch.
#[test]
fn a_look_is_of_one_moment() {
    check(|| {
        let (rests, runs) = (Arc::new(Rests::new()), Arc::new(AtomicUsize::new(0)));
        rests.begin();
        rests.begin(); // the other worker is the one that looks
        let worker = loom::thread::spawn({
            let (rests, runs) = (rests.clone(), runs.clone());
            move || {
                rests.end();
                runs.fetch_add(1, Ordering::SeqCst);
                rests.begin();
            }
        });
        if let Some(epoch) = rests.all_rest(2) {
            let before = runs.load(Ordering::SeqCst);
            let after = runs.load(Ordering::SeqCst);
            if rests.nobody_got_up(epoch) {
                assert_eq!(before, after, "a task has run meanwhile");
            }
        }
        worker.join().unwrap();
    });
}
