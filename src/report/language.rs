//! The page's own words, one file per language in `reports/words/`. Sentences with figures, and the notes on method, are English in every
//! language for now.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::embedded::file;

/// The language of the page's own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, in simplified characters.
    Zh,
}

impl Language {
    /// Its tag in HTML (BCP 47).
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    /// The file of words as JSON: a key and its words.
    pub(super) fn file(self) -> &'static str {
        file(match self {
            Self::En => "words/en.json",
            Self::Zh => "words/zh.json",
        })
    }

    /// Words by their keys.
    pub(super) fn words(self) -> BTreeMap<&'static str, String> {
        serde_json::from_str(self.file()).unwrap_or_default()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::En => "en",
            Self::Zh => "zh",
        })
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = [Self::En, Self::Zh].into_iter();
        all.find(|language| language.to_string() == text)
            .ok_or_else(|| "write en or zh".into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The values that words leave a place for, such as `{n}`.
    fn places(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts.filter_map(|p| p.split('}').next()).collect()
    }

    #[test]
    fn every_language_has_the_same_words_with_the_same_places() {
        let (en, zh) = (Language::En.words(), Language::Zh.words());
        assert!(en.len() > 50, "the words are found");
        for (key, words) in &en {
            let other = zh.get(key).unwrap_or_else(|| panic!("zh.json lacks {key}"));
            assert_eq!(places(words), places(other), "{key}");
        }
        assert_eq!(en.len(), zh.len());
    }
}
