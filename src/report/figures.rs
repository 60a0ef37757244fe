//! Number formats, the same on the terminal, in the page and in Markdown.

use crate::stats::{Estimate, Interval};

/// A number with its sign, a true minus, and the given number of decimals.
#[must_use]
pub fn signed(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    match (zero, value < 0.0) {
        (true, _) => text,
        (false, true) => format!("−{text}"),
        (false, false) => format!("+{text}"),
    }
}

/// A whole number with commas between thousands.
#[must_use]
pub(super) fn thousands(n: i64) -> String {
    let digits = n.abs().to_string();
    let grouped: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|c| std::str::from_utf8(c).unwrap_or_default())
        .collect();
    format!("{}{}", if n < 0 { "−" } else { "" }, grouped.join(","))
}

/// A difference of shares in points, with its sign.
#[must_use]
pub fn points(share: f64) -> String {
    signed(share * 100.0, 1)
}

/// A share in percent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// A share in whole percent, with the sign: for sentences.
#[must_use]
pub(super) fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// An interval of a difference, in points.
#[must_use]
pub fn bracket(interval: Interval) -> String {
    format!("[{}, {}]", points(interval.low), points(interval.high))
}

/// A difference with its interval, in points.
#[must_use]
pub fn points_with_interval(estimate: &Estimate) -> String {
    format!("{} {}", points(estimate.value), bracket(estimate.interval))
}

/// A p value: three decimals, or "<0.001".
#[must_use]
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        "<0.001".into()
    } else {
        format!("{p:.3}")
    }
}

/// A number and its noun, plural unless the number is one.
#[must_use]
pub fn count(n: impl TryInto<i64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(i64::MAX);
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// A sentence for the page, with figures that no line breaks apart.
#[must_use]
pub(super) fn unbroken(sentence: &str) -> String {
    let percent = sentence.replace(" %", "\u{a0}%");
    percent.replace("n = ", "n\u{a0}=\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (signed(-0.04, 1), signed(2.0, 1), signed(-3.25, 1)),
            ("0.0".into(), "+2.0".into(), "−3.2".into())
        );
        assert_eq!(
            (count(1_u64, "trial"), count(2000_usize, "trial")),
            ("1 trial".into(), "2,000 trials".into())
        );
        assert_eq!(
            (thousands(1_234_567), thousands(-12)),
            ("1,234,567".into(), "−12".into())
        );
    }
}
