//! Chromium through ChromeDriver, for tests that look at a page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};

use crate::support::skipped;

/// What the reader's system prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

/// A process of this test's own; it ends with it.
pub struct Ending(pub Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Driver {
    _child: Ending,
    port: u16,
}

impl Driver {
    pub fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .ok()?
            .local_addr()
            .ok()?
            .port();
        match Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(child) => Some(Self {
                _child: Ending(child),
                port,
            }),
            Err(error) => {
                skipped(&format!(
                    "chromedriver does not start ({error}); Debian's packages chromium and chromium-driver bring it"
                ));
                None
            }
        }
    }

    pub async fn client(&self) -> Client {
        self.client_in(Theme::Light).await
    }

    /// What the console of a client's pages said since it was last asked: errors and warnings, those of the policy among them.
    pub async fn console(&self, client: &Client) -> Vec<String> {
        let session = client.session_id().await.expect("it has a session");
        let session = session.expect("it has a session");
        let body = json!({ "type": "browser" }).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the driver");
        write!(
            stream,
            "POST /session/{session}/se/log HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        // The driver keeps the connection, and says how long its answer is.
        let mut answer = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while answer.read_line(&mut line).expect("a header") > 0 && !line.trim().is_empty() {
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).expect("a body");
        let said: Value = serde_json::from_slice(&body).expect("JSON");
        let entries = said["value"].as_array().expect("entries").iter();
        entries.map(|entry| entry["message"].to_string()).collect()
    }

    /// A browser whose pages prefer a theme.
    pub async fn client_in(&self, theme: Theme) -> Client {
        let preferred = match theme {
            Theme::Light => "--blink-settings=preferredColorScheme=1",
            Theme::Dark => "--blink-settings=preferredColorScheme=0",
        };
        let arguments = [
            preferred,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1200,900",
        ];
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments }, "goog:loggingPrefs": { "browser": "ALL" } });
        let started = Instant::now();
        loop {
            let connected =
                ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
                    .capabilities(capabilities.as_object().expect("an object").clone())
                    .connect(&format!("http://127.0.0.1:{}", self.port))
                    .await;
            match connected {
                Ok(client) => return client,
                Err(error) => assert!(
                    started.elapsed() < Duration::from_secs(30),
                    "Chromium does not start: {error}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// An element's text, waiting for the element; one that is replaced meanwhile is looked up again.
pub async fn text(client: &Client, selector: &str) -> String {
    let script = format!(
        "return document.querySelector({})?.innerText ?? null",
        json!(selector)
    );
    let started = Instant::now();
    loop {
        if let Value::String(text) = asked(client, &script).await {
            return text;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "there is no {selector}"
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Waits until an element's text holds `words`.
pub async fn wait_for(client: &Client, selector: &str, words: &str) {
    let started = Instant::now();
    while !text(client, selector).await.contains(words) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{selector} never shows {words:?} but {:?}",
            text(client, selector).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a script on the page gives.
pub async fn asked(client: &Client, script: &str) -> Value {
    client
        .execute(script, vec![])
        .await
        .unwrap_or_else(|error| panic!("{script}: {error}"))
}

/// Waits until a script gives `true`.
pub async fn wait_until(client: &Client, script: &str) {
    let started = Instant::now();
    while asked(client, script).await != json!(true) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "never true: {script}"
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
