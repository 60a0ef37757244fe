//! The architecture, held against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `docs/architecture.md`: a module, its floor, and the neighbours on the same floor that it may use. No neighbour stands
/// above the module that uses it in this list, so that there can be no circle among them.
const HOUSE: &[(&str, u32, &[&str])] = &[
    ("cli", 7, &[]),
    ("report", 6, &[]),
    ("gate", 5, &[]),
    ("analysis", 4, &[]),
    ("run", 3, &[]),
    ("store", 2, &["score"]),
    ("score", 2, &[]),
    ("serve", 2, &[]),
    ("suite", 1, &["model"]),
    ("model", 1, &[]),
    ("hub", 0, &["files", "net", "text"]),
    ("files", 0, &["text"]),
    ("net", 0, &[]),
    ("sandbox", 0, &[]),
    ("text", 0, &[]),
];

/// A module's path from the crate's root.
type Module = Vec<String>;

/// The code of the house: each module's text, without its tests and comments.
struct House {
    modules: BTreeMap<Module, String>,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

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

impl House {
    fn read() -> Self {
        let root = source();
        let module = |file: &PathBuf| {
            let relative = file.strip_prefix(&root).expect("a file of src");
            let mut names: Module = relative
                .with_extension("")
                .components()
                .map(|c| c.as_os_str().to_str().expect("UTF-8").to_owned())
                .collect();
            names.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
            (
                names,
                code(&fs::read_to_string(file).expect("a source file")),
            )
        };
        Self {
            modules: rust_files(&root).iter().map(module).collect(),
        }
    }

    /// Every arrow of the code: the module that uses another, and the one that it uses. A name that a folder's `mod.rs` re-exports is an
    /// arrow to where it comes from.
    fn arrows(&self) -> BTreeSet<(Module, Module)> {
        let mut arrows = BTreeSet::new();
        for (module, code) in &self.modules {
            for path in paths(code) {
                let target = self.target(&absolute(module, &path));
                arrows.insert((module.clone(), target));
            }
        }
        arrows
    }

    /// The module that a path leads into.
    fn target(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        for name in path {
            let mut child = module.clone();
            child.push(name.clone());
            if !self.modules.contains_key(&child) {
                child[module.len()] = match self.exporter(&module, name) {
                    Some(from) => from,
                    None => break,
                };
                return child;
            }
            module = child;
        }
        module
    }

    /// The child from which a module re-exports a name.
    fn exporter(&self, module: &Module, name: &str) -> Option<String> {
        let code = self.modules.get(module)?;
        let exports = code
            .split("use ")
            .skip(1)
            .filter_map(|u| u.split(';').next());
        exports.flat_map(expand).find_map(|path| {
            let (first, last) = (path.first()?, path.last()?);
            let mut child = module.clone();
            child.push(first.clone());
            (last == name && path.len() > 1 && self.modules.contains_key(&child))
                .then(|| first.clone())
        })
    }
}

/// A file's text without its tests and comments.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = own
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths of a text that begin with `crate` or `super`, a path per name in braces.
fn paths(code: &str) -> Vec<Module> {
    let starts = code
        .match_indices("crate::")
        .chain(code.match_indices("super::"));
    let alone = |at: usize| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && !code[..at].ends_with("super::")
    };
    starts
        .filter(|(at, _)| alone(*at))
        .flat_map(|(at, _)| expand(&code[at..]))
        .collect()
}

/// The paths of a use tree, or of a path in an expression.
fn expand(text: &str) -> Vec<Module> {
    let mut path = Module::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
        if !name.is_empty() {
            path.push(name.to_owned());
        }
        match behind.strip_prefix("::") {
            Some(behind) if behind.starts_with('{') => {
                let inner = branches(&behind[1..]).into_iter().flat_map(expand);
                return inner.map(|end| [path.clone(), end].concat()).collect();
            }
            Some(behind) => rest = behind,
            None => return vec![path],
        }
    }
}

