//! Words by which a sentence denies or attributes what it names, in the languages that suites ask in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::text::{Mention, Passage, language};

type ByLanguage = BTreeMap<&'static str, Mention>;

static DENIALS: LazyLock<ByLanguage> = LazyLock::new(|| read(include_str!("cues/denials.txt")));
static NEGATIONS: LazyLock<ByLanguage> = LazyLock::new(|| read(include_str!("cues/negations.txt")));
/// What contains a negation and negates nothing: `without trial`, `无辜`.
static IDIOMS: LazyLock<ByLanguage> = LazyLock::new(|| read(include_str!("cues/idioms.txt")));
static ATTRIBUTIONS: LazyLock<ByLanguage> =
    LazyLock::new(|| read(include_str!("cues/attributions.txt")));

/// Lists that ship with candor, a test reads each: a line that cannot be read is skipped.
fn read(text: &'static str) -> ByLanguage {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    let pair = |line: &'static str| {
        let (language, words) = line.split_once(": ")?;
        Some((language, Mention::parse(&[words]).ok()?))
    };
    lines.filter_map(pair).collect()
}

/// A place where a cue stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    pub sentence: usize,
    pub start: usize,
    pub end: usize,
}

impl Cue {
    fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The cues of a text.
#[derive(Debug)]
pub(super) struct Cues {
    /// Say in the writer's own voice that something is not so.
    pub denials: Vec<Cue>,
    /// Negate what is right alongside them.
    pub negations: Vec<Cue>,
    /// Say it in another's voice.
    pub attributions: Vec<Cue>,
}

impl Cues {
    /// Those of the language that the text is written in, where that is known, else of all.
    pub(super) fn of(text: &str, passage: &Passage) -> Self {
        let language = language(text);
        let find = |lists| find_cues(lists, language, passage);
        let idioms = find(&IDIOMS);
        let outside = |mut cues: Vec<Cue>| {
            cues.retain(|cue| !idioms.iter().any(|idiom| idiom.contains(cue)));
            cues
        };
        Self {
            denials: outside(find(&DENIALS)),
            negations: outside(find(&NEGATIONS)),
            attributions: find(&ATTRIBUTIONS),
        }
    }
}

fn find_cues(lists: &ByLanguage, language: Option<&str>, passage: &Passage) -> Vec<Cue> {
    let known = language.filter(|l| lists.contains_key(l));
    let own = lists.iter().filter(|(of, _)| match known {
        Some("zh") => of.starts_with("zh"),
        Some(known) => **of == known,
        None => true,
    });
    let met = own.flat_map(|(_, words)| words.occurrences(passage));
    let mut all: Vec<Cue> = met
        .map(|(sentence, span)| Cue {
            sentence,
            start: span.start,
            end: span.end,
        })
        .collect();
    all.sort_by_key(|c| (c.start, c.end));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_read_and_every_language_has_every_kind() {
        let files = [
            include_str!("cues/denials.txt"),
            include_str!("cues/negations.txt"),
            include_str!("cues/idioms.txt"),
            include_str!("cues/attributions.txt"),
        ];
        for file in files {
            for line in file.lines().filter(|l| !l.starts_with('#')) {
                let (language, words) = line.split_once(": ").expect("a language and its words");
                if let Err(error) = Mention::parse(&[words]) {
                    panic!("{language}: {error}");
                }
            }
        }
        let languages: Vec<_> = DENIALS.keys().collect();
        assert_eq!(languages.len(), 26);
        assert_eq!(languages, NEGATIONS.keys().collect::<Vec<_>>());
        assert_eq!(languages, IDIOMS.keys().collect::<Vec<_>>());
        assert_eq!(languages, ATTRIBUTIONS.keys().collect::<Vec<_>>());
    }
}
