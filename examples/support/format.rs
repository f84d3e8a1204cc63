//! Numbers for people to read.

#![allow(dead_code)] // Each example uses a part of this.

/// A number with its thousands set apart: `1,000,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the largest unit that it is a whole number of.
pub fn size(bytes: usize) -> String {
    match bytes {
        _ if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        _ if bytes % (1 << 10) == 0 && bytes < 1 << 20 => format!("{} KiB", bytes >> 10),
        _ => format!("{} B", grouped(bytes as u64)),
    }
}

/// Prints one line of a list: a name, and a value at its right.
pub fn row(name: &str, value: impl std::fmt::Display) {
    println!("  {name:<28}{value:>26}");
}
