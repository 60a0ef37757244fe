//! A path that a foreign file can name: relative, and made of plain names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A relative path of plain names parted by `/`. Joined to a folder it cannot lead out of it, on any system; in a URL it cannot end the
/// path. A symbolic link in the folder is another matter: see [`super::Folder`].
///
/// ```
/// use candor::files::PlainPath;
///
/// assert!("main/test-00000-of-00001.parquet".parse::<PlainPath>().is_ok());
/// assert!("../secret.json".parse::<PlainPath>().is_err());
/// ```
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PlainPath(String);

/// Why a path is not plain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is not a plain relative path: {reason}", crate::text::visible_line(.path))]
pub struct PlainPathError {
    /// As written.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FromStr for PlainPath {
    type Err = PlainPathError;

    fn from_str(path: &str) -> Result<Self, PlainPathError> {
        match path.split('/').find_map(wrong_with) {
            None => Ok(Self(path.to_owned())),
            Some(reason) => Err(PlainPathError {
                path: path.to_owned(),
                reason,
            }),
        }
    }
}

/// Longest name that file systems take, in bytes.
const MAX_NAME_BYTES: usize = 255;

fn wrong_with(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it has an empty component, or begins or ends with '/'"),
        "." | ".." => Some("'.' and '..' are not allowed"),
        _ if name.contains('\\') => {
            Some("a backslash is not allowed; separate components with '/'")
        }
        _ if name.contains(['?', '#']) => Some("'?' and '#' are not allowed"),
        _ if name.contains(char::is_control) => Some("control characters are not allowed"),
        _ if name.as_bytes().get(1) == Some(&b':') => Some("a drive letter is not allowed"),
        // Windows drops them, and `.. ` would become `..`.
        _ if name.ends_with(['.', ' ']) => {
            Some("a component cannot end with a full stop or a space")
        }
        _ if name.len() > MAX_NAME_BYTES => Some("a component is longer than 255 bytes"),
        _ => None,
    }
}

impl PlainPath {
    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its names, from the outside in.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Its last name.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The path below a folder. It follows no links, and says nothing of any that are there.
    #[must_use]
    pub fn below(&self, folder: &Path) -> PathBuf {
        let mut path = folder.to_path_buf();
        path.extend(self.names());
        path
    }
}

impl TryFrom<String> for PlainPath {
    type Error = PlainPathError;

    fn try_from(path: String) -> Result<Self, PlainPathError> {
        path.parse()
    }
}

impl From<PlainPath> for String {
    fn from(path: PlainPath) -> Self {
        path.0
    }
}

impl fmt::Display for PlainPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_are_plain() {
        for path in [
            "items.jsonl",
            "main/test-00000-of-00001.parquet",
            "onnx/model.onnx_data",
            "...hidden/.x",
            "データ/問題.csv",
            "a b/c%20d",
            "samples_2024-01-02T03:04:05.jsonl",
        ] {
            assert!(path.parse::<PlainPath>().is_ok(), "{path}");
        }
    }

    #[test]
    fn what_leads_out_ends_a_url_or_names_a_drive_is_refused() {
        for path in [
            "",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "../a",
            "a/../../b",
            "a/./b",
            "..\\a",
            "C:\\x",
            "C:x",
            "a/C:/b",
            "payload.jsonl?/../../x",
            "a#b",
            "a\0b",
            "a\nb",
            ".. /a",
            "a./b",
            &"n".repeat(256),
        ] {
            assert!(path.parse::<PlainPath>().is_err(), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_path_stays_below_its_folder(path in "[./\\\\a:?# ]{0,12}") {
            if let Ok(plain) = path.parse::<PlainPath>() {
                let folder = Path::new("/root/folder");
                let joined = plain.below(folder);
                prop_assert!(joined.starts_with(folder) && joined != folder);
                prop_assert!(joined.components().skip(1).all(|c| matches!(c, Component::Normal(_))));
            }
        }
    }
}
