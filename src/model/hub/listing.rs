//! Which of a repository's files a model needs.

use crate::files::PlainPath;
use crate::hub::{Listed, Listing};

/// Files that describe a model.
const DESCRIPTIONS: &[&str] = &[
    "config.json",
    "generation_config.json",
    "genai_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
];
pub(super) const WHOLE: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
/// Graphs that are taken where there are no weights, in this order.
const GRAPHS: &[&str] = &[
    "model.onnx",
    "onnx/model.onnx",
    "decoder_model_merged.onnx",
    "onnx/decoder_model_merged.onnx",
];

/// The files that a model needs: its descriptions, and of weights or graphs what `file` names, or else the published weights, or else the graph.
pub(super) fn wanted<'l>(
    listing: &'l Listing,

    subfolder: Option<&PlainPath>,
    file: Option<&str>,
) -> Result<Vec<&'l Listed>, String> {
    let below = |name: &str| match subfolder {
        Some(folder) => format!("{folder}/{name}"),
        None => name.to_owned(),
    };
    let find = |name: &str| {
        let path = below(name);
        listing.files.iter().find(|l| l.path.as_str() == path)
    };
    let mut wanted: Vec<&Listed> = DESCRIPTIONS.iter().filter_map(|n| find(n)).collect();
    let genai = find("genai_config.json").is_some();
    let named = match file {
        Some(name) => vec![find(name).ok_or_else(|| format!("it has no file {name}"))?],
        // Which graph it is, is in the configuration; such folders hold one model.
        None if genai => graphs(listing, subfolder),
        None => find(WHOLE)
            .into_iter()
            .chain(find(INDEX))
            .chain(GRAPHS.iter().filter_map(|n| find(n)))
            .take(1)
            .collect(),
    };
    let Some(first) = named.first() else {
        return Err(format!(
            "it has neither {WHOLE} nor a graph (looked for {})",
            GRAPHS.join(", ")
        ));
    };
    if first.path.file_name() == INDEX {
        let begin = below("model-");
        let shards = listing.files.iter().filter(|l| {
            l.path.as_str().starts_with(&begin) && l.path.as_str().ends_with(".safetensors")
        });
        wanted.extend(shards);
    }
    for graph in &named {
        // A graph's weights are beside it, under its name with something added: model.onnx_data, model.onnx.data, model.onnx_data_1.
        let begin = graph.path.as_str();
        let beside = listing.files.iter().filter(|l| {
            let rest = l.path.as_str().strip_prefix(begin);
            rest.is_some_and(|r| r.is_empty() || r.starts_with(['_', '.']))
        });
        wanted.extend(beside);
    }
    Ok(wanted)
}

fn graphs<'l>(listing: &'l Listing, subfolder: Option<&PlainPath>) -> Vec<&'l Listed> {
    let folder = subfolder.map(PlainPath::as_str);
    let graph = |l: &&Listed| {
        let (parent, name) = match l.path.as_str().rsplit_once('/') {
            Some((parent, name)) => (Some(parent), name),
            None => (None, l.path.as_str()),
        };
        parent == folder && name.ends_with(".onnx")
    };
    listing.files.iter().filter(graph).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wanted(
        files: &[&str],
        below: Option<&str>,
        file: Option<&str>,
    ) -> Result<Vec<String>, String> {
        let siblings: Vec<_> = files
            .iter()
            .map(|f| serde_json::json!({"rfilename": f, "size": 1, "blobId": "ab"}))
            .collect();
        let listing = serde_json::json!({"sha": "c0ffee", "siblings": siblings});
        let listing: Listing = serde_json::from_value(listing).unwrap();
        let below = below.map(|b| b.parse().unwrap());
        let found = super::wanted(&listing, below.as_ref(), file)?;
        Ok(found.iter().map(|l| l.path.as_str().to_owned()).collect())
    }

    /// With a model's descriptions before them.
    fn described<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["config.json", "tokenizer.json"], more].concat()
    }

    #[test]
    fn what_a_model_needs_is_taken_and_nothing_else() {
        let both = [
            "README.md",
            "config.json",
            "model.safetensors",
            "onnx/model.onnx",
            "onnx/model.onnx_data",
            "onnx/model_q4.onnx",
            "pytorch_model.bin",
            "tokenizer.json",
        ];
        assert_eq!(
            wanted(&both, None, None).unwrap(),
            described(&["model.safetensors"])
        );
        assert_eq!(
            wanted(&both, None, Some("onnx/model.onnx")).unwrap(),
            described(&["onnx/model.onnx", "onnx/model.onnx_data"])
        );
        assert_eq!(
            wanted(&both, None, Some("onnx/model_q4.onnx")).unwrap(),
            described(&["onnx/model_q4.onnx"])
        );
        assert!(wanted(&both, None, Some("x.onnx")).is_err());
        assert!(
            wanted(&both[..2], None, None)
                .unwrap_err()
                .contains("neither")
        );
        let shards = [
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "other.safetensors",
            "tokenizer.json",
        ];
        assert_eq!(
            wanted(&shards, None, None).unwrap(),
            described(&[shards[1], shards[2], shards[3]])
        );
        let genai = [
            "a/genai_config.json",
            "a/m.onnx",
            "a/m.onnx.data",
            "b/m.onnx",
            "tokenizer.json",
        ];
        assert_eq!(wanted(&genai, Some("a"), None).unwrap(), genai[..3]);
    }
}
