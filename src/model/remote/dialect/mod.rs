//! How an API is spoken: pure functions between candor's terms and a server's bodies. They know nothing of connections, keys or retries.
//!
//! A new dialect is one file with a [`Dialect`], and one line in [`DIALECTS`].

mod anthropic;
mod chat;
mod completions;
mod converse;
mod gemini;
mod ollama;
mod pieces;
mod responses;

use std::collections::BTreeSet;
use std::time::Instant;

use reqwest::Url;
use serde_json::{Value, json};

use super::fault::Fault;
use super::finish::Ending;
use super::quirks::Quirks;
use super::setting::Setting;
use super::sse::Event;
use crate::model::{Completion, ContinuationScore, Control, Message, Prompt, Request, Role, Usage};
use crate::text::instead;

pub(super) use anthropic::ANTHROPIC;
pub(super) use chat::CHAT;
pub use chat::read_chat_completion;
pub(super) use converse::CONVERSE;
pub(super) use gemini::GEMINI;
pub(super) use ollama::OLLAMA;
pub(super) use responses::RESPONSES;

/// Every dialect. `?api=NAME` chooses one.
pub(super) const DIALECTS: &[&dyn Dialect] = &[
    CHAT,
    RESPONSES,
    completions::COMPLETIONS,
    ANTHROPIC,
    GEMINI,
    CONVERSE,
    OLLAMA,
];

/// The dialect of a name.
///
/// # Errors
/// The names that there are.
pub(super) fn named(name: &str) -> Result<&'static dyn Dialect, String> {
    let found = DIALECTS.iter().find(|dialect| dialect.name() == name);
    found.copied().ok_or_else(|| {
        let names = DIALECTS.iter().map(|dialect| dialect.name());
        format!(
            "there is no API '{name}'; {}",
            instead(name, "known", names)
        )
    })
}

/// What is asked, and how its server takes it.
pub(super) struct Ask<'a> {
    pub model: &'a str,
    pub request: &'a Request,
    pub quirks: &'a Quirks,
    /// Whether the answer is to come as a stream.
    pub stream: bool,
    /// What the server has said it does not take.
    pub refused: &'a BTreeSet<Setting>,
    /// The upstream that is to serve it, and no other.
    pub route: Option<&'a str>,
}

/// The controls of OpenAI's API.
const NARROW_CONTROLS: &[(Control, &str)] = &[
    (Control::PresencePenalty, "presence_penalty"),
    (Control::FrequencyPenalty, "frequency_penalty"),
    (Control::LogitBias, "logit_bias"),
];
/// Those that servers of open weights add to it, as vLLM and `SGLang` call them.
const WIDE_CONTROLS: &[(Control, &str)] = &[
    (Control::PresencePenalty, "presence_penalty"),
    (Control::FrequencyPenalty, "frequency_penalty"),
    (Control::LogitBias, "logit_bias"),
    (Control::MinP, "min_p"),
    (Control::RepetitionPenalty, "repetition_penalty"),
];

/// The controls of OpenAI's API, and of what goes beyond it.
fn openai_controls(quirks: &Quirks) -> &'static [(Control, &'static str)] {
    if quirks.top_k {
        WIDE_CONTROLS
    } else {
        NARROW_CONTROLS
    }
}

/// The controls that a model has. One that takes no temperature takes no penalties either.
pub(super) fn controls(dialect: &dyn Dialect, quirks: &Quirks, model: &str) -> Vec<Control> {
    let known = dialect.controls(quirks).iter();
    let known = known.filter(|_| quirks.samples(model));
    known.map(|(control, _)| *control).collect()
}

