//! What every server of ours on this machine does: it listens on loopback only, under a path that holds a secret, and answers nobody but its
//! own pages.

use axum::extract::Request;
use axum::http::header::{HeaderName, HeaderValue};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rand::TryRng;
use rand::rngs::SysRng;

use super::ReportError;
use crate::net::is_from_this_machine;

/// What every answer says to the browser: keep nothing, guess nothing, tell nobody.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// A word that no other page in the browser can guess.
pub(super) fn secret() -> Result<String, ReportError> {
    let secret = SysRng.try_next_u64().map_err(|e| ReportError::Render {
        part: "address".into(),
        reason: format!("the operating system returned no random bytes: {e}"),
    })?;
    Ok(format!("{secret:016x}"))
}

/// Refuses requests from other pages in the browser: from a name that was rebound to this machine (its Host is that name), or from a form
/// on another page (its Origin differs).
pub(super) async fn from_this_machine_only(request: Request, next: Next) -> Response {
    if is_from_this_machine(request.headers()) {
        let mut response = next.run(request).await;
        for (name, value) in HEADERS {
            response
                .headers_mut()
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        }
        response
    } else {
        let why =
            "this page can be opened only on this machine, at the address that candor printed";
        (StatusCode::FORBIDDEN, why).into_response()
    }
}
