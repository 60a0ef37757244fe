//! The blocks that every family is built of. Hidden states are a matrix, tokens × hidden; which text a token is of matters to attention alone.

use super::attend::{self, Cached, Step};
use super::decoder::{Activation, Attention, Decoder, Layer, Mlp, Norm, Norms, Projections};
use super::proto::{DataType, Dimension};
use super::rotary::{Angles, Positions};
use super::weights::Weights;
use super::writer::{Setting, Value, Writer, length};
use super::{Attend, Form};
use crate::model::ModelError;
use crate::model::onnx::quantise::{BLOCK, Rounding, Uses};

/// A graph being built.
pub(super) struct Builder<'a> {
    writer: Writer,
    weights: Weights<'a>,
    decoder: &'a Decoder,
    form: Form,
}

type Built<T> = Result<T, ModelError>;

impl<'a> Builder<'a> {
    pub(super) fn new(decoder: &'a Decoder, weights: Weights<'a>, form: Form) -> Self {
        Self {
            writer: Writer::default(),
            weights,
            decoder,
            form,
        }
    }

    /// The whole graph, as a `ModelProto`, and what it does with its tensors.
    pub(super) fn graph(mut self) -> Built<(Vec<u8>, Uses)> {
        let decoder = self.decoder;
        let named = |name: &str| Dimension::Named(name.to_owned());
        let int64 = DataType::Int64;
        let tokens = [named("tokens")];
        let rows = [named("batch"), named("sequence")];
        let (row, lengths, mask) = match self.form.attend {
            Attend::Paged => (&tokens[..], &tokens[..], Value::none()),
            Attend::Grouped | Attend::Spelled => {
                let total = [named("batch"), named("total")];
                let mask = self.writer.input("attention_mask", int64, &total);
                (&rows[..], &[][..], mask)
            }
        };
        let ids = self.writer.input("input_ids", int64, row);
        let positions = self.writer.input("position_ids", int64, row);
        let text_length = match decoder.steady() {
            Some(_) => self.writer.input("text_length", int64, lengths),
            None => Value::none(),
        };
        let wanted = self.writer.input("wanted_rows", int64, &[named("wanted")]);
        let positions = Positions {
            of_tokens: &positions,
            text_length: &text_length,
        };
        let step = self.step(&mask, &positions);
        let mut hidden = self.embedded(&ids)?;
        if let Some(factor) = decoder.embedding_factor {
            let factor = self.number(factor);
            hidden = self.writer.op("Mul", &[&hidden, &factor], &[]);
        }
        for (number, layer) in decoder.layers.iter().enumerate() {
            hidden = self.layer(number, layer, &hidden, &step)?;
        }
        // Only the rows that are asked for continue.
        let rows = self.writer.op("Gather", &[&hidden, &wanted], &[]);
        let rows = self.norm(&format!("{}norm", decoder.prefix), &rows, decoder.hidden)?;
        let mut logits = self.head(&rows)?;
        if self.form.compute != DataType::Float {
            logits = self.writer.cast(&logits, DataType::Float);
        }
        let shape = [
            named("wanted"),
            Dimension::Known(length(decoder.vocabulary)),
        ];
        self.writer
            .output(&logits, "logits", DataType::Float, &shape);
        let uses = self.weights.finish(decoder.unused)?;
        Ok((self.writer.finish(), uses))
    }

    /// The embeddings of tokens. Those of a rounded model are cast row by row, so that there is no second copy of all.
    fn embedded(&mut self, ids: &Value) -> Built<Value> {
        let (name, size) = self.embeddings();
        let flat = self.writer.integers(&[-1]);
        let flat = self.writer.op("Reshape", &[ids, &flat], &[]);
        if self.form.rounded.is_none() {
            let embeddings = self.weight(&name, &size)?;
            return Ok(self.writer.op("Gather", &[&embeddings, &flat], &[]));
        }
        let (embeddings, kind) = self.weights.take_rows(&mut self.writer, &name, &size)?;
        let rows = self.writer.op("Gather", &[&embeddings, &flat], &[]);
        if kind == self.form.compute {
            return Ok(rows);
        }
        Ok(self.writer.cast(&rows, self.form.compute))
    }

    /// The name and the shape of the embeddings' tensor.
    fn embeddings(&self) -> (String, [usize; 2]) {
        let decoder = self.decoder;
        let name = format!("{}embed_tokens.weight", decoder.prefix);
        (name, [decoder.vocabulary, decoder.hidden])
    }

    /// A number in the type that the graph computes in.
    fn number(&mut self, value: f32) -> Value {
        self.writer.number_of(self.form.compute, value)
    }

    fn weight(&mut self, name: &str, shape: &[usize]) -> Built<Value> {
        self.weights.take(&mut self.writer, name, shape)
    }

    fn step(&mut self, mask: &Value, positions: &Positions) -> Step {
        let (form, writer) = (self.form, &mut self.writer);
        let rotaries = self.decoder.rotaries.iter();
        let angles = rotaries
            .map(|rotary| Angles::new(writer, rotary, positions, form.compute))
            .collect();
        let positions = positions.of_tokens;
        Step {
            form,
            angles,
            positions: positions.clone(),
            cached: match form.attend {
                Attend::Paged => Cached::none(),
                Attend::Grouped | Attend::Spelled => Cached::new(writer, mask, positions),
            },
        }
    }

