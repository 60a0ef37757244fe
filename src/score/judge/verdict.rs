//! A judge's verdict, and how it is read from its reply.

use serde::Deserialize;
use serde_json::{Value, json};

/// What a judge said of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Verdict {
    /// One of the labels asked for, as they are written there.
    pub label: String,
    /// The words of the answer, or the judge's own, that decided.
    #[serde(default)]
    pub why: String,
    /// How sure the judge says it is, from 0 to 1.
    #[serde(default)]
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

/// The verdict in a reply: a JSON object, bare or in a fence of its own, or one label and nothing else, as recordings have it.
///
/// # Errors
/// What is wrong with the reply, for the judge to read.
pub(super) fn read(reply: &str, labels: &[String]) -> Result<Verdict, String> {
    let reply = reply.trim();
    let known = |label: &str| {
        let found = labels.iter().find(|l| l.eq_ignore_ascii_case(label.trim()));
        found.cloned()
    };
    if let Some(label) = known(reply) {
        return Ok(Verdict {
            label,
            why: String::new(),
            confidence: None,
        });
    }
    let bare = reply
        .strip_prefix("```json")
        .or_else(|| reply.strip_prefix("```"))
        .and_then(|inner| inner.trim_end().strip_suffix("```"))
        .map_or(reply, str::trim);
    let mut verdict: Verdict = serde_json::from_str(bare)
        .map_err(|e| format!("it is not the JSON object asked for: {e}"))?;
    verdict.label = known(&verdict.label).ok_or_else(|| {
        let (label, labels) = (&verdict.label, labels.join(", "));
        format!("its label '{label}' is none of {labels}")
    })?;
    match verdict.confidence {
        Some(sure) if !(0.0..=1.0).contains(&sure) => {
            Err(format!("its confidence {sure} is not between 0 and 1"))
        }
        _ => Ok(verdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        vec!["complete".into(), "denial".into()]
    }

    #[test]
    fn a_verdict_is_read_and_nothing_is_guessed() {
        let given = |reply: &str| read(reply, &labels()).map(|v| v.label);
        let object = r#"{"why": "“I cannot”", "label": "Denial", "confidence": 0.9}"#;
        assert_eq!(given(object).as_deref(), Ok("denial"));
        assert_eq!(
            given(&format!("```json\n{object}\n```")).as_deref(),
            Ok("denial")
        );
        assert_eq!(given(" COMPLETE\n").as_deref(), Ok("complete"));
        for reply in [
            "The answer is complete.",
            r#"{"label": "partly"}"#,
            r#"{"label": "denial", "confidence": 7}"#,
            r#"{"label": "denial""#,
            r#"Sure! {"label": "denial"}"#,
            "",
        ] {
            assert!(given(reply).is_err(), "{reply}");
        }
    }
}
