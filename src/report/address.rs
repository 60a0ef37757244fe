//! Addresses within the page: which trials the transcripts list. A figure links to the trials that make it.
//!
//! `reports/script/address.js` reads what is written here.

use std::fmt::Write;

use crate::text::visible;

/// The address of a list of trials. Conditions of one name are alternatives, those of different names hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trials(String);

impl Trials {
    /// Every trial of a suite.
    pub(super) fn of_suite(suite: &str) -> Self {
        Self("#transcripts?".into()).with("suite", suite)
    }

    /// Those of several suites.
    pub(super) fn of_suites<'a>(suites: impl IntoIterator<Item = &'a str>) -> Self {
        let all = Self("#transcripts?".into());
        suites.into_iter().fold(all, |a, s| a.with("suite", s))
    }

    /// Of one model.
    pub(super) fn by(self, model: &str) -> Self {
        self.with("model", model)
    }

    /// In one value of a stratum.
    pub(super) fn in_group(self, stratum: &str, value: &str) -> Self {
        self.with("group", &format!("{stratum}: {value}"))
    }

    /// With a verdict, in the words of the page.
    pub(super) fn with_verdict(self, verdict: &str) -> Self {
        self.with("verdict", verdict)
    }

    /// With a label or a class of errors.
    pub(super) fn with_label(self, label: &str) -> Self {
        self.with("label", label)
    }

    /// Of questions to which this model has a score too.
    pub(super) fn shared_with(self, model: &str) -> Self {
        self.with("with", model)
    }

    /// Of pairs whose sensitive side and control both have scores.
    pub(super) fn in_pairs(self) -> Self {
        self.with("paired", "role")
    }

    /// Of questions with a score in both of two values of a stratum.
    pub(super) fn between(self, stratum: &str, first: &str, second: &str) -> Self {
        self.in_group(stratum, first)
            .in_group(stratum, second)
            .with("paired", stratum)
    }

    /// Opened at a question.
    pub(super) fn at(self, suite: &str, sample: &str) -> Self {
        self.with("q", &format!("{suite}/{sample}"))
    }

    /// With the texts of a model shown.
    pub(super) fn showing(self, model: &str) -> Self {
        self.with("show", model)
    }

    /// Only trials with a mark: `truncated` or `cached`.
    pub(super) fn marked(self, mark: &str) -> Self {
        self.with("mark", mark)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.ends_with('?') {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        for byte in visible(value).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    self.0.push(char::from(byte));
                }
                _ => {
                    let _ = write!(self.0, "%{byte:02X}");
                }
            }
        }
        self
    }
}

impl Trials {
    /// The address.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for Trials {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_can_add_a_condition_or_leave_the_page() {
        let address = Trials::of_suite("a&model=b#c \"<é\u{202e}").by("x/y:1+1");
        assert_eq!(
            address.as_str(),
            "#transcripts?suite=a%26model%3Db%23c%20%22%3C%C3%A9%5Cu%7B202e%7D&model=x/y%3A1%2B1"
        );
    }
}
