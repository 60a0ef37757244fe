//! How long to wait for what, and how often to try: `[http]` in `candor.toml`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest time that may be set: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// A span of time in seconds, from 0 to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(Duration);

impl Seconds {
    /// The span as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        let span = (0.0..=MAX_SECONDS).contains(&seconds);
        span.then(|| Duration::try_from_secs_f64(seconds).ok())
            .flatten()
            .map(Self)
            .ok_or_else(|| {
                format!("seconds must be a number from 0 to {MAX_SECONDS} (one day), not {seconds}")
            })
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0.as_secs_f64()
    }
}

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_secs_f64().fmt(f)
    }
}

/// Time-outs and retries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// To connect.
    #[serde(deserialize_with = "above_zero")]
    pub connect_seconds: Seconds,
    /// To the first byte of a reply, where it is another than the time without one: a model that thinks for minutes sends nothing.
    pub first_byte_seconds: Option<Seconds>,
    /// Without a byte before an answer is given up.
    #[serde(deserialize_with = "above_zero")]
    pub idle_seconds: Seconds,
    /// For a whole answer.
    #[serde(deserialize_with = "above_zero")]
    pub total_seconds: Seconds,
    /// Tries after the first.
    pub retries: u32,
    /// How often an answer without a word is asked for again before it counts as withheld.
    pub empty_retries: u32,
    /// Before the first retry; doubled at each further one, with jitter.
    pub backoff_seconds: Seconds,
    /// The longest wait that a server may ask for; where it asks for more, the request fails at once.
    pub longest_wait_seconds: Seconds,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = |s| Seconds(Duration::from_secs(s));
        Self {
            connect_seconds: seconds(10),
            first_byte_seconds: None,
            idle_seconds: seconds(120),
            total_seconds: seconds(600),
            retries: 5,
            empty_retries: 2,
            backoff_seconds: Seconds(Duration::from_millis(500)),
            longest_wait_seconds: seconds(120),
        }
    }
}

impl Timeouts {
    /// To the first byte of a reply.
    pub(super) fn first_byte(&self) -> Seconds {
        self.first_byte_seconds.unwrap_or(self.idle_seconds)
    }
}

fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    let seconds = Seconds::deserialize(deserializer)?;
    if seconds.0.is_zero() {
        return Err(serde::de::Error::custom(
            "a timeout must be above 0 seconds",
        ));
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_span_of_time_is_refused() {
        for wrong in [-1.0, -0.5, f64::NAN, f64::INFINITY, 1e30, 86_401.0] {
            assert!(Seconds::try_from(wrong).is_err(), "{wrong}");
        }
        for right in [0.0, 1e-9, 0.3, 86_400.0] {
            assert!(Seconds::try_from(right).is_ok(), "{right}");
        }
        assert!(toml::from_str::<Timeouts>("idle_seconds = 0").is_err());
        assert!(toml::from_str::<Timeouts>("backoff_seconds = 0\ntotal_seconds = 5").is_ok());
    }
}
