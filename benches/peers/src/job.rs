//! The job of a program, and how it reports.

use std::fmt::Display;
use std::process::exit;
use std::str::FromStr;
use std::time::Duration;

/// One piece of work with its sizes.
pub struct Job {
    /// Which work.
    pub work: String,
    /// How many worker threads may be used.
    pub workers: usize,
    numbers: Vec<usize>,
}

impl Job {
    /// The job on the command line. One that cannot be read ends the program.
    pub fn from_arguments() -> Self {
        let mut arguments = std::env::args().skip(1);
        let work = arguments.next().unwrap_or_else(|| wrong("which work?"));
        let mut numbers: Vec<usize> = arguments.map(|text| number(&text)).collect();
        if numbers.is_empty() {
            wrong("how many workers?");
        }
        let workers = numbers.remove(0);
        Self { work, workers, numbers }
    }

    /// The work's numbers, of which it takes `N`.
    pub fn numbers<const N: usize>(&self) -> [usize; N] {
        let wanted = format!("{} takes {N} numbers", self.work);
        self.numbers.clone().try_into().unwrap_or_else(|_| wrong(&wanted))
    }

    /// Ends a program that was asked for something it does not do.
    pub fn unknown(&self) -> ! {
        wrong(&format!("no such work here: {}", self.work))
    }
}

fn number(text: &str) -> usize {
    usize::from_str(text).unwrap_or_else(|_| wrong(&format!("not a number: {text}")))
}

fn wrong(what: &str) -> ! {
    eprintln!("{what}\nusage: <work> <workers> [number ...]; benches/peers/run knows the works");
    exit(2)
}

/// Prints a figure: nanoseconds, milliseconds or bytes, as the table of works says.
pub fn figure(name: &str, value: f64) {
    println!(r#"{{"figure":"{name}","value":{value:.3}}}"#);
}

/// Prints the time of one of `count` equal pieces of work, in nanoseconds.
pub fn each(name: &str, elapsed: Duration, count: usize) {
    figure(name, elapsed.as_nanos() as f64 / count as f64);
}

/// Prints a time in milliseconds.
pub fn milliseconds(name: &str, elapsed: Duration) {
    figure(name, elapsed.as_secs_f64() * 1e3);
}

/// Prints what the reader of the figures has to know: no quotes or backslashes.
pub fn note(text: impl Display) {
    println!(r#"{{"note":"{text}"}}"#);
}
