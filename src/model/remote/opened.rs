//! What is settled when an endpoint is opened: its fingerprint, its secrets, and whether they can be read on their way.

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

use super::address::Address;
use super::aws::Signer;
use super::dialect::CHAT;
use super::key::Key;
use super::providers::Provider;
use super::secrets::Secrets;

/// The server and the model's name, and how it is asked where that can change what is seen: a stream, another API or a pinned route
/// gives other answers.
pub(super) fn fingerprint(provider: &Provider, model: &str, route: Option<&str>) -> String {
    let mut fingerprint = format!("{}#{model}", provider.address.base());
    if provider.stream {
        fingerprint += "?stream";
    }
    if provider.dialect.name() != CHAT.name() {
        fingerprint += "?api=";
        fingerprint += provider.dialect.name();
    }
    if let Some(route) = route {
        fingerprint += "?route=";
        fingerprint += route;
    }
    fingerprint
}

/// What no reply may show: the key, and what is secret in the address, as it is written and as it is sent.
pub(super) fn secrets(address: &Address, key: &Key) -> Secrets {
    let basic = address.has_user().then(|| {
        let url = address.url();
        let pair = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        SecretString::from(base64::engine::general_purpose::STANDARD.encode(pair))
    });
    let signer = key.signer();
    let key = key.value().map(|k| SecretString::from(k.expose_secret()));
    let signing = signer.into_iter().flat_map(Signer::secrets);
    let all = address.secrets().into_iter().chain(basic);
    Secrets::new(all.chain(key).chain(signing))
}

/// Says so where a secret can be read on its way.
pub(super) fn warn_of_open_secrets(address: &Address, key: &Key) {
    if !address.is_readable_underway() {
        return;
    }
    let what = if address.has_user() {
        "the user and password in its address".to_owned()
    } else if key.value().is_some() {
        format!("the key in {}", key.variable())
    } else {
        return;
    };
    tracing::warn!(
        "{what} will be sent to {} without encryption: use https, or unset it",
        address.base()
    );
}
