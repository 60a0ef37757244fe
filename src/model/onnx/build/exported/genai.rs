//! Exports in the layout of onnxruntime-genai: attention over pages in the place of `GroupQueryAttention`.

use super::rewritten::Rewritten;
use super::{Export, count};
use crate::model::onnx::build::proto::{AttributeProto, NodeProto};
use crate::model::onnx::build::writer::{MICROSOFT, Setting, length};
use crate::model::onnx::paged_operator::{DOMAIN, OPERATOR};

/// The operator that such exports attend by.
pub(super) const ATTENTION: &str = "GroupQueryAttention";

impl Export<'_> {
    /// Puts attention over pages in the place of a node of grouped-query attention.
    pub(super) fn grouped_attention(
        &self,
        node: &NodeProto,
        rewritten: &mut Rewritten,
    ) -> Option<()> {
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
}

/// The attributes of `GroupQueryAttention` that can be kept to.
struct Settings {
    heads: usize,
    kv_heads: usize,
    /// 0 represents the usual one.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::build::writer::attribute;

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
