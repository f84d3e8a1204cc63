//! Power series as networks of tasks, for [`powser1`](super::powser1) and
//! [`powser2`](super::powser2): after M. D. McIlroy, "Squinting at power series", whose Newsqueak
//! program Go's test suite has.
//!
//! A series is a task that computes one coefficient after the other, on demand: a request goes one
//! way, a coefficient comes back. An operation on series is a task that demands from its operands
//! what it needs for its own answer; a product makes new products for its tail, so a network grows
//! while it is used; and a recursive definition (`exp`) is a cycle of tasks.
//!
//! A series that has ended (a polynomial) is one whose task has dropped its end: Go's close. A
//! network that is no longer wanted ends from its output inwards: requests fail. In a cycle there
//! is nobody who wants nothing, so the `split` that closes it ends when its first output does.

use midge::chan::{bounded, never, Receiver, Sender};
use midge::{select, spawn};
use std::collections::VecDeque;
use std::ops::{Add, Div, Mul, Neg};

/// A rational number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rational {
    numerator: i128,
    denominator: i128, // positive, and without a common divisor
}

/// The quotient of two whole numbers.
pub fn ratio(numerator: i128, denominator: i128) -> Rational {
    fn gcd(a: i128, b: i128) -> i128 {
        if b == 0 {
            a
        } else {
            gcd(b, a % b)
        }
    }
    assert_ne!(denominator, 0);
    let divisor = gcd(numerator, denominator).abs() * denominator.signum();
    Rational { numerator: numerator / divisor, denominator: denominator / divisor }
}

pub const ZERO: Rational = Rational { numerator: 0, denominator: 1 };
pub const ONE: Rational = Rational { numerator: 1, denominator: 1 };

impl Add for Rational {
    type Output = Rational;
    fn add(self, other: Rational) -> Rational {
        let (a, b) = (self.numerator * other.denominator, other.numerator * self.denominator);
        ratio(a + b, self.denominator * other.denominator)
    }
}

impl Mul for Rational {
    type Output = Rational;
    fn mul(self, other: Rational) -> Rational {
        ratio(self.numerator * other.numerator, self.denominator * other.denominator)
    }
}

impl Div for Rational {
    type Output = Rational;
    fn div(self, other: Rational) -> Rational {
        ratio(self.numerator * other.denominator, self.denominator * other.numerator)
    }
}

impl Neg for Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        ratio(-self.numerator, self.denominator)
    }
}

/// The form in which a coefficient goes through a channel.
pub trait Message: Send + 'static {
    fn wrap(coefficient: Rational) -> Self;
    fn unwrap(self) -> Rational;
}

/// A power series, for who reads it: coefficients on demand.
pub struct Series<M> {
    requests: Sender<()>,
    answers: Receiver<M>,
}

/// The other end of a series: its task's.
pub struct Output<M> {
    requests: Receiver<()>,
    answers: Sender<M>,
}

/// What ends a task of the network: nobody wants its series any more.
pub struct Unwanted;

type Step = Result<(), Unwanted>;

fn series<M>() -> (Output<M>, Series<M>) {
    let (asking, requests) = bounded(1);
    let (answering, answers) = bounded(0);
    (Output { requests, answers: answering }, Series { requests: asking, answers })
}

/// A series of its own task, which ends when `f` returns.
fn task<M: Message>(f: impl FnOnce(&Output<M>) -> Step + Send + 'static) -> Series<M> {
    let (output, result) = series();
    spawn(move || f(&output));
    result
}

impl<M: Message> Series<M> {
    /// The next coefficient; none if the series has ended.
    pub fn next(&self) -> Option<Rational> {
        self.requests.send(()).ok()?;
        self.answers.recv().ok().map(M::unwrap)
    }

    /// The next so many coefficients. A series that has ended goes on with zeros.
    pub fn take(&self, count: usize) -> Vec<Rational> {
        (0..count).map(|_| self.next().unwrap_or(ZERO)).collect()
    }
}

