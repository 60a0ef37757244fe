//! Exports in the layout of optimum: attention spelled out in ONNX's own operators, followed from the caches to the softmax and beyond, and put on pages.
//!
//! What a layer sees (its window, its soft cap) is the configuration's word, since the graph has it as arithmetic on a mask; what can be compared, the shapes,
//! the scale and whether there is a cap, must agree with it.

use std::collections::BTreeMap;

use prost::Message;

use super::Export;
use super::rewritten::Rewritten;
use crate::model::onnx::build::decoder::{Attention, Decoder};
use crate::model::onnx::build::proto::{DataType, NodeProto};
use crate::model::onnx::build::writer::{Setting, length};
use crate::model::onnx::paged_operator::{DOMAIN, LayerShape, OPERATOR};

/// Relative difference between the scale of the graph and that of the configuration.
const SCALE: f32 = 1e-4;
/// Batch, heads, tokens, width; and batch, tokens, heads, width.
const SWAPPED: [i64; 4] = [0, 2, 1, 3];

/// An export with the ways between its nodes.
pub(super) struct Spelled<'e> {
    export: &'e Export<'e>,
    consumers: BTreeMap<&'e str, Vec<usize>>,
    producers: BTreeMap<&'e str, usize>,
}

/// One layer's attention, by the names of its values: batch, heads, tokens, width each.
pub(super) struct Layer {
    queries: String,
    keys: String,
    values: String,
    answer: String,
    heads: usize,
    shape: LayerShape,
    scale: f32,
    window: Option<usize>,
    cap: Option<f32>,
}

impl<'e> Spelled<'e> {
    pub(super) fn new(export: &'e Export<'e>) -> Self {
        let (mut consumers, mut producers) = (BTreeMap::<&str, Vec<usize>>::new(), BTreeMap::new());
        for (number, (node, _)) in export.nodes.iter().enumerate() {
            for input in &node.input {
                consumers.entry(input).or_default().push(number);
            }
            for output in &node.output {
                producers.insert(output.as_str(), number);
            }
        }
        Self {
            export,
            consumers,
            producers,
        }
    }

    /// Every layer, by the number of the node that gives its answer; none where the graph is not what the configuration says.
    pub(super) fn layers(&self, decoder: &Decoder) -> Option<BTreeMap<usize, Layer>> {
        let caches = self.export.inputs.keys();
        let caches = caches.filter(|name| name.starts_with("past_key_values."));
        // Where frequencies depend on a text's length, a step of several texts has no such length.
        let fits = caches.count() == 2 * decoder.layers.len()
            && decoder.steady().is_none()
            && self.export.inputs.contains_key("position_ids");
        if !fits {
            return None;
        }
        let layers = decoder.layers.iter().enumerate();
        layers
            .map(|(number, layer)| self.layer(number, &layer.attention))
            .collect()
    }

    fn layer(&self, number: usize, attention: &Attention) -> Option<(usize, Layer)> {
        let cache = |kind: &str| format!("past_key_values.{number}.{kind}");
        let shape = self.export.cache_shape(&cache("key"), attention.kv_heads)?;
        let other = self
            .export
            .cache_shape(&cache("value"), attention.kv_heads)?;
        if shape != attention.kept() || other != shape {
            return None;
        }
        let (keys, all_keys) = self.joined(&cache("key"))?;
        let (values, all_values) = self.joined(&cache("value"))?;
        let (scores, of_keys) = self.scores(all_keys)?;
        let (queries, of_queries) = self.unscaled(scores.input.first()?);
        let (weights, of_scores, capped) = self.weights(scores.output.first()?)?;
        let answer = self.answer(weights, all_values)?;
        let scale = of_keys * of_queries * of_scores;
        let agrees = (scale / attention.scale - 1.0).abs() < SCALE;
        if !agrees || capped != attention.cap.is_some() {
            return None;
        }
        let (node, _) = &self.export.nodes[answer];
        Some((
            answer,
            Layer {
                queries: queries.to_owned(),
                keys: keys.to_owned(),
                values: values.to_owned(),
                answer: node.output.first()?.clone(),
                heads: attention.heads,
                shape,
                scale: attention.scale,
                window: attention.window,
                cap: attention.cap,
            },
        ))
    }

