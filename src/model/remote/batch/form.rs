//! How providers take batches: `OpenAI`'s (a file of requests, files of results), Anthropic's Message Batches, and Gemini's batches of inline requests.
//! Pure functions between candor's terms and their bodies.
//!
//! <https://platform.openai.com/docs/guides/batch>, <https://docs.anthropic.com/en/docs/build-with-claude/batch-processing>,
//! <https://ai.google.dev/gemini-api/docs/batch-api>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ledger::Entry;
use super::{MAX_REQUESTS, Name};

/// A provider's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    OpenAi,
    Anthropic,
    Gemini,
}

/// Where a batch is submitted, and with what.
pub(super) struct Submission {
    pub path: String,
    pub body: Value,
}

/// How far a batch is.
#[derive(Debug, PartialEq)]
pub(super) enum State {
    Underway,
    /// It ended, perhaps without answering everything.
    Ended(Results),
    /// It was turned away as a whole.
    Failed(String),
}

/// Where the results of a batch are.
#[derive(Debug, PartialEq)]
pub(super) enum Results {
    /// In files of a result per line.
    At(Vec<String>),
    Here(Vec<(Name, Outcome)>),
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// A status and body, as if it had been asked alone.
    Reply(u16, Value),
    /// In words, why there is neither.
    Lost(String),
}

/// Bytes of the requests of one batch at most: in a file, and in the submission itself.
const MAX_FILE: usize = 90 << 20;
const MAX_INLINE: usize = 15 << 20;

impl Form {
    /// The form of a dialect's batches, if there are any.
    pub(super) fn of(dialect: &str) -> Option<Self> {
        match dialect {
            "chat" | "responses" | "completions" => Some(Self::OpenAi),
            "anthropic" => Some(Self::Anthropic),
            "gemini" => Some(Self::Gemini),
            _ => None,
        }
    }

    /// The requests in batches of a size that is taken.
    pub(super) fn parts(self, bodies: BTreeMap<Name, Value>) -> Vec<Vec<(Name, Value)>> {
        let most = match self {
            Self::OpenAi | Self::Anthropic => MAX_FILE,
            Self::Gemini => MAX_INLINE,
        };
        let (mut parts, mut bytes): (Vec<Vec<_>>, usize) = (Vec::new(), 0);
        for (name, body) in bodies {
            let own = body.to_string().len() + 256;
            match parts.last_mut() {
                Some(part) if part.len() < MAX_REQUESTS && bytes + own <= most => {
                    part.push((name, body));
                    bytes += own;
                }
                _ => {
                    parts.push(vec![(name, body)]);
                    bytes = own;
                }
            }
        }
        parts
    }

    /// The file that the requests are uploaded in, if they are. `path` is the API's, below the base address.
    pub(super) fn file(self, part: &[(Name, Value)], path: &str) -> Option<Vec<u8>> {
        if self != Self::OpenAi {
            return None;
        }
        let lines = part.iter().map(|(name, body)| {
            let line = json!({"custom_id": name, "method": "POST", "url": format!("/v1/{path}"), "body": body});
            format!("{line}\n")
        });
        Some(lines.collect::<String>().into_bytes())
    }

    /// How a batch is submitted. It carries the token, by which it can be found.
    pub(super) fn submission(
        self,
        part: &[(Name, Value)],
        path: &str,
        token: &str,
        file: Option<&str>,
    ) -> Submission {
        match self {
            Self::OpenAi => Submission {
                path: "batches".into(),
                body: json!({"input_file_id": file, "endpoint": format!("/v1/{path}"), "completion_window": "24h", "metadata": {"candor": token}}),
            },
            Self::Anthropic => {
                let requests = part
                    .iter()
                    .map(|(name, body)| json!({"custom_id": name, "params": body}));
                Submission {
                    path: "messages/batches".into(),
                    body: json!({"requests": requests.collect::<Vec<_>>()}),
                }
            }
            Self::Gemini => {
                let requests = part
                    .iter()
                    .map(|(name, body)| json!({"request": body, "metadata": {"key": name}}));
                let requests = json!({"requests": requests.collect::<Vec<_>>()});
                Submission {
                    path: path.replace(":generateContent", ":batchGenerateContent"),
                    body: json!({"batch": {"display_name": format!("candor-{token}"), "input_config": {"requests": requests}}}),
                }
            }
        }
    }

    /// The id of a batch that was submitted.
    pub(super) fn id(self, reply: &Value) -> Result<String, String> {
        let at = match self {
            Self::OpenAi | Self::Anthropic => "/id",
            Self::Gemini => "/name",
        };
        let id = text(reply, at).filter(|id| is_plain(id));
        id.ok_or_else(|| format!("the batch has no id: {reply}"))
    }

