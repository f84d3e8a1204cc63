//! Numbers for people to read.

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

/// Prints one line of a list: a name, and a value at its right.
pub fn row(name: &str, value: impl std::fmt::Display) {
    println!("  {name:<28}{value:>26}");
}
