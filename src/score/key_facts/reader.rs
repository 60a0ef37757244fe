//! The offline reader: two small networks above the labeller's frozen layers, which read a fact's statement beside the sentences that mention
//! it, with the words that rules go by marked, and the rules' reading. Trained by `models/statements/`, where its model card is.

use std::sync::OnceLock;

use tokenizers::Tokenizer;

use super::context::Context;
use super::evidence::Evidence;
use super::reading::Reading;
use crate::model::onnx::{SequenceClassifier, extended};
use crate::score::refusal::unpacked;

/// What is added to the labeller's graph.
const ADDITION: &[u8] = include_bytes!("../../../models/statements/statements.onnx.zst");

/// Tokens of a statement, and of the sentences of an answer, that are read at most.
const STATEMENT: usize = 48;
const ANSWER: usize = 208;
/// The tokens that begin and end a piece.
const BEGIN: i64 = 0;
const END: i64 = 2;
/// Below this probability of its likeliest reading, a fact's reading is left open.
const SURE: f32 = 0.7;
/// How many times likelier the rules' reading is than the networks alone have it. Set by hand, as the two below: on the validation cases no
/// figure from 3 to 50 differs from this one by as much as chance.
const RULES: f32 = 7.4;
/// What is left of the probability that a fact which is mentioned is not spoken of.
const PASSING: f32 = 0.1;
/// The probability from which a fact of which only a part is mentioned is denied or attributed.
const SURE_OF_PART: f32 = 0.85;
/// Counts that the labeller's own graph asks for, which no output of the reader depends on.
const SURFACE: [f32; 15] = [0.0; 15];

/// What the reader says of a fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    pub likeliest: Reading,
    /// None where it is not sure.
    pub reading: Option<Reading>,
    /// The probability of the likeliest reading.
    pub confidence: f64,
}

/// Tokenizer and graph, loaded once.
pub(super) struct Reader {
    tokenizer: &'static Tokenizer,
    graph: SequenceClassifier,
}

/// The reader, or nothing where this machine has no ONNX Runtime or not the labeller's files; that is told once. The first call decides
/// whether they may be fetched.
pub(super) fn reader(may_fetch: bool) -> Option<&'static Reader> {
    static LOADED: OnceLock<Option<Reader>> = OnceLock::new();
    let load = || {
        Reader::load(may_fetch)
            .inspect_err(|e| tracing::warn!("key facts are read by rules alone: the reader of statements cannot be loaded: {e}"))
            .ok()
    };
    LOADED.get_or_init(load).as_ref()
}

impl Reader {
    fn load(may_fetch: bool) -> Result<Self, String> {
        let labeller = unpacked(may_fetch)?;
        let addition = zstd::decode_all(ADDITION).map_err(|e| e.to_string())?;
        let graph = extended(&labeller.graph, &addition).ok_or("the labeller's graph is broken")?;
        Ok(Self {
            tokenizer: &labeller.tokenizer,
            graph: SequenceClassifier::new(graph).map_err(|e| e.message)?,
        })
    }

    /// How the answer stands to the fact. Takes some 20 milliseconds of a core.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) fn read(&self, evidence: &Evidence) -> Result<Said, String> {
        Ok(decided(evidence, &self.probabilities(evidence)?))
    }

    /// The probabilities of each of [`Reading::ALL`].
    pub(super) fn probabilities(&self, evidence: &Evidence) -> Result<[f32; 4], String> {
        let mut sequence = Sequence::default();
        for (segment, context, most) in [
            (1, &evidence.statement, STATEMENT),
            (2, &evidence.answer, ANSWER),
        ] {
            sequence.push(self.tokenizer, context, segment, most)?;
        }
        let languages = vec![0; sequence.ids.len()];
        let tokens = [
            ("ids", sequence.ids.as_slice()),
            ("places", &sequence.places),
            ("segments", &sequence.segments),
            ("languages", &languages),
            ("marks", &sequence.marks),
        ];
        let clues = evidence.clues();
        let counts = [("surface", &SURFACE[..]), ("clues", &clues[..])];
        let found = self.graph.run(&tokens, &counts).map_err(|e| e.message)?;
        found
            .try_into()
            .map_err(|_| "the graph gave no four probabilities".to_owned())
    }
}

/// The likeliest reading, if it is likely enough. The rules' reading is that much likelier than the networks alone have it, and absent is hardly
/// an alternative where all that names the fact is there.
pub(super) fn decided(evidence: &Evidence, probabilities: &[f32; 4]) -> Said {
    let [affirmed, denied, attributed, absent] = *probabilities;
    if !evidence.whole {
        return of_part(denied, attributed);
    }
    let mut weights = [affirmed, denied, attributed, absent * PASSING];
    if let Some(by_rules) = evidence.by_rules {
        weights[by_rules as usize] *= RULES;
    }
    let each = Reading::ALL.into_iter().zip(weights);
    let (likeliest, weight) = each
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((Reading::Absent, 0.0));
    let share = weight / weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    Said {
        likeliest,
        reading: (share >= SURE).then_some(likeliest),
        confidence: f64::from(share),
    }
}

/// The reading of a fact of which only a part is mentioned: absent, unless the networks are sure that it is denied or attributed.
fn of_part(denied: f32, attributed: f32) -> Said {
    let (spoken_of, probability) = if denied >= attributed {
        (Reading::Denied, denied)
    } else {
        (Reading::Attributed, attributed)
    };
    let (likeliest, confidence) = if probability >= SURE_OF_PART {
        (spoken_of, probability)
    } else {
        (Reading::Absent, 1.0 - probability)
    };
    Said {
        likeliest,
        reading: Some(likeliest),
        confidence: f64::from(confidence),
    }
}

/// The tokens of a statement and of an answer's sentences.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sequence {
    ids: Vec<i64>,
    /// Places within the piece.
    places: Vec<i64>,
    /// 1 the statement, 2 the answer.
    segments: Vec<i64>,
    /// The sum of the [`Mark`](super::context::Mark)s on a token.
    marks: Vec<i64>,
}

impl Sequence {
    fn push(
        &mut self,
        tokenizer: &Tokenizer,
        context: &Context,
        segment: i64,
        most: usize,
    ) -> Result<(), String> {
        let encoding = tokenizer.encode(context.text.as_str(), false);
        let encoding = encoding.map_err(|e| e.to_string())?;
        let own = encoding.get_ids().iter().zip(encoding.get_offsets());
        let own = own.take(most).map(|(id, (begin, end))| {
            let on = |at: &std::ops::Range<usize>| *begin < at.end && at.start < *end;
            let marks = context.marks.iter().filter(|(at, _)| on(at));
            let bits = marks.fold(0, |bits, (_, mark)| bits | *mark as i64);
            (i64::from(*id), bits)
        });
        let framed = std::iter::once((BEGIN, 0)).chain(own).chain([(END, 0)]);
        for (place, (id, marks)) in (0..).zip(framed) {
            self.ids.push(id);
            self.places.push(place);
            self.segments.push(segment);
            self.marks.push(marks);
        }
        Ok(())
    }
}
