//! Encrypted endpoints: trusted by the certificates that `SSL_CERT_FILE` names and by no others, directly and through a proxy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{Ran, candor, fixtures, journal, ran, says, sums_suite};

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An encrypted endpoint that answers every question with 1. Its thread ends with the tests.
fn endpoint() -> SocketAddr {
    let file = |name: &str| fixtures().join("tls").join(name);
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let (listener, address) = listener();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that distrusts the certificate breaks off, which is no fault of the server's.
            thread::spawn(move || answer(StreamOwned::new(connection, stream)));
        }
    });
    address
}

fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let head = head(&mut reader)?;
    let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |l| l.trim().parse().unwrap())];
    reader.read_exact(&mut body)?;
    let reply = says("1").to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{reply}",
        reply.len()
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Request line and headers, in small letters.
fn head(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            break;
        }
    }
    Ok(head.to_lowercase())
}

/// A proxy that tunnels to wherever it is asked to, and counts how often.
fn proxy() -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, address) = listener();
    let tunnels = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tunnels);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || tunnel(client, &count));
        }
    });
    (address, tunnels)
}

fn tunnel(mut client: TcpStream, count: &AtomicUsize) -> std::io::Result<()> {
    let head = head(&mut BufReader::new(client.try_clone()?))?;
    let target = head
        .strip_prefix("connect ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or_default();
    let server = TcpStream::connect(target)?;
    count.fetch_add(1, Ordering::Relaxed);
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let mut server = server;
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}

/// Runs two sums against the endpoint with these variables.
fn run(address: SocketAddr, variables: &[(&str, &str)]) -> (Ran, Vec<serde_json::Value>) {
    run_with(address, "[http]\nretries = 0\n", variables)
}

/// The same with this configuration.
fn run_with(
    address: SocketAddr,
    toml: &str,
    variables: &[(&str, &str)],
) -> (Ran, Vec<serde_json::Value>) {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 2);
    std::fs::write(home.path().join("candor.toml"), toml).unwrap();
    let spec = format!("https://localhost:{}/v1#m", address.port());
    let mut command = candor(home.path());
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(name);
    }
    let arguments = ["-m", &spec, "-o", "run", "--no-cache"];
    command
        .arg("run")
        .arg("-s")
        .arg(suite)
        .args(arguments)
        .envs(variables.iter().copied());
    (ran(&mut command), journal(&home.path().join("run")))
}

fn authority() -> String {
    let path = fixtures().join("tls/ca.pem");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named_and_nowhere_else() {
    let address = endpoint();
    let (trusting, answers) = run(address, &[("SSL_CERT_FILE", &authority())]);
    trusting.exits_with(0);
    assert_eq!(answers[0]["completion"]["text"], "1");
    let (distrusting, answers) = run(address, &[]);
    distrusting.exits_with(5).says(&["certificate"]);
    assert_eq!(answers[0]["completion"]["text"], serde_json::Value::Null);
}

#[test]
fn an_encrypted_endpoint_is_reached_through_a_proxy() {
    let address = endpoint();
    let (proxy, tunnels) = proxy();
    let proxy = format!("http://{proxy}");
    let variables = [("SSL_CERT_FILE", authority()), ("HTTPS_PROXY", proxy)];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (through, answers) = run(address, &variables);
    through.exits_with(0);
    assert_eq!(answers[0]["completion"]["text"], "1");
    assert!(tunnels.load(Ordering::Relaxed) > 0);
}

#[test]
fn an_authority_named_in_the_configuration_is_trusted() {
    let address = endpoint();
    let toml = format!(
        "[http]\nretries = 0\n\n[network]\nca = \"{}\"\n",
        authority()
    );
    let (trusting, answers) = run_with(address, &toml, &[]);
    trusting.exits_with(0);
    assert_eq!(answers[0]["completion"]["text"], "1");
}

#[test]
fn a_host_that_needs_no_proxy_is_asked_directly() {
    let address = endpoint();
    let (proxy, tunnels) = proxy();
    let (authority, proxy) = (authority(), format!("http://{proxy}"));
    let variables = [
        ("SSL_CERT_FILE", authority.as_str()),
        ("HTTPS_PROXY", &proxy),
        ("NO_PROXY", "localhost"),
    ];
    let (direct, _) = run(address, &variables);
    direct.exits_with(0);
    assert_eq!(tunnels.load(Ordering::Relaxed), 0);
}
