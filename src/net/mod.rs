//! The network: how an HTTP client is set up, how a file is fetched, and who asks a server on this machine.

mod fetch;
mod own_machine;
mod resume;
mod rules;

use std::sync::Once;

pub use fetch::fetch;
pub use own_machine::is_from_this_machine;
pub use resume::{FetchError, get, resume};
pub use rules::{Forbidden, NetworkRules, is_this_machine, permits, read_authorities, unix_socket};

/// An HTTP client to be configured further. Every client of the crate begins here: TLS needs its cryptography (`ring`) named once per
/// process, before the first client is built, and what a person decided of the network is on all of them.
pub fn client() -> reqwest::ClientBuilder {
    static NAMED: Once = Once::new();
    NAMED.call_once(|| {
        // It fails only where the process has chosen another already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder();
    rules::ruled(builder.user_agent(concat!("candor/", env!("CARGO_PKG_VERSION"))))
}
