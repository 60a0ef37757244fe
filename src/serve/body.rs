//! A request's body, of limited size and time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use serde::de::DeserializeOwned;

use super::fault::Fault;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a body as JSON.
///
/// # Errors
/// [`Fault`] where it is too large, too slow, or not what it should be.
pub(super) async fn json<T: DeserializeOwned>(body: Body, limit: usize) -> Result<T, Fault> {
    let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, limit)).await {
        Err(_) => return Err(Fault::too_slow()),
        Ok(Err(_)) => return Err(Fault::too_large(limit)),
        Ok(Ok(bytes)) => bytes,
    };
    serde_json::from_slice(&bytes)
        .map_err(|e| Fault::invalid(format!("the body is not a request of this API: {e}")))
}
