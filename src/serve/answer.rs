//! From a request to its answer: whole, or as events while it is written.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt, TryStreamExt};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender, unbounded_channel};

use super::fault::Fault;
use super::form::{Call, Form, Job};
use super::house::House;
use super::queue::Place;
use super::sampling::Delivery;
use crate::model::{
    Delta, ErrorClass, Finish, Model, ModelError, Request, SampleRef, TokenText, Usage, Wanted,
    Written,
};

/// Events that wait for a client to read them, before the model's words do.
const WAITING_EVENTS: usize = 32;

/// Answers a request that has a place.
///
/// # Errors
/// [`Fault`] where the model gave no answer, or not in time.
pub(super) async fn answer(house: Arc<House>, call: Call, place: Place) -> Result<Response, Fault> {
    match call.delivery {
        Delivery::Whole => {
            let _place = place;
            let limit = house.limits.timeout;
            let begun = Instant::now();
            let body = tokio::time::timeout(limit, whole(&house, call)).await;
            house.metrics.took(begun.elapsed().as_secs_f64());
            Ok(Json(body.map_err(|_| Fault::no_time(limit))??).into_response())
        }
        Delivery::Streamed { .. } => streamed(house, call, place).await,
    }
}

/// What the answers of a request, or all parts of one, have in common.
struct Envelope {
    id: String,
    created: i64,
    model: String,
    fingerprint: String,
}

impl Envelope {
    fn new(house: &House, form: &dyn Form) -> Self {
        let number = SysRng.try_next_u64().unwrap_or(0);
        Self {
            id: format!("{}-{number:016x}", form.prefix()),
            created: jiff::Timestamp::now().as_second(),
            model: house.name().to_owned(),
            fingerprint: house.fingerprint(),
        }
    }

    fn around(&self, object: &str, choices: &[Value]) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        })
    }
}

fn numbered(mut choice: Value, number: usize) -> Value {
    choice["index"] = json!(number);
    choice
}

async fn whole(house: &Arc<House>, call: Call) -> Result<Value, Fault> {
    let Call {
        form,
        delivery,
        jobs,
        choices,
    } = call;
    let room = house.model.room().max(1);
    let asked = jobs.into_iter().map(|job| {
        let house = Arc::clone(house);
        async move { ask(&house, &job, None).await }
    });
    let written: Vec<Written> = stream::iter(asked).buffered(room).try_collect().await?;
    let listed = written.iter().enumerate();
    let listed = listed.map(|(number, written)| numbered(form.choice(written), number));
    let envelope = Envelope::new(house, form.as_ref());
    let mut body = envelope.around(form.object(delivery), &listed.collect::<Vec<_>>());
    let usages: Vec<Usage> = written.iter().map(|w| w.completion.usage).collect();
    if let Some(usage) = counted(&usages, choices) {
        body["usage"] = usage;
    }
    Ok(body)
}

/// All tokens of a request: a prompt counts once, however many choices it has. None where nobody counted them.
fn counted(usages: &[Usage], choices: usize) -> Option<Value> {
    let prompts = usages.iter().step_by(choices.max(1));
    let read: u64 = prompts.map(|u| u.prompt_tokens).sum::<Option<u64>>()?;
    let written: u64 = usages
        .iter()
        .map(|u| u.completion_tokens)
        .sum::<Option<u64>>()?;
    Some(json!({
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read.saturating_add(written),
    }))
}

/// Asks the model for one choice; its parts are heard as they are written.
async fn ask(
    house: &House,
    job: &Job,
    heard: Option<UnboundedSender<Delta>>,
) -> Result<Written, Fault> {
    let known = house.model.controls();
    let mut set = job.request.parameters.controls();
    if let Some(control) = set.find(|control| !known.contains(control)) {
        let what = format!("{} does not have {control}; leave it out", house.name());
        return Err(Fault::parameter(control.name(), what));
    }
    let written = match house.model.by_token() {
        Some(model) => model.write(&job.request, heard).await?,
        None => words(house.model.as_ref(), job, heard).await?,
    };
    house.metrics.written(&written);
    Ok(written)
}

/// Asks a model whose tokens cannot be seen.
async fn words(
    model: &dyn Model,
    job: &Job,
    heard: Option<UnboundedSender<Delta>>,
) -> Result<Written, ModelError> {
    let TokenText::Prompt(prompt) = &job.request.text else {
        return Err(unseen(model));
    };
    if job.by_token {
        return Err(unseen(model));
    }
    let request = Request {
        prompt: prompt.clone(),
        parameters: job.request.parameters.clone(),
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    };
    let completion = model.answer(&request).await?;
    if completion.finish == Finish::Error {
        let what = "the model's server failed to answer";
        return Err(ModelError::new(ErrorClass::Server, what));
    }
    if let Some(heard) = heard {
        let _ = heard.send(Delta {
            text: completion.text.clone(),
            reasoning: completion.reasoning.clone().unwrap_or_default(),
            tokens: Vec::new(),
        });
    }
    Ok(Written {
        completion,
        prompt_text: String::new(),
        prompt: Vec::new(),
        tokens: Vec::new(),
    })
}

