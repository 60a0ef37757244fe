//! The order in which people count: `s2` before `s10`.

use std::cmp::Ordering;

/// Compares texts with the numbers in them taken as numbers; of equal ones the texts decide, so that the order is total.
pub(in crate::report) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (l, r) = match (left.chars().next(), right.chars().next()) {
            (Some(l), Some(r)) => (l, r),
            (None, None) => return a.cmp(b),
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
        };
        let order = if l.is_ascii_digit() && r.is_ascii_digit() {
            let ((one, after_one), (two, after_two)) = (number(left), number(right));
            (left, right) = (after_one, after_two);
            one.len().cmp(&two.len()).then_with(|| one.cmp(two))
        } else {
            (left, right) = (&left[l.len_utf8()..], &right[r.len_utf8()..]);
            l.cmp(&r)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits that a text begins with, without leading zeros, and what follows them.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["s10", "s2", "s1-b", "s1-a", "s02", "s100", "é", "s"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["s", "s1-a", "s1-b", "s02", "s2", "s10", "s100", "é"]
        );
        assert_eq!(natural("", ""), Ordering::Equal);
        assert_eq!(
            natural("9".repeat(40).as_str(), "8".repeat(41).as_str()),
            Ordering::Less
        );
    }
}
