//! Follows `test/chan/select5.go`, which goes through all combinations of cases: the operands of a
//! select are evaluated once each, in the order in which they are written, whichever case is
//! chosen; and a case that is chosen could go on.
//!
//! In Go the messages belong to the operands; here only the chosen message is evaluated, after all
//! channels.

use crate::go;
use midge::chan::{bounded, Receiver, Sender};
use midge::select;
use std::cell::RefCell;

/// The state of a case's channel.
#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Ready,
    Waiting,
    Closed,
}

const STATES: [State; 3] = [State::Ready, State::Waiting, State::Closed];

/// What is evaluated, in order.
#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Log {
    fn evaluate<T>(&self, what: &str, number: usize, value: T) -> T {
        self.0.borrow_mut().push(format!("{what} {number}"));
        value
    }
}

/// Both ends of a channel, of which the case uses one. None if it has been closed by it.
struct Case {
    sender: Option<Sender<usize>>,
    receiver: Option<Receiver<usize>>,
}

impl Case {
    fn to_send(state: State) -> Case {
        let (sender, receiver) = bounded(usize::from(state == State::Ready));
        Case { sender: Some(sender), receiver: (state != State::Closed).then_some(receiver) }
    }

    fn to_receive(state: State) -> Case {
        let (sender, receiver) = bounded(1);
        if state == State::Ready {
            sender.send(100).unwrap();
        }
        Case { sender: (state != State::Closed).then_some(sender), receiver: Some(receiver) }
    }

    fn sender(&self) -> &Sender<usize> {
        self.sender.as_ref().expect("a case that sends has its sender")
    }

    fn receiver(&self) -> &Receiver<usize> {
        self.receiver.as_ref().expect("a case that receives has its receiver")
    }
}

const DEFAULT: usize = usize::MAX;

/// Checks what came of a select of three cases.
fn check(log: &Log, chosen: usize, worked: bool, sends: [bool; 3], states: [State; 3]) {
    let mut expected: Vec<_> = (0..3).map(|case| format!("channel {case}")).collect();
    if chosen == DEFAULT {
        assert_eq!(states, [State::Waiting; 3], "the default although a case was ready");
    } else {
        assert_ne!(states[chosen], State::Waiting, "case {chosen} of {states:?}");
        assert_eq!(worked, states[chosen] == State::Ready);
        if sends[chosen] {
            expected.push(format!("message {chosen}"));
        }
    }
    assert_eq!(*log.0.borrow(), expected, "{sends:?} {states:?}: {chosen}");
}

/// A select of such cases, with its operands logged; it says which case was chosen, and whether it
/// worked.
macro_rules! selects {
    ($log:ident $cases:ident, $($kinds:tt)*) => { selects!(@ $log $cases [] $($kinds)*) };
    (@ $log:ident $cases:ident [$($done:tt)*] send $n:literal $($rest:tt)*) => {
        selects!(@ $log $cases [$($done)*
            send($log.evaluate("channel", $n, $cases[$n].sender()), $log.evaluate("message", $n, 7))
                -> sent => ($n, sent.is_ok()),
        ] $($rest)*)
    };
    (@ $log:ident $cases:ident [$($done:tt)*] recv $n:literal $($rest:tt)*) => {
        selects!(@ $log $cases [$($done)*
            recv($log.evaluate("channel", $n, $cases[$n].receiver())) -> got => ($n, got.is_ok()),
        ] $($rest)*)
    };
    (@ $log:ident $cases:ident [$($done:tt)*] or_default) => {
        select! { $($done)* default => (DEFAULT, true) }
    };
    (@ $log:ident $cases:ident [$($done:tt)*]) => { select! { $($done)* } };
}

macro_rules! check_all_states {
    ($a:ident $b:ident $c:ident) => {
        let sends = [stringify!($a), stringify!($b), stringify!($c)].map(|kind| kind == "send");
        for states in combinations() {
            let make = |n: usize| {
                if sends[n] { Case::to_send(states[n]) } else { Case::to_receive(states[n]) }
            };
            let (log, cases) = (Log::default(), [make(0), make(1), make(2)]);
            let (chosen, worked) = selects!(log cases, $a 0 $b 1 $c 2 or_default);
            check(&log, chosen, worked, sends, states);
            if states != [State::Waiting; 3] {
                let (log, cases) = (Log::default(), [make(0), make(1), make(2)]);
                let (chosen, worked) = selects!(log cases, $a 0 $b 1 $c 2);
                check(&log, chosen, worked, sends, states);
            }
        }
    };
}

fn combinations() -> impl Iterator<Item = [State; 3]> {
    (0..27).map(|n| [STATES[n / 9], STATES[n / 3 % 3], STATES[n % 3]])
}

#[test]
fn operands_are_evaluated_once_and_in_order() {
    go(|| {
        check_all_states!(recv recv recv);
        check_all_states!(recv recv send);
        check_all_states!(recv send recv);
        check_all_states!(recv send send);
        check_all_states!(send recv recv);
        check_all_states!(send recv send);
        check_all_states!(send send recv);
        check_all_states!(send send send);
    });
}
