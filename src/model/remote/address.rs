//! The address of an endpoint: the whole of it for sending, and the part of it that may be shown and kept.

use reqwest::Url;
use secrecy::SecretString;

use crate::model::spec::without_secrets;

/// What every OpenAI-compatible server answers under its base address.
const PATH: &str = "chat/completions";

/// Parts of names of query parameters whose values are secrets.
const SECRET_NAMES: &[&str] = &[
    "key",
    "token",
    "secret",
    "sig",
    "pass",
    "auth",
    "credential",
    "code",
];

/// Where requests go.
pub(super) struct Address {
    /// With user, password and query.
    url: Url,
    /// Scheme, host, port and path, without the last `/chat/completions`.
    base: String,
}

impl Address {
    /// Reads a base address such as `https://host/v1`, with or without `/chat/completions` at its end.
    ///
    /// # Errors
    /// What is wrong with it, without the secrets in it.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let shown = without_secrets(written);
        let wrong = |why: &dyn std::fmt::Display| {
            format!("'{shown}' is not a server address ({why}); write for instance https://host/v1")
        };
        let mut url = Url::parse(written.trim()).map_err(|e| wrong(&e))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong(&"it must begin with http:// or https://"));
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix(PATH).unwrap_or(path);
        let path = path.trim_end_matches('/').to_owned();
        url.set_fragment(None);
        url.set_path(&format!("{path}/{PATH}"));
        let base = without_secrets(url.as_str());
        let base = base.strip_suffix(PATH).unwrap_or(&base);
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { url, base })
    }

    /// Where requests go.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The base address without user, password and query: for names, files and messages.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Where requests go, as it may be shown.
    pub(super) fn public_url(&self) -> String {
        format!("{}/{PATH}", self.base)
    }

    /// Whether it names a user, who is sent in the place of a key.
    pub(super) fn has_user(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Whether what is sent can be read on its way: plain HTTP to another machine.
    pub(super) fn is_readable_underway(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let own = host == "localhost"
            || host.ends_with(".localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        self.url.scheme() == "http" && !own
    }

    /// The secrets in it: the password, and values of the query whose names say so.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let named = self.url.query_pairs().filter_map(|(name, value)| {
            let name = name.to_lowercase();
            SECRET_NAMES
                .iter()
                .any(|n| name.contains(n))
                .then(|| value.into_owned())
        });
        let password = self.url.password().map(str::to_owned);
        named.chain(password).map(SecretString::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for written in [
            "https://host:8080/v1",
            "https://host:8080/v1/",
            "https://host:8080/v1/chat/completions",
            "https://host:8080/v1/chat/completions/",
        ] {
            let address = Address::parse(written).unwrap();
            assert_eq!(
                address.url().as_str(),
                "https://host:8080/v1/chat/completions"
            );
            assert_eq!(address.base(), "https://host:8080/v1");
        }
        let bare = Address::parse("http://[::1]:9").unwrap();
        assert_eq!(bare.url().as_str(), "http://[::1]:9/chat/completions");
        assert_eq!(bare.base(), "http://[::1]:9");
    }

    #[test]
    fn user_password_and_query_are_sent_and_never_shown() {
        let address =
            Address::parse("http://user:hunter22@host/v1?api-version=2024-10-21&key=AIzaSECRET")
                .unwrap();
        assert_eq!(
            address.url().as_str(),
            "http://user:hunter22@host/v1/chat/completions?api-version=2024-10-21&key=AIzaSECRET"
        );
        assert_eq!(address.public_url(), "http://host/v1/chat/completions");
        assert!(address.has_user() && address.is_readable_underway());
        assert_eq!(address.secrets().len(), 2);
        let wrong = Address::parse("ftp://user:hunter22@host/v1?key=AIzaSECRET");
        let error = wrong.err().unwrap();
        assert!(
            !error.contains("hunter22") && !error.contains("AIza"),
            "{error}"
        );
    }

    #[test]
    fn only_other_machines_are_reached_openly() {
        for (written, open) in [
            ("http://127.0.0.1:1/v1", false),
            ("http://[::1]:1/v1", false),
            ("http://localhost/v1", false),
            ("https://host/v1", false),
            ("http://192.168.1.2/v1", true),
            ("http://127.0.0.1.example/v1", true),
        ] {
            let address = Address::parse(written).unwrap();
            assert_eq!(address.is_readable_underway(), open, "{written}");
        }
    }
}
