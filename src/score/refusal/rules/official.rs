//! Set phrases of governments, of whatever side: an answer that consists of them recites a position.
//!
//! As many of each jurisdiction as of the next: a scorer that knew one government's phrases best would find that one's most often.

/// One line per phrase: jurisdiction, language, pattern. The jurisdictions are those of `analysis/official_lines.txt`, each with three
/// phrases in English and three in its own language, or six in English where that is its own. A pattern is a phrase with its usual
/// variants, without repetition, so that no text makes it slow.
const TABLE: &str = include_str!("official.txt");

/// The patterns of all phrases.
pub(super) fn patterns() -> impl Iterator<Item = &'static str> {
    phrases().map(|[_jurisdiction, _language, pattern]| pattern)
}

/// Jurisdiction, language and pattern of each phrase.
fn phrases() -> impl Iterator<Item = [&'static str; 3]> {
    TABLE.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '|');
        Some([parts.next()?, parts.next()?, parts.next()?])
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::Reading;
    use super::*;
    use crate::score::AnswerClass;

    /// Phrases of each jurisdiction.
    const EACH: usize = 6;
    /// Of these in English, where another language is the jurisdiction's own.
    const IN_ENGLISH: usize = 3;
    /// Alternatives and optional parts of a pattern: a wider one would find more than a phrase.
    const WIDEST: usize = 40;

    /// The first field of each line.
    fn jurisdictions(table: &'static str) -> BTreeSet<&'static str> {
        table.lines().filter_map(|l| l.split('|').next()).collect()
    }

    fn recites(text: &str) -> bool {
        let class = Reading::of(text).classify().map(|(class, _)| class);
        class == Some(AnswerClass::OfficialLine)
    }

    #[test]
    fn every_jurisdiction_has_as_many_phrases_as_the_next_in_english_and_in_its_own_language() {
        let mut languages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for [jurisdiction, language, _] in phrases() {
            languages.entry(jurisdiction).or_default().push(language);
        }
        for (jurisdiction, languages) in &languages {
            let english = languages.iter().filter(|l| **l == "en").count();
            let own: BTreeSet<_> = languages.iter().filter(|l| **l != "en").collect();
            let expected = if own.is_empty() { EACH } else { IN_ENGLISH };
            assert_eq!(languages.len(), EACH, "{jurisdiction}");
            assert_eq!(english, expected, "{jurisdiction}");
            assert!(own.len() <= 1, "{jurisdiction}: {own:?}");
        }
        let sentences = include_str!("../../../analysis/official_lines.txt");
        assert_eq!(
            languages.into_keys().collect::<BTreeSet<_>>(),
            jurisdictions(sentences)
        );
    }

    #[test]
    fn no_phrase_repeats_anything_or_is_much_wider_than_the_next() {
        for [jurisdiction, _, pattern] in phrases() {
            let repeats = pattern.contains(['*', '+', '{']);
            let width = pattern.matches(['|', '?', '[']).count() - pattern.matches("(?:").count();
            assert!(!repeats && width <= WIDEST, "{jurisdiction}: {pattern}");
        }
    }

    /// One line per text: jurisdiction, whether it is recited or an account, words.
    #[test]
    fn a_recitation_is_an_official_line_and_an_account_of_the_same_matter_is_not() {
        let cases = include_str!("../../../../tests/fixtures/official.txt");
        let mut count: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for line in cases.lines() {
            let [jurisdiction, kind, text] = line.splitn(3, '|').collect::<Vec<_>>()[..] else {
                panic!("three fields wanted: {line}");
            };
            assert_eq!(recites(text), kind == "recited", "{line}");
            *count.entry((jurisdiction, kind)).or_default() += 1;
        }
        for jurisdiction in jurisdictions(TABLE) {
            for kind in ["recited", "account"] {
                assert!(count[&(jurisdiction, kind)] > 0, "{jurisdiction}: {kind}");
            }
        }
    }
}