impl Ask<'_> {
    /// The controls that are set, by their names in the API.
    fn controls(&self, dialect: &dyn Dialect) -> impl Iterator<Item = (&'static str, Value)> {
        let known = dialect.controls(self.quirks).iter();
        known.filter_map(|(control, name)| {
            let value = control.value(&self.request.parameters)?;
            Some((*name, value))
        })
    }

    fn takes(&self, setting: Setting) -> bool {
        !self.refused.contains(&setting)
    }

    /// The sampling settings that the server takes: temperature, top-p, top-k.
    fn sampling(&self) -> (Option<f64>, Option<f64>, Option<u32>) {
        let asked = &self.request.parameters;
        let samples = self.quirks.samples(self.model);
        let takes = |setting| samples && self.takes(setting);
        (
            takes(Setting::Temperature).then_some(asked.temperature),
            asked.top_p.filter(|_| takes(Setting::TopP)),
            asked
                .top_k
                .filter(|_| takes(Setting::TopK) && self.quirks.top_k),
        )
    }

    /// The strings that end the answer, as many as the server takes; all are applied to the text that comes back, those too that hold
    /// nothing but white space, which some servers refuse.
    fn stop(&self, most: usize) -> Option<Value> {
        let all = self.request.parameters.stop.iter();
        let sent: Vec<&String> = all.filter(|s| !s.trim().is_empty()).take(most).collect();
        (!sent.is_empty() && self.takes(Setting::Stop)).then(|| json!(sent))
    }

    /// Instructions, and the turns after them: most native APIs keep the two apart.
    fn turns(&self) -> (Option<String>, Vec<Message>) {
        let messages = match &self.request.prompt {
            Prompt::Text(text) => {
                return (
                    None,
                    vec![Message {
                        role: Role::User,
                        content: text.clone(),
                    }],
                );
            }
            Prompt::Chat(messages) => messages,
        };
        let (system, turns): (Vec<Message>, Vec<Message>) = messages
            .iter()
            .cloned()
            .partition(|m| m.role == Role::System);
        let system: Vec<String> = system.into_iter().map(|m| m.content).collect();
        ((!system.is_empty()).then(|| system.join("\n\n")), turns)
    }
}

/// Where a request carries its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyHeader {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of its own.
    Named(&'static str),
}

/// An API.
pub(super) trait Dialect: Send + Sync {
    /// Its name in `?api=NAME`.
    fn name(&self) -> &'static str;

    /// The path below the base address, perhaps with a query.
    fn path(&self, model: &str, stream: bool) -> String;

    /// Where an address ends, for a person who wrote it.
    fn ends_before(&self) -> String {
        format!("/{}", self.path("NAME", false))
    }

    /// What a reply should be, for a person.
    fn answers_with(&self) -> String {
        format!("an answer of the API '{}'", self.name())
    }

    /// Where the key goes, unless the provider has it elsewhere.
    fn key_header(&self) -> KeyHeader {
        KeyHeader::Bearer
    }

    /// Headers that every request carries.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// What of a request its server cannot be asked for at all.
    fn lacks(&self) -> &'static [Setting] {
        &[]
    }

    /// The controls that a server of such quirks has, and what they are called there. No others are sent.
    fn controls(&self, quirks: &Quirks) -> &'static [(Control, &'static str)] {
        let _ = quirks;
        &[]
    }

    /// Whether it takes messages; otherwise a text that is continued.
    fn chats(&self) -> bool {
        true
    }

    /// The body of a request.
    fn body(&self, ask: &Ask<'_>) -> Value;

    /// The completion in a body, or the account of an error sent in its place; none if it is neither.
    fn read(&self, body: &Value) -> Option<Completion>;

    /// The error in a body that came with a success.
    fn fault(&self, body: &Value) -> Option<Fault> {
        Fault::inside(body)
    }

    /// What a body counts, whatever else it says.
    fn usage(&self, body: &Value) -> Usage;

    /// Where a body gives the reason why the answer ended.
    fn reason_at(&self) -> &'static str;

    /// Whether a body is what overloaded servers send: the shape of an answer with nothing in it.
    fn is_hollow(&self, body: &Value) -> bool {
        body.is_null() || body.as_object().is_some_and(serde_json::Map::is_empty)
    }

    /// Whether a tool was called in place of words.
    fn calls_tools(&self, body: &Value) -> bool {
        let _ = body;
        false
    }

    /// Whether what a body brings ends lines rather than events.
    fn streams_lines(&self) -> bool {
        false
    }

    /// Nothing yet of a streamed answer to a request sent at `asked`.
    fn streamed(&self, asked: Instant) -> Box<dyn Streamed>;

    /// How it scores continuations, where it can.
    fn likelihood(&self) -> Option<&dyn Likelihood> {
        None
    }
}

