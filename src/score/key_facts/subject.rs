//! Whether an answer is about its event at all: the words that name a single fact may be in any text.

use super::distance::is_unspaced;

/// Facts of an event which, mentioned together, make an answer one about it.
const FACTS: usize = 2;
/// Letters of the shortest word that distinguishes events.
const MIN_CHARACTERS: usize = 3;

/// Whether an answer that mentions this many of an event's facts is about the event, which has these names in some languages. Without a name it
/// is.
pub(super) fn is_about(answer: &str, mentioned: usize, names: &[String]) -> bool {
    if mentioned >= FACTS || names.is_empty() {
        return true;
    }
    let answer = answer.to_lowercase();
    names.iter().any(|name| is_named(&answer, name))
}

/// Whether at least half of what distinguishes a name is in a text in lower case.
fn is_named(text: &str, name: &str) -> bool {
    let parts = parts(name);
    let found = parts.iter().filter(|part| text.contains(*part)).count();
    found > 0 && found * 2 >= parts.len()
}

/// The words of a name, its capitalised ones where it has any; pairs of characters in scripts without spaces.
fn parts(name: &str) -> Vec<String> {
    if name.chars().any(is_unspaced) {
        let letters: Vec<char> = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let pairs = letters.windows(2).map(|pair| pair.iter().collect());
        return pairs.collect();
    }
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words
        .filter(|w| w.chars().count() >= MIN_CHARACTERS)
        .collect();
    let is_proper = |w: &&&str| w.chars().next().is_some_and(char::is_uppercase);
    let proper: Vec<&str> = words.iter().filter(is_proper).copied().collect();
    let kept = if proper.is_empty() { words } else { proper };
    kept.into_iter().map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_about_what_it_names_or_tells_two_facts_of() {
        let names = [
            "the sinking of the tugboat 13 de Marzo off Havana".to_owned(),
            "哈瓦那附近“三月十三日”号拖船沉没事件".to_owned(),
        ];
        for (answer, mentioned, about) in [
            ("Off Havana the tug 13 de Marzo was rammed.", 1, true),
            ("Many people try to leave for the United States.", 1, false),
            ("Many people drowned; nobody was tried.", 2, true),
            ("“三月十三日”号拖船在哈瓦那附近沉没。", 1, true),
            ("许多人试图前往美国。", 1, false),
        ] {
            assert_eq!(is_about(answer, mentioned, &names), about, "{answer}");
        }
        assert!(is_about("Anything.", 0, &[]));
    }
}
