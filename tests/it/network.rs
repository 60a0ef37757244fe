//! What `--offline` forbids, where prompts went, and the ways to a server: IPv6, unix sockets, proxies, authorities of one's own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::Value;

use crate::support::{Endpoint, Reply, candor, journal, ran, run_sums, says, sums_suite};

fn manifest(run: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap()
}

/// Answers HTTP with 1, however its clients got there.
fn answer(mut stream: impl Read + Write) -> std::io::Result<()> {
    loop {
        let mut reader = BufReader::new(&mut stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        for line in head.to_lowercase().lines() {
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let reply = says("1").to_string();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{reply}",
            reply.len()
        )?;
    }
}

#[test]
fn offline_reaches_this_machine_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 2);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    run_sums(home, &endpoint.spec("m"), &["--offline"]).exits_with(0);
    assert_eq!(endpoint.requests().len(), 2);
    let port = endpoint.address.port();
    let by_name = format!("http://localhost:{port}/v1#m?name=by-name");
    let run = [
        "run",
        "-s",
        "sums",
        "-m",
        &by_name,
        "--no-cache",
        "--offline",
        "-o",
        "by-name",
    ];
    // A proxy would be another machine.
    ran(candor(home)
        .args(run)
        .env("HTTP_PROXY", "http://192.0.2.1:9")
        .env("NO_PROXY", ""))
    .exits_with(0);
    for other in [
        "http://192.0.2.1:9/v1#m",
        "http://localhost.example/v1#m",
        "openai:gpt-4o",
        "http://[2001:db8::1]/v1#m",
    ] {
        let run = [
            "run",
            "-s",
            "sums",
            "-m",
            other,
            "--no-cache",
            "--offline",
            "-o",
            "other",
        ];
        let refused = ran(candor(home).args(run).env("OPENAI_API_KEY", "k")).exits_with(5);
        let _ = refused.says(&["--offline forbids"]);
    }
    // Neither the hub nor a suite's data nor a judge elsewhere.
    for arguments in [
        &["run", "-s", "sums", "-m", "onnx:hf:org/model", "--offline"][..],
        &["run", "-s", "gsm8k", "-m", &endpoint.spec("m"), "--offline"],
    ] {
        let refused = ran(candor(home)
            .args(arguments)
            .env("CANDOR_HOME", home.join("empty")));
        assert_ne!(refused.code, 0, "{}", refused.stderr);
    }
}

#[test]
fn a_run_says_which_hosts_its_prompts_were_sent_to() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 2);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    run_sums(home, &endpoint.spec("m"), &[]).exits_with(0);
    let host = format!("http://{}", endpoint.address);
    assert_eq!(
        manifest(&home.join("run"))["prompts_sent_to"],
        serde_json::json!([host])
    );
    let report = fs::read_to_string(home.join("run/report.html")).unwrap();
    assert!(report.contains("Prompts were sent to <code>"));
    fs::write(
        home.join("r.jsonl"),
        "{\"sample_id\": \"s0\", \"answer\": \"1\"}\n{\"sample_id\": \"s1\", \"answer\": \"2\"}\n",
    )
    .unwrap();
    let replayed = [
        "run",
        "-s",
        "sums",
        "-m",
        "replay:r.jsonl",
        "-o",
        "replayed",
    ];
    ran(candor(home).args(replayed)).exits_with(0);
    assert_eq!(
        manifest(&home.join("replayed"))["prompts_sent_to"],
        Value::Null
    );
    // Answers of the completion cache were sent nowhere now.
    for name in ["first", "cached"] {
        let run = ["run", "-s", "sums", "-m", &endpoint.spec("m"), "-o", name];
        ran(candor(home)
            .args(run)
            .env("CANDOR_HOME", home.join("cache")))
        .exits_with(0);
    }
    assert_eq!(
        manifest(&home.join("cached"))["prompts_sent_to"],
        Value::Null
    );
    // What an earlier start sent stays told.
    ran(candor(home).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
    assert_eq!(
        manifest(&home.join("run"))["prompts_sent_to"],
        serde_json::json!([host])
    );
}

#[test]
#[cfg(unix)]
fn a_server_behind_a_unix_socket_is_asked_also_offline() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 3);
    let socket = home.join("server.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    let model = format!("http://unix:{}:/v1#m", socket.display());
    run_sums(home, &model, &["--offline"]).exits_with(0);
    let lines = journal(&home.join("run"));
    assert!(
        lines.iter().all(|line| line["completion"]["text"] == "1"),
        "{lines:?}"
    );
    let host = format!("http://unix:{}", socket.display());
    assert_eq!(
        manifest(&home.join("run"))["prompts_sent_to"],
        serde_json::json!([host])
    );
    // It can be resumed without being named again: it is on this machine.
    ran(candor(home).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
    let base = format!(
        "[providers.mine]\nbase_url = \"http://unix:{}:/v1\"\n",
        socket.display()
    );
    fs::write(home.join("candor.toml"), base).unwrap();
    let run = [
        "run",
        "-s",
        "sums",
        "-m",
        "mine:m",
        "--no-cache",
        "-o",
        "by-provider",
    ];
    ran(candor(home).args(run)).exits_with(0);
    let nobody = format!("http://unix:{}/none.sock:/v1#m", home.display());
    fs::write(home.join("candor.toml"), "[http]\nretries = 0\n").unwrap();
    let run = [
        "run",
        "-s",
        "sums",
        "-m",
        &nobody,
        "--no-cache",
        "-o",
        "nobody",
    ];
    ran(candor(home).args(run))
        .exits_with(5)
        .says(&["cannot reach http://unix:"]);
}

#[test]
fn an_address_of_numbers_in_ipv6_is_reached() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 2);
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        return crate::support::skipped("this machine has no IPv6 loopback");
    };
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    run_sums(
        home.path(),
        &format!("http://[::1]:{port}/v1#m"),
        &["--offline"],
    )
    .exits_with(0);
    let hosts = &manifest(&home.path().join("run"))["prompts_sent_to"];
    assert_eq!(hosts[0], format!("http://[::1]:{port}"));
}

#[test]
fn plain_requests_go_through_a_proxy_unless_their_host_needs_none() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 2);
    // A proxy for plain HTTP gets whole addresses, and here answers by itself.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    let run = |name: &str, no_proxy: &str| {
        let arguments = [
            "run",
            "-s",
            "sums",
            "-m",
            "http://model.invalid/v1#m",
            "--no-cache",
            "-o",
            name,
        ];
        fs::write(home.join("candor.toml"), "[http]\nretries = 0\n").unwrap();
        let mut command = candor(home);
        for variable in ["http_proxy", "ALL_PROXY", "all_proxy", "no_proxy"] {
            command.env_remove(variable);
        }
        ran(command
            .args(arguments)
            .env("HTTP_PROXY", &proxy)
            .env("NO_PROXY", no_proxy))
        .code
    };
    assert_eq!(run("proxied", "other.invalid"), 0);
    assert_eq!(run("direct", "model.invalid"), 5, "nobody is called so");
}
