//! Rotary position embeddings: the frequencies, with every kind of `rope_scaling` that the families use, as Transformers computes them
//! (`modeling_rope_utils.py`), in single precision as there.

use std::f64::consts::PI;

use super::config::{Config, narrow};
use super::proto::DataType;
use super::writer::{Setting, Value, Writer, length};
use crate::model::ModelError;
use crate::model::onnx::files_error;
use crate::text::visible_line;

/// How positions turn queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rotary {
    /// Numbers of each head that are turned.
    width: usize,
    frequencies: Frequencies,
    /// What cosines and sines are multiplied by.
    factor: f32,
}

#[derive(Debug, Clone, PartialEq)]
enum Frequencies {
    Fixed(Vec<f32>),
    /// Others for texts longer than this many tokens (longrope).
    Longer {
        than: usize,
        short: Vec<f32>,
        long: Vec<f32>,
    },
    /// A base that grows with texts longer than this many tokens (dynamic).
    Growing {
        base: f32,
        factor: f32,
        than: usize,
    },
}

/// The kinds that are known, as configurations name them.
const KINDS: &str = "default, linear, dynamic, llama3, yarn and longrope";

impl Rotary {
    /// Embeddings without scaling.
    pub(super) fn plain(base: f64, width: usize) -> Self {
        Self {
            width,
            frequencies: Frequencies::Fixed(frequencies(narrow(base), width)),
            factor: 1.0,
        }
    }

    /// Embeddings as a configuration has them: `rope_theta` and `rope_scaling`, or `rope_parameters`, which holds both.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names a kind that is not known, or a key that is missing.
    pub(super) fn of(config: Config, head_width: usize) -> Result<Self, ModelError> {
        let both = config.below("rope_parameters");
        Self::scaled(
            config,
            both,
            both.or_else(|| config.below("rope_scaling")),
            head_width,
        )
    }

    /// Embeddings of the layers of one kind, where `rope_parameters` keeps them by kind.
    pub(super) fn of_kind(
        config: Config,
        kind: &str,
        head_width: usize,
    ) -> Option<Result<Self, ModelError>> {
        let both = config.below("rope_parameters")?.below(kind)?;
        Some(Self::scaled(config, Some(both), Some(both), head_width))
    }

    fn scaled(
        config: Config,
        base: Option<Config>,
        scaling: Option<Config>,
        head_width: usize,
    ) -> Result<Self, ModelError> {
        let inside = base.map_or(Ok(None), |b| b.optional_number("rope_theta"))?;
        let base = match inside {
            Some(base) => base,
            None => config.number_or("rope_theta", 10_000.0)?,
        };
        let part = scaling.map_or(Ok(None), |s| s.optional_number("partial_rotary_factor"))?;
        let part = match part {
            Some(part) => part,
            None => config.number_or("partial_rotary_factor", 1.0)?,
        };
        let width = whole(as_f64(head_width) * part);
        if width < 2 || width > head_width || width % 2 == 1 {
            return Err(files_error(format!(
                "config.json: {width} of {head_width} numbers per head cannot be rotated; \
                partial_rotary_factor must leave an even number of them"
            )));
        }
        let Some(scaling) = scaling else {
            return Ok(Self::plain(base, width));
        };
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
        let kind = kind
            .and_then(serde_json::Value::as_str)
            .unwrap_or("default");
        let scaled = Scaling {
            config,
            written: scaling,
            base,
            width,
        };
        match kind {
            "default" => Ok(Self::plain(base, width)),
            "linear" => scaled.linear(),
            "dynamic" => scaled.dynamic(),
            "llama3" => scaled.llama3(),
            // Early configurations of Phi-3 say "yarn" and "su" for what became longrope.
            "yarn" if scaling.get("short_factor").is_none() => scaled.yarn(),
            "longrope" | "su" | "yarn" => scaled.longrope(),
            other => Err(files_error(format!(
                "config.json: rope_scaling of the kind '{}' is not supported; {KINDS} are",
                visible_line(other)
            ))),
        }
    }