    /// What is joined to a cache, and both together.
    fn joined(&self, cache: &str) -> Option<(&'e str, &'e str)> {
        let node = self.next(cache)?.1;
        match node.input.as_slice() {
            [before, new] if node.op_type == "Concat" && before == cache => {
                Some((new, node.output.first()?))
            }
            _ => None,
        }
    }

    /// The node that multiplies queries by the keys, and what the keys were multiplied by before.
    fn scores(&self, keys: &'e str) -> Option<(&'e NodeProto, f32)> {
        let (mut value, mut scale, mut turned) = (keys, 1.0, false);
        loop {
            let (_, node) = self.next(value)?;
            let leads = node.input.first().is_some_and(|first| first == value);
            match node.op_type.as_str() {
                "Unsqueeze" | "Expand" | "Reshape" | "Identity" if leads => {}
                "Transpose" if !turned && permutation(node)? == [0, 1, 3, 2] => turned = true,
                "Mul" | "Div" => scale *= self.factor(node, value)?,
                "MatMul" if turned && node.input.get(1)? == value => return Some((node, scale)),
                _ => return None,
            }
            value = node.output.first()?;
        }
    }

    /// A value before it was multiplied by numbers, and their product.
    fn unscaled(&self, value: &'e str) -> (&'e str, f32) {
        let (mut value, mut scale) = (value, 1.0);
        while let Some(number) = self.producers.get(value) {
            let (node, _) = &self.export.nodes[*number];
            let is_number = |name: &&String| self.number(name).is_some();
            let varying = node.input.iter().find(|name| !is_number(name));
            let scaled = varying.and_then(|varying| match node.op_type.as_str() {
                "Mul" | "Div" => Some((varying, self.factor(node, varying)?)),
                "Identity" => Some((varying, 1.0)),
                _ => None,
            });
            let Some((before, by)) = scaled else {
                break;
            };
            (value, scale) = (before, scale * by);
        }
        (value, scale)
    }

    /// The weights that scores become, what they were multiplied by, and whether they were capped.
    fn weights(&self, scores: &'e str) -> Option<(&'e str, f32, bool)> {
        let (mut value, mut scale, mut capped, mut masked) = (scores, 1.0, false, false);
        loop {
            let (_, node) = self.next(value)?;
            match node.op_type.as_str() {
                "Mul" | "Div" => scale *= self.factor(node, value)?,
                "Tanh" if !capped => capped = true,
                "Add" if !masked => masked = true,
                "Cast" | "Identity" => {}
                "Softmax" if masked && is_along_last(node) => {
                    return Some((node.output.first()?, scale, capped));
                }
                _ => return None,
            }
            value = node.output.first()?;
        }
    }

    /// The number of the node that multiplies weights by the values.
    fn answer(&self, weights: &'e str, values: &'e str) -> Option<usize> {
        let (mut weights, mut values) = (weights, values);
        // Rows that see nothing are none of ours: their weights are replaced by zeros.
        if let [first, second] = self.users(weights).as_slice() {
            let (nan, choice) = (&self.export.nodes[*first].0, &self.export.nodes[*second].0);
            let replaces = nan.op_type == "IsNaN"
                && choice.op_type == "Where"
                && choice.input.first() == nan.output.first()
                && choice.input.get(2)? == weights;
            if !replaces {
                return None;
            }
            weights = choice.output.first()?;
        }
        let product = loop {
            let (number, node) = self.next(weights)?;
            match node.op_type.as_str() {
                "Cast" | "Identity" => weights = node.output.first()?,
                "MatMul" if node.input.first()? == weights => break number,
                _ => return None,
            }
        };
        loop {
            let (number, node) = self.next(values)?;
            match node.op_type.as_str() {
                "Unsqueeze" | "Expand" | "Reshape" | "Identity"
                    if node.input.first()? == values =>
                {
                    values = node.output.first()?;
                }
                "MatMul" if number == product && node.input.get(1)? == values => {
                    return Some(product);
                }
                _ => return None,
            }
        }
    }