fn unseen(model: &dyn Model) -> ModelError {
    let name = &model.identity().name;
    ModelError::new(
        ErrorClass::Unsupported,
        format!(
            "the tokens of {name} cannot be seen: logprobs, echo and prompts of token ids need a model that runs in candor's process (onnx:, demo:)"
        ),
    )
}

/// An event of a stream.
enum Part {
    Body(Value),
    Failed(Fault),
    Done,
}

impl Part {
    fn event(&self) -> Event {
        match self {
            Self::Body(body) => Event::default().data(body.to_string()),
            Self::Failed(fault) => Event::default().data(fault.body().to_string()),
            Self::Done => Event::default().data("[DONE]"),
        }
    }
}

/// Begins a stream. Whatever fails before its first event is answered as it would be without one.
async fn streamed(house: Arc<House>, call: Call, place: Place) -> Result<Response, Fault> {
    let (events, mut parts) = mpsc::channel(WAITING_EVENTS);
    tokio::spawn(write(house, call, place, events));
    let first = match parts.recv().await {
        Some(Part::Failed(fault)) => return Err(fault),
        first => first,
    };
    let rest = stream::unfold(parts, |mut parts| async move {
        let part = parts.recv().await?;
        Some((part, parts))
    });
    let all = stream::iter(first).chain(rest);
    let events = all.map(|part| Ok::<Event, Infallible>(part.event()));
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// Writes all parts of a stream, and keeps its place until then, or until the client is gone.
async fn write(house: Arc<House>, call: Call, place: Place, events: mpsc::Sender<Part>) {
    let _place = place;
    let limit = house.limits.timeout;
    let begun = Instant::now();
    let last = tokio::select! {
        written = tokio::time::timeout(limit, parts(&house, call, &events)) => match written {
            Ok(Ok(())) => Part::Done,
            Ok(Err(fault)) => Part::Failed(fault),
            Err(_) => Part::Failed(Fault::no_time(limit)),
        },
        () = events.closed() => return,
    };
    house.metrics.took(begun.elapsed().as_secs_f64());
    // A client that reads no more gets no last event, and keeps no place.
    let _ = events.try_send(last);
}

async fn parts(house: &Arc<House>, call: Call, events: &mpsc::Sender<Part>) -> Result<(), Fault> {
    let Call {
        form,
        delivery,
        jobs,
        choices,
    } = call;
    let form: Arc<dyn Form> = form.into();
    let room = house.model.room().max(1);
    let envelope = Arc::new(Envelope::new(house, form.as_ref()));
    let asked = jobs.into_iter().enumerate().map(|(number, job)| {
        let channel = Choice {
            form: Arc::clone(&form),
            delivery,
            envelope: Arc::clone(&envelope),
            number,
            events: events.clone(),
        };
        let house = Arc::clone(house);
        async move { channel.write(&house, &job).await }
    });
    let usages: Vec<Usage> = stream::iter(asked).buffered(room).try_collect().await?;
    if let Delivery::Streamed { usage: true } = delivery {
        let mut body = envelope.around(form.object(delivery), &[]);
        body["usage"] = counted(&usages, choices).unwrap_or(Value::Null);
        let _ = events.send(Part::Body(body)).await;
    }
    Ok(())
}

/// Where one choice of a stream is written.
struct Choice {
    form: Arc<dyn Form>,
    delivery: Delivery,
    envelope: Arc<Envelope>,
    number: usize,
    events: mpsc::Sender<Part>,
}

impl Choice {
    async fn write(&self, house: &House, job: &Job) -> Result<Usage, Fault> {
        let (heard, mut deltas) = unbounded_channel();
        let answer = ask(house, job, Some(heard));
        tokio::pin!(answer);
        let mut opening = self.form.opening();
        let written = loop {
            tokio::select! {
                biased;
                Some(delta) = deltas.recv() => self.show(&mut opening, &delta).await,
                written = &mut answer => break written?,
            }
        };
        while let Ok(delta) = deltas.try_recv() {
            self.show(&mut opening, &delta).await;
        }
        self.send(opening.take()).await;
        self.send(Some(self.form.ending(&written))).await;
        Ok(written.completion.usage)
    }

    async fn show(&self, opening: &mut Option<Value>, delta: &Delta) {
        if let Some(part) = self.form.part(delta) {
            self.send(opening.take()).await;
            self.send(Some(part)).await;
        }
    }

    async fn send(&self, choice: Option<Value>) {
        if let Some(choice) = choice {
            let choices = vec![numbered(choice, self.number)];
            let body = self
                .envelope
                .around(self.form.object(self.delivery), &choices);
            // Nobody hears it where the client is gone; then the stream's task ends.
            let _ = self.events.send(Part::Body(body)).await;
        }
    }
}
