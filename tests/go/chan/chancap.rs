//! Follows `test/chancap.go`: the capacity and the length of a channel, and sizes that are too
//! large.
//!
//! Go panics at a size that it cannot have. Here memory is taken as messages come, so that every
//! size can be asked for; negative ones do not compile. The length of a nil channel is 0, and so is
//! its capacity.

use crate::go;
use midge::chan::{bounded, never, unbounded};

#[test]
fn capacity_and_length() {
    go(|| {
        for capacity in [0, 1, 10, 1_000] {
            let (s, r) = bounded(capacity);
            assert_eq!((s.capacity(), r.capacity()), (Some(capacity), Some(capacity)));
            for sent in 0..capacity {
                assert_eq!(
                    (s.len(), r.len(), s.is_full(), r.is_full()),
                    (sent, sent, false, false)
                );
                s.send(sent).unwrap();
            }
            assert_eq!((s.len(), s.is_full(), r.is_full()), (capacity, true, true));
            assert_eq!(r.is_empty(), capacity == 0);
        }
        assert_eq!(unbounded::<u8>().1.capacity(), None);
        assert_eq!((never::<u8>().len(), never::<u8>().capacity()), (0, Some(0)));
    });
}

#[test]
fn no_size_is_too_large_to_ask_for() {
    go(|| {
        for capacity in [1 << 20, u32::MAX as usize - 1, isize::MAX as usize] {
            let (s, r) = bounded::<[u64; 4]>(capacity);
            assert_eq!(s.capacity(), Some(capacity));
            s.send([1, 2, 3, 4]).unwrap();
            assert_eq!(r.recv(), Ok([1, 2, 3, 4]));
        }
    });
}