    /// The nodes that use a value's numbers, not its shape alone.
    fn users(&self, value: &str) -> Vec<usize> {
        let all = self.consumers.get(value).into_iter().flatten().copied();
        all.filter(|number| self.export.nodes[*number].0.op_type != "Shape")
            .collect()
    }

    /// The only one of them.
    fn next(&self, value: &str) -> Option<(usize, &'e NodeProto)> {
        match self.users(value).as_slice() {
            [only] => Some((*only, &self.export.nodes[*only].0)),
            _ => None,
        }
    }

    /// What a node multiplies a value by.
    fn factor(&self, node: &NodeProto, value: &str) -> Option<f32> {
        match (node.op_type.as_str(), node.input.as_slice()) {
            ("Mul", [one, other]) if one == value => self.number(other),
            ("Mul", [one, other]) if other == value => self.number(one),
            ("Div", [one, other]) if one == value => Some(1.0 / self.number(other)?),
            _ => None,
        }
    }

    /// A constant that is one number.
    fn number(&self, name: &str) -> Option<f32> {
        if let Some((_, raw)) = self.export.weights.get(name) {
            return Scalar::decode(*raw).ok()?.value();
        }
        let (node, raw) = &self.export.nodes[*self.producers.get(name)?];
        if node.op_type != "Constant" {
            return None;
        }
        let constant = Constant::decode(*raw).ok()?;
        constant.attribute.first()?.t.as_ref()?.value()
    }
}

/// The order that a node puts dimensions in.
fn permutation(node: &NodeProto) -> Option<&[i64]> {
    let mut all = node.attribute.iter();
    Some(&all.find(|a| a.name == "perm")?.ints)
}

fn is_along_last(softmax: &NodeProto) -> bool {
    let mut all = softmax.attribute.iter();
    let axis = all.find(|a| a.name == "axis").and_then(|a| a.i);
    matches!(axis, None | Some(-1 | 3))
}

impl Layer {
    /// Attention over pages in the place of the node that gave the answer.
    pub(super) fn write(&self, rewritten: &mut Rewritten) {
        let layer = rewritten.layers.len();
        let mut of = vec![
            ("layer", Setting::Int(length(layer))),
            ("heads", Setting::Int(length(self.heads))),
            ("scale", Setting::Float(self.scale)),
        ];
        if let Some(window) = self.window {
            of.push(("window", Setting::Int(length(window))));
        }
        if let Some(cap) = self.cap {
            of.push(("softcap", Setting::Float(cap)));
        }
        let swap = [("perm", Setting::Ints(SWAPPED.to_vec()))];
        let given = [
            ("queries", &self.queries),
            ("keys", &self.keys),
            ("values", &self.values),
        ];
        let by_token = given.map(|(kind, name)| {
            let output = format!("candor/{kind}.{layer}");
            rewritten.node("", "Transpose", &[name], &swap, &[&output]);
            output
        });
        let answered = format!("candor/answers.{layer}");
        let inputs = by_token.each_ref().map(String::as_str);
        rewritten.node(DOMAIN, OPERATOR, &inputs, &of, &[&answered]);
        rewritten.node("", "Transpose", &[&answered], &swap, &[&self.answer]);
        rewritten.layers.push(self.shape);
    }
}

/// A node's attributes, of which one is a tensor.
#[derive(Clone, PartialEq, Message)]
struct Constant {
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<Held>,
}

/// An attribute that is a tensor.
#[derive(Clone, PartialEq, Message)]
struct Held {
    #[prost(message, optional, tag = "5")]
    t: Option<Scalar>,
}

/// A `TensorProto`, as far as one number needs it.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

impl Scalar {
    fn value(&self) -> Option<f32> {
        let is_one =
            self.data_type == DataType::Float.number() && self.dims.iter().all(|d| *d == 1);
        match (is_one, self.float_data.as_slice()) {
            (true, [only]) => Some(*only),
            (true, []) => Some(f32::from_le_bytes(
                self.raw_data.as_slice().try_into().ok()?,
            )),
            _ => None,
        }
    }
}
