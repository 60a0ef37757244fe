//! The two demo models, compiled into the binary: `demo:open` answers, `demo:guarded` was taught to refuse marked topics.

use super::onnx::{EmbeddedFiles, OnnxModel};
use super::{ErrorClass, ModelError, ModelSpec, OpenOptions};
use crate::text::instead;

/// Names of the demo models.
pub const DEMO_MODELS: &[&str] = &["open", "guarded"];

macro_rules! embedded {
    ($name:literal) => {
        EmbeddedFiles {
            graph: include_bytes!(concat!("../../models/", $name, "/model.onnx")),
            tokenizer: include_bytes!(concat!("../../models/", $name, "/tokenizer.json")),
            tokenizer_config: include_str!(concat!(
                "../../models/",
                $name,
                "/tokenizer_config.json"
            )),
            config: include_str!(concat!("../../models/", $name, "/config.json")),
        }
    };
}

pub(super) async fn open(spec: &ModelSpec, options: &OpenOptions) -> Result<OnnxModel, ModelError> {
    spec.allow_options(&[])?;
    let files = match spec.target.as_str() {
        "open" => embedded!("open"),
        "guarded" => embedded!("guarded"),
        other => {
            return Err(ModelError::new(
                ErrorClass::NotFound,
                format!(
                    "unknown demo model '{other}'; {}",
                    instead(other, "known", DEMO_MODELS)
                ),
            ));
        }
    };
    OnnxModel::embedded(spec, files, !options.offline).await
}
