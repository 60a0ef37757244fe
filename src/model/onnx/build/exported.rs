//! Exports, taken apart: logits of the wanted rows alone, and, where they are in the layout of onnxruntime-genai, attention over pages in place of
//! `GroupQueryAttention` with its padded caches. The file stays as it is, and weights are read from where they are, be it from the middle of it.
//!
//! The messages are those of `onnx.proto3`; what is not changed is copied byte by byte.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::BuiltGraph;
use super::proto::{
    AttributeProto, DataType, Dimension, EXTERNAL, NodeProto, OperatorSetIdProto, TensorProto,
    ValueInfoProto,
};
use super::writer::{MICROSOFT, Place, Setting, attribute, info, length};
use crate::model::onnx::extended::{Fields, LENGTH, put_varint};
use crate::model::onnx::paged_operator::{DOMAIN, LayerShape, OPERATOR};

/// Largest graph that is taken apart, weights that are in it included.
pub(in crate::model::onnx) const MAX_BYTES: u64 = 1 << 30;

/// Fields of `ModelProto`.
mod model {
    pub(super) const GRAPH: u64 = 7;
    pub(super) const OPSET: u64 = 8;
}

/// Fields of `TensorProto`.
mod tensor {
    pub(super) const RAW_DATA: u64 = 9;
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

/// Bytes from which on a weight stays in its file.
const LARGE: usize = 4096;
/// Kinds of attributes that hold graphs.
const OF_GRAPHS: [i32; 2] = [5, 10];

/// A file of an export.
#[derive(Clone, Copy)]
pub(in crate::model::onnx) struct ExportFile<'m> {
    /// Relative to the folder that the session is given.
    pub name: &'m str,
    pub bytes: &'m [u8],
}

