//! Puts a graph together, node by node.

use prost::Message;

use super::proto::{
    AttributeProto, DataType, Dimension, DimensionProto, EXTERNAL, GraphProto, ModelProto,
    NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::model::onnx::paged_operator::DOMAIN as OWN;

/// The version of ONNX's own operators.
const OPSET: i64 = 21;
/// The version of the file format that goes with it.
const IR_VERSION: i64 = 10;
/// ONNX Runtime's own operators.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// What flows along an edge, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value(String);

impl Value {
    /// The place of an optional input that is not given.
    pub(super) fn none() -> Self {
        Self(String::new())
    }
}

/// A setting of a node.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
}

/// The bytes of a file that an initializer is.
pub(super) struct Place<'a> {
    /// Relative to the folder that the session is given.
    pub location: &'a str,
    pub offset: u64,
    pub length: u64,
}

impl Place<'_> {
    /// As a tensor says it.
    pub(super) fn entries(&self) -> Vec<StringStringEntryProto> {
        let entry = |key: &str, value: String| StringStringEntryProto {
            key: key.to_owned(),
            value,
        };
        vec![
            entry("location", self.location.to_owned()),
            entry("offset", self.offset.to_string()),
            entry("length", self.length.to_string()),
        ]
    }
}

#[derive(Default)]
pub(super) struct Writer {
    graph: GraphProto,
    named: usize,
}

impl Writer {
    /// An input of the graph.
    pub(super) fn input(&mut self, name: &str, kind: DataType, shape: &[Dimension]) -> Value {
        self.graph.input.push(info(name, kind, shape));
        Value(name.to_owned())
    }

    /// Makes a value an output of the graph, under the output's name.
    pub(super) fn output(
        &mut self,
        value: &Value,
        name: &str,
        kind: DataType,
        shape: &[Dimension],
    ) {
        self.graph.output.push(info(name, kind, shape));
        self.node("", "Identity", &[value], &[], vec![name.to_owned()]);
    }

    /// A node of ONNX's own operators, with one output.
    pub(super) fn op(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        settings: &[(&str, Setting)],
    ) -> Value {
        let name = self.name(operator);
        self.node("", operator, inputs, settings, vec![name.clone()]);
        Value(name)
    }

    /// A node of ONNX's own operators, with several outputs.
    pub(super) fn split<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        settings: &[(&str, Setting)],
    ) -> [Value; N] {
        let names: [String; N] = std::array::from_fn(|_| self.name(operator));
        self.node("", operator, inputs, settings, names.to_vec());
        names.map(Value)
    }

    /// A node of candor's own operators, with one output.
    pub(super) fn own(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        settings: &[(&str, Setting)],
    ) -> Value {
        let name = self.name(operator);
        self.node(OWN, operator, inputs, settings, vec![name.clone()]);
        Value(name)
    }

    /// A node of ONNX Runtime's own operators.
    pub(super) fn microsoft<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        settings: &[(&str, Setting)],
    ) -> [Value; N] {
        let names: [String; N] = std::array::from_fn(|_| self.name(operator));
        self.node(MICROSOFT, operator, inputs, settings, names.to_vec());
        names.map(Value)
    }

    pub(super) fn numbers(&mut self, values: &[f32]) -> Value {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Float, vec![length(values.len())], raw)
    }

    /// A number without dimensions.
    pub(super) fn number(&mut self, value: f32) -> Value {
        self.number_of(DataType::Float, value)
    }

    /// A number without dimensions, in single or half precision.
    pub(super) fn number_of(&mut self, kind: DataType, value: f32) -> Value {
        let raw = match kind {
            DataType::Float16 => half::f16::from_f32(value).to_le_bytes().to_vec(),
            DataType::Bfloat16 => half::bf16::from_f32(value).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        };
        self.constant(kind, Vec::new(), raw)
    }

    /// A value in another type.
    pub(super) fn cast(&mut self, value: &Value, to: DataType) -> Value {
        let to = Setting::Int(i64::from(to.number()));
        self.op("Cast", &[value], &[("to", to)])
    }

    pub(super) fn integers(&mut self, values: &[i64]) -> Value {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Int64, vec![length(values.len())], raw)
    }

    /// An integer without dimensions.
    pub(super) fn integer(&mut self, value: i64) -> Value {
        self.constant(DataType::Int64, Vec::new(), value.to_le_bytes().to_vec())
    }

    fn constant(&mut self, kind: DataType, dims: Vec<i64>, raw: Vec<u8>) -> Value {
        let name = self.name("constant");
        self.graph.initializer.push(TensorProto {
            dims,
            data_type: kind.number(),
            name: name.clone(),
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        Value(name)
    }

    /// A tensor whose numbers stay in a file.
    pub(super) fn external(
        &mut self,
        name: &str,
        kind: DataType,
        shape: &[usize],
        place: &Place,
    ) -> Value {
        self.graph.initializer.push(TensorProto {
            dims: shape.iter().map(|n| length(*n)).collect(),
            data_type: kind.number(),
            name: name.to_owned(),
            external_data: place.entries(),
            data_location: EXTERNAL,
            ..TensorProto::default()
        });
        Value(name.to_owned())
    }

    /// The whole as a `ModelProto`.
    pub(super) fn finish(mut self) -> Vec<u8> {
        "decoder".clone_into(&mut self.graph.name);
        let opset = |domain: &str, version| OperatorSetIdProto {
            domain: domain.to_owned(),
            version,
        };
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "candor".to_owned(),
            graph: Some(self.graph),
            opset_import: vec![opset("", OPSET), opset(MICROSOFT, 1), opset(OWN, 1)],
        };
        model.encode_to_vec()
    }

    fn name(&mut self, of: &str) -> String {
        self.named += 1;
        format!("{of}_{}", self.named)
    }

    fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&Value],
        settings: &[(&str, Setting)],
        output: Vec<String>,
    ) {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|v| v.0.clone()).collect(),
            name: format!("node:{}", output[0]),
            output,
            op_type: operator.to_owned(),
            attribute: settings.iter().map(|(n, s)| attribute(n, s)).collect(),
            domain: domain.to_owned(),
        });
    }
}

pub(super) fn attribute(name: &str, setting: &Setting) -> AttributeProto {
    let mut attribute = AttributeProto {
        name: name.to_owned(),
        ..AttributeProto::default()
    };
    // `AttributeProto.AttributeType`: FLOAT, INT, STRING, INTS.
    match setting {
        Setting::Float(value) => (attribute.r#type, attribute.f) = (1, Some(*value)),
        Setting::Int(value) => (attribute.r#type, attribute.i) = (2, Some(*value)),
        Setting::Text(value) => {
            (attribute.r#type, attribute.s) = (3, Some(value.as_bytes().to_vec()));
        }
        Setting::Ints(values) => (attribute.r#type, attribute.ints) = (7, values.clone()),
    }
    attribute
}

pub(super) fn info(name: &str, kind: DataType, shape: &[Dimension]) -> ValueInfoProto {
    let dim = shape.iter().map(|d| DimensionProto {
        value: Some(d.clone()),
    });
    let tensor = TensorTypeProto {
        elem_type: kind.number(),
        shape: Some(TensorShapeProto { dim: dim.collect() }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
    }
}

/// A count as ONNX writes it.
pub(super) fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