impl<M: Message> Output<M> {
    /// Waits until a coefficient is wanted; only then a task demands any itself.
    fn wanted(&self) -> Step {
        self.requests.recv().map_err(|_| Unwanted)
    }

    fn answer(&self, coefficient: Rational) -> Step {
        self.answers.send(M::wrap(coefficient)).map_err(|_| Unwanted)
    }

    fn put(&self, coefficient: Rational) -> Step {
        self.wanted()?;
        self.answer(coefficient)
    }

    /// Goes on as that series.
    fn copy(&self, from: Series<M>) -> Step {
        loop {
            self.wanted()?;
            let Some(coefficient) = from.next() else { return Ok(()) };
            self.answer(coefficient)?;
        }
    }
}

/// c + cx + cx^2 + ...
pub fn repeat<M: Message>(c: Rational) -> Series<M> {
    task(move |z| loop {
        z.put(c)?;
    })
}

/// The polynomial of these coefficients.
pub fn polynomial<M: Message>(coefficients: Vec<Rational>) -> Series<M> {
    task(move |z| coefficients.into_iter().try_for_each(|c| z.put(c)))
}

/// (1 + x)^c
pub fn binomial<M: Message>(mut c: Rational) -> Series<M> {
    task(move |z| {
        let mut coefficient = ONE;
        for n in 1.. {
            if coefficient == ZERO {
                break;
            }
            z.put(coefficient)?;
            coefficient = coefficient * c / ratio(n, 1);
            c = c + -ONE;
        }
        Ok(())
    })
}

pub fn add<M: Message>(f: Series<M>, g: Series<M>) -> Series<M> {
    task(move |z| loop {
        z.wanted()?;
        match (f.next(), g.next()) {
            (Some(a), Some(b)) => z.answer(a + b)?,
            (Some(a), None) => {
                z.answer(a)?;
                return z.copy(f);
            }
            (None, Some(b)) => {
                z.answer(b)?;
                return z.copy(g);
            }
            (None, None) => return Ok(()),
        }
    })
}

/// A series whose coefficients are made of those of another, each of its own.
fn map<M: Message>(
    f: Series<M>,
    mut change: impl FnMut(Rational) -> Rational + Send + 'static,
) -> Series<M> {
    task(move |z| loop {
        z.wanted()?;
        let Some(c) = f.next() else { return Ok(()) };
        z.answer(change(c))?;
    })
}

/// c F
pub fn scale<M: Message>(c: Rational, f: Series<M>) -> Series<M> {
    map(f, move |coefficient| c * coefficient)
}

pub fn subtract<M: Message>(f: Series<M>, g: Series<M>) -> Series<M> {
    add(f, scale(-ONE, g))
}

/// c + x F
pub fn shift<M: Message>(c: Rational, f: Series<M>) -> Series<M> {
    task(move |z| {
        z.put(c)?;
        z.copy(f)
    })
}

/// F G = f g + x (f G' + g F' + x F' G'), where a prime is the tail of a series.
pub fn multiply<M: Message>(f: Series<M>, g: Series<M>) -> Series<M> {
    task(move |z| {
        z.wanted()?;
        let (Some(a), Some(b)) = (f.next(), g.next()) else { return Ok(()) };
        z.answer(a * b)?;
        let ([f, f_too], [g, g_too]) = (split(f), split(g));
        let tails = shift(ZERO, multiply(f_too, g_too));
        z.copy(add(add(scale(a, g), scale(b, f)), tails))
    })
}

pub fn differentiate<M: Message>(f: Series<M>) -> Series<M> {
    task(move |z| {
        z.wanted()?;
        if f.next().is_none() {
            return Ok(());
        }
        for n in 1.. {
            let Some(c) = f.next() else { return Ok(()) };
            z.answer(ratio(n, 1) * c)?;
            z.wanted()?;
        }
        Ok(())
    })
}

/// The integral with that constant. It says the constant without asking for F.
pub fn integrate<M: Message>(constant: Rational, f: Series<M>) -> Series<M> {
    let mut n = 0;
    let terms = map(f, move |c| {
        n += 1;
        c / ratio(n, 1)
    });
    shift(constant, terms)
}