/// A streamed answer, put together into the body that would have come in one piece.
///
/// A stream shows what a body hides: that an answer began before it was retracted. What was said until then is kept.
pub(super) trait Streamed: Send {
    /// Takes an event in.
    ///
    /// # Errors
    /// What is wrong with it, where it is neither JSON nor the end.
    fn push(&mut self, event: &Event) -> Result<(), String>;

    /// Seconds from asking to the first token.
    fn first_token(&self) -> Option<f64>;

    /// Whether nothing more is to be waited for.
    fn is_done(&self) -> bool;

    /// Whether the answer has come to its finish.
    fn is_finished(&self) -> bool;

    /// Whether the answer is whole, even if the connection ends here.
    fn is_whole(&self) -> bool;

    /// The body; none if the stream broke off in the middle.
    fn body(self: Box<Self>) -> Option<Value>;
}

/// How a continuation of a text is scored: one request per continuation.
pub(super) trait Likelihood {
    /// The body of the request for a continuation.
    fn request(&self, ask: &Ask<'_>, context: &str, continuation: &str) -> Value;

    /// The score in the body of the reply.
    ///
    /// # Errors
    /// What the reply lacks.
    fn score(
        &self,
        body: &Value,
        context: &str,
        continuation: &str,
    ) -> Result<ContinuationScore, String>;
}

/// The reason at a place of a body, and what it means.
fn ending(body: &Value, at: &str) -> Ending {
    let reason = body.pointer(at).and_then(Value::as_str).unwrap_or_default();
    Ending::of(reason)
}

/// A whole number at a place of a body.
fn count(body: &Value, at: &str) -> Option<u64> {
    body.pointer(at).and_then(Value::as_u64)
}

/// A model's name as one segment of a path.
fn segment(model: &str) -> String {
    let mut url = Url::parse("http://localhost").expect("a constant address parses");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(model);
    }
    url.path().trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remote::quirks::{COMMON, NARROW};
    use crate::model::{Parameters, SampleRef, Wanted};

    fn request() -> Request {
        let say = |role, content: &str| Message {
            role,
            content: content.into(),
        };
        Request {
            prompt: Prompt::Chat(vec![
                say(Role::System, "Be brief."),
                say(Role::User, "Hi"),
                say(Role::Assistant, "Yes?"),
                say(Role::User, "Why?"),
            ]),
            parameters: Parameters {
                max_tokens: 9,
                temperature: 0.5,
                top_p: Some(0.9),
                top_k: Some(40),
                stop: vec!["\n".into(), "END".into()],
                response_schema: Some(json!({"type": "object"})),
                seed: Some(7),
                ..Parameters::default()
            },
            wanted: Wanted::Generate,
            about: SampleRef::default(),
        }
    }

    fn body(dialect: &dyn Dialect, quirks: &Quirks, stream: bool, request: &Request) -> Value {
        dialect.body(&Ask {
            model: "m",
            request,
            quirks,
            stream,
            refused: &BTreeSet::new(),
            route: None,
        })
    }

