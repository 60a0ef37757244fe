//! The metrics that a task names: `metric_list`.

use serde_json::{Map, Value};

use super::config::Config;
use super::error::TaskError;
use super::filter::patterns;
use super::output::OutputType;
use crate::text::PythonPattern;

/// A metric with its options.
#[derive(Debug, Clone)]
pub struct MetricSpec {
    /// As lm-eval names it.
    pub name: &'static str,
    pub(crate) options: MatchOptions,
}

/// What `exact_match` ignores.
#[derive(Debug, Clone, Default)]
pub(crate) struct MatchOptions {
    pub(crate) ignored: Vec<PythonPattern>,
    pub(crate) ignore_case: bool,
    pub(crate) ignore_punctuation: bool,
    pub(crate) ignore_numbers: bool,
}

/// A metric's name, what it is summed up by, and the kinds of output that it reads.
type Known = (&'static str, &'static str, &'static [OutputType]);

use OutputType::{GenerateUntil, LogLikelihood, LogLikelihoodRolling, MultipleChoice};

/// Every metric that is supported.
const KNOWN: &[Known] = &[
    ("acc", "mean", &[MultipleChoice, LogLikelihood]),
    ("acc_norm", "mean", &[MultipleChoice]),
    ("acc_bytes", "mean", &[MultipleChoice]),
    ("acc_mutual_info", "mean", &[MultipleChoice]),
    ("exact_match", "mean", &[GenerateUntil, MultipleChoice]),
    ("f1", "f1", &[MultipleChoice]),
    ("mcc", "matthews_corrcoef", &[MultipleChoice]),
    ("perplexity", "perplexity", &[LogLikelihood]),
    (
        "word_perplexity",
        "weighted_perplexity",
        &[LogLikelihoodRolling],
    ),
    (
        "byte_perplexity",
        "weighted_perplexity",
        &[LogLikelihoodRolling],
    ),
    ("bits_per_byte", "bits_per_byte", &[LogLikelihoodRolling]),
    ("bleu", "bleu", &[GenerateUntil]),
    ("chrf", "chrf", &[GenerateUntil]),
    ("chrf++", "chrf++", &[GenerateUntil]),
    ("ter", "ter", &[GenerateUntil]),
];

/// The metrics of a task: those that it names, or its output's usual ones.
///
/// # Errors
/// [`TaskError`] names the metric that is not supported, or its option that is wrong.
pub(super) fn read_all(config: &Config, output: OutputType) -> Result<Vec<MetricSpec>, TaskError> {
    let key = "metric_list";
    let Some(list) = config.get(key) else {
        let usual: &[&str] = match output {
            MultipleChoice => &["acc", "acc_norm"],
            LogLikelihood => &["perplexity", "acc"],
            LogLikelihoodRolling => &["word_perplexity", "byte_perplexity", "bits_per_byte"],
            GenerateUntil => &["exact_match"],
        };
        let spec = |name: &&str| KNOWN.iter().find(|(known, ..)| known == name);
        return Ok(usual
            .iter()
            .filter_map(spec)
            .map(|known| plain(known.0))
            .collect());
    };
    let list = list
        .as_array()
        .ok_or_else(|| config.wrong(key, "it is not a list"))?;
    let all: Vec<MetricSpec> = list
        .iter()
        .enumerate()
        .map(|(i, own)| {
            let at = format!("{key}[{i}]");
            let own = own
                .as_object()
                .ok_or_else(|| config.wrong(&at, "it is not a mapping"))?;
            read(config, &at, own, output)
        })
        .collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(config.wrong(key, "the task has no metric"));
    }
    Ok(all)
}

fn plain(name: &'static str) -> MetricSpec {
    MetricSpec {
        name,
        options: MatchOptions::default(),
    }
}

fn read(
    config: &Config,
    at: &str,
    own: &Map<String, Value>,
    output: OutputType,
) -> Result<MetricSpec, TaskError> {
    let written = own.get("metric").and_then(Value::as_str);
    let written =
        written.ok_or_else(|| config.wrong(&format!("{at}.metric"), "it names no metric"))?;
    if own.get("hf_evaluate") == Some(&Value::Bool(true)) {
        let why = format!("'{written}' is computed by the Python package evaluate");
        return Err(config.unsupported(&format!("{at}.hf_evaluate"), why));
    }
    let Some((name, aggregation, outputs)) = KNOWN.iter().find(|(known, ..)| *known == written)
    else {
        let why = format!("the metric '{written}' is not supported");
        return Err(config.unsupported(&format!("{at}.metric"), why));
    };
    if !outputs.contains(&output) {
        let why = format!("'{written}' does not read the output of {}", output.name());
        return Err(config.unsupported(&format!("{at}.metric"), why));
    }
    match own.get("aggregation").and_then(Value::as_str) {
        None => {}
        Some(own) if own == *aggregation => {}
        // Without missing values both are the same.
        Some("nanmean") if *aggregation == "mean" => {}
        Some(other) => {
            let why = format!(
                "'{written}' summed up by '{other}' is not supported, only by '{aggregation}'"
            );
            return Err(config.unsupported(&format!("{at}.aggregation"), why));
        }
    }
    let flag = |name: &str| own.get(name).and_then(Value::as_bool).unwrap_or(false);
    Ok(MetricSpec {
        options: MatchOptions {
            ignored: patterns(
                config,
                &format!("{at}.regexes_to_ignore"),
                own.get("regexes_to_ignore").filter(|v| !v.is_null()),
            )?,
            ignore_case: flag("ignore_case"),
            ignore_punctuation: flag("ignore_punctuation"),
            ignore_numbers: flag("ignore_numbers"),
        },
        ..plain(name)
    })
}
