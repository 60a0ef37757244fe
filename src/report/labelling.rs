//! The page on which a person labels answers, served to this machine only.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::ReportError;
use super::embedded::file;
use super::templates::Templates;
use crate::analysis::DrawnAnswer;
use crate::score::AnswerClass;
use crate::store::{TrialLabel, append_label, read_labels};

/// Answers to label, the annotator, and the file of labels.
pub struct Labelling {
    answers: Vec<DrawnAnswer>,
    by: String,
    labels: PathBuf,
    given: Mutex<HashMap<String, String>>,
    page: String,
    secret: String,
}

/// An answer with its label so far.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    answer: &'a DrawnAnswer,
    class: Option<String>,
}

#[derive(Deserialize)]
struct Given {
    trial: String,
    class: String,
}

impl Labelling {
    /// Continues from the labels by `by` that the file holds already.
    ///
    /// # Errors
    /// [`ReportError::Store`] if the file exists and is not a file of labels, [`ReportError::Render`] for a bug of ours.
    pub fn new(answers: Vec<DrawnAnswer>, by: &str, labels: &Path) -> Result<Self, ReportError> {
        let before = if labels.exists() {
            read_labels(labels)?
        } else {
            std::collections::BTreeMap::default()
        };
        let given = before
            .into_iter()
            .filter_map(|(trial, mut given)| Some((trial, given.remove(by)?)))
            .collect();
        let secret = SysRng.try_next_u64().map_err(|e| ReportError::Render {
            part: "page for labels".into(),
            reason: format!("the operating system returned no random bytes: {e}"),
        })?;
        Ok(Self {
            answers,
            by: by.to_owned(),
            labels: labels.to_owned(),
            given: Mutex::new(given),
            page: Templates::new(super::Language::default())?.render(
                "label.html",
                &serde_json::json!({ "style": file("style.css") }),
            )?,
            secret: format!("{secret:016x}"),
        })
    }

    /// Number of answers with a label.
    #[must_use]
    pub fn labelled(&self) -> usize {
        let given = self.labels();
        let has = |a: &&DrawnAnswer| given.contains_key(&a.trial);
        self.answers.iter().filter(has).count()
    }

    /// The page's path on its server. It holds a secret, so that no other page in the browser finds it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/", self.secret)
    }

    fn labels(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.given
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Serves the page until `stop` is done.
    ///
    /// # Errors
    /// The listener's error.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let path = self.path();
        let router = Router::new()
            .route(&path, get(page))
            .route(&format!("{path}answers"), get(answers))
            .route(&format!("{path}label"), post(label))
            .layer(middleware::from_fn(from_this_machine_only))
            .with_state(self);
        axum::serve(listener, router)
            .with_graceful_shutdown(stop)
            .await
    }
}

/// Refuses requests from other pages in the browser: from a name that was rebound to this machine (its Host is that name), or from a form
/// on another page (its Origin differs).
async fn from_this_machine_only(request: Request, next: Next) -> Response {
    if is_from_this_machine(request.headers()) {
        next.run(request).await
    } else {
        let why =
            "this page can be opened only on this machine, at the address that candor printed";
        (StatusCode::FORBIDDEN, why).into_response()
    }
}

fn is_from_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let host = host.unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let own = format!("http://{host}");
    let origin = headers.get(header::ORIGIN);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
        && origin.is_none_or(|origin| origin.as_bytes() == own.as_bytes())
}

async fn page(State(labelling): State<Arc<Labelling>>) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src \
        'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri \
        'none'; form-action 'none'";
    (
        [(header::CONTENT_SECURITY_POLICY, policy)],
        Html(labelling.page.clone()),
    )
        .into_response()
}

async fn answers(State(labelling): State<Arc<Labelling>>) -> Response {
    let given = labelling.labels();
    let shown: Vec<Shown> = labelling
        .answers
        .iter()
        .map(|answer| Shown {
            answer,
            class: given.get(&answer.trial).cloned(),
        })
        .collect();
    Json(shown).into_response()
}

async fn label(
    State(labelling): State<Arc<Labelling>>,
    Json(Given { trial, class }): Json<Given>,
) -> Response {
    if let Err(why) = class.parse::<AnswerClass>() {
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    if !labelling.answers.iter().any(|a| a.trial == trial) {
        return (
            StatusCode::NOT_FOUND,
            "this answer is not in the sample drawn",
        )
            .into_response();
    }
    // Held while the file is written: two labels never share a line.
    let mut given = labelling.labels();
    let line = TrialLabel {
        trial: trial.clone(),
        class: class.clone(),
        by: labelling.by.clone(),
    };
    match append_label(&labelling.labels, &line) {
        Ok(()) => {
            given.insert(trial, class);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_pages_are_answered() {
        let answered = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_from_this_machine(&headers)
        };
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "[::1]:8080",
            "localhost",
        ] {
            assert!(answered(host, None), "{host}");
            assert!(answered(host, Some(&format!("http://{host}"))), "{host}");
            assert!(!answered(host, Some("https://evil.example")), "{host}");
            assert!(!answered(host, Some("null")), "{host}");
        }
        for host in [
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "",
        ] {
            assert!(!answered(host, None), "{host}");
        }
        assert!(!answered("localhost:8080", Some("http://localhost:9090")));
        assert!(!is_from_this_machine(&HeaderMap::new()));
    }
}
