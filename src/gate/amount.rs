//! Amounts as people write them: "2 points", "90 %", "$3", "800 ms".

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::stats::Interval;

/// What an amount is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Shares, in [0, 1].
    Share,
    /// US dollars.
    Dollars,
    /// Seconds.
    Seconds,
}

/// An amount with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Amount {
    /// In shares, dollars or seconds.
    pub value: f64,
    /// Which of them; none for a bare number, which takes the unit of its measure.
    pub unit: Option<Unit>,
}

impl Amount {
    /// Reads an amount as people write it; none if it is not one, or below 0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace(',', "").to_lowercase();
        let (number, unit, scale) = if let Some(rest) = text.strip_prefix('$') {
            (rest, Some(Unit::Dollars), 1.0)
        } else {
            const UNITS: &[(&str, Option<Unit>, f64)] = &[
                ("points", Some(Unit::Share), 0.01),
                ("point", Some(Unit::Share), 0.01),
                ("percent", Some(Unit::Share), 0.01),
                ("pp", Some(Unit::Share), 0.01),
                ("%", Some(Unit::Share), 0.01),
                ("usd", Some(Unit::Dollars), 1.0),
                ("ms", Some(Unit::Seconds), 0.001),
                ("seconds", Some(Unit::Seconds), 1.0),
                ("second", Some(Unit::Seconds), 1.0),
                ("s", Some(Unit::Seconds), 1.0),
            ];
            UNITS
                .iter()
                .find_map(|(word, unit, scale)| Some((text.strip_suffix(word)?, *unit, *scale)))
                .unwrap_or((&text, None, 1.0))
        };
        let value: f64 = number.trim().replace('−', "-").parse().ok()?;
        (value.is_finite() && value >= 0.0).then_some(Self {
            value: value * scale,
            unit,
        })
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount such as \"2 points\", \"90 %\", \"$3\" or \"2.5 s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                Amount::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Amount, E> {
                if value.is_finite() && value >= 0.0 {
                    Ok(Amount { value, unit: None })
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(value), &self))
                }
            }

            #[allow(clippy::cast_precision_loss)]
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Amount, E> {
                self.visit_f64(value as f64)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Unit {
    /// An amount of the unit, e.g. `90 %`, `$3.00`, `2.50 s`.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        let trimmed = |text: String| -> String {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match self {
            _ if value.is_infinite() => if value > 0.0 { "∞" } else { "−∞" }.into(),
            Self::Share => format!("{} %", trimmed(format!("{:.1}", value * 100.0))),
            Self::Dollars => format!("${value:.2}"),
            Self::Seconds => format!("{value:.2} s"),
        }
    }

    /// Both ends of an interval.
    #[must_use]
    pub fn show_interval(self, interval: Interval) -> String {
        format!(
            "[{}, {}]",
            self.show(interval.low),
            self.show(interval.high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let read = |text: &str| Amount::parse(text).map(|a| (a.value, a.unit));
        assert_eq!(read("2 points"), Some((0.02, Some(Unit::Share))));
        assert_eq!(read("12.5 %"), Some((0.125, Some(Unit::Share))));
        assert_eq!(read("$3"), Some((3.0, Some(Unit::Dollars))));
        assert_eq!(read("1,000 USD"), Some((1000.0, Some(Unit::Dollars))));
        assert_eq!(read("800 ms"), Some((0.8, Some(Unit::Seconds))));
        assert_eq!(read("0.9"), Some((0.9, None)));
        assert_eq!(read("-2 points"), None);
        assert_eq!(read("a few"), None);
    }
}
