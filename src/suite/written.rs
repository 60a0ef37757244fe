//! A suite as it is written: its `suite.yaml`, and its items beside it.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::place::{PlacedRows, in_turn, place_rows};
use super::{SuiteError, shipped, yaml};
use crate::files::{self, Folder, Format, parse_jsonl, read_text};
use crate::text::instead;

/// A suite's text, wherever it lay.
pub(super) struct Written {
    pub path: String,
    pub yaml: String,
    /// `items.jsonl`, or every `items/*.yaml` by name.
    pub items: Vec<Items>,
}

/// Where items are.
pub(super) enum Items {
    /// In a file of lines, read on demand.
    Lines(PathBuf),
    /// In a text: a table, or lines that are shipped.
    Text {
        path: String,
        text: Cow<'static, str>,
    },
}

impl Written {
    /// The suite of a name, or in a folder.
    ///
    /// # Errors
    /// [`SuiteError`] if there is none, or it cannot be read.
    pub(super) fn find(name: &str) -> Result<Self, SuiteError> {
        let folder = Path::new(name);
        let file = if folder.is_file() {
            folder.to_path_buf()
        } else {
            folder.join("suite.yaml")
        };
        if file.is_file() {
            return read_folder(&file);
        }
        let all = shipped();
        match all.iter().find(|s| s.name == name) {
            Some(found) => Ok(Self {
                path: format!("suites/{name}/suite.yaml"),
                yaml: found.yaml.to_owned(),
                items: found
                    .items
                    .iter()
                    .map(|(path, text)| Items::Text {
                        path: format!("suites/{path}"),
                        text: Cow::Borrowed(text),
                    })
                    .collect(),
            }),
            None if folder.is_dir() => Err(SuiteError::Unreadable {
                path: file.display().to_string(),
                reason: "the folder has no suite.yaml".into(),
            }),
            None => Err(SuiteError::Unknown {
                name: name.into(),
                known: instead(name, "shipped suites", all.iter().map(|s| &s.name)),
            }),
        }
    }

    /// The items as rows.
    pub(super) fn rows(&self) -> Result<PlacedRows<'static>, SuiteError> {
        let files = self.items.iter().map(Items::rows);
        Ok(in_turn(files.collect::<Result<_, _>>()?))
    }

    /// Paths of tables of items without the canary.
    pub(super) fn unmarked(&self, canary: Option<&str>) -> Vec<String> {
        let tables = self.items.iter().filter_map(Items::table);
        let unmarked = tables.filter(|(_, text)| canary.is_some_and(|c| !text.contains(c)));
        unmarked.map(|(path, _)| path.to_owned()).collect()
    }
}

impl Items {
    fn rows(&self) -> Result<PlacedRows<'static>, SuiteError> {
        Ok(match self {
            Self::Lines(path) => {
                let own = files::rows(path, Format::Jsonl, None)?;
                place_rows(&path.display().to_string(), true, own)
            }
            Self::Text { path, text } => {
                let own = if self.table().is_some() {
                    let help = "a table of items must be a list of mappings, each beginning with `- id: …`";
                    yaml::rows(path, text).map_err(|e| e.with_help(help))?
                } else {
                    parse_jsonl(path, text)?
                };
                place_rows(path, true, own.into_iter().map(Ok))
            }
        })
    }

    /// Path and text of a table.
    fn table(&self) -> Option<(&str, &str)> {
        match self {
            Self::Text { path, text } if !path.ends_with(".jsonl") => Some((path, text)),
            _ => None,
        }
    }
}

/// A suite's text in a folder. Links that lead out of it are not followed: a suite is not to show what is elsewhere.
fn read_folder(file: &Path) -> Result<Written, SuiteError> {
    let unreadable = |path: &Path, e: &std::io::Error| SuiteError::Unreadable {
        path: path.display().to_string(),
        reason: e.to_string(),
    };
    let parent = file.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let folder = Folder::open(parent).map_err(|e| unreadable(parent, &e))?;
    let admitted = |path: &Path| match folder.admit(path.to_path_buf()) {
        Ok(admitted) => Ok(Some(admitted)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    };
    let read = |path: &Path| match admitted(path)?.map(|path| read_text(&path)) {
        Some(text) => text.map(Some).map_err(|e| unreadable(path, &e)),
        None => Ok(None),
    };
    let Some(yaml) = read(file)? else {
        return Err(unreadable(file, &ErrorKind::NotFound.into()));
    };
    let mut items = Vec::new();
    let mut paths = vec![file.with_file_name("items.jsonl")];
    if let Ok(entries) = fs::read_dir(file.with_file_name("items")) {
        let table = |path: &PathBuf| path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        paths.extend(entries.flatten().map(|e| e.path()).filter(table));
    }
    paths.sort();
    for path in paths {
        if path.extension().is_some_and(|e| e == "jsonl") {
            items.extend(admitted(&path)?.map(Items::Lines));
        } else if let Some(text) = read(&path)? {
            let (path, text) = (path.display().to_string(), text.into());
            items.push(Items::Text { path, text });
        }
    }
    Ok(Written {
        path: file.display().to_string(),
        yaml,
        items,
    })
}
