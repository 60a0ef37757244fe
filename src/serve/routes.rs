//! What is served where, and how a request is let in.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::answer::answer;
use super::body;
use super::chat::ChatRequest;
use super::completions::TextRequest;
use super::fault::Fault;
use super::house::House;
use super::queue::Place;

/// Routes that are counted by their own name.
const ROUTES: [&str; 5] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/metrics",
    HEALTH,
];
/// The one that everybody may ask.
const HEALTH: &str = "/health";

pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route(ROUTES[0], post(chat))
        .route(ROUTES[1], post(completions))
        .route(ROUTES[2], get(models))
        .route("/v1/models/{*name}", get(model))
        .route(ROUTES[3], get(metrics))
        .route(HEALTH, get(async || "ok"))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(middleware::from_fn_with_state(Arc::clone(&house), admitted))
        .with_state(house)
}

/// Lets a request in, and counts how it was answered.
async fn admitted(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let route = ROUTES.iter().find(|route| **route == path);
    let admitted = if path == HEALTH {
        Ok(())
    } else {
        house.access.admit(request.headers())
    };
    let response = match admitted {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    };
    let status = response.status().as_u16();
    house.metrics.answered(route.unwrap_or(&"other"), status);
    response
}

fn place(house: &Arc<House>) -> Result<Place, Fault> {
    let places = house.queue.places();
    house
        .queue
        .enter()
        .map_err(|wait| Fault::busy(places, wait))
}

fn served(house: &House, asked: &str) -> Result<(), Fault> {
    if asked == house.name() {
        Ok(())
    } else {
        Err(Fault::no_model(asked, house.name()))
    }
}

async fn chat(State(house): State<Arc<House>>, request: Request) -> Result<Response, Fault> {
    let place = place(&house)?;
    let request: ChatRequest = body::json(request.into_body(), house.limits.body).await?;
    served(&house, &request.model)?;
    let call = request.call(house.limits.default_tokens)?;
    answer(house, call, place).await
}

async fn completions(State(house): State<Arc<House>>, request: Request) -> Result<Response, Fault> {
    let place = place(&house)?;
    let request: TextRequest = body::json(request.into_body(), house.limits.body).await?;
    served(&house, &request.model)?;
    let call = request.call()?;
    answer(house, call, place).await
}

fn described(house: &House) -> Value {
    json!({"id": house.name(), "object": "model", "created": house.since, "owned_by": "candor"})
}

async fn models(State(house): State<Arc<House>>) -> Json<Value> {
    Json(json!({"object": "list", "data": [described(&house)]}))
}

async fn model(
    State(house): State<Arc<House>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Fault> {
    served(&house, &name)?;
    Ok(Json(described(&house)))
}

async fn metrics(State(house): State<Arc<House>>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    (
        [(header::CONTENT_TYPE, kind)],
        house.metrics.page(&house.queue),
    )
}

async fn nowhere(method: Method, uri: Uri) -> Fault {
    Fault::no_route(method.as_str(), uri.path())
}
