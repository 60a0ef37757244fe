//! Answers in a language that was not asked for.
//!
//! Languages that share a script are mistaken for each other in short texts, and there are more of them than are distinguished. So of those
//! only English is believed, which is what a model falls back on.

use std::sync::LazyLock;

use fancy_regex::Regex;

use crate::text::{language, main_script};

/// Characters below which the language of an answer is a guess; and where it shares the question's script.
const MIN_ANSWER: usize = 80;
const MIN_ANSWER_IN_ONE_SCRIPT: usize = 200;
/// Characters below which the language of a question is, in one script.
const MIN_QUESTION_IN_ONE_SCRIPT: usize = 30;
/// Words of which English texts are made to a fifth, and others hardly.
const ENGLISH: &[&str] = &[
    "the", "and", "of", "is", "that", "are", "was", "with", "for", "it",
];
/// Languages that are mistaken for each other, or are one in two scripts.
const ALIKE: &[&[&str]] = &[&["zh", "ja"], &["sr", "bs", "hr"]];
/// One in this many marks of programs among the characters of a text makes it a program, which is in no language.
const PROGRAM: usize = 20;

/// Questions that are about languages, or may ask for another.
static OF_LANGUAGES: LazyLock<Regex> = LazyLock::new(|| {
    let words = "(?i)translat|language|english|french|spanish|german|chinese|mandarin|cantonese|russian|arabic|persian|farsi|turkish|hindi|\
                 finnish|japanese|korean|italian|portuguese|ukrainian|latin|idioma|lengua|traduc|traduz|ingl[eé]s|langue|tradui|anglais|sprache|\
                 übersetz|englisch|kiel(?:i|en|ellä)|käännä|englan|dil(?:i|de|ine)|çevir|ingilizce|язык|перевед|англий|لغة|ترجم|الإنجليزية|زبان|\
                 انگلیسی|भाषा|अनुवाद|अंग्रेज|语言|語言|翻译|翻譯|英语|英語|英文|中文|法语|日语|俄语|訳|言語|언어|번역|영어";
    Regex::new(words).expect("a constant pattern, compiled in tests")
});

/// Why an answer is in a language that was not asked for; `asked` and `answered` are the languages of question and answer.
pub(super) fn why(question: &str, answer: &str, asked: &str, answered: &str) -> Option<String> {
    let alike = |group: &&[&str]| group.contains(&asked) && group.contains(&answered);
    let is_foreign = asked != answered
        && !ALIKE.iter().any(alike)
        && language(question) != Some(answered)
        && is_told(question, answer, answered)
        && !is_program(answer)
        && !OF_LANGUAGES.is_match(question).unwrap_or(true);
    is_foreign.then(|| format!("asked in '{asked}', answered in '{answered}'"))
}

/// Whether the answer's language is sure to be another than the question's.
fn is_told(question: &str, answer: &str, answered: &str) -> bool {
    let has = |text: &str, least: usize| text.trim().chars().nth(least - 1).is_some();
    if main_script(question) != main_script(answer) {
        return has(answer, MIN_ANSWER);
    }
    answered == "en"
        && has(answer, MIN_ANSWER_IN_ONE_SCRIPT)
        && has(question, MIN_QUESTION_IN_ONE_SCRIPT)
        && is_english(answer)
        && !is_english(question)
}

/// Whether one word in ten is one of the commonest of English.
fn is_english(text: &str) -> bool {
    let words = || {
        text.split(|c: char| !c.is_alphabetic())
            .filter(|w| !w.is_empty())
    };
    let common = |w: &&str| ENGLISH.iter().any(|c| c.eq_ignore_ascii_case(w));
    words().filter(common).count() * 10 >= words().count()
}

fn is_program(text: &str) -> bool {
    const MARKS: &str = "(){}[]<>=;_";
    let letters = || text.chars().filter(|c| !c.is_whitespace());
    let marks = letters().filter(|c| MARKS.contains(*c)).count();
    text.contains("```") || marks * PROGRAM >= letters().count()
}
