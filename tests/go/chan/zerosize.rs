//! Follows `test/chan/zerosize.go`: channels of messages without a size can be made and used, and
//! count them.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, unbounded, TrySendError};
use midge::spawn;

#[derive(Clone, Copy, PartialEq, Debug)]
struct Nothing([u64; 0]);

#[test]
fn messages_without_a_size() {
    let count = rounds(10_000, 1_000);
    go(|| {
        let nothing = Nothing([]);
        for (s, r) in [bounded(0), bounded(1), unbounded()] {
            let sender = spawn(move || (0..count).for_each(|_| s.send(nothing).unwrap()));
            assert_eq!(r.iter().inspect(|got| assert_eq!(*got, nothing)).count(), count);
            join(sender);
        }
        let (s, r) = bounded(2);
        assert_eq!((s.send(()), s.send(())), (Ok(()), Ok(())));
        assert_eq!(s.try_send(()), Err(TrySendError::Full(())));
        assert_eq!((r.len(), r.recv(), r.len()), (2, Ok(()), 1));
    });
}
