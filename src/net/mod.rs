//! The network: how an HTTP client is set up, and how a file is fetched.

mod fetch;
mod resume;

use std::sync::Once;

pub use fetch::fetch;
pub use resume::{FetchError, get, resume};

/// An HTTP client to be configured further. Every client of the crate begins here: TLS needs its cryptography (`ring`) named once per
/// process, before the first client is built.
pub fn client() -> reqwest::ClientBuilder {
    static NAMED: Once = Once::new();
    NAMED.call_once(|| {
        // It fails only where the process has chosen another already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
}
