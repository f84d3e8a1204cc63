//! Follows `TestBigGOMAXPROCS` (`src/runtime/proc_test.go`): far more workers than the machine has
//! processors do no harm.

use crate::common::{for_each_mode, join};
use midge::chan::bounded;
use midge::{spawn, task};

#[test]
fn many_workers() {
    for_each_mode(&[100], |rt, _| {
        assert_eq!(rt.workers(), 100);
        let sum = rt.run(|| {
            let (s, r) = bounded(10);
            let tasks: Vec<_> = (0..200)
                .map(|n| (n, s.clone()))
                .map(|(n, s)| {
                    spawn(move || {
                        task::yield_now();
                        s.send(n).unwrap();
                    })
                })
                .collect();
            drop(s);
            let sum = r.iter().sum::<usize>();
            tasks.into_iter().for_each(join);
            sum
        });
        assert_eq!(sum, 199 * 200 / 2);
    });
}
