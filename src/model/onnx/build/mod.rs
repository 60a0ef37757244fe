//! ONNX graphs built from published weights: `config.json` says which family and of what size, the tensors stay where they are in their files.
//!
//! A family is one file, which says how its models depart from the usual decoder, and one line in [`FAMILIES`].

mod attend;
mod blocks;
mod config;
mod decoder;
mod exported;
mod gemma;
mod llama;
mod phi3;
mod proto;
mod qwen2;
mod qwen3;
mod rotary;
mod shared;
mod spelled;
mod weights;
mod writer;

use serde_json::Value;

use super::Device;
use super::files_error;
use super::paged_operator::LayerShape;
use super::quantise::{Rounding, Uses};
use super::weights::{Checkpoint, Element};
use crate::model::ModelError;
use crate::text::visible_line;
use blocks::Builder;
use config::Config;
use decoder::Decoder;
pub(super) use exported::{ExportFile, MAX_BYTES, of_wanted_rows};
use proto::DataType;
use rotary::Rotary;
use weights::Weights;

/// Part of a model's identity: another number where graphs of the same weights compute otherwise than before.
pub(super) const REVISION: u32 = 2;

type Describe = fn(Config) -> Result<Decoder, ModelError>;

/// The architectures that graphs are built of, as `config.json` names them.
const FAMILIES: &[(&str, Describe)] = &[
    ("LlamaForCausalLM", llama::describe),
    ("MistralForCausalLM", llama::describe_mistral),
    ("Qwen2ForCausalLM", qwen2::describe),
    ("Qwen3ForCausalLM", qwen3::describe),
    ("Gemma2ForCausalLM", gemma::describe_2),
    ("Gemma3ForCausalLM", gemma::describe_3),
    ("Gemma3ForConditionalGeneration", gemma::describe_3_seeing),
    ("Phi3ForCausalLM", phi3::describe),
];

/// How attention is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attend {
    /// As candor's own operator, over pages.
    Paged,
    /// As ONNX Runtime's own operator, over a cache.
    Grouped,
    /// Out of ONNX's operators, over a cache.
    Spelled,
}

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    compute: DataType,
    attend: Attend,
    /// What the checkpoint's matrices are rounded to, where it is one of rounded ones.
    rounded: Option<Rounding>,
}

impl Form {
    /// That for a device, of weights in some precision. The CPU computes in single precision, over pages; a GPU in that of the weights, with ONNX Runtime's
    /// attention in half precision, which is all that its CUDA provider has of it.
    pub(super) fn of(device: Device, checkpoint: &Checkpoint) -> Self {
        let compute = match device {
            Device::Cpu => DataType::Float,
            Device::Cuda(_) | Device::TensorRt(_) => match checkpoint.element() {
                Some(Element::F16) => DataType::Float16,
                Some(Element::Bf16) => DataType::Bfloat16,
                _ => DataType::Float,
            },
        };
        let attend = match (device, compute) {
            (Device::Cpu, _) => Attend::Paged,
            (Device::Cuda(_) | Device::TensorRt(_), DataType::Float) => Attend::Spelled,
            (Device::Cuda(_) | Device::TensorRt(_), _) => Attend::Grouped,
        };
        Self {
            compute,
            attend,
            rounded: None,
        }
    }

    /// The same of a checkpoint of rounded weights.
    pub(super) fn rounded(self, rounding: Rounding) -> Self {
        Self {
            rounded: Some(rounding),
            ..self
        }
    }

    /// What represents it in a model's identity.
    pub(super) fn name(self) -> &'static str {
        match self.compute {
            DataType::Float16 => "f16",
            DataType::Bfloat16 => "bf16",
            _ => "f32",
        }
    }
}

/// The graph of a model.
pub(super) struct BuiltGraph {
    /// A `ModelProto`. Inputs over pages, a number per token of a step: `input_ids`, `position_ids` (in its own text), and where that matters `text_length`
    /// (of its text); and `wanted_rows`, which of the step's tokens to give logits of. Output: `logits` (wanted × vocabulary, in single precision).
    /// Over a cache, tokens are batch × sequence, of one text whose one `text_length` is; there are also an `attention_mask`, and the cache, which goes in
    /// and comes out.
    pub model: Vec<u8>,
    /// What each layer's attention keeps of a token.
    pub layers: Vec<LayerShape>,
    /// The longest text in which a token's keys and values do not depend on how long the text is; any text where none.
    pub steady: Option<usize>,
}

/// Builds the graph of a model. Gives also what it does with the tensors.
///
/// # Errors
/// [`crate::model::ErrorClass::Files`] names the architecture, key or tensor that does not fit.
pub(super) fn graph(
    config: &Value,
    checkpoint: &Checkpoint,
    form: Form,
) -> Result<(BuiltGraph, Uses), ModelError> {
    if let Some(quantised) = config.get("quantization_config").filter(|q| !q.is_null()) {
        let method = quantised.get("quant_method").and_then(Value::as_str);
        return Err(files_error(format!(
            "config.json: the weights are quantised ({}), which is not supported; use the model's F32, F16 or BF16 weights, or an ONNX export",
            visible_line(method.unwrap_or("by a method that it does not name"))
        )));
    }
    let (architecture, describe) = family(config)?;
    let decoder = describe(Config::of_text(config))?;
    let weights = Weights::new(checkpoint, architecture, form.compute);
    let (model, uses) = Builder::new(&decoder, weights, form).graph()?;
    let layers = decoder.layers.iter().map(|l| l.attention.kept()).collect();
    let steady = decoder.steady();
    let graph = BuiltGraph {
        model,
        layers,
        steady,
    };
    Ok((graph, uses))
}

