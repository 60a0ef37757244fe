//! Fetching what may take long: a file that continues where an earlier try stopped, and a short answer to be read at once.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::RANGE;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server says no.
    #[error("the server answers {0}")]
    Status(StatusCode),
    /// It cannot be reached, or the connection broke.
    #[error("{0}")]
    Connection(String),
    /// It is not what was announced.
    #[error("{0}")]
    Content(String),
    /// It cannot be written.
    #[error("{0}")]
    Disk(#[from] std::io::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Connection(with_causes(&error.without_url()))
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// A client for one address: what begins encrypted stays so across redirects.
fn client(url: &Url) -> Result<Client, FetchError> {
    super::permits(url).map_err(|e| FetchError::Connection(e.to_string()))?;
    Ok(super::client()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_mins(1))
        .https_only(url.scheme() == "https")
        .build()?)
}

async fn send(request: RequestBuilder, token: Option<&str>) -> Result<Response, FetchError> {
    let request = match token {
        // reqwest drops the header where a redirect leaves the host.
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = request.send().await?;
    match response.status() {
        status if status.is_success() => Ok(response),
        status => Err(FetchError::Status(status)),
    }
}

/// An answer of at most `limit` bytes.
///
/// # Errors
/// [`FetchError`] says why there is none.
pub async fn get(url: Url, token: Option<&str>, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut stream = send(client(&url)?.get(url), token).await?.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() > limit {
            let what = format!("the answer is longer than {limit} bytes");
            return Err(FetchError::Content(what));
        }
    }
    Ok(bytes)
}

/// Fetches a file of `size` bytes into `part`, after those that are in it already. `progress` gets how many there are.
///
/// # Errors
/// [`FetchError`]; what has come so far stays in `part`.
pub async fn resume(
    url: Url,
    token: Option<&str>,
    size: u64,
    part: &mut File,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), FetchError> {
    let mut have = part.seek(SeekFrom::End(0))?;
    if have > size {
        have = 0;
        part.set_len(0)?;
        part.rewind()?;
    }
    progress(have);
    if have == size {
        return Ok(());
    }
    let mut request = client(&url)?.get(url);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = send(request, token).await?;
    if have > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
        // The server begins anew.
        have = 0;
        part.set_len(0)?;
        part.rewind()?;
    }
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        have += chunk.len() as u64;
        if have > size {
            part.set_len(0)?;
            let what = format!("it is longer than the {size} bytes that were announced");
            return Err(FetchError::Content(what));
        }
        part.write_all(&chunk)?;
        progress(have);
    }
    part.sync_all()?;
    if have < size {
        let what = format!("the connection ended after {have} of {size} bytes");
        return Err(FetchError::Connection(what));
    }
    Ok(())
}