    #[test]
    fn each_api_is_asked_in_its_own_terms() {
        let request = request();
        for (dialect, expected) in [
            (
                ANTHROPIC,
                json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Why?"}], "system": "Be brief.", "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop_sequences": ["END"]}),
            ),
            (
                GEMINI,
                json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Yes?"}]}, {"role": "user", "parts": [{"text": "Why?"}]}], "generationConfig": {"maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 40, "stopSequences": ["END"], "seed": 7, "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}, "systemInstruction": {"parts": [{"text": "Be brief."}]}}),
            ),
            (
                RESPONSES,
                json!({"model": "m", "input": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Why?"}], "max_output_tokens": 16, "store": false, "instructions": "Be brief.", "temperature": 0.5, "top_p": 0.9, "text": {"format": {"type": "json_schema", "name": "answer", "strict": true, "schema": {"type": "object"}}}}),
            ),
            (
                CONVERSE,
                json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Yes?"}]}, {"role": "user", "content": [{"text": "Why?"}]}], "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]}, "system": [{"text": "Be brief."}]}),
            ),
            (
                OLLAMA,
                json!({"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Why?"}], "stream": false, "options": {"num_predict": 9, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": ["END"], "seed": 7}, "format": {"type": "object"}}),
            ),
        ] {
            assert_eq!(
                body(dialect, &COMMON, false, &request),
                expected,
                "{}",
                dialect.name()
            );
        }
        let text = Request {
            prompt: Prompt::Text("Once".into()),
            ..request
        };
        assert_eq!(
            body(completions::COMPLETIONS, &NARROW, true, &text),
            json!({"model": "m", "prompt": "Once", "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "stream": true, "seed": 7})
        );
    }

    #[test]
    fn controls_are_sent_by_their_names_in_each_api_and_nowhere_else() {
        let mut request = request();
        let all = json!({"min_p": 0.5, "repetition_penalty": 1.5, "presence_penalty": 0.25, "frequency_penalty": -1, "logit_bias": {"7": 2.5}});
        request.parameters = serde_json::from_value(all).expect("parameters");
        let sent = |dialect: &dyn Dialect, quirks: &Quirks, inside: &str| {
            let plain = Request {
                parameters: Parameters::default(),
                ..request.clone()
            };
            let [with, without] =
                [&request, &plain].map(|request| body(dialect, quirks, false, request));
            let with = with.pointer(inside).and_then(Value::as_object).cloned();
            let without = without.pointer(inside).and_then(Value::as_object).cloned();
            let mut with = with.expect("an object");
            with.retain(|name, _| without.as_ref().is_none_or(|w| !w.contains_key(name)));
            Value::Object(with)
        };
        let narrow =
            json!({"presence_penalty": 0.25, "frequency_penalty": -1.0, "logit_bias": {"7": 2.5}});
        let mut wide = narrow.clone();
        wide["min_p"] = json!(0.5);
        wide["repetition_penalty"] = json!(1.5);
        for dialect in [chat::CHAT, completions::COMPLETIONS] {
            assert_eq!(sent(dialect, &NARROW, ""), narrow);
            assert_eq!(sent(dialect, &COMMON, ""), wide);
        }
        assert_eq!(
            sent(GEMINI, &NARROW, "/generationConfig"),
            json!({"presencePenalty": 0.25, "frequencyPenalty": -1.0})
        );
        assert_eq!(
            sent(OLLAMA, &COMMON, "/options"),
            json!({"min_p": 0.5, "repeat_penalty": 1.5, "presence_penalty": 0.25, "frequency_penalty": -1.0})
        );
        for dialect in [ANTHROPIC, RESPONSES, CONVERSE] {
            assert_eq!(sent(dialect, &NARROW, ""), json!({}), "{}", dialect.name());
        }
    }

    #[test]
    fn a_models_name_stays_one_segment_of_the_path() {
        for (dialect, model, path) in [
            (
                GEMINI,
                "gemini-2.5-pro",
                "models/gemini-2.5-pro:generateContent",
            ),
            (
                GEMINI,
                "models/a/../b?c",
                "models/a%2F..%2Fb%3Fc:generateContent",
            ),
            (
                CONVERSE,
                "us.anthropic.claude-v2:1",
                "model/us.anthropic.claude-v2%3A1/converse",
            ),
            (CONVERSE, "arn:aws:x/y", "model/arn%3Aaws%3Ax%2Fy/converse"),
        ] {
            assert_eq!(dialect.path(model, false), path);
        }
        let unknown = named("messages").err();
        assert!(unknown.is_some_and(|error| error.contains("anthropic")));
    }
}