    /// Where the newest batches are listed.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::OpenAi => "batches?limit=100",
            Self::Anthropic => "messages/batches?limit=100",
            Self::Gemini => "batches?pageSize=100",
        }
    }

    /// The batch in a list that an entry of the ledger is of. Anthropic's carry no token: theirs is the one of as many requests that was made when
    /// the entry was.
    pub(super) fn found(self, list: &Value, entry: &Entry) -> Option<String> {
        const MAX_SECONDS_APART: i64 = 600;
        let all = ["/data", "/operations", "/batches"];
        let mut all = all
            .iter()
            .filter_map(|at| list.pointer(at)?.as_array())
            .flatten();
        let is_ours = |batch: &Value| match self {
            Self::OpenAi => text(batch, "/metadata/candor").as_deref() == Some(&entry.token),
            Self::Gemini => {
                let name =
                    text(batch, "/metadata/displayName").or_else(|| text(batch, "/displayName"));
                name.is_some_and(|name| name == format!("candor-{}", entry.token))
            }
            Self::Anthropic => {
                let counts = batch.get("request_counts").and_then(Value::as_object);
                let counts = counts.into_iter().flat_map(serde_json::Map::values);
                let requests: u64 = counts.filter_map(Value::as_u64).sum();
                let made: Option<Timestamp> =
                    text(batch, "/created_at").and_then(|at| at.parse().ok());
                let apart = made.map(|made| made.duration_since(entry.time).as_secs().abs());
                requests == entry.requests.len() as u64
                    && apart.is_some_and(|seconds| seconds <= MAX_SECONDS_APART)
            }
        };
        self.id(all.find(|batch| is_ours(batch))?).ok()
    }

    /// Where a batch says how far it is.
    pub(super) fn status(self, id: &str) -> String {
        match self {
            Self::OpenAi => format!("batches/{id}"),
            Self::Anthropic => format!("messages/batches/{id}"),
            // The id is a path itself: batches/123.
            Self::Gemini => id.to_owned(),
        }
    }

    pub(super) fn state(self, batch: &Value) -> Result<State, String> {
        match self {
            Self::OpenAi => openai_state(batch),
            Self::Anthropic => match text(batch, "/processing_status").as_deref() {
                Some("ended") => {
                    let id = self.id(batch)?;
                    let path = format!("messages/batches/{id}/results");
                    Ok(State::Ended(Results::At(vec![path])))
                }
                Some("in_progress" | "canceling") => Ok(State::Underway),
                _ => Err(format!("a batch without processing_status: {batch}")),
            },
            Self::Gemini => Ok(gemini_state(batch)),
        }
    }

    /// One line of results.
    pub(super) fn result(self, row: &Value) -> Option<(Name, Outcome)> {
        let name = text(row, "/custom_id")?;
        let outcome = match self {
            Self::Anthropic => match text(row, "/result/type").as_deref() {
                Some("succeeded") => Outcome::Reply(200, row["result"]["message"].clone()),
                Some("errored") => {
                    let error = row["result"]["error"].clone();
                    Outcome::Reply(anthropic_status(&error), error)
                }
                other => Outcome::Lost(ended_without(other.unwrap_or("without a result"))),
            },
            _ => match (&row["response"], &row["error"]) {
                (Value::Object(response), _) => {
                    let status = response.get("status_code").and_then(Value::as_u64);
                    let status = status.and_then(|s| u16::try_from(s).ok()).unwrap_or(200);
                    Outcome::Reply(status, row["response"]["body"].clone())
                }
                (_, error) => {
                    let code = text(error, "/code").unwrap_or_default();
                    Outcome::Lost(ended_without(code.trim_start_matches("batch_")))
                }
            },
        };
        Some((name, outcome))
    }
}

/// The id of an uploaded file.
pub(super) fn file_id(reply: &Value) -> Result<String, String> {
    text(reply, "/id").ok_or_else(|| format!("the uploaded file has no id: {reply}"))
}

fn ended_without(how: &str) -> String {
    match how {
        "expired" => "was not answered before its batch expired".into(),
        "canceled" | "cancelled" => "was not answered before its batch was cancelled".into(),
        other => format!("was not answered in its batch ({other})"),
    }
}

