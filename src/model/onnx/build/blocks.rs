//! The blocks that every family is built of. Hidden states are a matrix, tokens × hidden; which text a token is of matters to attention alone.

use super::decoder::{Activation, Attention, Decoder, Layer, Mlp, Norm, Norms, Projections};
use super::proto::{DataType, Dimension};
use super::rotary::{Angles, Positions};
use super::weights::Weights;
use super::writer::{Setting, Value, Writer, length};
use crate::model::ModelError;
use crate::model::onnx::paged_operator::OPERATOR;

/// A graph being built.
pub(super) struct Builder<'a> {
    writer: Writer,
    weights: Weights<'a>,
    decoder: &'a Decoder,
}

type Built<T> = Result<T, ModelError>;

impl<'a> Builder<'a> {
    pub(super) fn new(decoder: &'a Decoder, weights: Weights<'a>) -> Self {
        Self {
            writer: Writer::default(),
            weights,
            decoder,
        }
    }

    /// The whole graph, as a `ModelProto`.
    pub(super) fn graph(mut self) -> Built<Vec<u8>> {
        let decoder = self.decoder;
        let named = |name: &str| Dimension::Named(name.to_owned());
        let int64 = DataType::Int64;
        let row = [named("tokens")];
        let ids = self.writer.input("input_ids", int64, &row);
        let positions = self.writer.input("position_ids", int64, &row);
        let text_length = match decoder.steady() {
            Some(_) => self.writer.input("text_length", int64, &row),
            None => Value::none(),
        };
        let wanted = self.writer.input("wanted_rows", int64, &[named("wanted")]);
        let positions = Positions {
            of_tokens: &positions,
            text_length: &text_length,
        };
        let rotaries = decoder.rotaries.iter();
        let angles: Vec<Angles> = rotaries
            .map(|rotary| Angles::new(&mut self.writer, rotary, &positions))
            .collect();
        let name = format!("{}embed_tokens.weight", decoder.prefix);
        let embeddings = self.weight(&name, &[decoder.vocabulary, decoder.hidden])?;
        let mut hidden = self.writer.op("Gather", &[&embeddings, &ids], &[]);
        if let Some(factor) = decoder.embedding_factor {
            let factor = self.writer.number(factor);
            hidden = self.writer.op("Mul", &[&hidden, &factor], &[]);
        }
        for (number, layer) in decoder.layers.iter().enumerate() {
            hidden = self.layer(number, layer, &hidden, &angles)?;
        }
        // Only the rows that are asked for go on.
        let rows = self.writer.op("Gather", &[&hidden, &wanted], &[]);
        let rows = self.norm(&format!("{}norm", decoder.prefix), &rows, decoder.hidden)?;
        let logits = self.head(&rows)?;
        let shape = [
            named("wanted"),
            Dimension::Known(length(decoder.vocabulary)),
        ];
        self.writer
            .output(&logits, "logits", DataType::Float, &shape);
        self.weights.finish(decoder.unused)?;
        Ok(self.writer.finish())
    }

    fn weight(&mut self, name: &str, shape: &[usize]) -> Built<Value> {
        self.weights.take(&mut self.writer, name, shape)
    }

    fn layer(
        &mut self,
        number: usize,
        layer: &Layer,
        hidden: &Value,
        angles: &[Angles],
    ) -> Built<Value> {
        let (prefix, width) = (self.decoder.prefix, self.decoder.hidden);
        let name = |part: &str| format!("{prefix}layers.{number}.{part}");
        let around = matches!(layer.norms, Norms::Around);
        let before_mlp = match layer.norms {
            Norms::Before => "post_attention_layernorm",
            Norms::Around => "pre_feedforward_layernorm",
        };
        let normed = self.norm(&name("input_layernorm"), hidden, width)?;
        let mut seen = self.attention(number, &layer.attention, &normed, angles)?;
        if around {
            seen = self.norm(&name("post_attention_layernorm"), &seen, width)?;
        }
        let hidden = self.writer.op("Add", &[hidden, &seen], &[]);
        let normed = self.norm(&name(before_mlp), &hidden, width)?;
        let mut thought = self.mlp(&name("mlp"), &layer.mlp, &normed)?;
        if around {
            thought = self.norm(&name("post_feedforward_layernorm"), &thought, width)?;
        }
        Ok(self.writer.op("Add", &[&hidden, &thought], &[]))
    }

    fn norm(&mut self, name: &str, value: &Value, width: usize) -> Built<Value> {
        let Norm { epsilon, from_one } = self.decoder.norm;
        let mut weight = self.weight(&format!("{name}.weight"), &[width])?;
        if from_one {
            let one = self.writer.number(1.0);
            weight = self.writer.op("Add", &[&weight, &one], &[]);
        }
        let settings = [
            ("axis", Setting::Int(-1)),
            ("epsilon", Setting::Float(epsilon)),
            ("stash_type", Setting::Int(1)),
        ];
        Ok(self
            .writer
            .op("SimplifiedLayerNormalization", &[value, &weight], &settings))
    }

    /// A linear map as `PyTorch` keeps it: outputs × inputs.
    fn linear(
        &mut self,
        name: &str,
        value: &Value,
        (inputs, outputs): (usize, usize),
        bias: bool,
    ) -> Built<Value> {
        let weight = self.weight(&format!("{name}.weight"), &[outputs, inputs])?;
        let settings = [("transB", Setting::Int(1))];
        if bias {
            let bias = self.weight(&format!("{name}.bias"), &[outputs])?;
            return Ok(self.writer.op("Gemm", &[value, &weight, &bias], &settings));
        }
        Ok(self.writer.op("Gemm", &[value, &weight], &settings))
    }