/// What stands between the commas of a brace, up to where it closes.
fn branches(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut all) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                all.push(&text[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all
}

/// A path from the crate's root.
fn absolute(module: &Module, path: &[String]) -> Module {
    let up = path.iter().take_while(|name| *name == "super").count();
    let base = if up > 0 {
        &module[..module.len().saturating_sub(up)]
    } else {
        &[]
    };
    let own = path
        .iter()
        .filter(|name| !["super", "crate", "self"].contains(&name.as_str()));
    base.iter().chain(own).cloned().collect()
}

fn floor(module: &str) -> Option<u32> {
    let mut house = HOUSE.iter();
    house
        .find(|(name, ..)| *name == module)
        .map(|(_, floor, _)| *floor)
}

#[test]
fn no_arrow_points_up_a_floor_nor_to_a_neighbour_that_is_not_named() {
    let mut used = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    for (from, to) in House::read().arrows() {
        let (Some(own), Some(other)) = (from.first(), to.first()) else {
            continue;
        };
        let (Some(here), Some(there)) = (floor(own), floor(other)) else {
            continue;
        };
        let named = HOUSE
            .iter()
            .any(|(name, _, neighbours)| name == own && neighbours.contains(&other.as_str()));
        if own != other && (there > here || there == here && !named) {
            wrong.insert(format!("{} uses {}", from.join("::"), to.join("::")));
        } else if named {
            used.insert((own.clone(), other.clone()));
        }
    }
    assert!(wrong.is_empty(), "arrows that may not be: {wrong:#?}");
    for (place, (name, own, neighbours)) in HOUSE.iter().enumerate() {
        for neighbour in *neighbours {
            let below = HOUSE[place..].iter().find(|(other, ..)| other == neighbour);
            assert!(
                below.is_some_and(|(_, floor, _)| floor == own),
                "{name} names {neighbour}"
            );
            let arrow = ((*name).to_owned(), (*neighbour).to_owned());
            assert!(used.contains(&arrow), "{name} no longer uses {neighbour}");
        }
    }
}

/// A folder's `mod.rs` is left out: it may hold what its files share, and the list of them.
#[test]
fn modules_of_one_folder_stand_in_no_circle() {
    let mut folders: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to) in House::read().arrows() {
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if let (Some(own), Some(other)) = (from.get(common), to.get(common)) {
            let folder = folders.entry(from[..common].to_vec()).or_default();
            folder.entry(own.clone()).or_default().insert(other.clone());
        }
    }
    let circles: Vec<String> = folders
        .into_iter()
        .filter_map(|(folder, arrows)| {
            let circle = in_circles(arrows);
            let arrows = circle.iter().map(|(a, all)| format!("{a} → {all:?}"));
            let arrows = arrows.collect::<Vec<_>>().join(", ");
            (!circle.is_empty()).then(|| format!("{}: {arrows}", folder.join("::")))
        })
        .collect();
    assert!(circles.is_empty(), "circles: {circles:#?}");
}

/// What is left of arrows when those are taken away, again and again, that begin or end where no circle can be.
fn in_circles(
    mut arrows: BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let before: usize = arrows.values().map(BTreeSet::len).sum();
        let begins: BTreeSet<String> = arrows.keys().cloned().collect();
        let ends: BTreeSet<String> = arrows.values().flatten().cloned().collect();
        arrows.retain(|from, to| {
            to.retain(|to| begins.contains(to));
            ends.contains(from) && !to.is_empty()
        });
        if arrows.values().map(BTreeSet::len).sum::<usize>() == before {
            return arrows;
        }
    }
}

#[test]
fn circles_and_paths_are_found_where_they_are() {
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|n| (*n).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let arrows = [
        ("a", set(&["b", "x"])),
        ("b", set(&["c"])),
        ("c", set(&["a"])),
        ("z", set(&["a"])),
    ];
    let arrows = arrows
        .map(|(from, to)| (from.to_owned(), to))
        .into_iter()
        .collect();
    let found = in_circles(arrows);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    let joined = |code: &str| paths(code).iter().map(|p| p.join("::")).collect::<Vec<_>>();
    assert_eq!(
        joined("use super::{a::{B, c}, d}; fn f() { crate::e::g(super::super::h) }"),
        [
            "crate::e::g",
            "super::a::B",
            "super::a::c",
            "super::d",
            "super::super::h"
        ]
    );
}

#[test]
fn every_module_of_the_house_has_a_floor_and_every_file_says_what_it_is() {
    let root = source();
    for file in rust_files(&root) {
        let text = fs::read_to_string(&file).expect("a source file");
        assert!(
            text.trim_start().starts_with("//!"),
            "{} has no first line that says what it is",
            file.display()
        );
        let relative = file.strip_prefix(&root).expect("a file of src");
        let first = relative.components().next().expect("a name").as_os_str();
        let own = first.to_str().expect("UTF-8").trim_end_matches(".rs");
        assert!(
            ["main", "lib"].contains(&own) || floor(own).is_some(),
            "{} stands on no floor",
            file.display()
        );
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().count();
        assert!(
            lines <= 600,
            "{} has {lines} lines before its tests: which second noun hides in it?",
            file.display()
        );
    }
}
