//! `candor models`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::number::positive;
use super::settings::Settings;
use crate::model::{
    self, BatchInvariance, Identity, Message, Model, NATS, Parameters, Prompt, Request, Role,
    SampleRef, Wanted,
};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load a model and ask it one question.
    Check {
        /// Model: onnx:DIR, openai:NAME, `https://host/v1#NAME` …
        model: String,
        /// Question to ask.
        #[arg(long, default_value = "What is the capital of France?")]
        prompt: String,
        /// Maximum number of tokens of the answer.
        #[arg(long, value_name = "N", default_value_t = 32, value_parser = positive::<u32>)]
        max_tokens: u32,
        /// Print the log-likelihoods of these continuations instead of an answer.
        #[arg(long, value_name = "TEXT", num_args = 1..)]
        continuations: Vec<String>,
        /// Ask 32 requests one at a time, then 8 and 32 at a time, and compare the answers: exit code 0 if no text differs, and no log-likelihood by more than
        /// 1e-5 nats; else 1.
        #[arg(long, conflicts_with_all = ["continuations", "prompt", "max_tokens", "plain"])]
        batch_invariance: bool,
        /// Ask in plain text even if the model takes chat messages.
        #[arg(long)]
        plain: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Connect to no other machine: what needs the network fails.
        #[arg(long)]
        offline: bool,
        /// Configuration file [default: candor.toml, if present]
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Command::Check {
        model,
        prompt,
        max_tokens,
        continuations,
        batch_invariance,
        plain,
        json,
        offline,
        config,
    } = arguments.command;
    let settings = Settings::read(config.as_deref(), offline)?;
    let spec = model
        .parse()
        .map_err(|e: model::SpecError| Failure::new(Exit::Usage, e))?;
    let model = model::open(&spec, &settings.open).await?;
    if batch_invariance {
        return certify(model.as_ref(), json).await;
    }
    let capabilities = model.capabilities();
    let chat = capabilities.chat && !plain;
    let request = Request {
        prompt: if chat {
            Prompt::Chat(vec![Message {
                role: Role::User,
                content: prompt,
            }])
        } else {
            Prompt::Text(prompt)
        },
        parameters: Parameters {
            max_tokens,
            ..Parameters::default()
        },
        wanted: if continuations.is_empty() {
            Wanted::Generate
        } else {
            Wanted::LogLikelihood {
                continuations: continuations.clone(),
            }
        },
        about: SampleRef::default(),
    };
    let completion = model.answer(&request).await?;
    if json {
        outln!(
            "{}",
            serde_json::json!({
                "identity": model.identity(),
                "capabilities": capabilities,
                "completion": completion,
            })
        );
        return Ok(Exit::Done);
    }
    introduce(model.identity());
    outln!(
        "chat: {} · log-likelihoods: {}",
        yes_or_no(capabilities.chat),
        yes_or_no(capabilities.log_likelihood)
    );
    if continuations.is_empty() {
        // The margin keeps an answer's lines apart from candor's own.
        out!("answer: {}\n", completion.text.replace('\n', "\n      │ "));
        outln!(
            "{} tokens read, {} written, {:.2} s",
            token_count(completion.usage.prompt_tokens),
            token_count(completion.usage.completion_tokens),
            completion.timing.total
        );
    }
    for (text, score) in continuations.iter().zip(&completion.continuations) {
        outln!(
            "{:>12.5}  {text:?} ({} tokens)",
            score.log_likelihood,
            score.tokens
        );
    }
    Ok(Exit::Done)
}

/// Prints whether answers depend on what is asked beside them.
async fn certify(model: &dyn Model, json: bool) -> Result<Exit, Failure> {
    let found = BatchInvariance::of(model).await?;
    let holds = found.holds();
    if json {
        outln!(
            "{}",
            serde_json::json!({
                "identity": model.identity(),
                "batch_invariance": found,
                "holds": holds,
            })
        );
    } else {
        introduce(model.identity());
        let [alone, some, many] = found.sizes;
        outln!("asked {alone} at a time, and in other orders {some} and {many} at a time");
        outln!(
            "texts that differ: {} of {}",
            found.texts_differ,
            found.texts
        );
        match found.log_likelihoods {
            0 => outln!("log-likelihoods: it gives none"),
            all => outln!(
                "largest difference of {all} log-likelihoods: {:.1e} nats (at most {NATS:.0e} is allowed)",
                found.largest_difference
            ),
        }
        let whether = if holds { "do not depend" } else { "depend" };
        outln!("Its answers {whether} on what is asked beside them.");
    }
    Ok(if holds { Exit::Done } else { Exit::GateFailed })
}

fn introduce(identity: &Identity) {
    let fingerprint = &identity.fingerprint;
    outln!(
        "{} · identity {}",
        identity.name,
        fingerprint.get(..16).unwrap_or(fingerprint)
    );
}

fn token_count(tokens: Option<u64>) -> String {
    tokens.map_or_else(|| "?".into(), |n| n.to_string())
}

fn yes_or_no(it: bool) -> &'static str {
    if it { "yes" } else { "no" }
}
