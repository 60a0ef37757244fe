//! The address of an endpoint: the whole of it for sending, and the part of it that may be shown and kept.

use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::SecretString;

use crate::model::spec::without_secrets;
use crate::net;

/// What every OpenAI-compatible server answers under its base address: people copy whole addresses.
const CHAT_PATH: &str = "chat/completions";

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
    /// Scheme, host, port and path, without the path below it.
    base: String,
    /// Below the base: `chat/completions`.
    path: String,
    /// The unix socket that connections are to, in place of the host.
    socket: Option<PathBuf>,
}

impl Address {
    /// Reads a base address such as `https://host/v1`, with or without the API's path at its end. `path` may have a query of its own.
    ///
    /// # Errors
    /// What is wrong with it, without the secrets in it.
    pub(super) fn parse(written: &str, path: &str) -> Result<Self, String> {
        if let Some((socket, below)) = net::unix_socket(written) {
            return Self::behind(socket, below, path);
        }
        let shown = without_secrets(written);
        let wrong = |why: &dyn std::fmt::Display| {
            format!("'{shown}' is not a server address ({why}); write for instance https://host/v1")
        };
        let mut url = Url::parse(written.trim()).map_err(|e| wrong(&e))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong(&"it must begin with http:// or https://"));
        }
        let (below, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let above = url.path().trim_end_matches('/');
        let above = [below, CHAT_PATH]
            .iter()
            .find_map(|end| above.strip_suffix(end))
            .unwrap_or(above);
        let above = above.trim_end_matches('/').to_owned();
        url.set_fragment(None);
        url.set_path(&above);
        let base = without_secrets(url.as_str());
        let base = base.trim_end_matches('/').to_owned();
        url.set_path(&format!("{above}/{below}"));
        if let Some(query) = query {
            let whole = url
                .query()
                .map_or(query.to_owned(), |own| format!("{own}&{query}"));
            url.set_query(Some(&whole));
        }
        Ok(Self {
            url,
            base,
            path: below.to_owned(),
            socket: None,
        })
    }

    /// An address behind a unix socket.
    fn behind(socket: PathBuf, below: &str, path: &str) -> Result<Self, String> {
        let written = format!("http://unix:{}", socket.display());
        if !cfg!(unix) {
            return Err(format!("'{written}': this system has no unix sockets"));
        }
        if !below.is_empty() && !below.starts_with('/') {
            return Err(format!(
                "'{written}:{below}': what follows the socket must begin with a slash; write for instance {written}:/v1"
            ));
        }
        let own = Self::parse(&format!("http://localhost{below}"), path)?;
        let base = own.base.replacen("http://localhost", "", 1);
        Ok(Self {
            base: format!("{written}:{base}").trim_end_matches(':').to_owned(),
            socket: Some(socket),
            ..own
        })
    }

    /// The unix socket that connections are to, if they are.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
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
        format!("{}/{}", self.base, self.path)
    }

    /// The API's path below the base address.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Another place below the base address, with the same user, password and query; `path` may have a query of its own.
    pub(super) fn beside(&self, path: &str) -> Url {
        let (below, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let mut url = self.url.clone();
        let whole = url.path().to_owned();
        let above = whole.strip_suffix(&self.path).unwrap_or(&whole);
        url.set_path(&format!("{above}{below}"));
        if let Some(query) = query {
            let both = url
                .query()
                .map_or(query.to_owned(), |own| format!("{own}&{query}"));
            url.set_query(Some(&both));
        }
        url
    }

    /// Scheme, host and port: what connections are to.
    pub(super) fn origin(&self) -> String {
        if let Some(socket) = &self.socket {
            return format!("http://unix:{}", socket.display());
        }
        self.url.origin().ascii_serialization()
    }

    /// Whether it names a user, who is sent in the place of a key.
    pub(super) fn has_user(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Whether what is sent can be read on its way: plain HTTP to another machine.
    pub(super) fn is_readable_underway(&self) -> bool {
        self.url.scheme() == "http" && !net::is_this_machine(&self.url)
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
            let address = Address::parse(written, CHAT_PATH).unwrap();
            assert_eq!(
                address.url().as_str(),
                "https://host:8080/v1/chat/completions"
            );
            assert_eq!(address.base(), "https://host:8080/v1");
        }
        let bare = Address::parse("http://[::1]:9", CHAT_PATH).unwrap();
        assert_eq!(bare.url().as_str(), "http://[::1]:9/chat/completions");
        assert_eq!(bare.base(), "http://[::1]:9");
    }

    #[test]
    #[cfg(unix)]
    fn a_socket_takes_the_place_of_a_host() {
        let address = Address::parse("http://unix:/run/vllm.sock:/v1", CHAT_PATH).unwrap();
        assert_eq!(
            address.url().as_str(),
            "http://localhost/v1/chat/completions"
        );
        assert_eq!(address.socket(), Some(Path::new("/run/vllm.sock")));
        assert_eq!(address.base(), "http://unix:/run/vllm.sock:/v1");
        assert_eq!(
            address.public_url(),
            "http://unix:/run/vllm.sock:/v1/chat/completions"
        );
        assert_eq!(address.origin(), "http://unix:/run/vllm.sock");
        assert!(!address.is_readable_underway());
        assert!(Address::parse("http://unix:/run/vllm.sock:v1", CHAT_PATH).is_err());
    }

    #[test]
    fn an_api_has_a_path_and_a_query_of_its_own() {
        let gemini = "models/gemini-2.5-pro:streamGenerateContent?alt=sse";
        let address = Address::parse("https://host/v1beta?key=AIzaSECRET", gemini).unwrap();
        assert_eq!(
            address.url().as_str(),
            "https://host/v1beta/models/gemini-2.5-pro:streamGenerateContent?key=AIzaSECRET&alt=sse"
        );
        assert_eq!(address.base(), "https://host/v1beta");
        assert!(!address.public_url().contains("AIza"));
        let whole = Address::parse("https://host/v1/chat/completions", "messages").unwrap();
        assert_eq!(whole.url().as_str(), "https://host/v1/messages");
    }

    #[test]
    fn user_password_and_query_are_sent_and_never_shown() {
        let address = Address::parse(
            "http://user:hunter22@host/v1?api-version=2024-10-21&key=AIzaSECRET",
            CHAT_PATH,
        )
        .unwrap();
        assert_eq!(
            address.url().as_str(),
            "http://user:hunter22@host/v1/chat/completions?api-version=2024-10-21&key=AIzaSECRET"
        );
        assert_eq!(address.public_url(), "http://host/v1/chat/completions");
        assert!(address.has_user() && address.is_readable_underway());
        assert_eq!(address.secrets().len(), 2);
        let wrong = Address::parse("ftp://user:hunter22@host/v1?key=AIzaSECRET", CHAT_PATH);
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
            let address = Address::parse(written, CHAT_PATH).unwrap();
            assert_eq!(address.is_readable_underway(), open, "{written}");
        }
    }
}
