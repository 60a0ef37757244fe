//! The suites that come with candor, compiled into the binary.

use include_dir::{Dir, include_dir};

static SUITES: Dir = include_dir!("$CARGO_MANIFEST_DIR/suites");

/// A shipped suite's files.
pub struct ShippedSuite {
    /// Its name, as in `-s NAME`.
    pub name: String,
    /// `suite.yaml`.
    pub yaml: &'static str,
    /// `items.jsonl`, where the items are shipped.
    pub items: Option<&'static str>,
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
        let text = |name: &str| {
            inner
                .get_file(inner.path().join(name))
                .and_then(|f| f.contents_utf8())
        };
        match text("suite.yaml") {
            Some(yaml) => found.push(ShippedSuite {
                name: inner.path().display().to_string().replace('\\', "/"),
                yaml,
                items: text("items.jsonl"),
            }),
            None => collect(inner, found),
        }
    }
}
