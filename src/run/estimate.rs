//! What a plan would cost, before anything is sent.

use std::time::Instant;

use super::plan::Plan;
use crate::model::Usd;

/// Characters a token, where no tokenizer is at hand: a rule of thumb for English.
const CHARACTERS_A_TOKEN: u64 = 4;
/// Questions that an embedded model is timed on.
const TIMED: usize = 4;

/// What one model's part would take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ModelEstimate {
    /// The model's name.
    pub name: String,
    /// Requests to it.
    pub requests: u64,
    /// Prompt tokens: by the model's tokenizer if it is on this machine, else at four characters per token.
    pub prompt_tokens: u64,
    /// Whether a tokenizer counted them; it counts what the chat template adds for no remote model.
    pub is_counted: bool,
    /// Tokens of the answers if every one used up its limit.
    pub most_completion_tokens: u64,
    /// The most it can cost; none if no price is known.
    pub most_cost: Option<Usd>,
    /// Where the price comes from, in words.
    pub price_basis: Option<String>,
    /// Seconds, measured on a few questions; embedded models only.
    pub seconds: Option<f64>,
    /// The same of each suite, in the plan's order.
    pub suites: Vec<SuiteEstimate>,
}

/// What one model's part of one suite would take.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SuiteEstimate {
    /// Requests.
    pub requests: u64,
    /// Prompt tokens, as above.
    pub prompt_tokens: u64,
    /// Tokens of the answers if every one used up its limit.
    pub most_completion_tokens: u64,
    /// The most it can cost at list prices; none if no price is known.
    pub most_cost: Option<Usd>,
}

/// Estimates each model's part. Remote models are not called; embedded ones are timed on a few questions.
pub async fn estimate(plan: &Plan) -> Vec<ModelEstimate> {
    let mut all = Vec::new();
    for (m, planned) in plan.models.iter().enumerate() {
        let mut estimate = ModelEstimate {
            name: planned.model.identity().name.clone(),
            requests: 0,
            prompt_tokens: 0,
            is_counted: true,
            price_basis: planned.model.price_basis(),
            most_completion_tokens: 0,
            most_cost: None,
            seconds: None,
            suites: vec![SuiteEstimate::default(); plan.suites.len()],
        };
        for trial in plan.trials() {
            let Ok((request, ..)) = plan.request(trial, m) else {
                continue;
            };
            let own = &mut estimate.suites[trial.suite];
            own.requests += 1;
            let prompt = request.prompt.display();
            own.prompt_tokens += planned.model.count_tokens(&prompt).unwrap_or_else(|| {
                estimate.is_counted = false;
                (prompt.chars().count() as u64).div_ceil(CHARACTERS_A_TOKEN)
            });
            own.most_completion_tokens += u64::from(request.parameters.max_tokens);
        }
        for own in &mut estimate.suites {
            own.most_cost = planned
                .model
                .price(own.prompt_tokens, own.most_completion_tokens);
            estimate.requests += own.requests;
            estimate.prompt_tokens += own.prompt_tokens;
            estimate.most_completion_tokens += own.most_completion_tokens;
        }
        estimate.most_cost = planned
            .model
            .price(estimate.prompt_tokens, estimate.most_completion_tokens);
        if is_embedded(&planned.model.identity().spec) {
            estimate.seconds = time(plan, m, estimate.requests).await;
        }
        all.push(estimate);
    }
    all
}

fn is_embedded(spec: &str) -> bool {
    spec.starts_with("onnx:") || spec.starts_with("demo:")
}

#[allow(clippy::cast_precision_loss)]
async fn time(plan: &Plan, model: usize, requests: u64) -> Option<f64> {
    let mut asked = 0;
    let started = Instant::now();
    for trial in plan.trials().take(TIMED) {
        let (request, ..) = plan.request(trial, model).ok()?;
        plan.models[model].model.answer(&request).await.ok()?;
        asked += 1;
    }
    (asked > 0).then(|| started.elapsed().as_secs_f64() / f64::from(asked) * requests as f64)
}
