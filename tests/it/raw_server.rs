//! A server on loopback that writes its replies byte by byte, as broken and overloaded ones do. It ends with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A request that came.
#[derive(Clone)]
pub struct Seen {
    pub at: Instant,
    /// Request line and headers, in small letters.
    pub head: String,
    pub body: Value,
}

/// What is written in reply.
pub struct Raw {
    /// Silence before the first byte.
    pub silence: Duration,
    pub bytes: Vec<u8>,
    /// How long the connection is held open behind the last byte.
    pub hold: Duration,
}

impl Raw {
    /// A whole reply that ends with its connection. `headers` are lines without their ends.
    pub fn new(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let mut bytes = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n").into_bytes();
        for header in headers {
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body.as_ref());
        Self {
            silence: Duration::ZERO,
            bytes,
            hold: Duration::ZERO,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(
            status,
            &["content-type: application/json"],
            body.to_string(),
        )
    }

    /// A stream of events that ends with its connection.
    pub fn events(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, &["content-type: text/event-stream"], body)
    }

    /// A stream in one chunk without the chunk that ends it: a connection that breaks.
    pub fn broken(content_type: &str, body: &str) -> Self {
        let content_type = format!("content-type: {content_type}");
        let headers = [content_type.as_str(), "transfer-encoding: chunked"];
        Self::new(200, &headers, format!("{:x}\r\n{body}\r\n", body.len()))
    }
}

/// The server.
pub struct RawServer {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl RawServer {
    /// Answers the nth request, from 1, with what `answer` gives for its body.
    pub fn new(answer: impl Fn(&Value, usize) -> Raw + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("the port");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, noted) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                std::thread::spawn(move || {
                    let _ = serve(stream, answer.as_ref(), &noted);
                });
            }
        });
        Self { address, seen }
    }

    pub fn spec(&self, name: &str) -> String {
        format!("http://{}/v1#{name}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &(impl Fn(&Value, usize) -> Raw + ?Sized),
    seen: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let line = line.to_lowercase();
        if let Some(n) = line.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap_or(0);
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let number = {
        let mut seen = seen.lock().unwrap();
        let (at, body) = (Instant::now(), body.clone());
        seen.push(Seen { at, head, body });
        seen.len()
    };
    let raw = answer(&body, number);
    std::thread::sleep(raw.silence);
    stream.write_all(&raw.bytes)?;
    stream.flush()?;
    std::thread::sleep(raw.hold);
    Ok(())
}
