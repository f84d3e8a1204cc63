//! `select!` and `select_biased!`: a [`Select`](super::Select) and a `match`, written as one.
//!
//! The macro goes through its cases in two passes. `@case` takes them apart, one after the other,
//! into a list of `(recv [receiver] pattern body)` and `(send [sender, message] pattern body)`, and
//! what `default` says. `@bind` evaluates the senders and receivers, each in a `match` of its own
//! so that temporaries live on, and adds them to the `Select`; their numbers are those of their
//! order. `@run` selects, and `@arms` has the `match`.

/// Waits for the first of several channel operations that can be done, does it, and goes on with
/// its case: Go's `select`.
///
/// ```text
/// select! {
///     recv(receiver) -> pattern => expression,
///     send(sender, message) -> pattern => expression,
///     default => expression,               // if none can be done at once
///     default(timeout) => expression,      // if none could be done in that time
/// }
/// ```
///
/// There may be any number of `recv` and `send`, and one `default` or none. A `recv` gives its
/// pattern `Result<T, RecvError>`, a `send` gives it `Result<(), SendError<T>>`: a disconnected
/// channel counts as one that is ready. If several operations can be done, one is chosen at random
/// ([`select_biased!`](crate::select_biased) takes the first). The expressions for senders and
/// receivers are evaluated first, a message only when it is its turn to be sent.
///
/// The macro is an expression. `break`, `continue`, `return` and `?` work in its cases, and in
/// messages: then nothing is sent. A suspension point, unless it has a plain
/// `default`.
///
/// ```
/// use midge::{chan, select, spawn, Runtime};
/// use std::time::Duration;
///
/// let rt = Runtime::pinned().unwrap();
/// let got = rt.run(|| {
///     let (numbers, number) = chan::bounded(0);
///     let (words, word) = chan::bounded(0);
///     spawn(move || numbers.send(1).unwrap());
///     spawn(move || words.send("two").unwrap());
///     let mut got = Vec::new();
///     while got.len() < 2 {
///         select! {
///             recv(number) -> n => if let Ok(n) = n { got.push(n.to_string()) },
///             recv(word) -> w => if let Ok(w) = w { got.push(w.to_string()) },
///             default(Duration::from_secs(30)) => break,
///         }
///     }
///     got.sort();
///     got
/// });
/// assert_eq!(got, ["1", "two"]);
/// ```
///
/// What is no case is an error:
///
/// ```compile_fail
/// midge::select! { receive(r) -> m => () }
/// ```
#[macro_export]
macro_rules! select {
    ($($cases:tt)*) => { $crate::__select!(@case new [] [] $($cases)*) };
}

