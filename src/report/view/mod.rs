//! `candor view`: the report's page of runs too large for a file, of runs in progress, and of a folder of runs. It is served to this machine
//! only; questions, answers and searches stay with the server.
//!
//! A thread reads each run's tables, or its journal where that is ahead of them, onto a [`shelf::Shelf`]: a catalogue in memory and texts in
//! a temporary file. Nothing is written into a run's directory while it is read.

mod catalogue;
mod haystack;
mod history;
mod opened;
mod progress;
mod query;
mod routes;
mod shelf;
mod text_file;

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use self::history::History;
use self::opened::Opened;
pub use self::opened::{Reads, ReportProcess};
use super::html::served_page;
use super::loopback::{from_this_machine_only, secret};
use super::{ReportError, ReportOptions};

/// Sets of runs that stay open at a time.
const MOST_OPEN: usize = 2;
/// The address of the runs named on the command line.
const ALL: &str = "all";

/// What is served: runs, or a folder of them.
pub struct Viewer {
    secret: String,
    options: ReportOptions,
    process: Arc<ReportProcess>,
    what: What,
    open: Mutex<Vec<(String, Arc<Opened>)>>,
}

enum What {
    Runs(Vec<PathBuf>),
    Folder(History),
}

impl Viewer {
    /// Opens runs to be read together, or the folder that holds runs; `process` computes their reports.
    ///
    /// # Errors
    /// [`ReportError`] if a path is neither.
    pub fn of(
        paths: &[PathBuf],
        options: ReportOptions,
        process: ReportProcess,
    ) -> Result<Self, ReportError> {
        let folder = match paths {
            [one] => History::of(one, options.language),
            _ => None,
        };
        let viewer = Self {
            secret: secret()?,
            options,
            process: Arc::new(process),
            what: folder.map_or_else(|| What::Runs(paths.to_vec()), What::Folder),
            open: Mutex::new(Vec::new()),
        };
        if let What::Runs(_) = viewer.what {
            viewer.opened(ALL)?;
        }
        Ok(viewer)
    }

    /// The page's path on its server. It holds a secret, so that no other page in the browser finds it.
    #[must_use]
    pub fn path(&self) -> String {
        match self.what {
            What::Runs(_) => format!("/{}/runs/{ALL}/", self.secret),
            What::Folder(_) => format!("/{}/", self.secret),
        }
    }

    /// How many runs a folder holds; none where runs were named.
    #[must_use]
    pub fn runs_of_folder(&self) -> Option<usize> {
        match &self.what {
            What::Runs(_) => None,
            What::Folder(history) => Some(history.len()),
        }
    }

    /// The runs of an address, opened if they are not yet.
    fn opened(&self, runs: &str) -> Result<Option<Arc<Opened>>, ReportError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(name, _)| name == runs) {
            // The one used last stands first, and stays longest.
            open[..=at].rotate_right(1);
            return Ok(Some(Arc::clone(&open[0].1)));
        }
        let (paths, reads) = match &self.what {
            What::Runs(paths) if runs == ALL => (Some(paths.clone()), Reads::Together),
            What::Runs(_) => (None, Reads::Together),
            What::Folder(history) => (history.paths(runs), Reads::Apart),
        };
        let Some(paths) = paths else {
            return Ok(None);
        };
        let opened = Opened::open(paths, reads, &self.options, Arc::clone(&self.process))?;
        open.insert(0, (runs.to_owned(), Arc::clone(&opened)));
        open.truncate(MOST_OPEN);
        Ok(Some(opened))
    }

    /// Serves the pages until `stop` is done.
    ///
    /// # Errors
    /// The listener's error.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let own = |path: &str| format!("/{}{path}", self.secret);
        let router = Router::new()
            .route(&own("/"), get(index))
            .route(&own("/compare"), get(compare))
            .route(&own("/runs/{runs}/"), get(page))
            .route(&own("/runs/{runs}/{what}"), get(data))
            .layer(middleware::from_fn(from_this_machine_only))
            .with_state(Arc::clone(&self));
        axum::serve(listener, router)
            .with_graceful_shutdown(stop)
            .await
    }
}

/// Runs what reads files, apart from what answers requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReportError> + Send + 'static,
) -> Result<T, Response> {
    let failed = |why: String| (StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is no such page").into_response()
}

fn with_policy((html, policy): (String, String)) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

/// The page of a folder of runs.
async fn index(State(viewer): State<Arc<Viewer>>) -> Result<Response, Response> {
    history_page(viewer, false).await
}

async fn history_page(viewer: Arc<Viewer>, choose: bool) -> Result<Response, Response> {
    let made = blocking(move || match &viewer.what {
        What::Runs(_) => Ok(None),
        What::Folder(history) => history.page(choose).map(Some),
    });
    Ok(made.await?.map_or_else(not_found, with_policy))
}

/// Leads from two chosen runs to their page.
async fn compare(
    State(viewer): State<Arc<Viewer>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let query = query.unwrap_or_default();
    let chosen = routes::parameters(&query);
    let chosen: Vec<&str> = chosen.iter().map(|(_, value)| &**value).collect();
    let are_numbers = chosen.iter().all(|c| c.parse::<usize>().is_ok());
    if chosen.len() != 2 || !are_numbers {
        return history_page(viewer, true).await;
    }
    let to = format!("/{}/runs/{}/", viewer.secret, chosen.join("+"));
    Ok(Redirect::to(&to).into_response())
}

/// The page of opened runs.
async fn page(
    State(viewer): State<Arc<Viewer>>,
    Path(runs): Path<String>,
) -> Result<Response, Response> {
    let made = blocking(move || {
        let Some(opened) = viewer.opened(&runs)? else {
            return Ok(None);
        };
        let head = routes::head(&opened);
        served_page(&opened.title, opened.language(), &head).map(Some)
    });
    Ok(made.await?.map_or_else(not_found, with_policy))
}

/// What the page asks for.
async fn data(
    State(viewer): State<Arc<Viewer>>,
    Path((runs, what)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let made = blocking(move || {
        let Some(opened) = viewer.opened(&runs)? else {
            return Ok(not_found());
        };
        let query = query.unwrap_or_default();
        let parameters = routes::parameters(&query);
        let unread = |e| ReportError::file("cannot read", &std::env::temp_dir(), &e);
        let json = match what.as_str() {
            "head" => Some(routes::head(&opened).to_string()),
            "state" => Some(routes::state(&opened).to_string()),
            "find" => Some(
                routes::find(&opened, &parameters)
                    .map_err(unread)?
                    .to_string(),
            ),
            "place" => Some(
                routes::place(&opened, &parameters)
                    .map_err(unread)?
                    .to_string(),
            ),
            "question" => routes::question(&opened, &parameters)
                .map_err(unread)?
                .map(|json| json.to_string()),
            "sections" => opened.sections().map(|json| json.to_string()),
            _ => return Ok(not_found()),
        };
        Ok(match json {
            Some(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        })
    });
    made.await
}