/// The graph of an export as the batch runs it; none where it is not laid out so that it can, or its configuration does not describe it.
pub(super) fn on_pages(file: ExportFile, config: &Value) -> Option<BuiltGraph> {
    exported::on_pages(file, described(config).as_ref())
}

/// What a configuration says of a model, if it is of a family that graphs are built of.
fn described(config: &Value) -> Option<Decoder> {
    let (_, describe) = family(config).ok()?;
    describe(Config::of_text(config)).ok()
}

fn family(config: &Value) -> Result<(&'static str, Describe), ModelError> {
    let named = config.pointer("/architectures/0").and_then(Value::as_str);
    let known = || {
        let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let Some(named) = named else {
        return Err(files_error(format!(
            "config.json names no architecture; candor builds graphs of {}",
            known()
        )));
    };
    FAMILIES
        .iter()
        .find(|(name, _)| *name == named)
        .copied()
        .ok_or_else(|| {
            files_error(format!(
                "the architecture {} is not supported; candor builds graphs of {}. An ONNX export of the model may load",
                visible_line(named),
                known()
            ))
        })
}

/// The longest text that a model takes, where its rotary embeddings reach further than `max_position_embeddings`.
pub(super) fn reach(config: &Value) -> Option<usize> {
    Rotary::reach(Config::of_text(config))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::Folder;
    use crate::model::onnx::folder::GraphSource;
    use crate::model::onnx::graph::Graph;
    use crate::model::onnx::paged::{Keeping, PagedGraph};
    use crate::model::onnx::{Settings, runtime, weights};

    /// Logits of a fixture's graph in some form, on the CPU: of a text in two steps, as answers are written.
    fn logits(name: &str, compute: DataType, attend: Attend) -> Vec<f32> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/models/published")
            .join(name);
        let json = |file: &str| -> Option<Value> {
            serde_json::from_slice(&std::fs::read(folder.join(file)).ok()?).ok()
        };
        let files = match json(weights::INDEX) {
            Some(index) => weights::shards(&index).unwrap(),
            None => vec![weights::WHOLE.parse().unwrap()],
        };
        let checkpoint = Checkpoint::open(&Folder::open(&folder).unwrap(), &files).unwrap();
        let form = Form {
            compute,
            attend,
            rounded: None,
        };
        let (graph, _) = graph(&json("config.json").unwrap(), &checkpoint, form).unwrap();
        let environment = runtime::environment(false, true).unwrap();
        let tokens: Vec<u32> = (10..60).collect();
        let (first, second) = tokens.split_at(44);
        if attend == Attend::Paged {
            let settings = Settings {
                threads: 1,
                kept: 1 << 24,
                keeping: Keeping::Nothing,
            };
            let mut graph =
                PagedGraph::load(environment, &graph, checkpoint.root(), settings).unwrap();
            return graph.logits(&[first, second]);
        }
        let source = GraphSource::Built {
            graph,
            folder: checkpoint.root().to_path_buf(),
        };
        let mut graph = Graph::load(environment, &source, Device::Cpu, 1).unwrap();
        let mut all = Vec::new();
        let empty = graph.empty_cache().unwrap();
        let mut take = |_, row: &[f32]| all.extend_from_slice(row);
        let cache = graph.run(first, &empty, 0, &mut take).unwrap();
        graph.run(second, &cache, 0, &mut take).unwrap();
        all
    }

    fn farthest(one: &[f32], other: &[f32]) -> f32 {
        assert_eq!(one.len(), other.len());
        let apart = one.iter().zip(other).map(|(a, b)| (a - b).abs());
        apart.fold(0.0, f32::max)
    }

    /// What graphs for a GPU are made of, on the CPU, where it can be checked against the form that is checked against Transformers: attention over a cache,
    /// also out of ONNX's own operators, and half precision.
    #[test]
    fn every_form_of_a_graph_computes_the_same() {
        if let Err(error) = runtime::environment(false, true) {
            eprintln!("SKIPPED every_form_of_a_graph_computes_the_same: {error}");
            return;
        }
        for name in [
            "llama",
            "mistral",
            "qwen2",
            "qwen3",
            "gemma2",
            "gemma3",
            "phi3-short",
            "phi3-long",
        ] {
            let single = logits(name, DataType::Float, Attend::Paged);
            for attend in [Attend::Grouped, Attend::Spelled] {
                let other = logits(name, DataType::Float, attend);
                assert!(farthest(&single, &other) < 1e-4, "{name}: {attend:?}");
            }
            let half = logits(name, DataType::Float16, Attend::Grouped);
            let apart = farthest(&single, &half);
            assert!(0.0 < apart && apart < 0.05, "{name}: {apart}");
        }
    }
}
