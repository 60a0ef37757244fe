//! Weights as they are published: `model.safetensors`, or shards with an index beside them.

mod header;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files_error;
use crate::files::{Folder, PlainPath};
use crate::model::ModelError;
use crate::text::visible_line;
#[cfg(fuzzing)]
pub(super) use header::read as read_header;
pub(super) use header::{Element, Entry};

/// The file of a model in one piece.
pub(super) const WHOLE: &str = "model.safetensors";
/// The list of a model in several.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// The tensors of a model, none of them read yet.
pub(super) struct Checkpoint {
    /// A folder that every file is below, links followed.
    root: PathBuf,
    /// Each file's path below [`Self::root`].
    locations: Vec<String>,
    /// By name; the file's number, and where in it.
    tensors: BTreeMap<String, (usize, Entry)>,
}

impl Checkpoint {
    /// Reads the headers of the files of a folder.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names the file that is missing, cut short, or untrue about what it holds.
    pub(super) fn open(folder: &Folder, files: &[PlainPath]) -> Result<Self, ModelError> {
        let mut real = Vec::with_capacity(files.len());
        let mut tensors = BTreeMap::new();
        for (number, file) in files.iter().enumerate() {
            let path = folder.file(file).and_then(|path| path.canonicalize());
            let path = path.map_err(|e| {
                let shown = file.below(folder.path());
                files_error(format!(
                    "cannot read {}: {e}. The download may be incomplete",
                    shown.display()
                ))
            })?;
            for entry in entries(&path, &file.below(folder.path()))? {
                let name = entry.name.clone();
                if let Some((other, _)) = tensors.insert(name.clone(), (number, entry)) {
                    return Err(files_error(format!(
                        "the tensor '{}' is in both {} and {}",
                        visible_line(&name),
                        files[other].as_str(),
                        file.as_str()
                    )));
                }
            }
            real.push(path);
        }
        let root = common_folder(&real);
        let locations = real.iter().map(|path| location(path, &root));
        Ok(Self {
            locations: locations.collect::<Result<_, _>>()?,
            root,
            tensors,
        })
    }

    /// The folder that locations are relative to.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The precision of its matrices: that of the largest tensor.
    pub(super) fn element(&self) -> Option<&Element> {
        let entries = self.tensors.values().map(|(_, entry)| entry);
        entries.max_by_key(|entry| entry.length).map(|e| &e.element)
    }

    /// A tensor, and the location of its file.
    pub(super) fn get(&self, name: &str) -> Option<(&Entry, &str)> {
        let (file, entry) = self.tensors.get(name)?;
        Some((entry, &self.locations[*file]))
    }
}

fn entries(path: &Path, shown: &Path) -> Result<Vec<Entry>, ModelError> {
    let read = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        header::read(std::io::BufReader::new(file), length)
    };
    read().map_err(|e| {
        files_error(format!(
            "{} is not a whole safetensors file: {e}. Download it again",
            shown.display()
        ))
    })
}

/// The deepest folder that all files are below: the model's own, or the store that its links lead to.
fn common_folder(files: &[PathBuf]) -> PathBuf {
    let mut root = files
        .first()
        .and_then(|f| f.parent())
        .unwrap_or(Path::new(""));
    while let Some(parent) = root.parent() {
        if files.iter().all(|f| f.starts_with(root)) {
            break;
        }
        root = parent;
    }
    root.to_path_buf()
}

/// A file's path below a folder as ONNX writes it.
fn location(file: &Path, root: &Path) -> Result<String, ModelError> {
    let below = file.strip_prefix(root).unwrap_or(file);
    let names: Option<Vec<&str>> = below.iter().map(|name| name.to_str()).collect();
    names.map(|names| names.join("/")).ok_or_else(|| {
        files_error(format!(
            "{}: the path of a weights file must be valid UTF-8",
            file.display()
        ))
    })
}

/// The files that an index names, each once.
///
/// # Errors
/// [`crate::model::ErrorClass::Files`] where it is not an index, or a path leads out of the folder.
pub(super) fn shards(index: &Value) -> Result<Vec<PlainPath>, ModelError> {
    let map = index.get("weight_map").and_then(Value::as_object);
    let map = map
        .filter(|map| !map.is_empty())
        .ok_or_else(|| files_error(format!("{INDEX} has no weight_map from tensors to files")))?;
    let mut files = BTreeSet::new();
    for (tensor, file) in map {
        let path = file.as_str().unwrap_or_default().parse();
        files.insert(path.map_err(|e| {
            let tensor = visible_line(tensor);
            files_error(format!("{INDEX}: the file of the tensor '{tensor}': {e}"))
        })?);
    }
    Ok(files.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_leads_out_of_the_folder_is_refused() {
        for file in ["../model.safetensors", "/etc/passwd", "a\\b", ""] {
            let index = serde_json::json!({"weight_map": {"w": file}});
            let error = shards(&index).expect_err("it is refused");
            assert!(
                error.message.contains("the file of the tensor 'w'"),
                "{error}"
            );
        }
        assert!(shards(&serde_json::json!({"weight_map": {}})).is_err());
        assert!(shards(&Value::Null).is_err());
    }

    #[test]
    fn locations_are_below_the_deepest_common_folder() {
        let files = ["/a/b/x", "/a/b/c/y"].map(PathBuf::from);
        let root = common_folder(&files);
        assert_eq!(root, Path::new("/a/b"));
        let locations: Vec<_> = files.iter().flat_map(|f| location(f, &root)).collect();
        assert_eq!(locations, ["x", "c/y"]);
    }
}
