//! An export's graph while it is rewritten.

use std::collections::BTreeSet;

use prost::Message;

use super::put;
use crate::model::onnx::build::proto::{DataType, NodeProto, TensorProto};
use crate::model::onnx::build::writer::{Setting, attribute, length};
use crate::model::onnx::extended::Fields;
use crate::model::onnx::paged_operator::LayerShape;

/// A node as it is in the file, or as it was changed.
pub(super) struct Node {
    pub raw: Vec<u8>,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
}

/// A graph being rewritten.
#[derive(Default)]
pub(super) struct Rewritten {
    pub nodes: Vec<Node>,
    pub constants: Vec<TensorProto>,
    pub layers: Vec<LayerShape>,
}

impl Rewritten {
    pub(super) fn copy(&mut self, node: &NodeProto, raw: &[u8]) {
        self.nodes.push(Node {
            raw: raw.to_vec(),
            inputs: node.input.clone(),
            outputs: node.output.clone(),
        });
    }

    pub(super) fn node(
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

    pub(super) fn integers(&mut self, name: &str, values: &[usize]) {
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
    pub(super) fn split(&mut self, layer: usize, packed: &str, widths: [usize; 3]) -> [String; 3] {
        let sizes = format!("candor/widths.{layer}");
        self.integers(&sizes, &widths);
        let parts = ["queries", "keys", "values"].map(|part| format!("candor/{part}.{layer}"));
        let along = [("axis", Setting::Int(-1))];
        let outputs = parts.each_ref().map(String::as_str);
        self.node("", "Split", &[packed, &sizes], &along, &outputs);
        parts
    }

    /// The head, of the wanted rows alone.
    pub(super) fn head(&mut self, node: &NodeProto, raw: &[u8]) -> Option<()> {
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

    /// Takes out the nodes that lead to no logits. Nodes are behind those that they need.
    pub(super) fn drop_unused(&mut self) {
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
