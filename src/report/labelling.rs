//! The page on which a person labels answers, served to this machine only.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::ReportError;
use super::embedded::file;
use super::loopback::{from_this_machine_only, secret};
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
        Ok(Self {
            answers,
            by: by.to_owned(),
            labels: labels.to_owned(),
            given: Mutex::new(given),
            page: Templates::new(super::Language::default())?.render(
                "label.html",
                &serde_json::json!({ "style": file("style.css") }),
            )?,
            secret: secret()?,
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
