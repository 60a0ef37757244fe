//! What providers signal, in the shapes they send: `tests/fixtures/signals.json` has a row for each, docs/signals.md names its source.

use std::sync::Arc;
use std::time::Duration;

use candor::model::{
    self, Completion, Model, ModelError, OpenOptions, Parameters, Prompt, Request, SampleRef,
    Signal, Wanted, remote::Timeouts,
};
use candor::store::TrialStatus;
use serde::Deserialize;
use serde_json::Value;

use crate::raw_server::{Raw, RawServer};
use crate::support::fixtures;

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    provider: String,
    signal: String,
    source: String,
    /// The status of the trial; `error` where the call failed.
    outcome: String,
    #[serde(default = "success")]
    status: u16,
    /// The API it is asked through.
    #[serde(default = "chat")]
    api: String,
    body: Option<Value>,
    text: Option<String>,
    /// JSON on lines of its own.
    lines: Option<Vec<Value>>,
    events: Option<Vec<Value>>,
    /// The class of the failure.
    class: Option<String>,
    /// Whether the prompt or the answer was turned away.
    side: Option<String>,
    answer: Option<String>,
    reasoning: Option<String>,
    /// A category that the filter names.
    category: Option<String>,
}

fn chat() -> String {
    "chat".into()
}

fn success() -> u16 {
    200
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(fixtures().join("signals.json")).expect("the table");
    serde_json::from_str(&text).expect("rows")
}

impl Row {
    fn reply(&self) -> Raw {
        if let Some(events) = &self.events {
            let events: Vec<String> = events.iter().map(|e| format!("data: {e}\n\n")).collect();
            return Raw::events(events.concat());
        }
        if let Some(lines) = &self.lines {
            let lines: Vec<String> = lines.iter().map(|l| format!("{l}\n")).collect();
            return Raw::new(200, &["content-type: application/x-ndjson"], lines.concat());
        }
        match (&self.body, &self.text) {
            (Some(body), _) => Raw::json(self.status, body),
            (None, text) => Raw::new(
                self.status,
                &["content-type: text/html"],
                text.as_deref().unwrap_or_default(),
            ),
        }
    }

    /// What the outcome of asking lacks of what the row says.
    fn fault(&self, outcome: &Result<Completion, ModelError>) -> Option<String> {
        let completion = match outcome {
            Err(error) => {
                let class = error.class.name();
                let right = self.outcome == "error" && self.class.as_deref() == Some(class);
                return (!right).then(|| format!("failed as {class}: {error}"));
            }
            Ok(completion) => completion,
        };
        let status = TrialStatus::of(completion).name();
        let side = completion.signals.iter().find_map(|s| match s {
            Signal::PromptBlocked { reason } if !reason.is_empty() => Some("prompt"),
            Signal::AnswerBlocked { reason } if !reason.is_empty() => Some("answer"),
            _ => None,
        });
        let names = |category: &String| {
            completion
                .signals
                .iter()
                .any(|s| matches!(s, Signal::Moderation { category: c, .. } if c == category))
        };
        let right = status == self.outcome
            && self.category.as_ref().is_none_or(names)
            && (self.reasoning.is_none() || self.reasoning == completion.reasoning)
            && (self.side.is_none() || self.side.as_deref() == side)
            && self.answer.as_ref().is_none_or(|a| *a == completion.text);
        (!right).then(|| format!("{status}, {side:?}, {completion:?}"))
    }
}

fn asked(what: &str) -> Request {
    Request {
        prompt: Prompt::Text(what.to_owned()),
        parameters: Parameters::default(),
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    }
}

async fn opened(spec: &str) -> Arc<dyn Model> {
    let options = OpenOptions {
        timeouts: Timeouts {
            retries: 0,
            ..Timeouts::default()
        },
        ..OpenOptions::default()
    };
    model::open(&spec.parse().expect("a specification"), &options)
        .await
        .expect("an endpoint opens without a request")
}

/// Whether a request asks for a row, wherever its API puts the prompt.
fn holds(body: &Value, id: &str) -> bool {
    match body {
        Value::String(text) => text == id,
        Value::Array(items) => items.iter().any(|item| holds(item, id)),
        Value::Object(fields) => fields.values().any(|field| holds(field, id)),
        _ => false,
    }
}

#[test]
fn every_providers_signal_is_read_as_what_it_means() {
    let rows = rows();
    let table = rows.clone();
    let server = RawServer::new(move |body, _| {
        let row = table.iter().find(|r| holds(body, &r.id)).expect("a row");
        row.reply()
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let faults: Vec<String> = runtime.block_on(async {
        let mut faults = Vec::new();
        for row in &rows {
            let model = opened(&server.spec(&format!("m?api={}", row.api))).await;
            let request = asked(&row.id);
            let outcome = tokio::time::timeout(Duration::from_secs(20), model.answer(&request));
            let outcome = outcome.await.expect("an answer in time");
            faults.extend(row.fault(&outcome).map(|f| format!("{}: {f}", row.id)));
        }
        faults
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.len() > 90);
}

#[test]
fn every_signal_of_the_table_has_its_line_in_the_docs() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/signals.md");
    let page = std::fs::read_to_string(page).expect("the page");
    for row in rows() {
        let line = page.lines().find(|l| l.contains(&format!("`{}`", row.id)));
        let line = line.unwrap_or_else(|| panic!("{} is not in docs/signals.md", row.id));
        assert!(
            line.contains(&row.provider) && line.contains(&row.signal),
            "{line}"
        );
        assert!(
            row.source.starts_with('(') || line.contains(&row.source),
            "{line}"
        );
    }
}

/// One value of a row's body, chosen by `at`, becomes another: what servers send is not bound to be well formed.
fn damaged(value: &mut Value, at: &mut usize, other: &Value) {
    if *at == 0 {
        other.clone_into(value);
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| damaged(v, at, other)),
        Value::Object(fields) => fields.values_mut().for_each(|v| damaged(v, at, other)),
        _ => {}
    }
}

#[test]
fn no_damage_to_a_body_is_a_panic() {
    let others = [
        Value::Null,
        Value::from(-1),
        Value::from(1e300),
        Value::from(u64::MAX),
        Value::from("\u{feff}429"),
        serde_json::json!([[], {}, "x"]),
        serde_json::json!({"error": {"code": "1301", "message": {"detail": [{"loc": [1]}]}}}),
    ];
    for row in rows() {
        for other in &others {
            for at in 0..40 {
                let mut body = row.body.clone().unwrap_or_default();
                damaged(&mut body, &mut { at }, other);
                let _ = model::remote::read_chat_completion(&body);
            }
        }
    }
}
