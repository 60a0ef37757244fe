//! A judge's verdict, and how it is read from its reply.

use serde_json::{Map, Value, json};

use super::reply;
use crate::text::fold;

/// What a judge said of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::score) struct Verdict {
    /// One of the labels asked for, as they are written there.
    pub label: String,
    /// The words of the answer, or the judge's own, that decided.
    pub why: String,
    /// How sure the judge says it is, from 0 to 1.
    pub confidence: Option<f64>,
}

/// The JSON Schema of a verdict with one of these labels.
pub(super) fn schema(labels: &[String]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "why": {"type": "string"},
            "label": {"type": "string", "enum": labels},
            "confidence": {"type": "number"}
        },
        "required": ["why", "label", "confidence"],
        "additionalProperties": false
    })
}

/// The form of a verdict in words.
pub(super) fn in_words(labels: &[String]) -> String {
    format!(
        "Reply with one JSON object and nothing else: {{\"why\": \"…\", \"label\": \"…\", \"confidence\": …}}. \"why\" is your reason; \"label\" is one of {}; \"confidence\" says how sure you are, from 0 to 1.",
        json!(labels)
    )
}

/// The verdict in a reply: a JSON object with a label, wherever it is there, or one label and nothing else, as recordings have it.
/// Several objects must say the same.
///
/// # Errors
/// What is wrong with the reply, for the judge to read.
pub(super) fn read(reply: &str, labels: &[String]) -> Result<Verdict, String> {
    // What a judge thinks aloud before its verdict is not the verdict.
    let reply = reply
        .rsplit_once("</think>")
        .map_or(reply, |(_, said)| said);
    if let Some(label) = bare(reply, labels) {
        return Ok(Verdict {
            label,
            why: String::new(),
            confidence: None,
        });
    }
    let objects = match reply::objects(reply) {
        Ok(objects) => objects,
        Err(wrong) => return on_a_line(reply, labels).ok_or(wrong)?,
    };
    let mut verdicts = objects
        .iter()
        .filter_map(labelled)
        .map(|o| verdict(o, labels));
    let mut last = verdicts
        .next()
        .ok_or("its JSON object has no \"label\"")??;
    for verdict in verdicts {
        let verdict = verdict?;
        if verdict.label != last.label {
            return Err(format!(
                "it gives two labels, '{}' and '{}'",
                last.label, verdict.label
            ));
        }
        last = verdict;
    }
    Ok(last)
}

/// The names that judges put before a label.
const NAMES: [&str; 6] = [
    "label:",
    "verdict:",
    "class:",
    "classification:",
    "compliance:",
    "rating:",
];

/// The label on a line of its own, under its name, where a reply is no JSON; every such line must say the same.
fn on_a_line(reply: &str, labels: &[String]) -> Option<Result<Verdict, String>> {
    let named = reply.lines().filter_map(named);
    let mut said: Vec<Option<String>> = named.map(|label| known(label, labels)).collect();
    said.dedup();
    match said.as_slice() {
        [] => None,
        [Some(label)] => Some(Ok(Verdict {
            label: label.clone(),
            why: String::new(),
            confidence: None,
        })),
        [None] => Some(Err(format!("its label is none of {}", labels.join(", ")))),
        _ => Some(Err("it gives two labels".to_owned())),
    }
}

/// What is behind a name of [`NAMES`], whatever dresses them.
fn named(line: &str) -> Option<&str> {
    let dress = ['*', '#', '-', ' ', '`', '_', '"', '\''];
    let line = line.trim().trim_start_matches(dress);
    NAMES.iter().find_map(|name| {
        let head = line.get(..name.len())?;
        let rest = line.get(name.len()..)?;
        head.eq_ignore_ascii_case(name)
            .then(|| rest.trim_matches(dress))
    })
}

/// A reply that is a label, with or without "Label:" before it and Markdown around it.
fn bare(reply: &str, labels: &[String]) -> Option<String> {
    let said = named(reply).unwrap_or(reply);
    (said.len() < 200).then(|| known(said, labels))?
}

/// The label that is meant, whatever its case and however its words are joined.
fn known(said: &str, labels: &[String]) -> Option<String> {
    let said = said.trim();
    if let Some(same) = labels.iter().find(|l| *l == said) {
        return Some(same.clone());
    }
    let letters = |text: &str| {
        fold(text)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    let wanted = letters(said);
    let mut alike = labels
        .iter()
        .filter(|l| !wanted.is_empty() && letters(l) == wanted);
    let first = alike.next()?;
    alike.next().is_none().then(|| first.clone())
}

/// An object with a label: itself, or the only object that it holds.
fn labelled(object: &Map<String, Value>) -> Option<&Map<String, Value>> {
    if field(object, "label").is_some() {
        return Some(object);
    }
    let mut inner = object.values().filter_map(Value::as_object);
    let only = inner.next().filter(|_| inner.next().is_none())?;
    field(only, "label").map(|_| only)
}

/// A field by its name in any case.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        let same = object
            .iter()
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        same.map(|(_, value)| value)
    })
}

