//! The suites that come with candor, compiled into the binary.

use std::path::Path;

use include_dir::{Dir, include_dir};

static SUITES: Dir = include_dir!("$CARGO_MANIFEST_DIR/suites");

/// A shipped suite's files.
pub struct ShippedSuite {
    /// Its name, as in `-s NAME`.
    pub name: String,
    /// `suite.yaml`.
    pub yaml: &'static str,
    /// Path below `suites/` and text of `items.jsonl`, or of every `items/*.yaml`, where the items are shipped.
    pub items: Vec<(String, &'static str)>,
}

/// Every shipped suite, by name.
#[must_use]
pub fn shipped() -> Vec<ShippedSuite> {
    let mut found = Vec::new();
    collect(&SUITES, &mut found);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn collect(folder: &'static Dir<'static>, found: &mut Vec<ShippedSuite>) {
    for inner in folder.dirs() {
        let yaml = inner.get_file(inner.path().join("suite.yaml"));
        let Some(yaml) = yaml.and_then(|f| f.contents_utf8()) else {
            collect(inner, found);
            continue;
        };
        let single = inner.get_file(inner.path().join("items.jsonl"));
        let table = inner.get_dir(inner.path().join("items"));
        let mut items: Vec<_> = single
            .into_iter()
            .chain(table.into_iter().flat_map(Dir::files))
            .filter_map(|f| Some((slashed(f.path()), f.contents_utf8()?)))
            .collect();
        items.sort_unstable();
        found.push(ShippedSuite {
            name: slashed(inner.path()),
            yaml,
            items,
        });
    }
}

fn slashed(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}
