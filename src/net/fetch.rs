//! Fetching one file: into a file of its own, which its reader moves into place once it has looked at it.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use reqwest::Url;
use tempfile::NamedTempFile;

/// Fetches a file of at most `limit` bytes into a new temporary file in `folder`. What begins encrypted stays so across redirects.
///
/// # Errors
/// What went wrong, without the URL: it cannot be reached, answers with an error, is larger than `limit`, or cannot be written.
pub async fn fetch(
    url: Url,
    token: Option<&str>,
    limit: u64,
    folder: &Path,
) -> Result<NamedTempFile, String> {
    let words = |e: &dyn std::fmt::Display| e.to_string();
    super::permits(&url).map_err(|e| words(&e))?;
    let client = super::client()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_mins(1))
        .https_only(url.scheme() == "https")
        .build()
        .map_err(|e| words(&e))?;
    let mut request = client.get(url);
    if let Some(token) = token {
        // reqwest drops the header where a redirect leaves the host.
        request = request.bearer_auth(token);
    }
    let response = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(|e| words(&e.without_url()))?;
    // A new file of a name of its own: nothing that is there already is written through.
    let mut partial = NamedTempFile::new_in(folder).map_err(|e| words(&e))?;
    let mut stream = response.bytes_stream();
    let mut written = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|e| words(&e.without_url()))?;
        written += chunk.len() as u64;
        if written > limit {
            return Err(format!("it is larger than {limit} bytes"));
        }
        partial.write_all(&chunk).map_err(|e| words(&e))?;
    }
    Ok(partial)
}
