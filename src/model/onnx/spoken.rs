//! An answer while it is written: what of it can already be shown.

use crate::model::Delta;

/// Splits a text into reasoning and answer.
pub(super) type Split = fn(&str) -> (Option<String>, String);

/// The longest tag of reasoning that is waited for.
const LONGEST_TAG: usize = 24;

/// A text that grows. What may yet turn out to be a stop string, or a tag of reasoning, is held back.
pub(super) struct Spoken<'a> {
    stop: &'a [String],
    /// Tells reasoning apart, where that is wanted.
    split: Option<Split>,
    text: String,
    shown: (String, String),
}

impl<'a> Spoken<'a> {
    pub(super) fn new(stop: &'a [String], split: Option<Split>) -> Self {
        Self {
            stop,
            split,
            text: String::new(),
            shown: Default::default(),
        }
    }

    /// What can be shown after this much more.
    pub(super) fn add(&mut self, more: &str) -> Delta {
        self.text.push_str(more);
        let certain = self.text[..self.certain()].to_owned();
        self.show(&certain)
    }

    /// What is left to be shown of the whole, its stop string cut off.
    pub(super) fn end(&mut self, whole: &str) -> Delta {
        self.show(whole)
    }

    fn show(&mut self, text: &str) -> Delta {
        let (reasoning, text) = match self.split {
            Some(split) => split(text),
            None => (None, text.to_owned()),
        };
        Delta {
            text: fresh(&mut self.shown.0, text),
            reasoning: fresh(&mut self.shown.1, reasoning.unwrap_or_default()),
            tokens: Vec::new(),
        }
    }

    /// How much of the text is certain to be part of the answer.
    fn certain(&self) -> usize {
        let text = &self.text;
        let stops = self.stop.iter().filter(|stop| !stop.is_empty());
        let found = stops.clone().filter_map(|stop| text.find(stop.as_str()));
        let begun = stops.filter_map(|stop| {
            let lengths = (1..stop.len()).rev().filter(|n| stop.is_char_boundary(*n));
            let mut begun = lengths.filter(|n| text.ends_with(&stop[..*n]));
            begun.next().map(|n| text.len() - n)
        });
        let tag = self.split.and_then(|_| text.rfind('<'));
        let is_open = |at: &usize| text.len() - at < LONGEST_TAG && !text[*at..].contains('>');
        let tag = tag.filter(is_open);
        let first = found.chain(begun).chain(tag).min();
        first.unwrap_or(text.len())
    }
}

/// What `now` adds to what was shown. Text that turned out to be something else begins anew.
fn fresh(shown: &mut String, now: String) -> String {
    if shown.starts_with(&now) {
        return String::new();
    }
    let new = now.strip_prefix(shown.as_str()).unwrap_or(&now).to_owned();
    *shown = now;
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reasoning;

    fn parts(stop: &[String], split: Option<Split>, pieces: &[&str], whole: &str) -> Vec<Delta> {
        let mut spoken = Spoken::new(stop, split);
        let mut deltas: Vec<Delta> = pieces.iter().map(|piece| spoken.add(piece)).collect();
        deltas.push(spoken.end(whole));
        deltas
    }

    #[test]
    fn nothing_of_a_stop_string_is_shown() {
        let stop = ["END".to_owned(), "\n\n".to_owned()];
        let deltas = parts(
            &stop,
            None,
            &["one", " E", "N", "d\n", "two EN", "D!"],
            "one ENd\ntwo ",
        );
        let texts: Vec<&str> = deltas.iter().map(|d| d.text.as_str()).collect();
        assert_eq!(texts, ["one", " ", "", "ENd", "\ntwo ", "", ""]);
    }

    #[test]
    fn reasoning_is_told_apart_while_it_is_written() {
        let pieces = [
            "<th",
            "ink>So",
            " it is",
            "</th",
            "ink>",
            "\n\nParis",
            ", a <",
            " b",
        ];
        let whole = pieces.concat();
        let deltas = parts(&[], Some(reasoning::split), &pieces, &whole);
        let text: String = deltas.iter().map(|d| d.text.as_str()).collect();
        let thought: String = deltas.iter().map(|d| d.reasoning.as_str()).collect();
        assert_eq!(
            (thought.as_str(), text.as_str()),
            ("So it is", "Paris, a < b")
        );
        assert_eq!(deltas[1].reasoning, "So");
        let opened = parts(
            &[],
            Some(reasoning::split_opened),
            &["Hm", "m</think>No"],
            "Hmm</think>No",
        );
        assert_eq!(opened[0].reasoning, "Hm");
        assert_eq!(
            opened.iter().map(|d| d.text.as_str()).collect::<String>(),
            "No"
        );
    }
}
