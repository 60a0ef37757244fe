//! Fetching a dataset's files from the Hugging Face hub into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::schema::HubSource;
use crate::files::{Folder, PlainPath};
use crate::net;

/// Most bytes of one file.
const MAX_BYTES: u64 = 2 << 30;

const HUB: &str = "https://huggingface.co";

/// Local paths of the dataset's files, fetched where they are not in the cache yet. `HF_ENDPOINT` names another hub,
/// `HF_TOKEN` opens gated datasets.
pub(super) async fn fetch(source: &HubSource, cache: &Path) -> Result<Vec<PathBuf>, String> {
    let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_else(|_| HUB.into());
    let folder = cache.join("datasets");
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let folder = Folder::open(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths = Vec::new();
    for file in &source.files {
        let place = cache_path(source, file)?;
        let failed = |reason: String| format!("cannot download {file}: {reason}");
        paths.push(match folder.file(&place) {
            Ok(known) => known,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let url = url(&endpoint, source, file)?;
                let download = download(url.clone(), &folder, &place).await;
                download.map_err(|reason| failed(format!("{url}: {reason}")))?
            }
            Err(error) => return Err(failed(error.to_string())),
        });
    }
    Ok(paths)
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

/// Fetches a file into its place in the folder.
async fn download(url: Url, folder: &Folder, place: &PlainPath) -> Result<PathBuf, String> {
    let token = std::env::var("HF_TOKEN").ok().filter(|t| !t.is_empty());
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
