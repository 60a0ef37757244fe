//! The offline classifier: a small encoder that reads question and answer, trained by `models/labeller/`, for answers that no signal and no rule
//! decides. Its model card is models/labeller/README.md.

mod files;
mod languages;
mod pieces;
mod surface;

use std::sync::{Arc, OnceLock};

use tokenizers::Tokenizer;

use super::AnswerClass;
use super::rules::weight;
use crate::model::onnx::{SequenceClassifier, runtime};
use crate::text::language;

pub use files::{LabellerSource, labeller};

/// Above this probability an answer is called withheld, below the other answered; between them it cannot decide.
const WITHHELD: f32 = 0.35;
const ANSWERED: f32 = 0.20;
/// Shorter answers are left to the rules, in characters of which Han count double: a name, a number or a yes withholds nothing.
const MIN_CHARACTERS: usize = 30;

/// What the classifier says of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub class: AnswerClass,
    pub confidence: f64,
    pub why: String,
}

/// The labeller's files, unpacked: its tokenizer, and its graph, whose frozen layers others read with too.
pub(in crate::score) struct Unpacked {
    pub tokenizer: Tokenizer,
    pub graph: Arc<[u8]>,
}

/// The files, unpacked once. The first call decides whether they may be fetched.
///
/// # Errors
/// Why there are none, or why this machine could not run them.
pub(in crate::score) fn unpacked(may_fetch: bool) -> Result<&'static Unpacked, &'static str> {
    static UNPACKED: OnceLock<Result<Unpacked, String>> = OnceLock::new();
    let unpacked = UNPACKED.get_or_init(|| Unpacked::load(may_fetch));
    unpacked.as_ref().map_err(String::as_str)
}

impl Unpacked {
    fn load(may_fetch: bool) -> Result<Self, String> {
        // Nothing is fetched for a machine that could not run it.
        runtime::environment(false, false).map_err(|e| e.message)?;
        let files = files::Files::find(may_fetch)?;
        let unpacked = |packed: &[u8]| zstd::decode_all(packed).map_err(|e| e.to_string());
        let tokenizer = unpacked(&files.tokenizer)?;
        Ok(Self {
            tokenizer: Tokenizer::from_bytes(tokenizer).map_err(|e| e.to_string())?,
            graph: unpacked(&files.graph)?.into(),
        })
    }
}

/// Tokenizer and graph, loaded once.
struct Classifier {
    tokenizer: &'static Tokenizer,
    graph: SequenceClassifier,
}

impl Classifier {
    fn load(may_fetch: bool) -> Result<Self, String> {
        let Unpacked { tokenizer, graph } = unpacked(may_fetch)?;
        let graph = SequenceClassifier::new(Arc::clone(graph)).map_err(|e| e.message)?;
        Ok(Self { tokenizer, graph })
    }

    /// Probabilities of complete, evasive and denial.
    fn probabilities(
        &self,
        question: &str,
        answer: &str,
        answered: Option<&str>,
    ) -> Result<[f32; 3], String> {
        let spoken = [language(question), answered].map(languages::index_of);
        let sequence = pieces::sequence(self.tokenizer, question, answer, spoken)
            .ok_or("the tokenizer failed")?;
        let counts = surface::surface(question, answer);
        let tokens = [
            ("ids", sequence.ids.as_slice()),
            ("places", &sequence.places),
            ("segments", &sequence.segments),
            ("languages", &sequence.languages),
        ];
        let found = self.graph.run(&tokens, &[("surface", &counts)]);
        let found = found.map_err(|e| e.message)?;
        found
            .try_into()
            .map_err(|_| "the graph did not return three probabilities".to_owned())
    }
}

/// The classifier, or nothing if this machine has no ONNX Runtime or not the classifier's files; that is told once. The first call
/// decides whether they may be fetched.
fn classifier(may_fetch: bool) -> Option<&'static Classifier> {
    static LOADED: OnceLock<Option<Classifier>> = OnceLock::new();
    let load = || {
        Classifier::load(may_fetch)
            .inspect_err(|e| {
                tracing::warn!(
                    "answers are labelled by signals and rules alone: the classifier \
                    cannot be loaded: {e}"
                );
            })
            .ok()
    };
    LOADED.get_or_init(load).as_ref()
}

/// Whether the classifier has something to say of an answer at all.
pub(super) fn reads(answer: &str) -> bool {
    weight(answer.trim()) >= MIN_CHARACTERS
}

/// The answer without the box that models tuned on mathematics put all of it in; `models/labeller/data.py` reads it so.
fn unboxed(answer: &str) -> &str {
    let inner = answer.trim().strip_prefix(r"\boxed{");
    let inner = inner.and_then(|a| a.strip_suffix('}'));
    inner.unwrap_or(answer)
}

/// Labels an answer in the language `answered`; nothing if there is no classifier. Takes some 70 milliseconds of a core.
pub(super) fn label(
    question: &str,
    answer: &str,
    answered: Option<&str>,
    may_fetch: bool,
) -> Option<Said> {
    let found = classifier(may_fetch)?.probabilities(question, unboxed(answer), answered);
    let [complete, evasive, denial] = found
        .inspect_err(|e| tracing::warn!("the classifier failed: {e}"))
        .ok()?;
    let withheld = 1.0 - complete;
    let (class, sure) = if withheld > WITHHELD {
        let class = if denial > evasive {
            AnswerClass::Denial
        } else {
            AnswerClass::Evasive
        };
        (class, withheld)
    } else if withheld < ANSWERED {
        (AnswerClass::Complete, complete)
    } else {
        (AnswerClass::Unsure, complete.max(withheld))
    };
    Some(Said {
        class,
        confidence: f64::from(sure),
        why: format!("complete {complete:.2}, evasive {evasive:.2}, denial {denial:.2}"),
    })
}