fn openai_state(batch: &Value) -> Result<State, String> {
    match text(batch, "/status").as_deref() {
        Some("validating" | "in_progress" | "finalizing" | "cancelling") => Ok(State::Underway),
        Some("completed" | "expired" | "cancelled") => {
            let files = ["/output_file_id", "/error_file_id"];
            let files = files.iter().filter_map(|at| text(batch, at));
            let files = files.filter(|id| is_plain(id));
            let paths = files.map(|id| format!("files/{id}/content"));
            Ok(State::Ended(Results::At(paths.collect())))
        }
        Some("failed") => {
            let errors = batch.pointer("/errors/data").and_then(Value::as_array);
            let said: Vec<String> = errors
                .into_iter()
                .flatten()
                .filter_map(|e| text(e, "/message"))
                .collect();
            let said = if said.is_empty() {
                "no reason given".to_owned()
            } else {
                said.join("; ")
            };
            Ok(State::Failed(said))
        }
        _ => Err(format!("a batch without a status that is known: {batch}")),
    }
}

/// An operation, whose response holds the results in the order asked, each with its key.
fn gemini_state(operation: &Value) -> State {
    let state = text(operation, "/metadata/state").unwrap_or_default();
    let has_ended = operation.get("done") == Some(&Value::Bool(true));
    let ends = |how| state.ends_with(how);
    if let Some(error) = operation.get("error").filter(|e| e.is_object()) {
        return State::Failed(text(error, "/message").unwrap_or_else(|| error.to_string()));
    }
    let places = [
        "/response/inlinedResponses/inlinedResponses",
        "/response/inlinedResponses",
        "/metadata/output/inlinedResponses/inlinedResponses",
    ];
    let rows = places
        .iter()
        .find_map(|at| operation.pointer(at)?.as_array());
    match rows {
        Some(rows) if has_ended || ends("_SUCCEEDED") => State::Ended(Results::Here(
            rows.iter().filter_map(gemini_result).collect(),
        )),
        // What was not answered is not among the results.
        None if has_ended || ends("_EXPIRED") || ends("_CANCELLED") => {
            State::Ended(Results::Here(Vec::new()))
        }
        None if ends("_FAILED") => State::Failed("no reason given".into()),
        _ => State::Underway,
    }
}

fn gemini_result(row: &Value) -> Option<(Name, Outcome)> {
    let name = text(row, "/metadata/key")?;
    let outcome = match row.get("error").filter(|e| e.is_object()) {
        Some(error) => {
            // Codes of google.rpc.Code.
            let status = match error.get("code").and_then(Value::as_u64) {
                Some(3 | 9) => 400,
                Some(7) => 403,
                Some(8) => 429,
                Some(16) => 401,
                Some(code @ 400..=599) => u16::try_from(code).unwrap_or(500),
                _ => 500,
            };
            Outcome::Reply(status, json!({ "error": error }))
        }
        None => Outcome::Reply(200, row.get("response")?.clone()),
    };
    Some((name, outcome))
}

/// The status that Anthropic answers a single request with for the same error.
fn anthropic_status(error: &Value) -> u16 {
    match text(error, "/error/type").as_deref() {
        Some("invalid_request_error") => 400,
        Some("authentication_error") => 401,
        Some("permission_error") => 403,
        Some("not_found_error") => 404,
        Some("request_too_large") => 413,
        Some("rate_limit_error") => 429,
        Some("overloaded_error") => 529,
        _ => 500,
    }
}

fn text(value: &Value, at: &str) -> Option<String> {
    value.pointer(at)?.as_str().map(str::to_owned)
}

/// Whether an id can be in a path: it comes from a server, and the key goes where it leads.
fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    !id.is_empty() && id.chars().all(plain) && !id.contains("..") && !id.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_parted_by_number_and_size() {
        let bodies = |n: usize, bytes: usize| -> BTreeMap<Name, Value> {
            (0..n)
                .map(|i| (format!("{i:08}"), "x".repeat(bytes).into()))
                .collect()
        };
        assert_eq!(Form::OpenAi.parts(bodies(25_000, 1)).len(), 3);
        assert_eq!(Form::Gemini.parts(bodies(4, 6 << 20)).len(), 2);
        assert!(Form::OpenAi.parts(BTreeMap::new()).is_empty());
    }

    #[test]
    fn an_id_leads_nowhere_but_below_its_address() {
        for (id, plain) in [
            ("batch_abc123", true),
            ("batches/123", true),
            ("../files/x", false),
            ("//evil.example/x", false),
            ("x?y=z", false),
            ("", false),
        ] {
            assert_eq!(Form::OpenAi.id(&json!({ "id": id })).is_ok(), plain, "{id}");
        }
    }
}
