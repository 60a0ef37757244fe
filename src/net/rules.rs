//! What a person decides of the network, for the whole process: nothing beyond this machine, and whose certificates are trusted.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, ClientBuilder, Url};

/// What is decided.
#[derive(Debug, Clone, Default)]
pub struct NetworkRules {
    /// Connect to nothing but this machine.
    pub offline: bool,
    /// Authorities that are trusted besides the system's.
    pub authorities: Vec<Certificate>,
}

static RULES: RwLock<Option<NetworkRules>> = RwLock::new(None);

/// A connection that `--offline` forbids.
#[derive(Debug, thiserror::Error)]
#[error("--offline forbids connecting to {0}, which is not this machine")]
pub struct Forbidden(String);

impl NetworkRules {
    /// Makes them those of every client that is set up from here on.
    pub fn apply(self) {
        *RULES.write().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    fn current() -> Self {
        let rules = RULES.read().unwrap_or_else(PoisonError::into_inner);
        rules.clone().unwrap_or_default()
    }
}

/// The certificates in a PEM file, as authorities to trust.
///
/// # Errors
/// In words, if the file cannot be read or holds none.
pub fn read_authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let pem = std::fs::read(path).map_err(|e| wrong(&e))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|e| wrong(&e))?;
    if found.is_empty() {
        return Err(wrong(&"it holds no certificate in PEM"));
    }
    Ok(found)
}

/// A client's builder with the rules on it.
pub(super) fn ruled(builder: ClientBuilder) -> ClientBuilder {
    let rules = NetworkRules::current();
    let builder = builder.tls_certs_merge(rules.authorities);
    if !rules.offline {
        return builder;
    }
    builder
        // A proxy would be the other machine.
        .no_proxy()
        .dns_resolver(ThisMachine)
        .redirect(Policy::custom(within_this_machine))
}

/// Whether a request may be sent. Addresses that are numbers are not resolved, and so are looked at before.
///
/// # Errors
/// [`Forbidden`] where it would leave this machine, and must not.
pub fn permits(url: &Url) -> Result<(), Forbidden> {
    if !NetworkRules::current().offline || is_this_machine(url) {
        return Ok(());
    }
    Err(Forbidden(url.host_str().unwrap_or_default().to_owned()))
}

/// Whether an address leads nowhere but to this machine, by its own words: no name is resolved for it.
#[must_use]
pub fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    is_localhost(host) || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The socket and the address behind it of `http://unix:/run/server.sock:/v1`, as nginx writes them. The address is `/v1`, or empty.
#[must_use]
pub fn unix_socket(written: &str) -> Option<(PathBuf, &str)> {
    let rest = written.trim().strip_prefix("http://unix:")?;
    if !rest.starts_with('/') {
        return None;
    }
    let (socket, address) = rest.split_once(':').unwrap_or((rest, ""));
    Some((PathBuf::from(socket), address))
}

fn within_this_machine(attempt: Attempt) -> reqwest::redirect::Action {
    const MAX_REDIRECTS: usize = 10;
    if !is_this_machine(attempt.url()) {
        let host = attempt.url().host_str().unwrap_or_default().to_owned();
        return attempt.error(Forbidden(host));
    }
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("too many redirects");
    }
    attempt.follow()
}

/// Resolves names of this machine alone, and asks nobody about others.
struct ThisMachine;

impl Resolve for ThisMachine {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            if !is_localhost(&name) {
                return Err(Forbidden(name).into());
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let own: Vec<_> = found.filter(|a| a.ip().is_loopback()).collect();
            if own.is_empty() {
                let why = format!("{name} is not on this machine");
                return Err(io::Error::new(io::ErrorKind::NotFound, why).into());
            }
            Ok(Box::new(own.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_by_its_address_alone() {
        for (address, own) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://127.8.9.1/v1", true),
            ("http://[::1]:8000/v1", true),
            ("http://localhost:1/", true),
            ("http://vllm.LOCALHOST./", true),
            ("http://192.168.1.2/v1", false),
            ("http://0.0.0.0/v1", false),
            ("http://[::ffff:10.0.0.1]/v1", false),
            ("http://localhost.example/", false),
            ("https://api.openai.com/v1", false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(is_this_machine(&url), own, "{address}");
        }
    }

    #[test]
    fn a_socket_is_written_as_nginx_does() {
        let socket = |written| unix_socket(written).map(|(s, a)| (s.display().to_string(), a));
        let found = socket("http://unix:/run/vllm.sock:/v1").unwrap();
        assert_eq!(found, ("/run/vllm.sock".into(), "/v1"));
        assert_eq!(socket("http://unix:/run/x.sock").unwrap().1, "");
        assert_eq!(socket("http://unix:8080/v1"), None, "a host of that name");
        assert_eq!(socket("http://unix/v1"), None);
    }
}
