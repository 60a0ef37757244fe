//! The architecture, held against the code.

use std::fs;
use std::path::{Path, PathBuf};

/// Floors of `docs/architecture.md`.
const FLOORS: &[(&str, u32)] = &[
    ("cli", 7),
    ("report", 6),
    ("gate", 5),
    ("analysis", 4),
    ("run", 3),
    ("store", 2),
    ("score", 2),
    ("suite", 1),
    ("model", 1),
    ("text", 0),
    ("files", 0),
    ("net", 0),
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("src is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

fn floor(module: &str) -> Option<u32> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, floor)| *floor)
}

/// A file's path within `src`, and the module of the house that it belongs to.
fn place(source: &Path, file: &Path) -> (PathBuf, String) {
    let relative = file.strip_prefix(source).expect("a file of src").to_owned();
    let first = relative.components().next().expect("a name").as_os_str();
    let own = first
        .to_str()
        .expect("UTF-8")
        .trim_end_matches(".rs")
        .to_owned();
    (relative, own)
}

fn on_a_floor(source: &Path, file: &Path) -> bool {
    let (_, own) = place(source, file);
    ["main", "lib"].contains(&own.as_str()) || floor(&own).is_some()
}

/// The modules that a text names as `crate::module`, without its tests.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let name = |part: &str| {
        part.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    code.split("crate::").skip(1).map(name).collect()
}

#[test]
fn no_arrow_points_up_a_floor() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let (relative, own) = place(&source, &file);
        let Some(here) = floor(&own) else { continue };
        for module in uses(&fs::read_to_string(&file).expect("a source file")) {
            if module != own && floor(&module).is_some_and(|there| there > here) {
                wrong.push(format!("{} uses crate::{module}", relative.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that point up a floor:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_module_of_the_house_has_a_floor_and_every_file_says_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (source, stats) = (root.join("src"), root.join("crates/candor-stats/src"));
    for file in rust_files(&source).into_iter().chain(rust_files(&stats)) {
        let text = fs::read_to_string(&file).expect("a source file");
        assert!(
            text.trim_start().starts_with("//!"),
            "{} has no first line that says what it is",
            file.display()
        );
        assert!(
            file.starts_with(&stats) || on_a_floor(&source, &file),
            "{} stands on no floor",
            file.display()
        );
        let lines = text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .lines()
            .count();
        assert!(
            lines <= 600,
            "{} has {lines} lines before its tests: which second noun hides in it?",
            file.display()
        );
    }
}
