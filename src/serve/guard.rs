//! Who may ask: programs on this machine, and those that know the key.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

use super::fault::Fault;
use crate::net::is_from_this_machine;

/// Who is let in.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whether only this machine reaches the address that is listened at.
    loopback: bool,
    /// BLAKE3 of the key, whose comparison takes the same time wherever the two differ.
    key: Option<blake3::Hash>,
}

impl Access {
    /// Those who reach an address, and know the key where there is one.
    #[must_use]
    pub fn new(address: IpAddr, key: Option<&str>) -> Self {
        Self {
            loopback: address.is_loopback(),
            key: key.map(|key| blake3::hash(key.as_bytes())),
        }
    }

    /// # Errors
    /// [`Fault`] where a page in a browser asks under another name or from elsewhere, or the key is not the server's.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Fault> {
        if self.loopback && !is_from_this_machine(headers) {
            return Err(Fault::forbidden(
                "this server answers programs on this machine, at 127.0.0.1 or localhost, and no other site's pages",
            ));
        }
        let Some(key) = &self.key else {
            return Ok(());
        };
        let sent = headers
            .get(header::AUTHORIZATION)
            .map(reqwest::header::HeaderValue::as_bytes);
        let sent = sent.and_then(|v| v.split_at_checked("Bearer ".len()));
        match sent {
            Some((scheme, sent))
                if scheme.eq_ignore_ascii_case(b"Bearer ")
                    && blake3::hash(sent.trim_ascii()) == *key =>
            {
                Ok(())
            }
            _ => Err(Fault::no_key()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens() {
        let access = Access::new("0.0.0.0".parse().unwrap(), Some("k3y"));
        let admitted = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "gpu.example:8000".parse().unwrap());
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            access.admit(&headers).is_ok()
        };
        assert!(admitted(Some("Bearer k3y")) && admitted(Some("bearer k3y ")));
        for wrong in ["Bearer k3", "Bearer k3yy", "Basic k3y", "k3y", "Bearer", ""] {
            assert!(!admitted(Some(wrong)), "{wrong}");
        }
        assert!(!admitted(None));
    }
}
