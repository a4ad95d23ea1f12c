//! Large numbers as people read them.

/// A whole number with a comma before each three digits: 1,000,000. Others as they are.
pub(super) fn grouped(number: f64) -> String {
    if number.fract() != 0.0 || number < 0.0 {
        return number.to_string();
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_three_digits_are_a_group() {
        let texts = [0.0, 999.0, 1_000.0, 19_000.0, 1_234_567.0, 0.25].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "19,000", "1,234,567", "0.25"]);
    }
}