/// The graph of an export as the batch runs it; none where it is not laid out like one of onnxruntime-genai in single precision.
pub(in crate::model::onnx) fn on_pages(file: ExportFile) -> Option<BuiltGraph> {
    let mut layers = None;
    let mut out = file.with_graph(|export| {
        let (graph, shapes) = export.on_pages()?;
        layers = Some(shapes);
        Some(graph)
    })?;
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

/// The graph of an export that gives logits of the tokens in `wanted_rows` alone; none where its head is not found.
pub(in crate::model::onnx) fn of_wanted_rows(file: ExportFile) -> Option<Vec<u8>> {
    file.with_graph(Export::of_wanted_rows)
}

impl<'a> ExportFile<'a> {
    /// The whole with another graph.
    fn with_graph(self, change: impl FnOnce(&Export<'a>) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let (mut out, mut change) = (Vec::new(), Some(change));
        for field in Fields(self.bytes) {
            let field = field?;
            if field.number == model::GRAPH {
                let export = Export::read(self, field.content)?;
                put(&mut out, model::GRAPH, &change.take()?(&export)?);
            } else {
                out.extend_from_slice(field.whole);
            }
        }
        change.is_none().then_some(out)
    }

    /// A weight as it is, or where it lies in the file if it is large.
    fn weight(self, raw: &[u8]) -> Option<Vec<u8>> {
        let mut fields = Fields(raw).flatten();
        let Some(data) = fields.find(|f| f.number == tensor::RAW_DATA && f.content.len() >= LARGE)
        else {
            return Some(raw.to_vec());
        };
        let offset = data.content.as_ptr().addr() - self.bytes.as_ptr().addr();
        let mut kept = Vec::new();
        for field in Fields(raw) {
            let field = field?;
            if field.number != tensor::RAW_DATA {
                kept.extend_from_slice(field.whole);
            }
        }
        let place = Place {
            location: self.name,
            offset: offset as u64,
            length: data.content.len() as u64,
        };
        let outside = TensorProto {
            external_data: place.entries(),
            data_location: EXTERNAL,
            ..TensorProto::default()
        };
        // Fields of a message may stand in any order, and defaults are not written.
        kept.extend(outside.encode_to_vec());
        Some(kept)
    }
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
    file: ExportFile<'m>,
    nodes: Vec<(NodeProto, &'m [u8])>,
    inputs: BTreeMap<String, (ValueInfoProto, &'m [u8])>,
    weights: BTreeMap<String, (Vec<i64>, &'m [u8])>,
    logits: Option<ValueInfoProto>,
    /// Those but for the logits.
    outputs: Vec<&'m [u8]>,
    /// Fields that are copied.
    rest: Vec<&'m [u8]>,
}

impl<'m> Export<'m> {
    fn read(file: ExportFile<'m>, content: &'m [u8]) -> Option<Self> {
        let mut export = Self {
            file,
            nodes: Vec::new(),
            inputs: BTreeMap::new(),
            weights: BTreeMap::new(),
            logits: None,
            outputs: Vec::new(),
            rest: Vec::new(),
        };
        for field in Fields(content) {
            let field = field?;
            match field.number {
                graph::NODE => {
                    let node = NodeProto::decode(field.content).ok()?;
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
                    } else {
                        export.outputs.push(field.whole);
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
        let attributes = self.nodes.iter().flat_map(|(node, _)| &node.attribute);
        let mut kinds = attributes.map(|a| a.r#type);
        if !self.inputs.keys().all(|name| known(name)) || kinds.any(|k| OF_GRAPHS.contains(&k)) {
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
                rewritten.copy(node, raw);
            }
        }
        if rewritten.layers.is_empty() {
            return None;
        }
        rewritten.drop_unused();
        let layers = std::mem::take(&mut rewritten.layers);
        Some((self.write(&rewritten)?, layers))
    }

    /// The graph with logits of the wanted rows alone.
    fn of_wanted_rows(&self) -> Option<Vec<u8>> {
        let others = ["wanted_rows", "num_logits_to_keep"];
        if others.iter().any(|name| self.inputs.contains_key(*name)) {
            return None;
        }
        let head = self.head()?;
        let mut rewritten = Rewritten::default();
        for (number, (node, raw)) in self.nodes.iter().enumerate() {
            if number == head {
                rewritten.head(node, raw)?;
            } else {
                rewritten.copy(node, raw);
            }
        }
        let mut out = self.kept(&rewritten);
        for (_, raw) in self.weights.values() {
            put(&mut out, graph::INITIALIZER, &self.file.weight(raw)?);
        }
        for (_, whole) in self.inputs.values() {
            out.extend_from_slice(whole);
        }
        for whole in &self.outputs {
            out.extend_from_slice(whole);
        }
        self.write_ends(&mut out)?;
        Some(out)
    }

    /// Nodes, and what is copied.
    fn kept(&self, rewritten: &Rewritten) -> Vec<u8> {
        let mut out = Vec::new();
        for node in &rewritten.nodes {
            put(&mut out, graph::NODE, &node.raw);
        }
        for whole in &self.rest {
            out.extend_from_slice(whole);
        }
        out
    }

    /// The wanted rows as an input, and their logits as an output.
    fn write_ends(&self, out: &mut Vec<u8>) -> Option<()> {
        let named = |name: &str| Dimension::Named(name.to_owned());
        let wanted = info("wanted_rows", DataType::Int64, &[named("wanted")]);
        put(out, graph::INPUT, &wanted.encode_to_vec());
        let mut logits = self.logits.clone()?;
        let tensor = logits.r#type.as_mut()?.tensor_type.as_mut()?;
        let dims = &mut tensor.shape.as_mut()?.dim;
        if dims.len() != 3 {
            return None;
        }
        dims[1].value = Some(named("wanted"));
        put(out, graph::OUTPUT, &logits.encode_to_vec());
        Some(())
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
            let mut varying = node.input.iter().filter(|input| !self.is_fixed(input));
            name = varying.next()?;
            if varying.next().is_some() {
                return None;
            }
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
        let shape = self.cache_shape(input(3)?, settings.kv_heads)?;
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
            let turned = usize::try_from(*sizes.last()?).ok()?.checked_mul(2)?;
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
        let scale = if settings.scale == 0.0 {
            usual
        } else {
            settings.scale
        };
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
        rewritten.node(DOMAIN, OPERATOR, &inputs, &of, &[node.output.first()?]);
        rewritten.layers.push(shape);
        Some(())
    }

    /// What a layer keeps, by the shape of its cache: batch, heads, sequence, width.
    fn cache_shape(&self, past: &str, heads: usize) -> Option<LayerShape> {
        let (info, _) = self.inputs.get(past)?;
        let tensor = info.r#type.as_ref()?.tensor_type.as_ref()?;
        let dims = &tensor.shape.as_ref()?.dim;
        let known = |at: usize| match dims.get(at)?.value.as_ref()? {
            Dimension::Known(size) => count(*size).filter(|n| *n > 0),
            Dimension::Named(_) => None,
        };
        let shape = LayerShape {
            heads: known(1)?,
            width: known(3)?,
        };
        let single = tensor.elem_type == DataType::Float.number();
        (single && dims.len() == 4 && shape.heads == heads).then_some(shape)
    }

    /// The graph's bytes; none where something still needs what is not an input any more.
    fn write(&self, rewritten: &Rewritten) -> Option<Vec<u8>> {
        let needed: BTreeSet<&str> = rewritten
            .nodes
            .iter()
            .flat_map(|node| node.inputs.iter().map(String::as_str))
            .collect();
        let gone = |name: &&str| *name == "attention_mask" || name.starts_with("past_key_values.");
        if needed.iter().any(gone) {
            return None;
        }
        let mut out = self.kept(rewritten);
        for (name, (_, raw)) in &self.weights {
            if needed.contains(name.as_str()) {
                put(&mut out, graph::INITIALIZER, &self.file.weight(raw)?);
            }
        }
        for tensor in &rewritten.constants {
            put(&mut out, graph::INITIALIZER, &tensor.encode_to_vec());
        }
        let (_, ids) = self.inputs.get("input_ids")?;
        out.extend_from_slice(ids);
        let named = |name: &str| Dimension::Named(name.to_owned());
        let row = [named("batch_size"), named("sequence_length")];
        if needed.contains("position_ids") {
            let positions = info("position_ids", DataType::Int64, &row);
            put(&mut out, graph::INPUT, &positions.encode_to_vec());
        }
        self.write_ends(&mut out)?;
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
    fn copy(&mut self, node: &NodeProto, raw: &[u8]) {
        self.nodes.push(Node {
            raw: raw.to_vec(),
            inputs: node.input.clone(),
            outputs: node.output.clone(),
        });
    }

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
                "num_heads" => settings.heads = count(whole)?,
                "kv_num_heads" => settings.kv_heads = count(whole)?,
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

/// Heads, or numbers per head: no more than a model can have.
fn count(written: i64) -> Option<usize> {
    usize::try_from(written).ok().filter(|n| *n <= 1 << 16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// The fixture in a layout.
    fn fixture(layout: &str) -> Vec<u8> {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        std::fs::read(format!("{models}/qwen2-{layout}/model.onnx")).expect("the fixture")
    }

    fn file(bytes: &[u8]) -> ExportFile<'_> {
        ExportFile {
            name: "model.onnx",
            bytes,
        }
    }

    #[test]
    fn of_the_two_layouts_one_runs_on_pages_and_both_give_wanted_rows() {
        let (genai, optimum) = (fixture("genai"), fixture("optimum"));
        let graph = on_pages(file(&genai)).expect("it is laid out so that it can");
        assert_eq!(
            graph.layers,
            [LayerShape {
                heads: 2,
                width: 16
            }; 2]
        );
        assert!(on_pages(file(&optimum)).is_none());
        for export in [&genai, &optimum] {
            let rewritten = of_wanted_rows(file(export)).expect("its head is found");
            assert!(
                of_wanted_rows(file(&rewritten)).is_none(),
                "it is one already"
            );
        }
        let small = of_wanted_rows(file(&optimum)).expect("its head is found");
        assert!(
            small.len() * 2 < optimum.len(),
            "weights stay where they are"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_damage_stops_it(at in any::<Index>(), to in any::<u8>(), end in any::<Index>()) {
            let mut damaged = fixture("genai");
            let at = at.index(damaged.len());
            damaged[at] = to;
            let _ = (on_pages(file(&damaged)), of_wanted_rows(file(&damaged)));
            damaged.truncate(end.index(damaged.len()));
            let _ = (on_pages(file(&damaged)), of_wanted_rows(file(&damaged)));
        }
    }

    #[test]
    fn bytes_that_are_no_such_graph_are_left_alone() {
        for bytes in [&b""[..], &[7 << 3 | 2, 3, 1, 2, 3], &[7 << 3 | 2, 0]] {
            assert!(on_pages(file(bytes)).is_none());
            assert!(of_wanted_rows(file(bytes)).is_none());
        }
    }

    #[test]
    fn an_attribute_that_pages_do_not_know_is_not_passed_over() {
        let of = |name: &str, value: i64| attribute(name, &Setting::Int(value));
        let usual = [
            of("num_heads", 4),
            of("kv_num_heads", 2),
            of("do_rotary", 1),
        ];
        assert!(Settings::read(&usual).is_some_and(|s| s.rotary && s.heads == 4));
        let [heads, kv_heads, _] = usual;
        assert!(
            Settings::read(&[heads.clone(), kv_heads.clone(), of("smooth_softmax", 1)]).is_none()
        );
        assert!(Settings::read(&[heads.clone(), kv_heads, of("new", 0)]).is_none());
        assert!(Settings::read(&[heads]).is_none());
    }
}
