//! The commit of a repository that files were read from.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A repository at one commit, as a run's manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HubPin {
    /// `owner/name`.
    pub repository: String,
    /// The commit, whatever branch named it.
    pub commit: String,
}

impl HubPin {
    /// That of a file in the cache, `…/datasets--OWNER--NAME/snapshots/COMMIT/…`; none of one that is elsewhere.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).collect();
        let at = names.iter().rposition(|name| *name == "snapshots")?;
        let folder = names.get(at.checked_sub(1)?)?;
        let repository = folder
            .strip_prefix("datasets--")
            .or_else(|| folder.strip_prefix("models--"))?;
        Some(Self {
            repository: repository.replacen("--", "/", 1),
            commit: (*names.get(at + 1)?).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_cache_tells_its_commit() {
        let file = "/hf/hub/datasets--acme--sums--2/snapshots/c0ffee/data/test.parquet";
        let pin = HubPin {
            repository: "acme/sums--2".into(),
            commit: "c0ffee".into(),
        };
        assert_eq!(HubPin::of(Path::new(file)), Some(pin));
        assert_eq!(HubPin::of(Path::new("/data/snapshots/test.parquet")), None);
    }
}
