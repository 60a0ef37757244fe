//! Inability that shows in a readable answer: the chat's own marks, the question again, another language, no knowledge.
//!
//! Whether it is inability or its pretence no single answer tells: a model's controls do (`analysis::unable`).

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::{rules, shape};
use crate::text::{fold, language};

/// What a chat model should have ended at, not said.
const MARKS: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "<|user|>",
    "<|assistant|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<start_of_turn>",
    "[/INST]",
    "### Instruction:",
];
/// An answer that has said less than this many characters before a mark has said nothing.
const BEFORE_A_MARK: usize = 40;
/// Words of a question below which repeating them may be the answer.
const MIN_ECHOED: usize = 5;
/// Characters below which the language of an answer is a guess; and where it shares the question's script.
const MIN_FOREIGN: usize = 80;
const MIN_FOREIGN_IN_ONE_SCRIPT: usize = 200;
/// Languages that are mistaken for each other.
const ALIKE: &[&[&str]] = &[
    &["es", "pt", "it"],
    &["ru", "uk"],
    &["ar", "fa", "ur"],
    &["zh", "ja"],
];
/// Languages in Latin script, of those told apart.
const LATIN: &[&str] = &["en", "es", "de", "fr", "fi", "tr", "pt", "it", "vi", "id"];

/// Questions that are about languages, or may ask for another.
static OF_LANGUAGES: LazyLock<Regex> = LazyLock::new(|| {
    let words = "(?i)translat|language|english|french|spanish|german|chinese|mandarin|cantonese|russian|arabic|persian|farsi|turkish|hindi|\
                 finnish|japanese|korean|italian|portuguese|ukrainian|latin|idioma|lengua|traduc|traduz|ingl[eé]s|langue|tradui|anglais|sprache|\
                 übersetz|englisch|kiel(?:i|en|ellä)|käännä|englan|dil(?:i|de|ine)|çevir|ingilizce|язык|перевед|англий|لغة|ترجم|الإنجليزية|زبان|\
                 انگلیسی|भाषा|अनुवाद|अंग्रेज|语言|語言|翻译|翻譯|英语|英語|英文|中文|法语|日语|俄语|訳|言語|언어|번역|영어";
    Regex::new(words).expect("a constant pattern, compiled in tests")
});

/// Why a readable answer is one that the model was unable to give; none where nothing shows it.
pub(super) fn why(question: &str, answer: &str) -> Option<String> {
    marks(answer)
        .or_else(|| echo(question, answer))
        .or_else(|| rules::ignorance(answer).map(|words| format!("does not know: {words}")))
}

/// Plays the chat on by itself before it has said anything.
fn marks(answer: &str) -> Option<String> {
    let found = MARKS.iter().filter_map(|m| Some((answer.find(m)?, *m)));
    let (at, mark) = found.min()?;
    let said = answer[..at].trim().chars().count();
    (said < BEFORE_A_MARK).then(|| format!("the chat's own marks: {mark}"))
}

/// Repeats the question, from its beginning on, and says nothing else.
fn echo(question: &str, answer: &str) -> Option<String> {
    let of = |text: &str| -> Vec<String> {
        let folded = fold(text);
        let bare = |unit: &str| unit.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let units = shape::units(&folded).map(bare);
        units.filter(|unit| !unit.is_empty()).collect()
    };
    let (asked, mut said) = (of(question), of(answer).into_iter().peekable());
    if asked.len() < MIN_ECHOED {
        return None;
    }
    let mut rounds = 0;
    while said.peek().is_some() {
        let same = asked
            .iter()
            .take_while(|w| said.next_if(|s| s == *w).is_some())
            .count();
        if same * 10 < asked.len() * 8 {
            return None;
        }
        rounds += 1;
    }
    (rounds > 0).then(|| "repeats the question".into())
}

/// Why an answer is in a language that was not asked for; `asked` and `answered` are the languages of question and answer.
pub(super) fn foreign(question: &str, answer: &str, asked: &str, answered: &str) -> Option<String> {
    let alike = |one: &[&str]| one.contains(&asked) && one.contains(&answered);
    let one_script = LATIN.contains(&asked) && LATIN.contains(&answered);
    let needed = if one_script {
        MIN_FOREIGN_IN_ONE_SCRIPT
    } else {
        MIN_FOREIGN
    };
    let is_foreign = asked != answered
        && !ALIKE.iter().any(|group| alike(group))
        && answer.chars().nth(needed - 1).is_some()
        // Code is in no language, and what it is written in looks like English.
        && !answer.contains("```")
        && language(question) != Some(answered)
        && !OF_LANGUAGES.is_match(question).unwrap_or(true);
    is_foreign.then(|| format!("asked in '{asked}', answered in '{answered}'"))
}
