//! The letters that label choices, A to Z, and what represents them in other scripts.

/// How a label is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    /// Of another script: a word there more easily than a label.
    Foreign,
}

/// Labels of other scripts in their order. Cyrillic and Greek letters that look like Latin ones are read as those.
const FOREIGN: &[&[&str]] = &[
    &["А", "В", "С", "Д", "Е"], // Cyrillic, with Б and Г below
    &["Α", "Β", "Γ", "Δ", "Ε"], // Greek
    &["أ", "ب", "ج", "د", "ه"], // Arabic
    &["ا", "ب", "ج", "د", "هـ"],
    &["الف", "ب", "ج", "د", "ه"], // Persian
    &["א", "ב", "ג", "ד", "ה"],   // Hebrew
    &["क", "ख", "ग", "घ", "ङ"],   // Devanagari
    &["ए", "बी", "सी", "डी", "ई"],
    &["अ", "ब", "स", "द"],
    &["ক", "খ", "গ", "ঘ", "ঙ"], // Bengali
    &["অ", "ব", "ড", "ঢ"],
    &["ก", "ข", "ค", "ง", "จ"],      // Thai
    &["ア", "イ", "ウ", "エ", "オ"], // Japanese
    &["가", "나", "다", "라", "마"], // Korean
    &["甲", "乙", "丙", "丁", "戊"], // Chinese
];

/// The choice that a word labels.
pub(super) fn label(word: &str) -> Option<(usize, Case)> {
    let mut letters = word.chars();
    let first = letters.next()?;
    if letters.next().is_none() {
        let code = u32::from(first);
        let in_block = |start: u32| code.checked_sub(start).filter(|i| *i < 26);
        let upper = ['A', 'Ａ', 'Ⓐ', '🄰', '🅐', '🅰']
            .iter()
            .find_map(|a| in_block(u32::from(*a)));
        let lower = ['a', 'ａ', 'ⓐ', '⒜']
            .iter()
            .find_map(|a| in_block(u32::from(*a)));
        // Mathematical alphabets: capitals and small letters of thirteen styles.
        let styled = (0x1D400..0x1D6A4)
            .contains(&code)
            .then(|| (code - 0x1D400) % 52);
        let found = match (upper, lower, styled) {
            (Some(i), ..) => Some((i, Case::Upper)),
            (_, Some(i), _) => Some((i, Case::Lower)),
            (.., Some(i)) => Some((i % 26, if i < 26 { Case::Upper } else { Case::Lower })),
            _ => None,
        };
        if let Some((index, case)) = found {
            return usize::try_from(index).ok().map(|i| (i, case));
        }
        match first {
            'Б' | 'б' => return Some((1, Case::Foreign)),
            'Г' => return Some((3, Case::Foreign)),
            _ => {}
        }
    }
    let index = FOREIGN
        .iter()
        .find_map(|row| row.iter().position(|l| *l == word))?;
    Some((index, Case::Foreign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_many_scripts_label_the_same_choices() {
        for word in ["B", "Ｂ", "Ⓑ", "𝐁", "𝗕", "🅑"] {
            assert_eq!(label(word), Some((1, Case::Upper)), "{word}");
        }
        for word in ["b", "ｂ", "ⓑ", "𝐛"] {
            assert_eq!(label(word), Some((1, Case::Lower)), "{word}");
        }
        for word in ["Б", "В", "Β", "ب", "ב", "ख", "খ", "ข", "イ", "나"] {
            assert_eq!(label(word), Some((1, Case::Foreign)), "{word}");
        }
        assert_eq!(label("AB"), None);
        assert_eq!(label("7"), None);
    }
}
