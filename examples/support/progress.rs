//! The progress bar, drawn by a thread of its own.
//!
//! The tasks only add to counters that they need anyway. The thread has `draw` look at those ten
//! times a second, so nothing in the measured loops knows of the bar. It is drawn on standard
//! error, and only if that is a terminal.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How long the bar stands still between two looks at the counters.
const PAUSE: Duration = Duration::from_millis(100);

/// A bar that is being drawn.
pub struct Progress {
    /// The bar, its thread, and what stops the thread by being dropped. Nothing if it is hidden.
    drawing: Option<(ProgressBar, JoinHandle<()>, Sender<()>)>,
}

impl Progress {
    /// Starts a bar of that length, which `draw` moves and writes on.
    pub fn start(length: u64, draw: impl Fn(&ProgressBar) + Send + 'static) -> Progress {
        let bar = ProgressBar::new(length);
        if bar.is_hidden() {
            return Progress { drawing: None };
        }
        let style = ProgressStyle::with_template("[{bar:30}] {percent:>3}% {elapsed} {msg}");
        bar.set_style(style.expect("the template is a valid one").progress_chars("=> "));
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn({
            let bar = bar.clone();
            move || {
                draw(&bar);
                while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                    draw(&bar);
                }
            }
        });
        Progress { drawing: Some((bar, thread, stop)) }
    }

    /// Stops drawing and takes the bar away.
    pub fn finish(self) {
        if let Some((bar, thread, stop)) = self.drawing {
            drop(stop);
            thread.join().expect("the drawing thread does not panic");
            bar.finish_and_clear();
        }
    }
}