    /// Parts of a matrix's columns.
    fn columns<const N: usize>(&mut self, value: &Value, widths: [usize; N]) -> [Value; N] {
        let sizes = self.writer.integers(&widths.map(length));
        self.writer
            .split("Split", &[value, &sizes], &[("axis", Setting::Int(-1))])
    }

    fn attention(
        &mut self,
        layer: usize,
        attention: &Attention,
        value: &Value,
        angles: &[Angles],
    ) -> Built<Value> {
        let name = format!("{}layers.{layer}.self_attn", self.decoder.prefix);
        let hidden = self.decoder.hidden;
        let (own, shared) = (
            attention.heads * attention.width,
            attention.kv_heads * attention.width,
        );
        let [queries, keys, values] = match attention.projections {
            Projections::Separate { bias } => [
                self.linear(&format!("{name}.q_proj"), value, (hidden, own), bias)?,
                self.linear(&format!("{name}.k_proj"), value, (hidden, shared), bias)?,
                self.linear(&format!("{name}.v_proj"), value, (hidden, shared), bias)?,
            ],
            Projections::Packed => {
                let all = own + 2 * shared;
                let packed =
                    self.linear(&format!("{name}.qkv_proj"), value, (hidden, all), false)?;
                self.columns(&packed, [own, shared, shared])
            }
        };
        let queries = self.head_norm(&format!("{name}.q_norm"), attention, queries)?;
        let keys = self.head_norm(&format!("{name}.k_norm"), attention, keys)?;
        let angles = &angles[attention.rotary];
        let queries = angles.turn(&mut self.writer, &queries, attention.heads, attention.width);
        let keys = angles.turn(&mut self.writer, &keys, attention.kv_heads, attention.width);
        let seen = self.over_pages(layer, attention, [&queries, &keys, &values]);
        let by_token = self.writer.integers(&[-1, length(own)]);
        let seen = self.writer.op("Reshape", &[&seen, &by_token], &[]);
        self.linear(
            &format!("{name}.o_proj"),
            &seen,
            (own, hidden),
            attention.output_bias,
        )
    }

    fn head_norm(&mut self, name: &str, attention: &Attention, value: Value) -> Built<Value> {
        if !attention.head_norms {
            return Ok(value);
        }
        let by_head = self.writer.integers(&[-1, length(attention.width)]);
        let heads = self.writer.op("Reshape", &[&value, &by_head], &[]);
        self.norm(name, &heads, attention.width)
    }

    /// Attention over what is kept of each token's text and the step's own tokens, which are kept too.
    fn over_pages(
        &mut self,
        layer: usize,
        attention: &Attention,
        [queries, keys, values]: [&Value; 3],
    ) -> Value {
        let mut settings = vec![
            ("layer", Setting::Int(length(layer))),
            ("heads", Setting::Int(length(attention.heads))),
            ("scale", Setting::Float(attention.scale)),
        ];
        if let Some(window) = attention.window {
            settings.push(("window", Setting::Int(length(window))));
        }
        if let Some(cap) = attention.cap {
            settings.push(("softcap", Setting::Float(cap)));
        }
        self.writer
            .own(OPERATOR, &[queries, keys, values], &settings)
    }

    fn mlp(&mut self, name: &str, mlp: &Mlp, value: &Value) -> Built<Value> {
        let (hidden, width) = (self.decoder.hidden, mlp.width);
        let [gate, up] = if mlp.packed {
            let name = format!("{name}.gate_up_proj");
            let packed = self.linear(&name, value, (hidden, 2 * width), mlp.bias)?;
            self.columns(&packed, [width, width])
        } else {
            [
                self.linear(
                    &format!("{name}.gate_proj"),
                    value,
                    (hidden, width),
                    mlp.bias,
                )?,
                self.linear(&format!("{name}.up_proj"), value, (hidden, width), mlp.bias)?,
            ]
        };
        let gate = self.activation(mlp.activation, &gate);
        let gated = self.writer.op("Mul", &[&gate, &up], &[]);
        self.linear(
            &format!("{name}.down_proj"),
            &gated,
            (width, hidden),
            mlp.bias,
        )
    }

    fn activation(&mut self, activation: Activation, value: &Value) -> Value {
        match activation {
            Activation::Silu => {
                let opened = self.writer.op("Sigmoid", &[value], &[]);
                self.writer.op("Mul", &[value, &opened], &[])
            }
            Activation::GeluTanh => {
                let by = [("approximate", Setting::Text("tanh"))];
                self.writer.op("Gelu", &[value], &by)
            }
            Activation::Gelu => self.writer.op("Gelu", &[value], &[]),
        }
    }

    /// Logits: rows × vocabulary.
    fn head(&mut self, rows: &Value) -> Built<Value> {
        let decoder = self.decoder;
        let size = [decoder.vocabulary, decoder.hidden];
        let weight = match decoder.head {
            Some(name) => self.weight(name, &size)?,
            None => {
                let name = format!("{}embed_tokens.weight", decoder.prefix);
                self.weights.take_again(&mut self.writer, &name, &size)?
            }
        };
        // Of a matrix from the right, which ONNX Runtime packs, a row's products do not depend on how many rows there are.
        let settings = [("transB", Setting::Int(1))];
        let mut logits = self.writer.op("Gemm", &[rows, &weight], &settings);
        if let Some(cap) = decoder.cap {
            let cap = self.writer.number(cap);
            let part = self.writer.op("Div", &[&logits, &cap], &[]);
            let part = self.writer.op("Tanh", &[&part], &[]);
            logits = self.writer.op("Mul", &[&part, &cap], &[]);
        }
        Ok(logits)
    }
}
