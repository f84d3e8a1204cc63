//! Follows `TestNonblockRecvRace` (`src/runtime/chan_test.go`): with a message in the buffer, a
//! receive that does not wait gets it, also in the instant in which the channel is closed: it never
//! says that the channel is empty.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::bounded;
use midge::{select, spawn};

#[test]
fn a_message_is_seen_while_the_channel_closes() {
    let count = rounds(5_000, 300);
    go(|| {
        for n in 0..count {
            let (s, r) = bounded(1);
            s.send(1).unwrap();
            let receiver = spawn(move || {
                if n % 2 == 0 {
                    assert_eq!(r.try_recv(), Ok(1));
                } else {
                    select! {
                        recv(r) -> got => assert_eq!(got, Ok(1)),
                        default => panic!("the channel looks empty"),
                    }
                }
            });
            drop(s);
            join(receiver);
        }
    });
}