    /// The longest text whose frequencies are those of every shorter one; any where none.
    pub(super) fn steady(&self) -> Option<usize> {
        match &self.frequencies {
            Frequencies::Fixed(_) => None,
            Frequencies::Longer { than, .. } | Frequencies::Growing { than, .. } => Some(*than),
        }
    }

    /// The longest text that the embeddings are made for, where that is more than `max_position_embeddings` says.
    pub(super) fn reach(config: Config) -> Option<usize> {
        let scaling = config
            .below("rope_parameters")
            .or_else(|| config.below("rope_scaling"))?;
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type"))?;
        let factor = scaling.get("factor")?.as_f64()?;
        let most = config.count("max_position_embeddings").ok()?;
        let original = scaling.count("original_max_position_embeddings").ok();
        let from = match kind.as_str()? {
            "dynamic" => most,
            "yarn" => original?,
            _ => return None,
        };
        Some(most.max(whole(as_f64(from) * factor)))
    }
}

/// A configuration's scaling, being read.
struct Scaling<'a> {
    config: Config<'a>,
    written: Config<'a>,
    base: f64,
    width: usize,
}

impl Scaling<'_> {
    fn factor(&self) -> Result<f64, ModelError> {
        let missing = || files_error("config.json: rope_scaling has no factor".into());
        self.written.optional_number("factor")?.ok_or_else(missing)
    }

    /// The length that the model was first trained on.
    fn original(&self) -> Result<usize, ModelError> {
        let key = "original_max_position_embeddings";
        match self.written.optional_count(key)? {
            Some(original) => Ok(original),
            None => self.config.count("max_position_embeddings"),
        }
    }

    fn fixed(&self, frequencies: Vec<f32>, factor: f64) -> Rotary {
        Rotary {
            width: self.width,
            frequencies: Frequencies::Fixed(frequencies),
            factor: narrow(factor),
        }
    }

    fn linear(&self) -> Result<Rotary, ModelError> {
        let factor = narrow(self.factor()?);
        let plain = frequencies(narrow(self.base), self.width);
        Ok(self.fixed(plain.iter().map(|f| f / factor).collect(), 1.0))
    }

    fn dynamic(&self) -> Result<Rotary, ModelError> {
        if self.width == 2 {
            let what = "config.json: dynamic rope_scaling needs more than two numbers per head";
            return Err(files_error(what.into()));
        }
        let frequencies = Frequencies::Growing {
            base: narrow(self.base),
            factor: narrow(self.factor()?),
            than: self.config.count("max_position_embeddings")?,
        };
        Ok(Rotary {
            width: self.width,
            frequencies,
            factor: 1.0,
        })
    }

    fn llama3(&self) -> Result<Rotary, ModelError> {
        let factor = narrow(self.factor()?);
        let low = self.written.number_or("low_freq_factor", 1.0)?;
        let high = self.written.number_or("high_freq_factor", 4.0)?;
        let original = as_f64(self.original()?);
        let (longest, shortest) = (narrow(original / low), narrow(original / high));
        let scaled = frequencies(narrow(self.base), self.width)
            .into_iter()
            .map(|frequency| {
                let wave = narrow(2.0 * PI) / frequency;
                if wave > longest {
                    return frequency / factor;
                }
                if wave < shortest {
                    return frequency;
                }
                let smooth = (narrow(original) / wave - narrow(low)) / narrow(high - low);
                (1.0 - smooth) * frequency / factor + smooth * frequency
            });
        Ok(self.fixed(scaled.collect(), 1.0))
    }

    fn yarn(&self) -> Result<Rotary, ModelError> {
        let factor = self.factor()?;
        let original = as_f64(self.original()?);
        let width = as_f64(self.width);
        let magnitude = |by: f64| 0.1 * by * factor.max(1.0).ln() + 1.0;
        let by = self.written.optional_number("mscale")?;
        let by_all = self.written.optional_number("mscale_all_dim")?;
        let attention = match (
            self.written.optional_number("attention_factor")?,
            by,
            by_all,
        ) {
            (Some(given), ..) => given,
            (None, Some(by), Some(all)) => magnitude(by) / magnitude(all),
            _ => magnitude(1.0),
        };
        // Where the wave turns this many times over the original length.
        let dimension =
            |turns: f64| width * (original / (turns * 2.0 * PI)).ln() / (2.0 * self.base.ln());
        let mut low = dimension(self.written.number_or("beta_fast", 32.0)?);
        let mut high = dimension(self.written.number_or("beta_slow", 1.0)?);
        if self.written.flag_or("truncate", true)? {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(width - 1.0));
        if low == high {
            high += 0.001;
        }
        let scaled = frequencies(narrow(self.base), self.width)
            .into_iter()
            .zip(0_u16..)
            .map(|(frequency, i)| {
                let ramp = narrow(((f64::from(i) - low) / (high - low)).clamp(0.0, 1.0));
                frequency / narrow(factor) * ramp + frequency * (1.0 - ramp)
            });
        Ok(self.fixed(scaled.collect(), attention))
    }

    fn longrope(&self) -> Result<Rotary, ModelError> {
        let most = self.config.count("max_position_embeddings")?;
        let top = self
            .config
            .optional_count("original_max_position_embeddings")?;
        let inside = self
            .written
            .optional_count("original_max_position_embeddings")?;
        let (than, factor) = match top.or(inside) {
            Some(original) => (original, as_f64(most) / as_f64(original)),
            None => (most, self.factor()?),
        };
        let attention = match self.written.optional_number("attention_factor")? {
            Some(given) => given,
            None if factor <= 1.0 => 1.0,
            None => (1.0 + factor.ln() / as_f64(than).ln()).sqrt(),
        };
        let plain = frequencies(narrow(self.base), self.width);
        let by = |key| -> Result<Vec<f32>, ModelError> {
            let factors = self.written.numbers(key, plain.len())?;
            Ok(plain.iter().zip(factors).map(|(f, by)| f / by).collect())
        };
        Ok(Rotary {
            width: self.width,
            frequencies: Frequencies::Longer {
                than,
                short: by("short_factor")?,
                long: by("long_factor")?,
            },
            factor: narrow(attention),
        })
    }
}

