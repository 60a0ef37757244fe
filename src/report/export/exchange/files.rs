//! The folder that an export is written into.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::Written;
use crate::files::{Folder, PlainPath, write_output};
use crate::report::ReportError;

/// Longest name that is made of a foreign one, in characters.
const MAX_NAME: usize = 100;

/// The folder, and what was written into it.
pub(super) struct Output<'a> {
    path: &'a Path,
    folder: Folder,
    written: Written,
    /// Files written so far.
    names: BTreeSet<PlainPath>,
    /// Objects that several parts of a dataset add to, by their paths.
    objects: BTreeMap<String, Map<String, Value>>,
}

impl<'a> Output<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, ReportError> {
        let failed = |e: std::io::Error| ReportError::file("cannot make the folder", path, &e);
        fs::create_dir_all(path).map_err(failed)?;
        Ok(Self {
            path,
            folder: Folder::open(path).map_err(failed)?,
            written: Written::default(),
            names: BTreeSet::new(),
            objects: BTreeMap::new(),
        })
    }

    /// Writes a file below the folder, whole or not at all.
    pub(super) fn write(
        &mut self,
        names: &[&str],
        write: impl FnOnce(&File) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let failed = |e: &dyn std::fmt::Display| {
            ReportError::file("cannot write", &self.path.join(names.join("/")), e)
        };
        let name: PlainPath = names.join("/").parse().map_err(|e| failed(&e))?;
        if !self.names.insert(name.clone()) {
            self.skip(format!(
                "{}: another model or suite has the same file name",
                name.as_str()
            ));
            return Ok(());
        }
        let place = self.folder.path_for(&name).map_err(|e| failed(&e))?;
        write_output(&place, |e| failed(&e), write)?;
        self.written.files += 1;
        Ok(())
    }

    /// The same of a text.
    pub(super) fn write_text(&mut self, names: &[&str], text: &str) -> Result<(), ReportError> {
        let place = self.path.join(names.join("/"));
        self.write(names, |mut file| {
            let written = file.write_all(text.as_bytes());
            written.map_err(|e| ReportError::file("cannot write", &place, &e))
        })
    }

    /// Adds fields to an object that is written at the end; those of fields that are objects themselves are put together.
    pub(super) fn add_to_object(&mut self, names: &[&str], fields: Value) {
        let Value::Object(fields) = fields else {
            return;
        };
        let object = self.objects.entry(names.join("/")).or_default();
        for (name, value) in fields {
            match (object.get_mut(&name), value) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                (_, value) => {
                    object.insert(name, value);
                }
            }
        }
    }

    pub(super) fn skip(&mut self, what: String) {
        if !self.written.skipped.contains(&what) {
            self.written.skipped.push(what);
        }
    }

    /// Writes what is still to be written.
    pub(super) fn finish(mut self) -> Result<Written, ReportError> {
        for (path, object) in std::mem::take(&mut self.objects) {
            let names: Vec<&str> = path.split('/').collect();
            let text = serde_json::to_string_pretty(&object).unwrap_or_default() + "\n";
            self.write_text(&names, &text)?;
        }
        Ok(self.written)
    }
}

/// A foreign name as the name of a file or folder: what file systems or other tools would trip over is `instead`.
pub(super) fn file_name(name: &str, instead: &str) -> String {
    let mut safe = String::new();
    let mut replaced = false;
    for c in name.chars().take(MAX_NAME) {
        let is_plain = c.is_alphanumeric() || "-_.@+=, ".contains(c);
        if is_plain && !c.is_control() {
            safe.push(c);
        } else if !replaced {
            safe.push_str(instead);
        }
        replaced = !is_plain;
    }
    let safe = safe
        .trim_start_matches(['.', ' '])
        .trim_end_matches(['.', ' ']);
    let bytes = safe.len().min(200);
    let cut = (0..=bytes)
        .rev()
        .find(|at| safe.is_char_boundary(*at))
        .unwrap_or(0);
    match &safe[..cut] {
        "" => "unnamed".into(),
        safe => safe.to_owned(),
    }
}

/// JSON on one line. Characters that some readers take for the end of a line are escaped.
pub(super) fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_foreign_name_is_one_plain_name() {
        for (name, want) in [
            ("deepseek/deepseek-r1", "deepseek__deepseek-r1"),
            ("../../etc/passwd", "__..__etc__passwd"),
            ("http://h:1/v1#m?x=1", "http__h__1__v1__m__x=1"),
            ("a\u{1b}[31m\n", "a__31m__"),
            ("...", "unnamed"),
            ("模型", "模型"),
        ] {
            let made = file_name(name, "__");
            assert_eq!(made, want, "{name:?}");
            assert!(made.parse::<PlainPath>().is_ok());
        }
        assert!(file_name(&"語".repeat(500), "_").len() <= 200);
    }

    #[test]
    fn a_line_of_json_is_one_line_for_every_reader() {
        let line = json_line(&json!({"a": "x\u{2028}y\u{85}z\n"}));
        assert_eq!(line, "{\"a\":\"x\\u2028y\\u0085z\\n\"}\n");
    }
}
