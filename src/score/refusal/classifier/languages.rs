//! The languages whose difference from English the classifier takes off what it reads, as `models/labeller/languages.py` counts them.

/// English, the languages that candor's suites ask in, and every other.
const LANGUAGES: [&str; 21] = [
    "en", "ar", "de", "es", "fa", "fr", "he", "hi", "id", "ja", "ko", "my", "pt", "ru", "th", "tr",
    "uk", "ur", "vi", "zh", OTHER,
];
const OTHER: &str = "other";

/// The place of a language; of English where none could be determined.
pub(super) fn index_of(language: Option<&str>) -> i64 {
    let found = language.unwrap_or(LANGUAGES[0]);
    let mut places = (0..).zip(LANGUAGES);
    places
        .find(|(_, l)| [found, OTHER].contains(l))
        .map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::language;

    #[test]
    fn the_scripts_count_the_same_languages() {
        let scripts = include_str!("../../../../models/labeller/languages.py");
        let between = LANGUAGES[1..LANGUAGES.len() - 1].join(" ");
        assert!(
            scripts.contains(&format!("\"{between}\".split()")),
            "{between}"
        );
    }

    #[test]
    fn what_is_not_asked_in_is_other_and_what_cannot_be_told_is_english() {
        let finnish = "Milloin lakko alkoi, ja miten se oli mahdollista lopettaa?";
        let chinese = "罢工于三月开始，五月政府撤回法令后结束。";
        assert_eq!(
            [finnish, chinese, "42"].map(|text| index_of(language(text))),
            [20, 19, 0]
        );
    }
}
