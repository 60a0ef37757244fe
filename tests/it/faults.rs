//! A network and a server that fail: between candor and its endpoint everything goes wrong now and then, and each trial is recorded once.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault_proxy::{Fault, FaultProxy};
use crate::raw_server::{Raw, RawServer};
use crate::support::{Endpoint, Ran, Reply, candor, journal, question, ran, says, sums_suite};

const KEY: &str = "sk-candor-fault-KEY98765";

/// Runs `n` sums, with quick tries, and gives what was journalled.
fn run(home: &Path, n: usize, spec: &str, http: &str) -> (Ran, Vec<Value>) {
    sums_suite(home, n);
    let toml = format!("[http]\nbackoff_seconds = 0.01\n{http}");
    std::fs::write(home.join("candor.toml"), toml).unwrap();
    let _ = std::fs::remove_dir_all(home.join("run"));
    let mut command = candor(home);
    command.env("CANDOR_API_KEY", KEY);
    let arguments = ["run", "-s", "sums", "-m", spec, "-o", "run", "--no-cache"];
    let ran = ran(command.args(arguments));
    let lines = journal(&home.join("run"));
    (ran, lines)
}

/// A server that adds one.
fn adder() -> Endpoint {
    Endpoint::new(|body, _| {
        let n: u64 = question(body)
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        Reply::Json(200, says(&(n + 1).to_string()))
    })
}

fn message(line: &Value) -> &str {
    line["failure"]["message"].as_str().unwrap_or_default()
}

/// Every file below a folder, as bytes.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[test]
fn through_a_network_that_fails_each_trial_is_answered_and_recorded_once() {
    const TRIALS: usize = 600;
    let home = tempfile::tempdir().expect("a folder");
    let server = adder();
    // One connection after the other: every other one fails, each kind in turn; a good one serves forty requests and more.
    let proxy = FaultProxy::new(server.address, |number| match number % 14 {
        1 => Fault::Reset,
        3 => Fault::HalfOpen,
        5 => Fault::Truncated(150),
        7 => Fault::Refused,
        9 => Fault::Drip(7, Duration::from_millis(2)),
        11 => Fault::Latency(Duration::from_millis(200)),
        13 => Fault::Truncated(0),
        _ => Fault::Truncated(20_000),
    });
    let settings = "idle_seconds = 2\nretries = 12\n";
    let (ran, lines) = run(home.path(), TRIALS, &proxy.spec("m"), settings);
    let ran = ran.exits_with(0);
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in &lines {
        *counts.entry(line["sample"].to_string()).or_default() += 1;
        assert_eq!(line["status"], "ok", "{line}");
        assert_eq!(line["scores"][0]["value"], 1.0, "{line}");
    }
    assert_eq!((counts.len(), lines.len()), (TRIALS, TRIALS));
    assert!(proxy.connections() > 20, "{}", proxy.connections());
    // What was lost on its way back was asked again, and nothing else was.
    let asked = server.requests().len();
    assert!(
        (TRIALS..TRIALS + proxy.connections()).contains(&asked),
        "{asked}"
    );
    let traffic = std::fs::read_to_string(home.path().join("run/traffic.jsonl")).unwrap();
    assert!(traffic.lines().any(|l| l.contains("\"event\":\"retry\"")));
    let page = std::fs::read_to_string(home.path().join("run/report.html")).unwrap();
    assert!(page.contains("How the endpoints were asked"));
    // And the key is in none of what is left.
    let mut left = Vec::new();
    files(home.path(), &mut left);
    left.push(("stderr".into(), ran.stderr.into_bytes()));
    left.push(("stdout".into(), ran.stdout.into_bytes()));
    for (name, bytes) in left {
        let found = bytes.windows(KEY.len()).any(|w| w == KEY.as_bytes());
        assert!(!found, "the key is in {name}");
    }
}

#[test]
fn a_server_that_is_down_for_a_while_loses_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    // Bursts of twenty, as a restart behind a load balancer makes them.
    let server = RawServer::new(|_, number| match number {
        10..30 => Raw::new(
            502,
            &["content-type: text/html"],
            "<h1>502 Bad Gateway</h1>",
        ),
        40..60 => Raw::json(503, &json!({"error": {"message": "overloaded"}})),
        70..90 => Raw::new(500, &[], ""),
        _ => Raw::json(200, &says("1")),
    });
    let (ran, lines) = run(home.path(), 100, &server.spec("m"), "retries = 12\n");
    ran.exits_with(0);
    assert_eq!(lines.len(), 100);
    assert_eq!(
        server.seen().len(),
        160,
        "each that failed was asked again, once per failure"
    );
}

#[test]
fn bodies_of_garbage_are_failures_and_end_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    for garbage in [
        b"{\"choices\": [{]}".to_vec(),
        b"\x00\xff\xfe\x01 not text".to_vec(),
        b"[[[[[[[[[[".repeat(4000),
        b"{\"a\":".repeat(20_000),
        b"null".to_vec(),
        b"{\"choices\": {\"0\": 1}}".to_vec(),
        b"{\"choices\": [{\"message\": {\"content\": {\"a\": 1}}}]}".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&garbage[..garbage.len().min(30)]).into_owned();
        let server = RawServer::new(move |body, _| {
            if question(body).starts_with("0 ") {
                Raw::new(200, &["content-type: application/json"], &garbage)
            } else {
                Raw::json(200, &says("1"))
            }
        });
        let (ran, lines) = run(home.path(), 3, &server.spec("m"), "retries = 1\n");
        assert!(matches!(ran.code, 0 | 4), "{shown}: {}", ran.stderr);
        let ok = lines.iter().filter(|l| l["status"] == "ok").count();
        assert!(lines.len() == 3 && ok >= 2, "{shown}: {lines:?}");
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
}