/// `base` to the power of −2i/width.
fn frequencies(base: f32, width: usize) -> Vec<f32> {
    exponents(width)
        .iter()
        .map(|e| 1.0 / base.powf(*e))
        .collect()
}

/// 2i/width.
fn exponents(width: usize) -> Vec<f32> {
    let width = narrow(as_f64(width));
    (0_u16..)
        .step_by(2)
        .map(f32::from)
        .take_while(|i| *i < width)
        .map(|i| i / width)
        .collect()
}

#[allow(clippy::cast_precision_loss)] // counts are far below 2^53
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and bounded by the callers
fn whole(number: f64) -> usize {
    number as usize
}

/// Cosines and sines of every token of a step: tokens × width/2.
pub(super) struct Angles {
    cosines: Value,
    sines: Value,
    /// The number of each token's row: 1 × tokens.
    rows: Value,
    width: usize,
}

/// What a step's positions are, in the graph: a number per token.
pub(super) struct Positions<'a> {
    pub of_tokens: &'a Value,
    /// The length of each token's text; none where no frequencies depend on it.
    pub text_length: &'a Value,
}

impl Angles {
    /// The angles are computed in single precision, and their cosines and sines given in the type that is asked for.
    pub(super) fn new(
        writer: &mut Writer,
        rotary: &Rotary,
        positions: &Positions,
        compute: DataType,
    ) -> Self {
        let column = writer.integers(&[-1, 1]);
        let of_tokens = writer.op("Reshape", &[positions.of_tokens, &column], &[]);
        let of_tokens = writer.cast(&of_tokens, DataType::Float);
        let text_length = match rotary.steady() {
            Some(_) => writer.op("Reshape", &[positions.text_length, &column], &[]),
            None => Value::none(),
        };
        let frequencies = rotary.in_graph(writer, &text_length);
        let angles = writer.op("Mul", &[&of_tokens, &frequencies], &[]);
        let factor = writer.number(rotary.factor);
        let [cosines, sines] = ["Cos", "Sin"].map(|function| {
            let mut turned = writer.op(function, &[&angles], &[]);
            if rotary.factor != 1.0 {
                turned = writer.op("Mul", &[&turned, &factor], &[]);
            }
            match compute {
                DataType::Float => turned,
                other => writer.cast(&turned, other),
            }
        });
        let count = writer.op("Size", &[positions.of_tokens], &[]);
        let (zero, one) = (writer.integer(0), writer.integer(1));
        let rows = writer.op("Range", &[&zero, &count, &one], &[]);
        let row = writer.integers(&[1, -1]);
        Self {
            cosines,
            sines,
            rows: writer.op("Reshape", &[&rows, &row], &[]),
            width: rotary.width,
        }
    }

