//! Connections: accepted until the server is told to stop, then ended in order.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::guard::Access;
use super::house::{House, Limits};
use super::routes::router;
use crate::model::Model;

/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(30);
/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// How long to wait where the system has no connections to give.
const PAUSE: Duration = Duration::from_millis(100);

/// A model behind OpenAI's API.
pub struct Server {
    house: Arc<House>,
}

impl Server {
    /// Serves a model to those who have access.
    #[must_use]
    pub fn new(model: Arc<dyn Model>, access: Access, limits: Limits) -> Self {
        Self {
            house: Arc::new(House::new(model, access, limits)),
        }
    }

    /// Answers until `stop` is done; then no connection is accepted any more, and the requests in flight have the time that the limits grant. Says
    /// whether that was enough for all.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> bool {
        let grace = self.house.limits.grace;
        let router = router(self.house);
        let graceful = GracefulShutdown::new();
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        tokio::pin!(stop);
        loop {
            let accepted = async {
                let place = Arc::clone(&connections).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut stop => break,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // Words go out one by one.
            let _ = stream.set_nodelay(true);
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(
                    TokioIo::new(stream),
                    TowerToHyperService::new(router.clone()),
                );
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!("a connection ended: {error}");
                }
                drop(place);
            });
        }
        drop(listener);
        tokio::time::timeout(grace, graceful.shutdown())
            .await
            .is_ok()
    }
}
