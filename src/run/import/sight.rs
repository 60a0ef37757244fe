//! What a file or folder looks like, without reading all of it: enough to recognise its format.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::values::MAX_JSON_BYTES;
use crate::files::{self, Folder, Format, from_json, read_text_within};

/// Files of a folder that are looked at, and how deep it is looked into.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 4;

/// A file or folder as it looks from outside.
pub(super) struct Sight {
    /// Its name.
    pub(super) name: String,
    pub(super) holds: Holds,
}

/// What it holds.
pub(super) enum Holds {
    /// A folder's files, by their paths in it with `/` between names.
    Files(Vec<String>),
    /// A zip.
    Zip,
    /// Rows with these fields; those of the first row.
    Rows(BTreeSet<String>),
    /// A JSON object with these fields.
    Object(BTreeSet<String>),
    /// Something else.
    Other,
}

impl Sight {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let name = path.canonicalize()?;
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        if path.is_dir() {
            let holds = Holds::Files(names(path));
            return Ok(Self { name, holds });
        }
        let mut start = [0; 4];
        let read = File::open(path)?.read(&mut start)?;
        let holds = if start[..read].starts_with(b"PK\x03\x04") {
            Holds::Zip
        } else {
            match Format::of(path) {
                Some(Format::Jsonl) => first_row(path),
                Some(Format::Json) => object(path),
                _ => Holds::Other,
            }
        };
        Ok(Self { name, holds })
    }

    /// Whether it is a file of rows, or one JSON object, with all of these fields.
    pub(super) fn has(&self, fields: &[&str]) -> bool {
        match &self.holds {
            Holds::Rows(own) | Holds::Object(own) => fields.iter().all(|f| own.contains(*f)),
            _ => false,
        }
    }

    /// Whether it is a folder with a file for which this holds.
    pub(super) fn holds_file(&self, wanted: impl Fn(&str) -> bool) -> bool {
        matches!(&self.holds, Holds::Files(names) if names.iter().any(|name| wanted(name)))
    }
}

fn first_row(path: &Path) -> Holds {
    let first = files::rows(path, Format::Jsonl, None).ok();
    match first.and_then(|mut rows| rows.find_map(Result::ok)) {
        Some((_, row)) => Holds::Rows(row.into_iter().map(|(name, _)| name).collect()),
        None => Holds::Other,
    }
}

fn object(path: &Path) -> Holds {
    let Ok(text) = read_text_within(path, MAX_JSON_BYTES) else {
        return Holds::Other;
    };
    match from_json::<serde_json::Map<String, serde_json::Value>>(&text) {
        Ok((fields, _)) => Holds::Object(fields.into_iter().map(|(name, _)| name).collect()),
        Err(_) => Holds::Other,
    }
}

/// The files below a folder, sorted by path, without hidden ones and links that lead out of it.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(root) = Folder::open(folder) {
        walk(&root, folder, MAX_DEPTH, &mut found);
    }
    found.sort();
    found
}

fn walk(root: &Folder, folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if found.len() >= MAX_FILES {
            return;
        }
        match entry.file_type() {
            // A repository's `.git` has more files than the repository.
            _ if is_hidden => {}
            Ok(kind) if kind.is_dir() && depth > 0 => walk(root, &entry.path(), depth - 1, found),
            // The hub's cache links to its files.
            Ok(kind) if !kind.is_dir() => found.extend(root.admit(entry.path())),
            _ => {}
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let below = files_below(folder);
    let names = below.iter().filter_map(|path| {
        let names = path.strip_prefix(folder).ok()?.iter();
        let names: Option<Vec<&str>> = names.map(|name| name.to_str()).collect();
        Some(names?.join("/"))
    });
    names.collect()
}
