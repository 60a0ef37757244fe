//! Exports, taken apart: logits of the wanted rows alone, and attention over pages in place of caches that go in and come out, be it that of
//! onnxruntime-genai ([`genai`]) or spelled out as optimum exports it ([`optimum`]). The file stays as it is, and weights are read from where they are, be
//! it from the middle of it.
//!
//! The messages are those of `onnx.proto3`; what is not changed is copied byte by byte.

mod genai;
mod optimum;
mod rewritten;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::BuiltGraph;
use super::decoder::Decoder;
use super::proto::{
    DataType, Dimension, EXTERNAL, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use super::writer::{Place, info};
use crate::model::onnx::extended::{Fields, LENGTH, put_varint};
use crate::model::onnx::paged_operator::{DOMAIN, LayerShape};
use optimum::Spelled;
use rewritten::Rewritten;

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

/// The graph of an export in single precision as the batch runs it; none where it is not laid out like one of onnxruntime-genai, or like one of optimum whose
/// configuration says what its layers see.
pub(super) fn on_pages(file: ExportFile, decoder: Option<&Decoder>) -> Option<BuiltGraph> {
    let mut layers = None;
    let mut out = file.with_graph(|export| {
        let (graph, shapes) = export.on_pages(decoder)?;
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

    /// A weight as it is, or where it is in the file if it is large.
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
        // Fields of a message may be in any order, and defaults are not written.
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

/// Heads, or numbers per head: no more than a model can have.
fn count(written: i64) -> Option<usize> {
    usize::try_from(written).ok().filter(|n| *n <= 1 << 16)
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
    fn on_pages(&self, decoder: Option<&Decoder>) -> Option<(Vec<u8>, Vec<LayerShape>)> {
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
        let grouped = |(node, _): &(NodeProto, _)| node.op_type == genai::ATTENTION;
        let spelled = if self.nodes.iter().any(grouped) {
            BTreeMap::new()
        } else {
            Spelled::new(self).layers(decoder?)?
        };
        let mut rewritten = Rewritten::default();
        for (number, (node, raw)) in self.nodes.iter().enumerate() {
            if node.op_type == genai::ATTENTION {
                self.grouped_attention(node, &mut rewritten)?;
            } else if let Some(layer) = spelled.get(&number) {
                layer.write(&mut rewritten);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::{Value, json};

    use super::super::described;
    use super::*;

    /// The fixture in a layout.
    fn fixture(layout: &str) -> Vec<u8> {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        std::fs::read(format!("{models}/qwen2-{layout}/model.onnx")).expect("the fixture")
    }

    /// What the fixture's configuration says, after a change.
    fn decoder(change: impl FnOnce(&mut Value)) -> Option<Decoder> {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        let path = format!("{models}/qwen2-optimum/config.json");
        let text = std::fs::read_to_string(path).expect("the configuration");
        let mut config = serde_json::from_str(&text).expect("JSON");
        change(&mut config);
        described(&config)
    }

    #[test]
    fn an_export_that_its_configuration_does_not_describe_is_left_as_it_is() {
        let optimum = fixture("optimum");
        let other = |key: &str, value: Value| {
            let decoder = decoder(|config| config[key] = value);
            on_pages(file(&optimum), decoder.as_ref()).is_none()
        };
        assert!(on_pages(file(&optimum), None).is_none());
        assert!(other("architectures", json!(["OtherForCausalLM"])));
        assert!(other("num_hidden_layers", json!(3)));
        assert!(other("num_key_value_heads", json!(4)));
        assert!(other("hidden_size", json!(128)));
        let stretched = json!({"rope_type": "dynamic", "factor": 2.0});
        assert!(other("rope_scaling", stretched));
        assert!(!other("vocab_size", json!(384)));
    }

    fn file(bytes: &[u8]) -> ExportFile<'_> {
        ExportFile {
            name: "model.onnx",
            bytes,
        }
    }

    #[test]
    fn both_layouts_run_on_pages_and_give_wanted_rows() {
        let (genai, optimum) = (fixture("genai"), fixture("optimum"));
        let decoder = decoder(|_| ()).expect("a family");
        let of_optimum = || on_pages(file(&optimum), Some(&decoder));
        for graph in [on_pages(file(&genai), None), of_optimum()] {
            let graph = graph.expect("it is laid out so that it can");
            let kept = LayerShape {
                heads: 2,
                width: 16,
            };
            assert_eq!(graph.layers, [kept; 2]);
        }
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
            let _ = (on_pages(file(&damaged), None), of_wanted_rows(file(&damaged)));
            damaged.truncate(end.index(damaged.len()));
            let _ = (on_pages(file(&damaged), None), of_wanted_rows(file(&damaged)));
            let decoder = decoder(|_| ()).expect("a family");
            let mut damaged = fixture("optimum");
            let at = at.min(damaged.len() - 1);
            damaged[at] = to;
            let _ = on_pages(file(&damaged), Some(&decoder));
        }
    }

    #[test]
    fn bytes_that_are_no_such_graph_are_left_alone() {
        for bytes in [&b""[..], &[7 << 3 | 2, 3, 1, 2, 3], &[7 << 3 | 2, 0]] {
            assert!(on_pages(file(bytes), None).is_none());
            assert!(of_wanted_rows(file(bytes)).is_none());
        }
    }
}