/// 1 / F = Z = (1 - x F' Z) / f
pub fn reciprocal<M: Message>(f: Series<M>) -> Series<M> {
    cycle(move |whole| {
        task(move |z| {
            z.wanted()?;
            let inverse = ONE / f.next().expect("a series that is not zero");
            z.answer(inverse)?;
            z.copy(scale(-inverse, multiply(f, whole)))
        })
    })
}

/// e^F, for an F without a constant (it is ignored): Z = 1 + the integral of Z F'.
pub fn exp<M: Message>(f: Series<M>) -> Series<M> {
    cycle(|whole| integrate(ONE, multiply(whole, differentiate(f))))
}

/// tan x: Z = the integral of 1 + Z^2.
pub fn tangent<M: Message>() -> Series<M> {
    cycle(|whole| {
        let [a, b] = split(whole);
        integrate(ZERO, add(polynomial(vec![ONE]), multiply(a, b)))
    })
}

/// F(G) = f + G F'(G), for a G without a constant.
pub fn substitute<M: Message>(f: Series<M>, g: Series<M>) -> Series<M> {
    task(move |z| {
        z.wanted()?;
        let Some(c) = f.next() else { return Ok(()) };
        z.answer(c)?;
        let [g, g_too] = split(g);
        assert_eq!(g.next(), Some(ZERO), "a series with a constant cannot be substituted");
        z.copy(multiply(g, substitute(f, g_too)))
    })
}

/// F(c x^n)
pub fn substitute_monomial<M: Message>(f: Series<M>, c: Rational, n: usize) -> Series<M> {
    task(move |z| {
        let mut power = ONE;
        loop {
            z.wanted()?;
            let Some(coefficient) = f.next() else { return Ok(()) };
            z.answer(power * coefficient)?;
            power = power * c;
            (1..n).try_for_each(|_| z.put(ZERO))?;
        }
    })
}

/// The same series twice, which may be read at different rates.
pub fn split<M: Message>(f: Series<M>) -> [Series<M>; 2] {
    let ([a, b], result) = two();
    spawn(move || serve(f, [a, b], false));
    result
}

/// The series that is defined by means of itself.
fn cycle<M: Message>(define: impl FnOnce(Series<M>) -> Series<M>) -> Series<M> {
    let (outputs, [result, again]) = two();
    let definition = define(again);
    spawn(move || serve(definition, outputs, true));
    result
}

fn two<M>() -> ([Output<M>; 2], [Series<M>; 2]) {
    let ((a, for_a), (b, for_b)) = (series(), series());
    ([a, b], [for_a, for_b])
}

/// One side of a split: its end (none when it has ended), what it has yet to get, and whether it
/// wants it.
struct Side<M> {
    output: Option<Output<M>>,
    ahead: VecDeque<Rational>,
    wanting: bool,
}

/// The task of a split. While it waits for a coefficient it serves the side that is behind: in a
/// cycle the coefficient may depend on that.
fn serve<M: Message>(f: Series<M>, outputs: [Output<M>; 2], ends_with_first: bool) {
    let mut sides =
        outputs.map(|output| Side { output: Some(output), ahead: VecDeque::new(), wanting: false });
    let (mut asked, mut ended) = (false, false);
    let (nobody, nothing) = (never(), never());
    loop {
        for side in &mut sides {
            let Some(output) = side.output.as_ref().filter(|_| side.wanting) else { continue };
            if let Some(coefficient) = side.ahead.pop_front() {
                if output.answer(coefficient).is_err() {
                    side.output = None;
                }
                side.wanting = false;
            } else if ended || !asked && f.requests.send(()).is_err() {
                side.output = None;
            } else {
                asked = true;
            }
        }
        let gone = sides.each_ref().map(|side| side.output.is_none());
        if gone == [true, true] || ends_with_first && gone[0] {
            return;
        }
        let requests = |side: &Side<M>| side.output.as_ref().map(|output| output.requests.clone());
        let [a, b] = sides.each_ref().map(|side| requests(side).unwrap_or(nobody.clone()));
        let asks = |side: &mut Side<M>, still_there: bool| {
            side.wanting = still_there;
            if !still_there {
                side.output = None;
            }
        };
        select! {
            recv(a) -> request => asks(&mut sides[0], request.is_ok()),
            recv(b) -> request => asks(&mut sides[1], request.is_ok()),
            recv(if asked { &f.answers } else { &nothing }) -> answer => {
                asked = false;
                match answer {
                    Ok(answer) => {
                        let coefficient = answer.unwrap();
                        sides.iter_mut().for_each(|side| side.ahead.push_back(coefficient));
                    }
                    Err(_) => ended = true,
                }
            }
        }
    }
}

