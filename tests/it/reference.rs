//! A model held against what Transformers said of it (`tests/fixtures/models/reference.py`).

use std::path::Path;

use candor::model::onnx::OnnxModel;
use candor::model::{
    Message, Model, ModelSpec, OpenOptions, Parameters, Prompt, Request, Role, SampleRef, Wanted,
};
use serde_json::Value;

/// How far log-likelihoods and greedy texts of a folder are from the reference.
pub struct Agreement {
    /// The largest difference of a log-likelihood, in nats.
    pub worst_nats: f64,
    /// Prompts whose tokens differ.
    pub tokens_differ: Vec<String>,
    /// Prompts whose greedy text differs before the reference's first tie.
    pub text_differs: Vec<(String, String, String)>,
    /// Prompts whose chat text differs.
    pub chat_differs: Vec<String>,
    /// Prompts checked.
    pub prompts: usize,
}

pub fn check(folder: &Path, reference: &Path) -> Agreement {
    let reference: Value =
        serde_json::from_str(&std::fs::read_to_string(reference).expect("the reference"))
            .expect("JSON");
    let spec: ModelSpec = format!("onnx:{}", folder.display())
        .parse()
        .expect("a specification");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let model = OnnxModel::open(&spec, &OpenOptions::default())
            .await
            .expect("the model loads");
        let mut agreement = Agreement {
            worst_nats: 0.0,
            tokens_differ: Vec::new(),
            text_differs: Vec::new(),
            chat_differs: Vec::new(),
            prompts: 0,
        };
        for prompt in reference["prompts"].as_array().expect("prompts") {
            let text = prompt["text"].as_str().expect("a text");
            let name: String = text.chars().take(40).collect();
            agreement.prompts += 1;
            let tokens: Vec<u32> = prompt["tokens"]
                .as_array()
                .expect("tokens")
                .iter()
                .map(|t| u32::try_from(t.as_u64().expect("an id")).expect("an id"))
                .collect();
            if model.tokens(text).expect("tokens") != tokens {
                agreement.tokens_differ.push(name.clone());
            }
            if let Some(chat) = prompt["chat"].as_str()
                && model
                    .chat_text(&[Message {
                        role: Role::User,
                        content: text.into(),
                    }])
                    .expect("a chat text")
                    != chat
            {
                agreement.chat_differs.push(name.clone());
            }
            let continuations: Vec<&Value> = prompt["continuations"]
                .as_array()
                .expect("continuations")
                .iter()
                .collect();
            let wanted = Wanted::LogLikelihood {
                continuations: continuations
                    .iter()
                    .map(|c| c["text"].as_str().expect("a text").to_owned())
                    .collect(),
            };
            let scored = model
                .log_likelihood(&request(text, wanted, 0))
                .await
                .expect("log-likelihoods");
            for (got, want) in scored.continuations.iter().zip(&continuations) {
                assert_eq!(
                    u64::from(got.tokens),
                    want["tokens"].as_u64().expect("a count"),
                    "tokens of {want} after {name:?}"
                );
                agreement.worst_nats = agreement.worst_nats.max(
                    (got.log_likelihood - want["log_likelihood"].as_f64().expect("a number")).abs(),
                );
            }
            let written =
                u32::try_from(prompt["greedy_tokens"].as_u64().expect("a count")).expect("a count");
            let (got, want) = (
                model
                    .generate(&request(text, Wanted::Generate, written))
                    .await
                    .expect("a text")
                    .text,
                prompt["greedy"].as_str().expect("a text"),
            );
            if written > 0 && got != want {
                agreement.text_differs.push((name, got, want.to_owned()));
            }
        }
        agreement
    })
}

fn request(text: &str, wanted: Wanted, max_tokens: u32) -> Request {
    Request {
        prompt: Prompt::Text(text.into()),
        parameters: Parameters {
            max_tokens,
            ..Parameters::default()
        },
        wanted,
        about: SampleRef::default(),
    }
}

impl Agreement {
    /// Fails where tokens or texts differ, or a log-likelihood is further off than `nats`.
    pub fn holds_within(&self, nats: f64) {
        assert!(
            self.tokens_differ.is_empty(),
            "tokens differ: {:?}",
            self.tokens_differ
        );
        assert!(
            self.chat_differs.is_empty(),
            "chat texts differ: {:?}",
            self.chat_differs
        );
        assert!(
            self.text_differs.is_empty(),
            "greedy texts differ: {:#?}",
            self.text_differs
        );
        assert!(
            self.worst_nats <= nats,
            "a log-likelihood is {} nats off",
            self.worst_nats
        );
    }
}