/// [`select!`] that takes the first of the operations that can be done, in the order in which they
/// are written.
///
/// ```
/// let (s, r) = midge::chan::unbounded();
/// let (_t, never) = midge::chan::unbounded::<u8>();
/// s.send(1).unwrap();
/// s.send(2).unwrap();
/// for n in 1..=2 {
///     midge::select_biased! {
///         recv(never) -> _ => unreachable!(),
///         recv(r) -> message => assert_eq!(message, Ok(n)),
///         recv(r.clone()) -> _ => unreachable!(),
///     }
/// }
/// ```
#[macro_export]
macro_rules! select_biased {
    ($($cases:tt)*) => { $crate::__select!(@case new_biased [] [] $($cases)*) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // The head of a case.
    (@case $new:ident $cases:tt $default:tt
        recv($r:expr $(,)?) -> $result:pat => $($rest:tt)+) => {
        $crate::__select!(@body $new $cases $default (recv [$r] $result) $($rest)+)
    };
    (@case $new:ident $cases:tt $default:tt
        send($s:expr, $message:expr $(,)?) -> $result:pat => $($rest:tt)+) => {
        $crate::__select!(@body $new $cases $default (send [$s, $message] $result) $($rest)+)
    };
    (@case $new:ident $cases:tt [] default $(())? => $($rest:tt)+) => {
        $crate::__select!(@body $new $cases [] (default) $($rest)+)
    };
    (@case $new:ident $cases:tt [] default($timeout:expr $(,)?) => $($rest:tt)+) => {
        $crate::__select!(@body $new $cases [] (default $timeout) $($rest)+)
    };
    (@case $new:ident [] []) => { ::std::compile_error!("empty `select!`") };
    (@case $new:ident $cases:tt $default:tt) => {
        $crate::__select!(@bind $new select [] $cases $default)
    };
    (@case $new:ident $cases:tt [$($default:tt)+] default $($rest:tt)*) => {
        ::std::compile_error!("more than one `default` in `select!`")
    };
    (@case $new:ident $cases:tt $default:tt $($rest:tt)*) => {
        ::std::compile_error!(::std::concat!(
            "expected `recv(r) -> result => ..`, `send(s, message) -> result => ..` or `default => ..` \
             in `select!`, found `", ::std::stringify!($($rest)*), "`"))
    };

    // The body of a case: an expression and a comma, or the last expression, or a block.
    (@body $new:ident $cases:tt $default:tt $head:tt $body:expr, $($rest:tt)*) => {
        $crate::__select!(@add $new $cases $default $head [$body] $($rest)*)
    };
    (@body $new:ident $cases:tt $default:tt $head:tt $body:expr) => {
        $crate::__select!(@add $new $cases $default $head [$body])
    };
    (@body $new:ident $cases:tt $default:tt $head:tt $body:block $($rest:tt)*) => {
        $crate::__select!(@add $new $cases $default $head [$body] $($rest)*)
    };
    (@add $new:ident $cases:tt [] (default $($timeout:expr)?) $body:tt $($rest:tt)*) => {
        $crate::__select!(@case $new $cases [$body $($timeout)?] $($rest)*)
    };
    (@add $new:ident [$($cases:tt)*] $default:tt ($kind:ident $args:tt $result:pat) $body:tt
        $($rest:tt)*) => {
        $crate::__select!(@case $new [$($cases)* ($kind $args $result => $body)] $default $($rest)*)
    };

    // Evaluates one sender or receiver after the other.
    (@bind $new:ident $select:ident $bound:tt [] $default:tt) => {{
        let mut $select = $crate::chan::Select::$new();
        $crate::__select!(@run $select $bound $default)
    }};
    (@bind $new:ident $select:ident [$($bound:tt)*]
        [(recv [$r:expr] $result:pat => $body:tt) $($cases:tt)*] $default:tt) => {
        match &$r {
            handle => {
                let handle: &$crate::chan::Receiver<_> = handle;
                $crate::__select!(@bind $new $select
                    [$($bound)* (recv handle [] $result => $body)] [$($cases)*] $default)
            }
        }
    };
    (@bind $new:ident $select:ident [$($bound:tt)*]
        [(send [$s:expr, $message:expr] $result:pat => $body:tt) $($cases:tt)*] $default:tt) => {
        match &$s {
            handle => {
                let handle: &$crate::chan::Sender<_> = handle;
                $crate::__select!(@bind $new $select
                    [$($bound)* (send handle [, $message] $result => $body)] [$($cases)*] $default)
            }
        }
    };

    // Selects. The `Select` is gone before a body runs, so that bodies may assign to what is
    // selected from.
    (@run $select:ident
        [$(($kind:ident $handle:ident $message:tt $result:pat => $body:tt))*] $default:tt) => {{
        $($select.$kind($handle);)*
        $crate::__select!(@match $select $default
            [$(($kind $handle $message $result => $body))*])
    }};
    (@match $select:ident [] $cases:tt) => {{
        let selected = $select.select();
        ::std::mem::drop($select);
        $crate::__select!(@arms selected $cases)
    }};
    (@match $select:ident [[$body:expr]] $cases:tt) => {{
        let selected = $select.try_select();
        $crate::__select!(@or $select selected $body; $cases)
    }};
    (@match $select:ident [[$body:expr] $timeout:expr] $cases:tt) => {{
        let selected = $select.select_timeout($timeout);
        $crate::__select!(@or $select selected $body; $cases)
    }};
    // Not a `match`, at whose end there would be something left to drop, as far as the borrow
    // checker knows.
    (@or $select:ident $selected:ident $body:expr; $cases:tt) => {{
        ::std::mem::drop($select);
        if $selected.is_err() {
            ::std::mem::drop($selected);
            $body
        } else {
            let selected = ::std::result::Result::unwrap($selected);
            $crate::__select!(@arms selected $cases)
        }
    }};

    // Counts the cases down: whichever has the selected index is completed.
    (@arms $selected:ident []) => { ::std::unreachable!("no case has this index") };
    (@arms $selected:ident [$($cases:tt)+]) => {{
        let $selected = $selected.__that_may_leave();
        $crate::__select!(@arm $selected 0usize; $($cases)+)
    }};
    (@arm $selected:ident $number:expr;
        ($kind:ident $handle:ident [$($message:tt)*] $result:pat => [$body:expr])
        $($cases:tt)+) => {
        if $selected.index() == $number {
            let $result = $selected.$kind($handle $($message)*);
            $body
        } else {
            $crate::__select!(@arm $selected $number + 1; $($cases)+)
        }
    };
    (@arm $selected:ident $number:expr;
        ($kind:ident $handle:ident [$($message:tt)*] $result:pat => [$body:expr])) => {{
        let $result = $selected.$kind($handle $($message)*);
        $body
    }};
}
