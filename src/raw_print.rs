//! Text from places that may not allocate or lock: signal handlers and dying runtimes.
//!
//! Go: `runtime/print.go`.

use std::fmt;

/// A message built in place, then written to stderr with one system call.
pub(crate) struct Line {
    bytes: [u8; 1024],
    length: usize,
}

impl Line {
    pub(crate) fn new() -> Line {
        Line { bytes: [0; 1024], length: 0 }
    }

    /// Appends text; what does not fit is cut off.
    pub(crate) fn text(&mut self, text: &str) -> &mut Line {
        let room = &mut self.bytes[self.length..];
        let fits = text.len().min(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        self
    }

    /// Appends a decimal number.
    pub(crate) fn decimal(&mut self, number: u64) -> &mut Line {
        self.number(number, 10)
    }

    /// Appends a hexadecimal number.
    pub(crate) fn hex(&mut self, number: u64) -> &mut Line {
        self.number(number, 16)
    }

    fn number(&mut self, mut number: u64, base: u64) -> &mut Line {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(number % base) as usize];
            number /= base;
            if number == 0 {
                break;
            }
        }
        let text = std::str::from_utf8(&digits[at..]).unwrap_or("?");
        self.text(text)
    }

    /// Writes the message to stderr. Async-signal-safe.
    pub(crate) fn print(&self) {
        let mut rest = &self.bytes[..self.length];
        while !rest.is_empty() {
            // SAFETY: the bytes are ours; write is async-signal-safe.
            let wrote = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(wrote) {
                Ok(wrote) if wrote > 0 => rest = &rest[wrote..],
                _ => break, // nobody to tell
            }
        }
    }

    /// Writes the message to stderr and aborts the process.
    pub(crate) fn print_and_abort(&self) -> ! {
        self.print();
        // SAFETY: abort is async-signal-safe and ends the process.
        unsafe { libc::abort() }
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

#[cfg(test)]
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes[..self.length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_overlong_text() {
        let mut line = Line::new();
        line.text("a").decimal(0).text(" ").decimal(u64::MAX).text(" ").hex(0xbeef);
        assert_eq!(&line.bytes[..line.length], b"a0 18446744073709551615 beef");
        line.text(&"x".repeat(5000));
        assert_eq!(line.length, 1024);
    }
}
