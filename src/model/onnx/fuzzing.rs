//! What fuzzing puts bytes into.

use std::path::Path;

use super::Device;
use super::chat_template::ChatTemplate;
use super::folder::{ModelFiles, Wanted};
use super::weights;
use crate::model::{Message, Role};

/// Renders a conversation with a chat template.
pub fn chat_template(source: &str) {
    let config = serde_json::json!({ "bos_token": "<s>", "eos_token": "</s>" });
    if let Ok(template) = ChatTemplate::new(source, &config) {
        let message = |role, content: &str| Message {
            role,
            content: content.into(),
        };
        let _ = template.render(&[
            message(Role::System, "Be brief."),
            message(Role::User, "Hello"),
        ]);
    }
}

/// Describes a model's folder without loading it.
pub fn folder(path: &Path) {
    let wanted = Wanted {
        file: None,
        rounding: None,
        device: Device::Cpu,
    };
    let _ = ModelFiles::read(path, &wanted);
}

/// Reads a file of weights; what is found must be in it.
///
/// # Panics
/// Where a tensor is said to be elsewhere.
pub fn safetensors(bytes: &[u8]) {
    let length = bytes.len() as u64;
    for tensor in weights::read_header(bytes, length).into_iter().flatten() {
        assert!(tensor.offset.checked_add(tensor.length) <= Some(length));
    }
}