/// Checks the series that Go's program checks, and some more, to so many coefficients.
pub fn check<M: Message>(count: usize) {
    let ones = || repeat::<M>(ONE);
    let check = |name: &str, series: Series<M>, expected: &[(i128, i128)], then: (i128, i128)| {
        let then = std::iter::repeat(&then);
        let expected: Vec<_> =
            expected.iter().chain(then).take(count).map(|&(a, b)| ratio(a, b)).collect();
        assert_eq!(series.take(count), expected, "{name}");
    };
    let whole: Vec<_> = (1..=count as i128).map(|n| (n, 1)).collect();
    let none = (0, 1);
    check("ones", ones(), &[], (1, 1));
    check("sum", add(ones(), ones()), &[], (2, 1));
    check("difference", subtract(ones(), repeat(ratio(2, 1))), &[], (-1, 1));
    check("multiple", scale(ratio(4, 6), ones()), &[], (2, 3));
    check("polynomials", add(polynomial(vec![ONE]), shift(ONE, ones())), &[(2, 1)], (1, 1));
    check("product", multiply(ones(), ones()), &whole, none);
    let square = |f: Series<M>| {
        let [a, b] = split(f);
        multiply(a, b)
    };
    check("square", square(polynomial(vec![ONE, ratio(2, 1)])), &[(1, 1), (4, 1), (4, 1)], none);
    check("derivative", differentiate(ones()), &whole, none);
    check("integral", differentiate(integrate(ZERO, ones())), &[], (1, 1));
    check("reciprocal", reciprocal(ones()), &[(1, 1), (-1, 1)], none);
    check("binomial", binomial(ratio(3, 1)), &[(1, 1), (3, 1), (3, 1), (1, 1)], none);
    check("square root", square(binomial(ratio(1, 2))), &[(1, 1), (1, 1)], none);
    let exp_of_ones = [
        (1, 1),
        (1, 1),
        (3, 2),
        (13, 6),
        (73, 24),
        (167, 40),
        (4051, 720),
        (37633, 5040),
        (43817, 4480),
        (4596553, 362880),
    ];
    assert!(count <= exp_of_ones.len());
    check("exponential", exp(ones()), &exp_of_ones, none);
    let quotient = {
        let [f, g] = split(exp(polynomial(vec![ZERO, ONE])));
        multiply(f, reciprocal(g))
    };
    check("e^x / e^x", quotient, &[(1, 1)], none);
    check("1 / (1 - 4x)", substitute_monomial(ones(), ratio(4, 1), 1), &powers_of(4, count), none);
    let arc_tangent = || integrate(ZERO, substitute_monomial(ones(), -ONE, 2));
    let expected =
        [(0, 1), (1, 1), (0, 1), (-1, 3), (0, 1), (1, 5), (0, 1), (-1, 7), (0, 1), (1, 9)];
    check("atan x", arc_tangent(), &expected, none);
    let expected =
        [(0, 1), (1, 1), (0, 1), (1, 3), (0, 1), (2, 15), (0, 1), (17, 315), (0, 1), (62, 2835)];
    check("tan x", tangent(), &expected, none);
    check("atan (tan x)", substitute(arc_tangent(), tangent()), &[(0, 1), (1, 1)], none);
}

fn powers_of(base: i128, count: usize) -> Vec<(i128, i128)> {
    (0..count as u32).map(|n| (base.pow(n), 1)).collect()
}
