//! What languages write onto a word: Arabic's and Hebrew's prefixes, Korean's particles.

use unicode_script::{Script, UnicodeScript};

const ARABIC: [char; 6] = ['و', 'ف', 'ب', 'ل', 'ك', 'س'];
const HEBREW: [char; 7] = ['ה', 'ו', 'ב', 'ל', 'מ', 'ש', 'כ'];
/// Letters that are left at least of a word without its prefixes.
const MIN_STEM_LETTERS: usize = 2;
/// Prefixes at most, an article not counted.
const MAX_PREFIXES: usize = 2;

/// Korean particles and forms of the copula that are on nouns, longest first where one begins another.
const PARTICLES: &[&str] = &[
    "입니다",
    "이었다",
    "이라고",
    "에서",
    "에게",
    "으로",
    "까지",
    "부터",
    "처럼",
    "보다",
    "이나",
    "라고",
    "이라",
    "이란",
    "한테",
    "마다",
    "조차",
    "마저",
    "이며",
    "이고",
    "이다",
    "였다",
    "들",
    "이",
    "가",
    "은",
    "는",
    "을",
    "를",
    "의",
    "에",
    "께",
    "로",
    "와",
    "과",
    "도",
    "만",
    "나",
    "라",
    "란",
    "며",
    "고",
    "다",
    "인",
    "및",
];

fn starts_in(word: &str, script: Script) -> bool {
    word.chars().next().is_some_and(|c| c.script() == script)
}

/// Where the forms of a folded word begin: the word itself, and each time a prefix is taken off.
pub(super) fn forms(word: &str) -> impl Iterator<Item = usize> {
    let mut skips = [Some(0), None, None, None, None, None, None];
    let mut next = 1;
    let mut add = |skip: usize| {
        if word[skip..].chars().nth(MIN_STEM_LETTERS - 1).is_some()
            && !skips.contains(&Some(skip))
            && let Some(place) = skips.get_mut(next)
        {
            *place = Some(skip);
            next += 1;
        }
    };
    if starts_in(word, Script::Arabic) {
        let mut at = 0;
        for _ in 0..=MAX_PREFIXES {
            if let Some(rest) = word[at..].strip_prefix("ال") {
                add(word.len() - rest.len());
            }
            if let Some(rest) = word[at..].strip_prefix("لل") {
                add(word.len() - rest.len());
            }
            match word[at..].strip_prefix(ARABIC) {
                Some(rest) => at = word.len() - rest.len(),
                None => break,
            }
            add(at);
        }
    } else if starts_in(word, Script::Hebrew) {
        let mut at = 0;
        for _ in 0..=MAX_PREFIXES {
            match word[at..].strip_prefix(HEBREW) {
                Some(rest) => at = word.len() - rest.len(),
                None => break,
            }
            add(at);
        }
    }
    skips.into_iter().flatten()
}

/// A phrase's word without the article that a text may have or not.
pub(super) fn stem(word: &str) -> &str {
    let bare = word.strip_prefix("ال");
    bare.filter(|w| w.chars().nth(MIN_STEM_LETTERS).is_some())
        .unwrap_or(word)
}

/// Whether what follows a Korean noun is particles and nothing else.
pub(super) fn is_particles(rest: &str) -> bool {
    fn within(rest: &str, most: usize) -> bool {
        let after = |p: &&str| rest.strip_prefix(*p).is_some_and(|r| within(r, most - 1));
        rest.is_empty() || most > 0 && PARTICLES.iter().any(after)
    }
    within(rest, 3)
}

/// Whether a word takes Korean particles.
pub(super) fn takes_particles(word: &str) -> bool {
    word.chars()
        .next_back()
        .is_some_and(|c| c.script() == Script::Hangul)
}
