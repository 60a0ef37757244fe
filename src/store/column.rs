//! The columns of a run's tables, by name. `docs/run-directory.md` says what each holds.

/// Which trial: text, in both tables.
pub const TRIAL_KEY: &str = "trial_key";
/// Its place in the order drawn before the run: whole.
pub const SCHEDULE_INDEX: &str = "schedule_index";
/// The model: text, in both tables.
pub const MODEL: &str = "model";
/// The suite: text, in both tables.
pub const SUITE: &str = "suite";
/// The sample: text, in both tables.
pub const SAMPLE: &str = "sample_id";
/// The epoch, from 0: whole, in both tables.
pub const EPOCH: &str = "epoch";
/// Seed of the draw, where there was one: whole.
pub const SEED: &str = "seed";
/// What ties a sensitive sample to its control: text.
pub const PAIR: &str = "pair";
/// A [`crate::suite::PairRole`] by its name: text.
pub const ROLE: &str = "role";
/// Samples of one cluster are not independent: text.
pub const CLUSTER: &str = "cluster";
/// A [`super::TrialStatus`] by its name: text.
pub const STATUS: &str = "status";
/// Why the model stopped: text.
pub const FINISH: &str = "finish";
/// What was asked: text.
pub const PROMPT: &str = "prompt";
/// The reference answers: text.
pub const TARGET: &str = "target";
/// What was answered: text.
pub const ANSWER: &str = "answer";
/// The model's reasoning, where it is separate: text.
pub const REASONING: &str = "reasoning";
/// What the provider said alongside the answer: text (JSON).
pub const SIGNALS: &str = "signals";
/// The kind of a failure: text.
pub const ERROR_CLASS: &str = "error_class";
/// The words of a failure: text.
pub const ERROR: &str = "error";
/// Tokens read: whole.
pub const PROMPT_TOKENS: &str = "prompt_tokens";
/// Tokens written: whole.
pub const COMPLETION_TOKENS: &str = "completion_tokens";
/// Cost in US dollars, if known: floating-point.
pub const COST_USD: &str = "cost_usd";
/// Seconds in candor's own queue: floating-point.
pub const QUEUE_SECONDS: &str = "queue_seconds";
/// Seconds to the first token, if known: floating-point.
pub const FIRST_TOKEN_SECONDS: &str = "first_token_seconds";
/// Seconds from request to answer: floating-point.
pub const SECONDS: &str = "seconds";
/// Where the answer came from: text.
pub const ORIGIN: &str = "origin";
/// How often the answer came without a word: whole.
pub const EMPTY_REPLIES: &str = "empty_replies";
/// The scorer: text, in the table of scores, as all that follow.
pub const SCORER: &str = "scorer";
/// The scorer's version: whole.
pub const VERSION: &str = "version";
/// The metric: text.
pub const METRIC: &str = "metric";
/// The score's value, if it has one: floating-point.
pub const VALUE: &str = "value";
/// The score's label: text.
pub const LABEL: &str = "label";
/// Why: text.
pub const EXPLANATION: &str = "explanation";
/// Who gave the label: text.
pub const LABELLED_BY: &str = "labelled_by";
/// How sure the labeller is, from 0 to 1: floating-point.
pub const CONFIDENCE: &str = "confidence";

/// Every column of the table of trials but the seed and the strata's.
pub const OF_TRIALS: &[&str] = &[
    TRIAL_KEY,
    SCHEDULE_INDEX,
    MODEL,
    SUITE,
    SAMPLE,
    EPOCH,
    PAIR,
    ROLE,
    CLUSTER,
    STATUS,
    FINISH,
    PROMPT,
    TARGET,
    ANSWER,
    REASONING,
    SIGNALS,
    ERROR_CLASS,
    ERROR,
    PROMPT_TOKENS,
    COMPLETION_TOKENS,
    COST_USD,
    QUEUE_SECONDS,
    FIRST_TOKEN_SECONDS,
    SECONDS,
    ORIGIN,
    EMPTY_REPLIES,
];

/// Every column of the table of scores.
pub const OF_SCORES: &[&str] = &[
    TRIAL_KEY,
    MODEL,
    SUITE,
    SAMPLE,
    EPOCH,
    SCORER,
    VERSION,
    METRIC,
    VALUE,
    LABEL,
    EXPLANATION,
    LABELLED_BY,
    CONFIDENCE,
];
