//! A text continued token by token, each told with its probability.

use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::listener::{Listener, Logged};
use super::spoken::{Split, Spoken};
use super::tokenizer::{Special, Spelling, Tokenizer};
use super::{OnnxModel, splitter};
use crate::model::{
    ByToken, Completion, Delta, ModelError, Prompt, ScoredToken, Timing, Token, TokenRequest,
    TokenText, Written, reasoning,
};

/// A text as tokens.
struct Fed {
    ids: Vec<u32>,
    /// How many of them the tokenizer put before the text.
    put: usize,
    /// What distinguishes reasoning in the answer, where messages are answered.
    split: Option<Split>,
    /// Whether reasoning comes first.
    opened: bool,
}

impl OnnxModel {
    fn fed(&self, text: &TokenText) -> Result<Fed, ModelError> {
        let (ids, put, chat) = match text {
            TokenText::Ids(ids) => (ids.clone(), 0, None),
            TokenText::Prompt(Prompt::Text(text)) => {
                let (ids, put) = self.tokenizer.encode_whole(text)?;
                (ids, put, None)
            }
            TokenText::Prompt(chat @ Prompt::Chat(_)) => {
                let (text, special) = self.render(chat)?;
                let ids = self.tokenizer.encode(&text, special)?;
                (ids, 0, Some(text))
            }
        };
        let split = chat.as_deref().map(splitter);
        let opened = chat.is_some_and(|text| reasoning::opens_at_end(&text));
        Ok(Fed {
            ids,
            put,
            split,
            opened,
        })
    }
}

#[async_trait]
impl ByToken for OnnxModel {
    async fn write(
        &self,
        request: &TokenRequest,
        heard: Option<UnboundedSender<Delta>>,
    ) -> Result<Written, ModelError> {
        let started = Instant::now();
        let fed = self.fed(&request.text)?;
        let held = self.held(&request.parameters, fed.opened)?;
        let (told, mut tokens) = unbounded_channel();
        let listener = Listener {
            echo: request.echo,
            likeliest: request.likeliest,
            told,
        };
        let mut transcript = Transcript::new(&self.tokenizer, &fed, request);
        let answer =
            self.engine
                .generate(fed.ids.clone(), &request.parameters, Some(listener), held);
        tokio::pin!(answer);
        let (output, usage) = loop {
            tokio::select! {
                biased;
                Some(logged) = tokens.recv() => transcript.add(logged, heard.as_ref())?,
                output = &mut answer => break output?,
                () = gone(heard.as_ref()) => return Err(nobody_listens()),
            }
        };
        while let Ok(logged) = tokens.try_recv() {
            transcript.add(logged, heard.as_ref())?;
        }
        let mut written = transcript.end(&output.text, heard.as_ref());
        written.completion.finish = output.finish;
        written.completion.usage = usage;
        written.completion.timing = Timing {
            queue: output.queue,
            first_token: Some(output.first_token),
            total: started.elapsed().as_secs_f64(),
        };
        Ok(written)
    }
}

/// Waits until nobody listens any more; for ever where nobody did.
async fn gone(heard: Option<&UnboundedSender<Delta>>) {
    match heard {
        Some(heard) => heard.closed().await,
        None => std::future::pending().await,
    }
}

fn nobody_listens() -> ModelError {
    let what = "the answer was abandoned: nobody is listening any more";
    ModelError::new(crate::model::ErrorClass::Runtime, what)
}

/// What has been told so far.
struct Transcript<'a> {
    tokenizer: &'a Tokenizer,
    split: Option<Split>,
    /// Tokens of the text that are still to be told.
    of_text: usize,
    /// How many of them the tokenizer put before the text.
    put: usize,
    text: Spelling<'a>,
    answer: Spelling<'a>,
    spoken: Spoken<'a>,
    prompt_text: String,
    prompt: Vec<ScoredToken>,
    tokens: Vec<ScoredToken>,
    /// Characters told so far.
    length: usize,
    /// What was written since the last part that was shown.
    waiting: Vec<ScoredToken>,
}

impl<'a> Transcript<'a> {
    fn new(tokenizer: &'a Tokenizer, fed: &Fed, request: &'a TokenRequest) -> Self {
        Self {
            tokenizer,
            split: fed.split,
            of_text: if request.echo { fed.ids.len() } else { 0 },
            put: fed.put,
            text: Spelling::new(tokenizer, Special::SpelledOut),
            answer: Spelling::new(tokenizer, Special::LeftOut),
            spoken: Spoken::new(&request.parameters.stop, fed.split),
            prompt_text: String::new(),
            prompt: Vec::new(),
            tokens: Vec::new(),
            length: 0,
            waiting: Vec::new(),
        }
    }

    fn add(
        &mut self,
        logged: Logged,
        heard: Option<&UnboundedSender<Delta>>,
    ) -> Result<(), ModelError> {
        let id = logged.token;
        let scored = self.scored(logged);
        if self.of_text > 0 {
            self.of_text -= 1;
            if self.prompt.len() >= self.put {
                let more = self.text.add(id)?;
                self.length += more.chars().count();
                self.prompt_text += &more;
            }
            self.prompt.push(scored);
            return Ok(());
        }
        let more = self.answer.add(id)?;
        self.length += more.chars().count();
        self.tokens.push(scored.clone());
        let Some(heard) = heard else {
            return Ok(());
        };
        self.waiting.push(scored);
        let mut delta = self.spoken.add(&more);
        if !delta.text.is_empty() || !delta.reasoning.is_empty() {
            delta.tokens = std::mem::take(&mut self.waiting);
            let _ = heard.send(delta);
        }
        Ok(())
    }

    fn scored(&self, logged: Logged) -> ScoredToken {
        let token = |id| Token {
            id,
            bytes: self.tokenizer.bytes(id),
        };
        let likeliest = logged.likeliest.into_iter();
        ScoredToken {
            token: token(logged.token),
            log_probability: logged.log_probability,
            likeliest: likeliest.map(|(id, log)| (token(id), log)).collect(),
            start: self.length,
            ends: logged.ends,
        }
    }

    /// The whole; what was held back is shown.
    fn end(mut self, answer: &str, heard: Option<&UnboundedSender<Delta>>) -> Written {
        if let Some(heard) = heard {
            let mut delta = self.spoken.end(answer);
            delta.tokens = self.waiting;
            let _ = heard.send(delta);
        }
        let (reasoning, text) = match self.split {
            Some(split) => split(answer),
            None => (None, answer.to_owned()),
        };
        let mut completion = Completion::text(text);
        completion.reasoning = reasoning;
        Written {
            completion,
            prompt_text: self.prompt_text,
            prompt: self.prompt,
            tokens: self.tokens,
        }
    }
}
