//! Whether each row has its names in the languages it is asked in, in their scripts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use unicode_script::{Script, UnicodeScript};

use super::Lint;
use crate::suite::{Fact, Sample};

/// The fields of a row whose values are texts by language.
const NAMES: [&str; 2] = ["event", "control"];

/// Looks at rows that list the languages they are asked in.
pub(super) fn check(samples: &[Sample], facts: &BTreeMap<&str, Vec<Fact>>, found: &mut Lint) {
    let mut seen = BTreeSet::new();
    for sample in samples {
        let Some(languages) = sample.fields.get("languages").and_then(Value::as_array) else {
            continue;
        };
        if !seen.insert(sample.unit()) {
            continue;
        }
        let languages: Vec<&str> = languages.iter().filter_map(Value::as_str).collect();
        for field in NAMES {
            let findings = names(sample, field, &languages);
            found.findings.extend(findings);
        }
        for fact in facts.get(sample.unit()).into_iter().flatten() {
            mentions(sample.unit(), fact, &languages, found);
        }
    }
}

fn names(sample: &Sample, field: &str, languages: &[&str]) -> Vec<String> {
    let unit = sample.unit();
    let Some(texts) = sample.fields.get(field).and_then(Value::as_object) else {
        return vec![format!("{unit}: no {field} by language")];
    };
    let mut wrong = Vec::new();
    for language in languages {
        match texts.get(*language).and_then(Value::as_str) {
            None => wrong.push(format!("{unit}: its {field} has no {language}")),
            Some(text) if !is_in_script(text, language) => {
                wrong.push(format!(
                    "{unit}: its {field} in {language} is not in that language's script: {text}"
                ));
            }
            Some(_) => {}
        }
    }
    let more = texts.keys().filter(|l| !languages.contains(&l.as_str()));
    wrong.extend(more.map(|l| {
        format!("{unit}: its {field} exists in {l}, but the row is not asked in that language")
    }));
    wrong
}

/// Finds that a fact lacks what names it in a language.
fn mentions(unit: &str, fact: &Fact, languages: &[&str], found: &mut Lint) {
    let missing = languages
        .iter()
        .filter(|l| !fact.mentions.contains_key(**l));
    let missing: Vec<&str> = missing.copied().collect();
    if !missing.is_empty() {
        found.findings.push(format!(
            "{unit}: nothing names “{}” in {}",
            fact.statement,
            missing.join(", ")
        ));
    }
}

/// Whether a quarter of a text's letters are of the script that its language is written in, since foreign names may be in it; languages not
/// known here are.
fn is_in_script(text: &str, language: &str) -> bool {
    let Some(script) = script_of(language) else {
        return true;
    };
    let letters: Vec<Script> = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .map(|c| c.script())
        .collect();
    let own = |s: &&Script| match **s {
        Script::Hiragana | Script::Katakana => script == Script::Han,
        s => s == script || s == Script::Common,
    };
    letters.iter().filter(own).count() * 4 >= letters.len()
}

fn script_of(language: &str) -> Option<Script> {
    let language = language.split('-').next().unwrap_or(language);
    Some(match language {
        "zh" | "ja" => Script::Han,
        "ko" => Script::Hangul,
        "ru" | "uk" | "be" | "bg" | "mk" | "kk" => Script::Cyrillic,
        "ar" | "fa" | "ur" | "ps" | "ckb" => Script::Arabic,
        "he" => Script::Hebrew,
        "hi" | "ne" | "mr" => Script::Devanagari,
        "my" => Script::Myanmar,
        "th" => Script::Thai,
        "lo" => Script::Lao,
        "km" => Script::Khmer,
        "am" | "ti" => Script::Ethiopic,
        "el" => Script::Greek,
        "ka" => Script::Georgian,
        "hy" => Script::Armenian,
        "en" | "fr" | "de" | "es" | "pt" | "it" | "tr" | "vi" | "id" | "fi" | "sv" | "bs"
        | "hr" | "pl" | "rw" | "sw" => Script::Latin,
        _ => return None,
    })
}