/// A server that sends a head, and then the same piece again and again.
fn endless(head: &'static str, piece: Vec<u8>, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    let address = listener.local_addr().expect("the port");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let piece = piece.clone();
            std::thread::spawn(move || {
                let mut stream = stream;
                let _ = std::io::Read::read(&mut stream, &mut vec![0; 1 << 16]);
                let _ = stream.write_all(head.as_bytes());
                for _ in 0..times {
                    if stream.write_all(&piece).is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!("http://{address}/v1#m")
}

/// The most memory that a child of this process has held, in MiB. It only grows: the largest child counts.
fn peak() -> i64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    usage.expect("the usage").max_rss() / 1024
}

#[test]
fn a_body_of_two_gigabytes_and_one_that_unpacks_to_it_are_given_up_early() {
    let home = tempfile::tempdir().expect("a folder");
    let plain =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2147483648\r\n\r\n";
    let packed = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
    let failing = "HTTP/1.1 500 Error\r\ncontent-type: application/json\r\ncontent-length: 2147483648\r\n\r\n";
    // A gigabyte of nothing in a megabyte, twice over.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..512 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for (what, spec) in [
        ("2 GB", endless(plain, vec![b'a'; 1 << 20], 2048)),
        ("2 GB of blanks", endless(plain, vec![b' '; 1 << 20], 2048)),
        ("2 GB of error", endless(failing, vec![b'x'; 1 << 20], 2048)),
        ("gzip", endless(packed, bomb, 4)),
    ] {
        let started = Instant::now();
        let (ran, lines) = run(home.path(), 1, &spec, "retries = 0\n");
        // Nothing was answered.
        assert_eq!(ran.code, 5, "{what}: {}", ran.stderr);
        assert!(
            what.contains("error") || message(&lines[0]).contains("more than 16 MiB"),
            "{what}: {}",
            message(&lines[0])
        );
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
    }
    println!("the largest child held {} MiB", peak());
}

#[test]
fn a_redirect_is_not_followed_and_carries_no_key() {
    let home = tempfile::tempdir().expect("a folder");
    let other = RawServer::new(|_, _| Raw::json(200, &says("1")));
    for status in [301, 302, 303, 307, 308] {
        let location = format!(
            "location: http://{}/v1/chat/completions?key={KEY}",
            other.address
        );
        let server = RawServer::new(move |_, _| Raw::new(status, &[&location], ""));
        let (ran, lines) = run(home.path(), 1, &server.spec("m"), "retries = 0\n");
        assert_eq!(ran.code, 5, "{status}: {}", ran.stderr);
        let told = message(&lines[0]);
        let host = other.address.to_string();
        assert!(
            told.contains(&host) && !told.contains(KEY),
            "{status}: {told}"
        );
    }
    assert!(other.seen().is_empty(), "the other host was asked");
}

#[test]
fn a_server_that_drips_is_read_and_one_that_stops_is_not_waited_for() {
    let home = tempfile::tempdir().expect("a folder");
    let server = adder();
    let drips = FaultProxy::new(server.address, |_| {
        Fault::Drip(3, Duration::from_millis(20))
    });
    let (ran, lines) = run(home.path(), 4, &drips.spec("m"), "idle_seconds = 2\n");
    ran.exits_with(0);
    assert!(lines.iter().all(|l| l["status"] == "ok"), "{lines:?}");
    // A drip that would last for minutes ends with the time for a whole answer.
    let slow = FaultProxy::new(server.address, |_| {
        Fault::Drip(1, Duration::from_millis(100))
    });
    let started = Instant::now();
    let settings = "idle_seconds = 2\ntotal_seconds = 3\nretries = 0\n";
    let (ran, lines) = run(home.path(), 1, &slow.spec("m"), settings);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert_eq!(lines[0]["failure"]["class"], "timeout", "{}", lines[0]);
    assert!(started.elapsed() < Duration::from_secs(20));
    let dead = FaultProxy::new(server.address, |_| Fault::HalfOpen);
    let settings = "idle_seconds = 1\nretries = 0\n";
    let (_, lines) = run(home.path(), 1, &dead.spec("m"), settings);
    assert_eq!(lines[0]["failure"]["class"], "timeout", "{}", lines[0]);
}

#[test]
fn hosted_models_are_asked_in_step() {
    let home = tempfile::tempdir().expect("a folder");
    let order: std::sync::Arc<std::sync::Mutex<Vec<char>>> = std::sync::Arc::default();
    let server = |name: char, delay: u64| {
        let order = std::sync::Arc::clone(&order);
        Endpoint::new(move |_, _| {
            order.lock().unwrap().push(name);
            Reply::After(Duration::from_millis(delay), says("1"))
        })
    };
    let (fast, slow) = (server('f', 0), server('s', 100));
    sums_suite(home.path(), 300);
    let mut command = candor(home.path());
    command.args(["run", "-s", "sums", "-o", "run", "--no-cache"]);
    command.args(["-m", &fast.spec("fast"), "-m", &slow.spec("slow")]);
    ran(command.args(["--max-connections", "8"])).exits_with(0);
    let (mut lead, mut most) = (0_i64, 0);
    for name in order.lock().unwrap().iter() {
        lead += if *name == 'f' { 1 } else { -1 };
        most = most.max(lead);
    }
    assert!((40..=90).contains(&most), "the fast one was {most} ahead");
}