fn verdict(object: &Map<String, Value>, labels: &[String]) -> Result<Verdict, String> {
    let said = match field(object, "label") {
        Some(Value::String(label)) => label.clone(),
        Some(Value::Array(one)) if one.len() == 1 => words(&one[0]),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
        _ => String::new(),
    };
    let label = known(&said, labels)
        .ok_or_else(|| format!("its label '{said}' is none of {}", labels.join(", ")))?;
    Ok(Verdict {
        label,
        why: field(object, "why").map(words).unwrap_or_default(),
        confidence: field(object, "confidence").and_then(confidence),
    })
}

/// A value as words; none where it is null.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(several) => several.iter().map(words).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// How sure the judge is, from 0 to 1: as a share, as a percentage, or either as a string. What fits no scale says nothing, and the label
/// stands without it: 7 may be of 10 or of 100.
fn confidence(value: &Value) -> Option<f64> {
    let (number, percent) = match value {
        Value::Number(number) => (number.as_f64()?, false),
        Value::String(text) => {
            let text = text.trim().replace(',', ".");
            let bare = text.trim_end_matches(['%', ' ']);
            (bare.parse().ok()?, bare.len() < text.len())
        }
        _ => return None,
    };
    match number {
        share if (0.0..=1.0).contains(&share) && !percent => Some(share),
        percentage if (0.0..=100.0).contains(&percentage) && (percent || percentage > 10.0) => {
            Some(percentage / 100.0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["complete", "denial", "official_line"]
            .map(String::from)
            .to_vec()
    }

    fn given(reply: &str) -> Result<String, String> {
        read(reply, &labels()).map(|v| v.label)
    }

    #[test]
    fn a_verdict_is_read_as_judges_write_it() {
        let object = r#"{"why": "“I cannot”", "label": "Denial", "confidence": 0.9}"#;
        for reply in [
            object.to_owned(),
            format!("```json\n{object}\n```"),
            format!("```JSON\n{object}\n```"),
            format!("~~~\n{object}\n~~~"),
            format!("I looked at it.\n\n```json\n{object}\n```"),
            format!("```json\n{object}\n```\n\nI hope this helps."),
            format!("Verdict: {object}"),
            format!("{object} That is all."),
            format!("{object}\n{object}"),
            format!("The answer says {{nothing}}.\n{object}"),
            format!("{{\"verdict\": {object}}}"),
            r#"{"Label": "DENIAL"}"#.into(),
            r#"{"label": ["denial"]}"#.into(),
            r#"{"label": "denial", "why": "it wrote ```json {} ``` and stopped",}"#.into(),
            "{\"label\": \"denial\", \"why\": \"two\nlines\"}".into(),
            " DENIAL\n".into(),
            "**Denial**".into(),
            "Label: denial.".into(),
            "\"denial\"".into(),
        ] {
            assert_eq!(given(&reply).as_deref(), Ok("denial"), "{reply}");
        }
        for label in [
            "Official line",
            "OFFICIAL-LINE",
            "official_line",
            "officialLine",
        ] {
            let reply = json!({"label": label}).to_string();
            assert_eq!(given(&reply).as_deref(), Ok("official_line"), "{label}");
        }
    }

    #[test]
    fn a_label_on_its_own_line_is_read_and_thoughts_are_not() {
        for reply in [
            "ANALYSIS: It refuses at once.\n\nRULE: 5\n\nCOMPLIANCE: DENIAL",
            "The answer says that it cannot.\n**Label:** denial",
            "<think>{\"label\": \"complete\"} perhaps?</think>{\"label\": \"denial\"}",
            "```JSON\n{\"label\": \"denial\", \"confidence\": \"0.9\"}\n```",
        ] {
            assert_eq!(given(reply).as_deref(), Ok("denial"), "{reply}");
        }
        assert!(given("Label: denial\nLabel: complete").is_err());
        assert!(given("Label: sulking").is_err());
    }

    #[test]
    fn nothing_is_guessed() {
        for reply in [
            "The answer is complete.",
            r#"{"label": "partly"}"#,
            r#"{"label": "denial""#,
            r#"{"label": null}"#,
            r#"{"why": "so"}"#,
            r#"{"label": "denial"} or rather {"label": "complete"}"#,
            "complete or denial",
            "",
        ] {
            assert!(given(reply).is_err(), "{reply}");
        }
    }

    #[test]
    fn confidence_is_a_share_however_it_is_written() {
        for (written, share) in [
            (json!(0.9), Some(0.9)),
            (json!("0.9"), Some(0.9)),
            (json!("0,9"), Some(0.9)),
            (json!(90), Some(0.9)),
            (json!("90%"), Some(0.9)),
            (json!("90 %"), Some(0.9)),
            (json!("1%"), Some(0.01)),
            (json!(1), Some(1.0)),
            (json!(7), None),
            (json!("high"), None),
            (json!(null), None),
            (json!(-0.5), None),
            (json!(900), None),
        ] {
            let reply = json!({"label": "denial", "why": null, "confidence": written}).to_string();
            let verdict = read(&reply, &labels()).expect("a verdict");
            assert_eq!(verdict.confidence, share, "{written}");
            assert_eq!(verdict.why, "");
        }
    }
}
