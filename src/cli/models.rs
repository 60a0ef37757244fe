//! `candor models`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::number::positive;
use super::settings::Settings;
use crate::model::{self, Message, Parameters, Prompt, Request, Role, SampleRef, Wanted};

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
    let identity = model.identity();
    outln!(
        "{} · identity {}",
        identity.name,
        identity
            .fingerprint
            .get(..16)
            .unwrap_or(&identity.fingerprint)
    );
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

fn token_count(tokens: Option<u64>) -> String {
    tokens.map_or_else(|| "?".into(), |n| n.to_string())
}

fn yes_or_no(it: bool) -> &'static str {
    if it { "yes" } else { "no" }
}
