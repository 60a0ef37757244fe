//! A name for several suites: the folder in which theirs lie.

use std::fs;
use std::path::Path;

use super::shipped;
use super::subset::is_subset;

/// The suites in a folder, or the shipped ones below a name (`audit`), each as it is named alone. None where it is a suite, or
/// nothing at all. Of shipped suites those are left out that ask a part of another.
pub(super) fn members(name: &str) -> Vec<String> {
    let folder = Path::new(name);
    if folder.join("suite.yaml").is_file() {
        return Vec::new();
    }
    let mut found: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("suite.yaml").is_file())
        .filter_map(|entry| entry.path().to_str().map(str::to_owned))
        .collect();
    found.sort();
    if found.is_empty() {
        let below = format!("{}/", name.trim_end_matches('/'));
        let shipped = shipped().into_iter();
        found.extend(
            shipped
                .filter(|suite| suite.name.starts_with(&below) && !is_subset(suite.yaml))
                .map(|suite| suite.name),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_suites_are_named_by_what_they_lie_below() {
        let audits = members("audit");
        assert!(audits.contains(&"audit/provenance".to_owned()));
        assert!(audits.iter().all(|name| name.starts_with("audit/")));
        // It asks a part of audit/sensitive-history.
        assert!(!audits.contains(&"audit/sensitive-history-mini".to_owned()));
        assert!(members("audit/provenance").is_empty());
        assert!(members("audi").is_empty());
    }
}
