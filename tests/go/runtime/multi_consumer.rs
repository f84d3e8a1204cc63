//! Follows `TestMultiConsumer` (`src/runtime/chan_test.go`): 23 tasks work off one channel into
//! another, at uneven speed; nothing is lost or doubled.

use crate::common::rounds;
use crate::go;
use midge::chan::bounded;
use midge::{spawn, task};

const PRIMES: [usize; 7] = [3, 7, 5, 23, 11, 13, 17];

#[test]
fn many_consumers_of_one_channel() {
    let count = rounds(27_182, 2_718);
    go(|| {
        let (jobs, to_do) = bounded(23 * 3);
        let (results, done) = bounded(23 * 3);
        for consumer in 0..23 {
            let (to_do, results) = (to_do.clone(), results.clone());
            spawn(move || {
                for (turn, n) in to_do.iter().enumerate() {
                    if (turn + consumer) % 7 == n % 7 {
                        task::yield_now();
                    }
                    results.send(n).unwrap();
                }
            });
        }
        drop(results);
        spawn(move || (0..count).for_each(|n| jobs.send(PRIMES[n % 7]).unwrap()));
        let (mut received, mut sum) = (0, 0);
        for n in done {
            received += 1;
            sum += n;
        }
        assert_eq!(received, count);
        assert_eq!(sum, (0..count).map(|n| PRIMES[n % 7]).sum());
    });
}
