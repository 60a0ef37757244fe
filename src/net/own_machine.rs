//! Requests to a server on loopback, distinguished from those that a page of another site sends.

use axum::http::{HeaderMap, header};

/// Whether a request comes from a program or a page on this machine: not from a name that was rebound to it (its Host is that name), nor from
/// another site's page (its Origin differs).
#[must_use]
pub fn is_from_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let host = host.unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let own = format!("http://{host}");
    let origin = headers.get(header::ORIGIN);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
        && origin.is_none_or(|origin| origin.as_bytes() == own.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_pages_are_answered() {
        let answered = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_from_this_machine(&headers)
        };
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "[::1]:8080",
            "localhost",
        ] {
            assert!(answered(host, None), "{host}");
            assert!(answered(host, Some(&format!("http://{host}"))), "{host}");
            assert!(!answered(host, Some("https://evil.example")), "{host}");
            assert!(!answered(host, Some("null")), "{host}");
        }
        for host in [
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "",
        ] {
            assert!(!answered(host, None), "{host}");
        }
        assert!(!answered("localhost:8080", Some("http://localhost:9090")));
        assert!(!is_from_this_machine(&HeaderMap::new()));
    }
}