    fn layer(&mut self, number: usize, layer: &Layer, hidden: &Value, step: &Step) -> Built<Value> {
        let (prefix, width) = (self.decoder.prefix, self.decoder.hidden);
        let name = |part: &str| format!("{prefix}layers.{number}.{part}");
        let around = matches!(layer.norms, Norms::Around);
        let before_mlp = match layer.norms {
            Norms::Before => "post_attention_layernorm",
            Norms::Around => "pre_feedforward_layernorm",
        };
        let normed = self.norm(&name("input_layernorm"), hidden, width)?;
        let mut seen = self.attention(number, &layer.attention, &normed, step)?;
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
            let one = self.number(1.0);
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
        let (weight, shape) = (format!("{name}.weight"), [outputs, inputs]);
        if let Some(rounding) = self.form.rounded {
            let product = self.rounded(&weight, value, shape, rounding)?;
            if !bias {
                return Ok(product);
            }
            let bias = self.weight(&format!("{name}.bias"), &[outputs])?;
            return Ok(self.writer.op("Add", &[&product, &bias], &[]));
        }
        let weight = self.matrix(&weight, &shape)?;
        let settings = [("transB", Setting::Int(1))];
        if bias {
            let bias = self.weight(&format!("{name}.bias"), &[outputs])?;
            return Ok(self.writer.op("Gemm", &[value, &weight, &bias], &settings));
        }
        Ok(self.writer.op("Gemm", &[value, &weight], &settings))
    }

    fn matrix(&mut self, name: &str, shape: &[usize]) -> Built<Value> {
        self.weights.take_matrix(&mut self.writer, name, shape)
    }

    /// A linear map whose matrix is rounded: outputs × inputs. The inputs are rounded to 8 bits as well, block by block (`accuracy_level` 4): ONNX Runtime
    /// has no fast kernel for 8 bits that does without, and that for 4 bits is slower than single precision.
    fn rounded(
        &mut self,
        name: &str,
        value: &Value,
        [outputs, inputs]: [usize; 2],
        rounding: Rounding,
    ) -> Built<Value> {
        let shape = [outputs, inputs];
        let writer = &mut self.writer;
        let [blocks, scales] = self.weights.take_rounded(writer, name, shape, rounding)?;
        let settings = [
            ("K", Setting::Int(length(inputs))),
            ("N", Setting::Int(length(outputs))),
            ("bits", Setting::Int(length(rounding.bits()))),
            ("block_size", Setting::Int(length(BLOCK))),
            ("accuracy_level", Setting::Int(4)),
        ];
        let [product] = writer.microsoft("MatMulNBits", &[value, &blocks, &scales], &settings);
        Ok(product)
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
        step: &Step,
    ) -> Built<Value> {
        let name = format!("{}layers.{layer}.self_attn", self.decoder.prefix);
        let hidden = self.decoder.hidden;
        let (width, shared) = (
            attention.heads * attention.width,
            attention.kv_heads * attention.width,
        );
        let [queries, keys, values] = match attention.projections {
            Projections::Separate { bias } => [
                self.linear(&format!("{name}.q_proj"), value, (hidden, width), bias)?,
                self.linear(&format!("{name}.k_proj"), value, (hidden, shared), bias)?,
                self.linear(&format!("{name}.v_proj"), value, (hidden, shared), bias)?,
            ],
            Projections::Packed => {
                let all = width + 2 * shared;
                let packed =
                    self.linear(&format!("{name}.qkv_proj"), value, (hidden, all), false)?;
                self.columns(&packed, [width, shared, shared])
            }
        };
        let queries = self.head_norm(&format!("{name}.q_norm"), attention, queries)?;
        let keys = self.head_norm(&format!("{name}.k_norm"), attention, keys)?;
        let angles = &step.angles[attention.rotary];
        let queries = angles.turn(&mut self.writer, &queries, attention.heads, attention.width);
        let keys = angles.turn(&mut self.writer, &keys, attention.kv_heads, attention.width);
        let own = [&queries, &keys, &values];
        let seen = attend::seen(&mut self.writer, layer, attention, own, step);
        let by_token = self.writer.integers(&[-1, length(width)]);
        let seen = self.writer.op("Reshape", &[&seen, &by_token], &[]);
        self.linear(
            &format!("{name}.o_proj"),
            &seen,
            (width, hidden),
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
        let (embeddings, size) = self.embeddings();
        let name = decoder.head.map_or(embeddings, str::to_owned);
        if let Some(rounding) = self.form.rounded {
            let logits = self.rounded(&name, rows, size, rounding)?;
            return Ok(self.capped(logits));
        }
        let packed = self.form.attend == Attend::Paged;
        let weight = match decoder.head {
            None if packed => self.weights.take_again(&mut self.writer, &name, &size)?,
            _ => self.matrix(&name, &size)?,
        };
        // On the CPU, of a matrix from the right, which ONNX Runtime packs, a row's products do not depend on how many rows there are. Elsewhere its packed
        // copy would be a second one where the embeddings are the head, or where the first was made by a cast.
        let has_copy = decoder.head.is_none_or(|name| self.weights.is_cast(name));
        let logits = if has_copy && !packed {
            let turn = [("perm", Setting::Ints(vec![1, 0]))];
            let columns = self.writer.op("Transpose", &[rows], &turn);
            let logits = self.writer.op("MatMul", &[&weight, &columns], &[]);
            self.writer.op("Transpose", &[&logits], &turn)
        } else {
            let settings = [("transB", Setting::Int(1))];
            self.writer.op("Gemm", &[rows, &weight], &settings)
        };
        Ok(self.capped(logits))
    }

    /// Logits under their soft cap.
    fn capped(&mut self, logits: Value) -> Value {
        let Some(cap) = self.decoder.cap else {
            return logits;
        };
        let cap = self.number(cap);
        let part = self.writer.op("Div", &[&logits, &cap], &[]);
        let part = self.writer.op("Tanh", &[&part], &[]);
        self.writer.op("Mul", &[&part, &cap], &[])
    }
}
