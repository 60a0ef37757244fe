//! Fetching a dataset's files from the Hugging Face hub into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use futures::StreamExt;

use super::schema::HubSource;

/// Most bytes of one file.
const MAX_BYTES: usize = 2 << 30;

/// Local paths of the dataset's files, fetched where they are not in the cache yet. `HF_ENDPOINT` names another hub,
/// `HF_TOKEN` opens gated datasets.
pub(super) async fn fetch(source: &HubSource, cache: &Path) -> Result<Vec<PathBuf>, String> {
    let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_else(|_| "https://huggingface.co".into());
    let mut paths = Vec::new();
    for file in &source.files {
        let target = cache
            .join("datasets")
            .join(source.dataset.replace('/', "--"))
            .join(&source.revision)
            .join(file);
        if !target.is_file() {
            let url = format!(
                "{}/datasets/{}/resolve/{}/{file}",
                endpoint.trim_end_matches('/'),
                source.dataset,
                source.revision
            );
            download(&url, &target)
                .await
                .map_err(|reason| format!("{url} could not be fetched: {reason}"))?;
        }
        paths.push(target);
    }
    Ok(paths)
}

async fn download(url: &str, target: &Path) -> Result<(), String> {
    let words = |e: &dyn std::fmt::Display| e.to_string();
    let client = reqwest::Client::builder()
        .connect_timeout(std::time::Duration::from_secs(10))
        .read_timeout(std::time::Duration::from_mins(1))
        .build()
        .map_err(|e| words(&e))?;
    let mut request = client.get(url);
    if let Some(token) = std::env::var("HF_TOKEN").ok().filter(|t| !t.is_empty()) {
        // reqwest drops the header where a redirect leaves the host.
        request = request.bearer_auth(token);
    }
    let response = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(|e| words(&e.without_url()))?;
    let folder = target.parent().ok_or("the target has no folder")?;
    fs::create_dir_all(folder).map_err(|e| words(&e))?;
    let partial = target.with_extension(format!("partial-{}", std::process::id()));
    let mut out = fs::File::create(&partial).map_err(|e| words(&e))?;
    let mut stream = response.bytes_stream();
    let mut written = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|e| words(&e.without_url()))?;
        written += chunk.len();
        if written > MAX_BYTES {
            return Err(format!("it is larger than {} GiB", MAX_BYTES >> 30));
        }
        std::io::Write::write_all(&mut out, &chunk).map_err(|e| words(&e))?;
    }
    fs::rename(&partial, target).map_err(|e| words(&e))
}
