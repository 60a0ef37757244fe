//! Exports in the layout of onnxruntime-genai, taken apart for the batch: attention over pages in place of `GroupQueryAttention` with its padded
//! caches, and logits of the wanted rows alone. The file stays as it is; whatever its weights are in is read from there.
//!
//! The messages are those of `onnx.proto3`; what is not changed is copied byte by byte.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::BuiltGraph;
use super::proto::{
    AttributeProto, DataType, Dimension, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use super::writer::{MICROSOFT, Setting, attribute, info, length};
use crate::model::onnx::extended::{Fields, LENGTH, put_varint};
use crate::model::onnx::paged::{DOMAIN, LayerShape, OPERATOR};

/// Largest graph that is taken apart, weights that are in it included.
pub(in crate::model::onnx) const MAX_BYTES: u64 = 1 << 30;

/// Fields of `ModelProto`.
mod model {
    pub(super) const GRAPH: u64 = 7;
    pub(super) const OPSET: u64 = 8;
    pub(super) const FUNCTIONS: u64 = 25;
}

/// Fields of `GraphProto`.
mod graph {
    pub(super) const NODE: u64 = 1;
    pub(super) const INITIALIZER: u64 = 5;
    pub(super) const INPUT: u64 = 11;
    pub(super) const OUTPUT: u64 = 12;
    pub(super) const VALUE_INFO: u64 = 13;
    pub(super) const SPARSE_INITIALIZER: u64 = 15;
}

/// Kinds of attributes that hold graphs.
const OF_GRAPHS: [i32; 2] = [5, 10];

/// The graph of an export as the batch runs it; none where it is not laid out like one of onnxruntime-genai in single precision.
pub(in crate::model::onnx) fn exported(file: &[u8]) -> Option<BuiltGraph> {
    let mut out = Vec::new();
    let mut layers = None;
    for field in Fields(file) {
        let field = field?;
        match field.number {
            model::FUNCTIONS => return None,
            model::GRAPH => {
                let export = Export::read(field.content)?;
                let (graph, shapes) = export.on_pages()?;
                layers = Some(shapes);
                put(&mut out, model::GRAPH, &graph);
            }
            _ => out.extend_from_slice(field.whole),
        }
    }
    let own = OperatorSetIdProto {
        domain: DOMAIN.to_owned(),
        version: 1,
    };
    put(&mut out, model::OPSET, &own.encode_to_vec());
    Some(BuiltGraph {
        model: out,
        layers: layers?,
        steady: None,
    })
}

/// Adds a field that has a length.
fn put(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_varint(out, (number << 3) | LENGTH);
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// A node as it stands in the file, or as it was changed.
struct Node {
    raw: Vec<u8>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

/// A tensor's name and sizes.
#[derive(Clone, PartialEq, Message)]
struct Sizes {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(string, tag = "8")]
    name: String,
}

/// What an export's graph is made of.
struct Export<'m> {
    nodes: Vec<(NodeProto, &'m [u8])>,
    inputs: BTreeMap<String, (ValueInfoProto, &'m [u8])>,
    weights: BTreeMap<String, (Vec<i64>, &'m [u8])>,
    logits: Option<ValueInfoProto>,
    /// Fields that are copied.
    rest: Vec<&'m [u8]>,
}

impl<'m> Export<'m> {
    fn read(content: &'m [u8]) -> Option<Self> {
        let mut export = Self {
            nodes: Vec::new(),
            inputs: BTreeMap::new(),
            weights: BTreeMap::new(),
            logits: None,
            rest: Vec::new(),
        };
        for field in Fields(content) {
            let field = field?;
            match field.number {
                graph::NODE => {
                    let node = NodeProto::decode(field.content).ok()?;
                    let mut kinds = node.attribute.iter().map(|a| a.r#type);
                    if kinds.any(|kind| OF_GRAPHS.contains(&kind)) {
                        return None;
                    }
                    export.nodes.push((node, field.content));
                }
                graph::INITIALIZER => {
                    let Sizes { dims, name } = Sizes::decode(field.content).ok()?;
                    export.weights.insert(name, (dims, field.content));
                }
                graph::INPUT => {
                    let input = ValueInfoProto::decode(field.content).ok()?;
                    let whole = (input.clone(), field.whole);
                    export.inputs.insert(input.name, whole);
                }
                graph::SPARSE_INITIALIZER => return None,
                graph::OUTPUT => {
                    let output = ValueInfoProto::decode(field.content).ok()?;
                    if output.name == "logits" {
                        export.logits = Some(output);
                    }
                }
                graph::VALUE_INFO => {}
                _ => export.rest.push(field.whole),
            }
        }
        Some(export)
    }

    /// The graph with its attention on pages, and what each layer keeps.
    fn on_pages(&self) -> Option<(Vec<u8>, Vec<LayerShape>)> {
        let known = |name: &str| {
            ["input_ids", "attention_mask", "position_ids"].contains(&name)
                || name.starts_with("past_key_values.")
        };
        if !self.inputs.keys().all(|name| known(name)) {
            return None;
        }
        let head = self.head()?;
        let mut rewritten = Rewritten::default();
        for (number, (node, raw)) in self.nodes.iter().enumerate() {
            if node.op_type == "GroupQueryAttention" {
                self.attention(node, &mut rewritten)?;
            } else if number == head {
                rewritten.head(node, raw)?;
            } else {
                rewritten.nodes.push(Node {
                    raw: raw.to_vec(),
                    inputs: node.input.clone(),
                    outputs: node.output.clone(),
                });
            }
        }
        if rewritten.layers.is_empty() {
            return None;
        }
        rewritten.drop_unused();
        let layers = std::mem::take(&mut rewritten.layers);
        Some((self.write(rewritten)?, layers))
    }

    /// The node that multiplies by the head's weights, found from the logits back.
    fn head(&self) -> Option<usize> {
        let mut name = "logits";
        loop {
            let of = |(node, _): &(NodeProto, &[u8])| node.output.iter().any(|o| o == name);
            let number = self.nodes.iter().position(of)?;
            let (node, _) = &self.nodes[number];
            match node.op_type.as_str() {
                "MatMul" | "MatMulNBits" => return Some(number),
                "Cast" | "Mul" | "Div" | "Tanh" | "Add" => {}
                _ => return None,
            }
            let varies = |input: &&String| !self.is_fixed(input);
            name = node.input.iter().find(varies)?;
        }
    }

    /// Whether a value is a weight or a constant.
    fn is_fixed(&self, name: &str) -> bool {
        let constant = |(node, _): &(NodeProto, &[u8])| {
            node.op_type == "Constant" && node.output.iter().any(|o| o == name)
        };
        self.weights.contains_key(name) || self.nodes.iter().any(constant)
    }

    /// Puts attention over pages in the place of a node of grouped-query attention.
    fn attention(&self, node: &NodeProto, rewritten: &mut Rewritten) -> Option<()> {
        let settings = Settings::read(&node.attribute)?;
        let input = |at: usize| node.input.get(at).filter(|name| !name.is_empty());
        // Positions, biases and sinks of their own.
        if (9..node.input.len()).any(|at| input(at).is_some()) {
            return None;
        }
        let shape = self.kept(input(3)?, settings.kv_heads)?;
        let layer = rewritten.layers.len();
        let own = settings.heads * shape.width;
        let shared = shape.heads * shape.width;
        let mut values = match (input(1), input(2)) {
            (Some(keys), Some(values)) => [input(0)?.clone(), keys.clone(), values.clone()],
            (None, None) => rewritten.split(layer, input(0)?, [own, shared, shared]),
            _ => return None,
        };
        if settings.rotary {
            let (cosines, sines) = (input(7)?, input(8)?);
            let (sizes, _) = self.weights.get(cosines)?;
            let turned = usize::try_from(*sizes.last()?).ok()? * 2;
            for (value, heads) in values.iter_mut().zip([settings.heads, shape.heads]) {
                let part = if turned == shape.width { 0 } else { turned };
                let inputs = [value.as_str(), "position_ids", cosines, sines];
                let of = [
                    ("num_heads", Setting::Int(length(heads))),
                    ("rotary_embedding_dim", Setting::Int(length(part))),
                    ("interleaved", Setting::Int(settings.interleaved)),
                ];
                let output = format!("candor/turned.{layer}.{heads}.{value}");
                rewritten.node(MICROSOFT, "RotaryEmbedding", &inputs, &of, &[&output]);
                *value = output;
            }
        }
        #[allow(clippy::cast_precision_loss)] // a few hundred
        let usual = 1.0 / (shape.width as f32).sqrt();
        let scale = if settings.scale == 0.0 { usual } else { settings.scale };
        let mut of = vec![
            ("layer", Setting::Int(length(layer))),
            ("heads", Setting::Int(length(settings.heads))),
            ("scale", Setting::Float(scale)),
        ];
        if settings.window > 0 {
            of.push(("window", Setting::Int(settings.window)));
        }
        if settings.cap > 0.0 {
            of.push(("softcap", Setting::Float(settings.cap)));
        }
        let inputs = values.each_ref().map(String::as_str);
        rewritten.node(DOMAIN, OPERATOR, &inputs, &of, &[&node.output[0]]);
        rewritten.layers.push(shape);
        Some(())
    }

    /// What a layer keeps, by the shape of its cache: batch, heads, sequence, width.
    fn kept(&self, past: &str, heads: usize) -> Option<LayerShape> {
        let (info, _) = self.inputs.get(past)?;
        let tensor = info.r#type.as_ref()?.tensor_type.as_ref()?;
        let dims = &tensor.shape.as_ref()?.dim;
        let known = |at: usize| match dims.get(at)?.value.as_ref()? {
            Dimension::Known(size) => usize::try_from(*size).ok().filter(|n| *n > 0),
            Dimension::Named(_) => None,
        };
        let shape = LayerShape {
            heads: known(1)?,
            width: known(3)?,
        };
        let single = tensor.elem_type == DataType::Float.number();
        (single && dims.len() == 4 && shape.heads == heads).then_some(shape)
    }

    /// The graph's bytes; none where something still needs what is no input any more.
    fn write(&self, rewritten: Rewritten) -> Option<Vec<u8>> {
        let needed: BTreeSet<&str> = rewritten
            .nodes
            .iter()
            .flat_map(|node| node.inputs.iter().map(String::as_str))
            .collect();
        let gone = |name: &&str| *name == "attention_mask" || name.starts_with("past_key_values.");
        if needed.iter().any(gone) {
            return None;
        }
        let mut out = Vec::new();
        for node in &rewritten.nodes {
            put(&mut out, graph::NODE, &node.raw);
        }
        for whole in &self.rest {
            out.extend_from_slice(whole);
        }
        for (name, (_, raw)) in &self.weights {
            if needed.contains(name.as_str()) {
                put(&mut out, graph::INITIALIZER, raw);
            }
        }
        for tensor in &rewritten.constants {
            put(&mut out, graph::INITIALIZER, &tensor.encode_to_vec());
        }
        let (_, ids) = self.inputs.get("input_ids")?;
        out.extend_from_slice(ids);
        let named = |name: &str| Dimension::Named(name.to_owned());
        let row = [named("batch_size"), named("sequence_length")];
        let wanted = info("wanted_rows", DataType::Int64, &[named("wanted")]);
        if needed.contains("position_ids") {
            let positions = info("position_ids", DataType::Int64, &row);
            put(&mut out, graph::INPUT, &positions.encode_to_vec());
        }
        put(&mut out, graph::INPUT, &wanted.encode_to_vec());
        let mut logits = self.logits.clone()?;
        let tensor = logits.r#type.as_mut()?.tensor_type.as_mut()?;
        tensor.shape.as_mut()?.dim.get_mut(1)?.value = Some(named("wanted"));
        put(&mut out, graph::OUTPUT, &logits.encode_to_vec());
        Some(out)
    }
}

/// A graph being rewritten.
#[derive(Default)]
struct Rewritten {
    nodes: Vec<Node>,
    constants: Vec<TensorProto>,
    layers: Vec<LayerShape>,
}

impl Rewritten {
    fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        settings: &[(&str, Setting)],
        outputs: &[&str],
    ) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = NodeProto {
            input: owned(inputs),
            output: owned(outputs),
            name: format!("node:{}", outputs[0]),
            op_type: operator.to_owned(),
            attribute: settings.iter().map(|(n, s)| attribute(n, s)).collect(),
            domain: domain.to_owned(),
        };
        self.nodes.push(Node {
            raw: node.encode_to_vec(),
            inputs: node.input,
            outputs: node.output,
        });
    }

    fn integers(&mut self, name: &str, values: &[usize]) {
        let raw = values.iter().flat_map(|n| length(*n).to_le_bytes());
        self.constants.push(TensorProto {
            dims: vec![length(values.len())],
            data_type: DataType::Int64.number(),
            name: name.to_owned(),
            raw_data: Some(raw.collect()),
            ..TensorProto::default()
        });
    }

    /// Queries, keys and values that are packed, one by one.
    fn split(&mut self, layer: usize, packed: &str, widths: [usize; 3]) -> [String; 3] {
        let sizes = format!("candor/widths.{layer}");
        self.integers(&sizes, &widths);
        let parts = ["queries", "keys", "values"].map(|part| format!("candor/{part}.{layer}"));
        let along = [("axis", Setting::Int(-1))];
        let outputs = parts.each_ref().map(String::as_str);
        self.node("", "Split", &[packed, &sizes], &along, &outputs);
        parts
    }

    /// The head, of the wanted rows alone.
    fn head(&mut self, node: &NodeProto, raw: &[u8]) -> Option<()> {
        let along = [("axis", Setting::Int(1))];
        let inputs = [node.input.first()?, "wanted_rows"];
        self.node("", "Gather", &inputs, &along, &["candor/wanted"]);
        let mut inputs = node.input.clone();
        inputs[0] = "candor/wanted".into();
        // All but the names of its inputs is copied.
        let mut changed = Vec::new();
        for input in &inputs {
            put(&mut changed, 1, input.as_bytes());
        }
        for field in Fields(raw) {
            let field = field?;
            if field.number != 1 {
                changed.extend_from_slice(field.whole);
            }
        }
        self.nodes.push(Node {
            raw: changed,
            inputs,
            outputs: node.output.clone(),
        });
        Some(())
    }

    /// Takes out the nodes that lead to no logits. Nodes stand behind those that they need.
    fn drop_unused(&mut self) {
        let mut needed = BTreeSet::from(["logits".to_owned()]);
        let mut kept = Vec::new();
        while let Some(node) = self.nodes.pop() {
            if node.outputs.iter().any(|output| needed.contains(output)) {
                needed.extend(node.inputs.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        self.nodes = kept;
    }
}

/// The attributes of `GroupQueryAttention` that can be kept to.
struct Settings {
    heads: usize,
    kv_heads: usize,
    /// 0 stands for the usual one.
    scale: f32,
    /// None where it is not above 0.
    window: i64,
    cap: f32,
    rotary: bool,
    interleaved: i64,
}

impl Settings {
    /// None where there is one that attention over pages does not know.
    fn read(attributes: &[AttributeProto]) -> Option<Self> {
        let mut settings = Self {
            heads: 0,
            kv_heads: 0,
            scale: 0.0,
            window: 0,
            cap: 0.0,
            rotary: false,
            interleaved: 0,
        };
        for attribute in attributes {
            let whole = attribute.i.unwrap_or(0);
            let number = attribute.f.unwrap_or(0.0);
            match attribute.name.as_str() {
                "num_heads" => settings.heads = usize::try_from(whole).ok()?,
                "kv_num_heads" => settings.kv_heads = usize::try_from(whole).ok()?,
                "scale" => settings.scale = number,
                "local_window_size" => settings.window = whole,
                "softcap" => settings.cap = number,
                "do_rotary" => settings.rotary = whole != 0,
                "rotary_interleaved" => settings.interleaved = whole,
                // Of no effect at their defaults.
                "smooth_softmax" | "qk_output" if whole == 0 => {}
                _ => return None,
            }
        }
        let heads = settings.heads.checked_rem(settings.kv_heads)?;
        (heads == 0 && settings.heads > 0).then_some(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_such_graph_are_left_alone() {
        assert!(exported(b"").is_none());
        assert!(exported(&[7 << 3 | 2, 3, 1, 2, 3]).is_none());
    }

    #[test]
    fn an_attribute_that_pages_do_not_know_is_not_passed_over() {
        let of = |name: &str, value: i64| attribute(name, &Setting::Int(value));
        let usual = [of("num_heads", 4), of("kv_num_heads", 2), of("do_rotary", 1)];
        assert!(Settings::read(&usual).is_some_and(|s| s.rotary && s.heads == 4));
        let [heads, kv_heads, _] = usual;
        assert!(Settings::read(&[heads.clone(), kv_heads.clone(), of("smooth_softmax", 1)]).is_none());
        assert!(Settings::read(&[heads.clone(), kv_heads, of("new", 0)]).is_none());
        assert!(Settings::read(&[heads]).is_none());
    }
}
