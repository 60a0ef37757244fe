//! Whether a model's answers depend on what it is asked beside them.

use futures::future::join_all;
use serde::Serialize;

use super::{Completion, Model, ModelError, Parameters, Prompt, Request, SampleRef, Wanted};

/// How many requests are asked at a time, one after the other.
const SIZES: [usize; 3] = [1, 8, 32];
/// Requests of each kind.
const EACH: u32 = 16;
/// Most tokens of a text.
const MAX_TOKENS: u32 = 24;
/// How far a log-likelihood may be off, in nats.
pub const NATS: f64 = 1e-5;

/// What was compared with the answers to one request at a time, and how far the others are from them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BatchInvariance {
    /// How many requests were asked at a time.
    pub sizes: [usize; 3],
    /// Texts compared, half of them greedy and half of them sampled with a seed.
    pub texts: usize,
    /// Those of them that were not the same.
    pub texts_differ: usize,
    /// Log-likelihoods compared.
    pub log_likelihoods: usize,
    /// The largest difference of one, in nats.
    pub largest_difference: f64,
}

impl BatchInvariance {
    /// Asks a model some requests one at a time, then the same in other orders, several at a time.
    ///
    /// # Errors
    /// Those of the model.
    pub async fn of(model: &dyn Model) -> Result<Self, ModelError> {
        let mut found = Self {
            sizes: SIZES,
            texts: 0,
            texts_differ: 0,
            log_likelihoods: 0,
            largest_difference: 0.0,
        };
        let requests = requests(model.capabilities().log_likelihood);
        let mut alone = Vec::new();
        for request in &requests {
            alone.push(model.answer(request).await?);
        }
        for size in &SIZES[1..] {
            let mut order: Vec<usize> = (0..requests.len()).rev().collect();
            order.rotate_left(size / 3);
            for together in order.chunks(*size) {
                let asked = together.iter().map(|i| model.answer(&requests[*i]));
                for (i, answer) in together.iter().zip(join_all(asked).await) {
                    found.compare(&requests[*i], &answer?, &alone[*i]);
                }
            }
        }
        Ok(found)
    }

    fn compare(&mut self, request: &Request, answer: &Completion, alone: &Completion) {
        if request.wanted == Wanted::Generate {
            self.texts += 1;
            let same = answer.text == alone.text && answer.reasoning == alone.reasoning;
            self.texts_differ += usize::from(!same);
        }
        for (one, other) in answer.continuations.iter().zip(&alone.continuations) {
            let difference = (one.log_likelihood - other.log_likelihood).abs();
            self.log_likelihoods += 1;
            self.largest_difference = self.largest_difference.max(difference);
        }
    }

    /// Whether every text was the same, and no log-likelihood further off than [`NATS`].
    #[must_use]
    pub fn holds(&self) -> bool {
        self.texts_differ == 0 && self.largest_difference <= NATS
    }
}

/// Requests of several lengths, some of which begin alike.
fn requests(with_scores: bool) -> Vec<Request> {
    let example = "Question: Which river is in Vienna?\nAnswer: The Danube.\n\n";
    let mut requests = Vec::new();
    for i in 0..EACH {
        let examples = example.repeat(i as usize % 4);
        let question = format!("{examples}Question: How many legs have {i} cats?\nAnswer:");
        let sampled = i % 2 == 1;
        let parameters = Parameters {
            max_tokens: MAX_TOKENS - i,
            temperature: if sampled { 1.0 } else { 0.0 },
            seed: sampled.then_some(u64::from(i)),
            ..Parameters::default()
        };
        requests.push(request(&question, parameters, Wanted::Generate));
        if with_scores {
            let continuations = [
                " Four",
                " The Danube",
                " None of them",
                " It depends on the cats.",
            ];
            let continuations = continuations.map(str::to_owned).to_vec();
            let wanted = Wanted::LogLikelihood { continuations };
            requests.push(request(&question, Parameters::default(), wanted));
        }
    }
    requests
}

fn request(prompt: &str, parameters: Parameters, wanted: Wanted) -> Request {
    Request {
        prompt: Prompt::Text(prompt.to_owned()),
        parameters,
        wanted,
        about: SampleRef::default(),
    }
}