    /// Turns queries or keys of this many heads of some width. Gives 1 × tokens × (heads × width).
    pub(super) fn turn(
        &self,
        writer: &mut Writer,
        value: &Value,
        heads: usize,
        head_width: usize,
    ) -> Value {
        // 0 represents all of a head.
        let part = if self.width == head_width {
            0
        } else {
            length(self.width)
        };
        let row = writer.integers(&[1, -1, length(heads * head_width)]);
        let row = writer.op("Reshape", &[value, &row], &[]);
        let inputs = [&row, &self.rows, &self.cosines, &self.sines];
        let settings = [
            ("num_heads", Setting::Int(length(heads))),
            ("rotary_embedding_dim", Setting::Int(part)),
        ];
        let [turned] = writer.microsoft("RotaryEmbedding", &inputs, &settings);
        turned
    }
}

impl Rotary {
    /// The frequencies for texts of some lengths, of which there is a column: a row of them, or a row per token.
    fn in_graph(&self, writer: &mut Writer, text_length: &Value) -> Value {
        match &self.frequencies {
            Frequencies::Fixed(frequencies) => writer.numbers(frequencies),
            Frequencies::Longer { than, short, long } => {
                let than = writer.integer(length(*than));
                let longer = writer.op("Greater", &[text_length, &than], &[]);
                let (short, long) = (writer.numbers(short), writer.numbers(long));
                writer.op("Where", &[&longer, &long, &short], &[])
            }
            // (base · (factor · length/than − (factor − 1))^(w/(w − 2)))^(−2i/w), length at least `than`.
            Frequencies::Growing { base, factor, than } => {
                let least = writer.integer(length(*than));
                let longest = writer.op("Max", &[text_length, &least], &[]);
                let longest = writer.cast(&longest, DataType::Float);
                let stretch = writer.number(factor / narrow(as_f64(*than)));
                let stretched = writer.op("Mul", &[&longest, &stretch], &[]);
                let less = writer.number(factor - 1.0);
                let growth = writer.op("Sub", &[&stretched, &less], &[]);
                let width = as_f64(self.width);
                let power = writer.number(narrow(width / (width - 2.0)));
                let growth = writer.op("Pow", &[&growth, &power], &[]);
                let base = writer.number(*base);
                let base = writer.op("Mul", &[&base, &growth], &[]);
                let negative: Vec<f32> = exponents(self.width).iter().map(|e| -e).collect();
                let negative = writer.numbers(&negative);
                writer.op("Pow", &[&base, &negative], &[])
            }
        }
    }
}
