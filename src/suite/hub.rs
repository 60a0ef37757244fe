//! A dataset's files on the Hugging Face hub: in its cache, or fetched into ours.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::schema::HubSource;
use crate::files::{Folder, PlainPath};
use crate::net::{self, hub};

/// Most bytes of one file.
const MAX_BYTES: u64 = 2 << 30;

/// The folder of the cache that datasets are kept in.
const DATASETS: &str = "datasets";

/// Local paths of the dataset's files: in the hub's own cache, in ours, or fetched into ours. `HF_ENDPOINT` names another hub,
/// `HF_TOKEN` opens gated datasets; `HF_HUB_CACHE` and `HF_HOME` say where the hub's cache is.
pub(super) async fn fetch(
    source: &HubSource,
    cache: &Path,
    offline: bool,
) -> Result<Vec<PathBuf>, String> {
    let endpoint = hub::endpoint();
    let mut paths = Vec::new();
    for file in &source.files {
        let failed = |reason: String| {
            let (dataset, revision) = (&source.dataset, revision(source));
            format!("{file} of hf://{dataset}@{revision} {reason}")
        };
        let place = cache_path(source, file)?;
        let known = known(source, file)
            .map_or_else(|| cached(cache, &place), |path| Ok(Some(path)))
            .map_err(|reason| failed(format!("cannot be read: {reason}")))?;
        paths.push(match known {
            Some(path) => path,
            None if offline => {
                let reason = "is in no cache, and --offline forbids downloading it";
                return Err(failed(reason.into()));
            }
            None => {
                let url = url(&endpoint, source, file)?;
                let download = download(url.clone(), cache, &place).await;
                let failed = |e| failed(format!("could not be downloaded: {url}: {e}"));
                download.map_err(failed)?
            }
        });
    }
    Ok(paths)
}

/// A file in the hub's own cache: `datasets--OWNER--NAME/snapshots/COMMIT/FILE`, with the commit of a branch in `refs/`.
fn known(source: &HubSource, file: &PlainPath) -> Option<PathBuf> {
    let names: Vec<&str> = source.dataset.names().collect();
    let folder = hub::cache()?.join(format!("datasets--{}", names.join("--")));
    let revision = source.revision.as_ref();
    let main: PlainPath = "main".parse().ok()?;
    let revision = revision.unwrap_or(&main);
    let commit = match fs::read_to_string(revision.below(&folder.join("refs"))) {
        Ok(commit) => commit.trim().parse().ok()?,
        Err(_) => revision.clone(),
    };
    let snapshot = Folder::open(&commit.below(&folder.join("snapshots"))).ok()?;
    snapshot.file(file).ok()
}

/// A file that was fetched before.
fn cached(cache: &Path, place: &PlainPath) -> Result<Option<PathBuf>, String> {
    let Ok(folder) = Folder::open(&cache.join(DATASETS)) else {
        return Ok(None);
    };
    match folder.file(place) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn revision(source: &HubSource) -> &str {
    source.revision.as_ref().map_or("main", PlainPath::as_str)
}

/// The file's place in the cache: the dataset and its revision are one folder each, whatever their names hold.
fn cache_path(source: &HubSource, file: &PlainPath) -> Result<PlainPath, String> {
    let one = |name: &str| name.replace('/', "--");
    format!(
        "{}/{}/{file}",
        one(source.dataset.as_str()),
        one(revision(source))
    )
    .parse()
    .map_err(|e| format!("{e}"))
}

/// The file's URL. Every name becomes one segment of the path, so that none can end the path or leave its folder.
fn url(endpoint: &str, source: &HubSource, file: &PlainPath) -> Result<Url, String> {
    let wrong = || format!("HF_ENDPOINT '{endpoint}' is not a URL");
    let mut url = Url::parse(endpoint).map_err(|_| wrong())?;
    url.path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .push("datasets")
        .extend(source.dataset.names())
        .push("resolve")
        .push(revision(source))
        .extend(file.names());
    Ok(url)
}

/// Fetches a file into its place in the cache.
async fn download(url: Url, cache: &Path, place: &PlainPath) -> Result<PathBuf, String> {
    let folder = cache.join(DATASETS);
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let folder = Folder::open(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let token = hub::token();
    let target = folder.path_for(place).map_err(|e| e.to_string())?;
    let parent = target.parent().ok_or("the target has no folder")?;
    let fetched = net::fetch(url, token.as_deref(), MAX_BYTES, parent).await?;
    fetched.persist(&target).map_err(|e| e.to_string())?;
    Ok(target)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn source(revision: Option<&str>) -> HubSource {
        HubSource {
            dataset: "a/b".parse().unwrap(),
            revision: revision.map(|r| r.parse().unwrap()),
            files: Vec::new(),
        }
    }

    #[test]
    fn every_name_is_one_segment_of_the_url() {
        let file = "x y/50%.parquet".parse().unwrap();
        for (endpoint, revision, want) in [
            (
                "http://hub",
                None,
                "http://hub/datasets/a/b/resolve/main/x%20y/50%25.parquet",
            ),
            (
                "http://hub/mirror/",
                Some("refs/convert/parquet"),
                "http://hub/mirror/datasets/a/b/resolve/refs%2Fconvert%2Fparquet/x%20y/50%25.parquet",
            ),
        ] {
            let url = url(endpoint, &source(revision), &file).unwrap();
            assert_eq!(url.as_str(), want);
        }
    }
}
