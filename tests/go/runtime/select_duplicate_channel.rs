//! Follows `TestSelectDuplicateChannel` (`src/runtime/chan_test.go`): a channel may be in a select
//! more than once. All its cases leave the queue when the select is done, so another receiver
//! behind it gets the next message.

use crate::common::{join, wait_until};
use crate::{go, spawn_waiting};
use midge::chan::{bounded, Select};
use midge::{select, spawn};

#[test]
fn the_same_channel_three_times() {
    go(|| {
        let ((to_c, c), (to_d, d), (to_e, e)) = (bounded(0), bounded::<i32>(0), bounded(0));
        let twice = c.clone();
        let select = spawn_waiting(move || {
            select! {
                recv(c) -> got => assert_eq!(got, Ok(7)),
                recv(c.clone()) -> got => assert_eq!(got, Ok(7)),
                recv(d) -> _ => unreachable!(),
            }
            to_e.send(9).unwrap();
        });
        // It waits: one could send to it.
        wait_until(|| {
            let mut sends = Select::new();
            sends.send(&to_c);
            sends.try_ready().is_ok()
        });
        let behind = spawn_waiting(move || twice.recv().unwrap());
        to_c.send(7).unwrap();
        // The select has it; it was first.
        assert_eq!(e.recv(), Ok(9));
        to_c.send(8).unwrap();
        assert_eq!(join(behind), 8);
        join(select);
        drop(to_d);
    });
}

#[test]
fn the_same_channel_in_both_directions() {
    go(|| {
        let (s, r) = bounded(0);
        let (other_s, other_r) = (s.clone(), r.clone());
        let both = spawn_waiting(move || {
            select! {
                send(s, 1) -> sent => sent.map(|()| None).unwrap(),
                recv(r) -> got => Some(got.unwrap()),
                send(s.clone(), 1) -> sent => sent.map(|()| None).unwrap(),
                recv(r.clone()) -> got => Some(got.unwrap()),
            }
        });
        let partner = spawn(move || {
            select! {
                send(other_s, 2) -> sent => sent.map(|()| None).unwrap(),
                recv(other_r) -> got => Some(got.unwrap()),
            }
        });
        match (join(both), join(partner)) {
            (None, Some(1)) | (Some(2), None) => {}
            wrong => panic!("they exchanged {wrong:?}"),
        }
    });
}
