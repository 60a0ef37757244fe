//! Attention as a graph has it: over pages, which are kept from step to step behind the graph's back, or over a cache that goes in and comes out.

use super::decoder::Attention;
use super::proto::{DataType, Dimension};
use super::rotary::Angles;
use super::writer::{Setting, Value, Writer, length};
use super::{Attend, Form, spelled};
use crate::model::onnx::paged_operator::OPERATOR;

/// What all layers of a step share.
pub(super) struct Step {
    pub form: Form,
    pub angles: Vec<Angles>,
    /// Positions as the graph is given them: batch × sequence where there is a cache.
    pub positions: Value,
    pub cached: Cached,
}

/// What attention over a cache is told of a step; none of it where attention is over pages.
pub(super) struct Cached {
    /// Batch, sequence, and whatever is left.
    by_sequence: Value,
    /// The last token of each row of the batch, counted with those in the cache.
    last: Value,
    /// How many tokens there are, those in the cache included.
    total: Value,
}

impl Cached {
    pub(super) fn none() -> Self {
        Self {
            by_sequence: Value::none(),
            last: Value::none(),
            total: Value::none(),
        }
    }

    pub(super) fn new(writer: &mut Writer, mask: &Value, positions: &Value) -> Self {
        let rest = writer.integers(&[-1]);
        let shape = writer.op("Shape", &[positions], &[]);
        let along = [("axis", Setting::Int(0))];
        let by_sequence = writer.op("Concat", &[&shape, &rest], &along);
        let (axis, one) = (writer.integers(&[1]), writer.integer(1));
        let keep = [("keepdims", Setting::Int(0))];
        let seen = writer.op("ReduceSum", &[mask, &axis], &keep);
        let last = writer.op("Sub", &[&seen, &one], &[]);
        let mask_shape = writer.op("Shape", &[mask], &[]);
        let total = writer.op("Gather", &[&mask_shape, &one], &[]);
        Self {
            by_sequence,
            last: writer.cast(&last, DataType::Int32),
            total: writer.cast(&total, DataType::Int32),
        }
    }
}

/// What the queries of a layer's tokens see: this many numbers per token, in the order of the tokens.
pub(super) fn seen(
    writer: &mut Writer,
    layer: usize,
    attention: &Attention,
    own: [&Value; 3],
    step: &Step,
) -> Value {
    match step.form.attend {
        Attend::Paged => over_pages(writer, layer, attention, own),
        Attend::Grouped => over_cache(writer, layer, attention, own, step, grouped),
        Attend::Spelled => over_cache(writer, layer, attention, own, step, spelled),
    }
}

/// Attention over what is kept of each token's text and the step's own tokens, which are kept too.
fn over_pages(writer: &mut Writer, layer: usize, attention: &Attention, own: [&Value; 3]) -> Value {
    let mut settings = vec![
        ("layer", Setting::Int(length(layer))),
        ("heads", Setting::Int(length(attention.heads))),
        ("scale", Setting::Float(attention.scale)),
    ];
    settings.extend(limits(attention, "window"));
    writer.own(OPERATOR, &own, &settings)
}

/// Queries, keys and values of a step, and keys and values of the cache, to what is seen and the cache that continues.
type OverCache = fn(&mut Writer, &Attention, [&Value; 3], [&Value; 2], &Step) -> [Value; 3];

/// Attention over the cache and the step's own tokens, which join the cache.
fn over_cache(
    writer: &mut Writer,
    layer: usize,
    attention: &Attention,
    own: [&Value; 3],
    step: &Step,
    attend: OverCache,
) -> Value {
    let compute = step.form.compute;
    let shape = |sequence: &str| {
        [
            Dimension::Named("batch".into()),
            Dimension::Known(length(attention.kv_heads)),
            Dimension::Named(sequence.into()),
            Dimension::Known(length(attention.width)),
        ]
    };
    let parts = ["key", "value"];
    let past = parts.map(|part| {
        let name = format!("past_key_values.{layer}.{part}");
        writer.input(&name, compute, &shape("past"))
    });
    let own = own.map(|value| writer.op("Reshape", &[value, &step.cached.by_sequence], &[]));
    let own = [&own[0], &own[1], &own[2]];
    let [seen, key, value] = attend(writer, attention, own, [&past[0], &past[1]], step);
    for (part, present) in parts.iter().zip([key, value]) {
        let name = format!("present.{layer}.{part}");
        writer.output(&present, &name, compute, &shape("total"));
    }
    seen
}

fn grouped(
    writer: &mut Writer,
    attention: &Attention,
    [queries, keys, values]: [&Value; 3],
    [key, value]: [&Value; 2],
    step: &Step,
) -> [Value; 3] {
    let mut settings = vec![
        ("num_heads", Setting::Int(length(attention.heads))),
        ("kv_num_heads", Setting::Int(length(attention.kv_heads))),
        ("scale", Setting::Float(attention.scale)),
    ];
    settings.extend(limits(attention, "local_window_size"));
    let Cached { last, total, .. } = &step.cached;
    let inputs = [queries, keys, values, key, value, last, total];
    writer.microsoft("GroupQueryAttention", &inputs, &settings)
}

fn spelled(
    writer: &mut Writer,
    attention: &Attention,
    own: [&Value; 3],
    past: [&Value; 2],
    step: &Step,
) -> [Value; 3] {
    spelled::attention(writer, attention, own, past, &step.positions)
}

/// How far a layer's attention sees, under the name that an operator has for it, and the soft cap of its scores.
fn limits(
    attention: &Attention,
    window: &'static str,
) -> impl Iterator<Item = (&'static str, Setting)> {
    let window = attention
        .window
        .map(|tokens| (window, Setting::Int(length(tokens))));
    let cap = attention.cap.map(|cap| ("softcap", Setting::Float(cap)));
    window.into_iter().chain(cap)
}
