//! Run directories on a store: moto, the server that the SDKs of AWS are tested with.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command as Asserted;
use serde_json::Value;
use tempfile::TempDir;

use crate::packages::{self, Server};
use crate::support::{Endpoint, Ran, Reply, candor, journal, question, ran, says, sums_suite};

const SECRET: &str = "a-secret-that-nobody-may-read";

/// moto removes nothing for those who do not say who they are, and believes everybody.
const AS_ANYBODY: &str = "AWS4-HMAC-SHA256 Credential=a/20261127/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// A server with a bucket called `bucket`.
struct Store {
    server: Server,
    _log: TempDir,
}

impl Store {
    /// Starts one; none where it cannot be installed. After so many requests it asks who asks, if a number is given.
    fn start(open_requests: Option<u32>) -> Option<Self> {
        let folder = packages::python("moto", &[&["moto[server]==5.2.5"]], &[])?;
        let port = packages::free_port();
        let mut command = Command::new(folder.join("bin/moto_server"));
        command
            .args(["-H", "127.0.0.1", "-p"])
            .arg(port.to_string());
        if let Some(number) = open_requests {
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", number.to_string());
        }
        let log = tempfile::tempdir().unwrap();
        let server = Server::start(&command, port, "/moto-api/", &log.path().join("log"));
        let store = Self { server, _log: log };
        assert_eq!(store.ask("PUT", "", b"").0, 200, "a bucket");
        Some(store)
    }

    /// Asks for an object of the bucket, its name sent as it is written.
    fn ask(&self, method: &str, object: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).unwrap();
        let head = format!(
            "{method} /bucket/{object} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nauthorization: {AS_ANYBODY}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let end = reply.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&reply[9..12]).parse().unwrap();
        (status, reply[end + 4..].to_vec())
    }

    fn get(&self, object: &str) -> Option<Vec<u8>> {
        let (status, body) = self.ask("GET", object, b"");
        (status == 200).then_some(body)
    }

    fn put(&self, object: &str, body: &[u8]) {
        assert_eq!(self.ask("PUT", object, body).0, 200, "{object}");
    }

    fn remove(&self, object: &str) {
        assert_eq!(self.ask("DELETE", object, b"").0, 204, "{object}");
    }

    /// The names of the objects below a folder.
    fn names(&self, folder: &str) -> Vec<String> {
        let list = self
            .ask("GET", &format!("?list-type=2&prefix={folder}/"), b"")
            .1;
        let list = String::from_utf8(list).unwrap();
        let keys = list.split("<Key>").skip(1);
        keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()))
            .collect()
    }

    /// Questions in the parts of a journal.
    fn questions(&self, run: &str) -> Vec<String> {
        let parts = self.names(&format!("{run}/journal"));
        let parts = parts.iter().filter(|name| name.ends_with(".jsonl"));
        let parts = parts.map(|part| self.get(part).unwrap());
        let lines = parts.flat_map(|part| {
            let text = String::from_utf8(part).unwrap();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        });
        lines
            .map(|line| {
                let record: Value = serde_json::from_str(&line).unwrap();
                record["sample"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

/// The arguments that put the sums to a model, into an address.
fn sums<'a>(model: &'a str, address: &'a str) -> [&'a str; 8] {
    [
        "run",
        "-s",
        "sums",
        "-m",
        model,
        "--no-cache",
        "-o",
        address,
    ]
}

/// A machine: a folder to work in, and a home of its own for working copies.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        sums_suite(machine.path(), 12);
        machine
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn variables(&self, store: &Store) -> Vec<(&'static str, String)> {
        let endpoint = format!("http://127.0.0.1:{}", store.server.port);
        vec![
            (
                "CANDOR_HOME",
                self.path().join("home").display().to_string(),
            ),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE".into()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
            ("AWS_REGION", "us-east-1".into()),
        ]
    }

    fn candor(&self, store: &Store, arguments: &[&str]) -> Asserted {
        let mut command = candor(self.path());
        command.envs(self.variables(store)).args(arguments);
        command
    }

    fn ran(&self, store: &Store, arguments: &[&str]) -> Ran {
        ran(&mut self.candor(store, arguments))
    }

    /// The sums, into an address.
    fn run(&self, store: &Store, model: &str, address: &str, more: &[&str]) -> Ran {
        self.ran(store, &[&sums(model, address)[..], more].concat())
    }

    /// Begins a command that a test ends.
    fn begin(&self, store: &Store, arguments: &[&str]) -> Child {
        Command::new(assert_cmd::cargo::cargo_bin!("candor"))
            .current_dir(self.path())
            .envs(self.variables(store))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

/// An endpoint that adds 1, after some time.
fn adder(delay: Duration) -> Endpoint {
    Endpoint::new(move |body, _| {
        let asked = question(body);
        let first = asked.split(' ').next().and_then(|n| n.parse::<i64>().ok());
        Reply::After(delay, says(&(first.unwrap_or(0) + 1).to_string()))
    })
}

fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let nested = entries.map(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => files(&entry.path()),
        _ => vec![entry.path()],
    });
    nested.flatten().collect()
}

#[test]
fn a_run_on_a_store_is_read_on_every_machine() {
    let Some(store) = Store::start(None) else {
        return;
    };
    let (here, there) = (Machine::new(), Machine::new());
    let endpoint = adder(Duration::ZERO);
    let run = "s3://bucket/runs/1";
    let told = here
        .run(&store, &endpoint.spec("m"), run, &["-v"])
        .exits_with(0);
    let report = "Report: s3://bucket/runs/1/report.html";
    assert!(told.stdout.contains(report), "{}", told.stdout);
    assert!(!here.path().join("s3:").exists());
    for file in [
        "run.json",
        "run.json.bak",
        "journal/00000001.jsonl",
        "trials.parquet",
        "scores.parquet",
        "tables.json",
        "report.html",
    ] {
        assert!(store.get(&format!("runs/1/{file}")).is_some(), "{file}");
    }
    assert_eq!(store.get("runs/1/.lock"), None, "it is given back");
    assert_eq!(store.questions("runs/1").len(), 12);

    store.remove("runs/1/report.html");
    let read = there.ran(&store, &["report", run]).exits_with(0);
    assert!(read.stdout.contains(report), "{}", read.stdout);
    assert!(store.get("runs/1/report.html").is_some());
    there.ran(&store, &["compare", run]).exits_with(0);
    fs::write(
        there.path().join("gate.toml"),
        "[[rule]]\nname = \"Sums\"\nsuite = \"sums\"\nmetric = \"accuracy\"\nat_least = 0.5\n",
    )
    .unwrap();
    there
        .ran(&store, &["gate", "--candidate", run])
        .exits_with(0);
    there.ran(&store, &["gap", run, "--by", "model"]);
    there
        .ran(&store, &["score", run, "-s", "includes"])
        .exits_with(0);
    assert!(store.get("runs/1/rescored.jsonl").is_some());
    let pinned = there.ran(&store, &["baseline", "set", "release", run]);
    pinned.exits_with(0);
    let shown = there.ran(&store, &["baseline", "show"]).exits_with(0);
    assert!(shown.stdout.contains("unchanged"), "{}", shown.stdout);
    there
        .ran(&store, &["export", run, "--format", "csv", "-o", "x.csv"])
        .exits_with(0);
    let rows = fs::read_to_string(there.path().join("x.csv")).unwrap();
    assert!(rows.contains("includes"), "scores given later are read");

    let packed = ["export", run, "--format", "evidence", "-o", "e.zip"];
    there.ran(&store, &packed).exits_with(0);
    store.put("e.zip", &fs::read(there.path().join("e.zip")).unwrap());
    let verified = here.ran(&store, &["verify", "s3://bucket/e.zip"]);
    verified.exits_with(0);

    // Nothing but the report has an output on a store, and no file has a key.
    here.ran(
        &store,
        &["export", run, "--format", "csv", "-o", "s3://bucket/x.csv"],
    )
    .exits_with(2)
    .says(&["is on a store"]);
    let secret = |text: &[u8]| text.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
    for file in [files(here.path()), files(there.path())].concat() {
        assert!(!secret(&fs::read(&file).unwrap()), "{}", file.display());
    }
    for name in store.names("runs") {
        assert!(!secret(&store.get(&name).unwrap()), "{name}");
    }
    assert!(!told.stderr.contains(SECRET));
    assert_eq!(endpoint.requests().len(), 12);
}

#[test]
fn another_machine_goes_on_where_a_killed_one_was() {
    const TRIALS: usize = 600;
    let Some(store) = Store::start(None) else {
        return;
    };
    let (lost, next, reader) = (Machine::new(), Machine::new(), Machine::new());
    for machine in [&lost, &next] {
        sums_suite(machine.path(), TRIALS);
    }
    let endpoint = adder(Duration::from_millis(100));
    let run = "s3://bucket/runs/long";
    let model = endpoint.spec("m");
    let mut child = lost.begin(
        &store,
        &[&sums(&model, run)[..], &["--max-connections", "3"]].concat(),
    );
    wait_until("two parts", || {
        store.get("runs/long/journal/00000002.jsonl").is_some()
    });
    // Reading asks nobody for the lock.
    let compared = reader.ran(&store, &["compare", run]);
    compared.exits_with(0);
    child.kill().unwrap();
    child.wait().unwrap();
    let sent = store.questions("runs/long");
    assert!(sent.len() > 50 && sent.len() < TRIALS, "{}", sent.len());
    assert!(store.get("runs/long/.lock").is_some());

    let asked = endpoint.requests().len();
    let resume = [
        "run",
        "--resume",
        run,
        "--no-cache",
        "--max-connections",
        "64",
    ];
    let told = next.ran(&store, &resume).exits_with(0);
    told.says(&["waiting 30 s for a sign of life", "taken over from process"]);
    let again: Vec<String> = endpoint.requests()[asked..].iter().map(question).collect();
    for sample in &sent {
        let number = sample.trim_start_matches('s');
        let asked = format!("{number} + 1 =");
        assert!(!again.contains(&asked), "{asked} was asked again");
    }
    let mut all = store.questions("runs/long");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), TRIALS, "every trial");
    assert_eq!(store.questions("runs/long").len(), TRIALS, "each once");
    let read = reader.ran(&store, &["report", run, "--format", "json"]);
    let summary: Value = serde_json::from_str(&read.exits_with(0).stdout).unwrap();
    assert_eq!(summary["scores"][0]["questions"], TRIALS, "{summary}");

    // What the lost machine had not sent is of no use any more, and does no harm.
    lost.ran(&store, &["run", "--resume", run, "--no-cache"])
        .exits_with(0);
    assert_eq!(store.questions("runs/long").len(), TRIALS);
}

#[test]
fn a_second_writer_is_refused_and_told_who_is_the_first() {
    let Some(store) = Store::start(None) else {
        return;
    };
    let (first, second) = (Machine::new(), Machine::new());
    let endpoint = adder(Duration::from_secs(4));
    let model = endpoint.spec("m");
    let run = "s3://bucket/run";
    let mut child = first.begin(
        &store,
        &[&sums(&model, run)[..], &["--max-connections", "1"]].concat(),
    );
    wait_until("a lock", || store.get("run/run.json").is_some());
    let holder = format!("process {} on ", child.id());
    let resume = ["run", "--resume", run, "--no-cache"];
    second.ran(&store, &resume).exits_with(5).says(&[
        "s3://bucket/run is in use by",
        &holder,
        "which is alive",
    ]);
    first
        .ran(&store, &resume)
        .exits_with(5)
        .says(&["s3://bucket/run is in use by", &holder]);
    second.run(&store, &model, run, &[]).exits_with(5).says(&[
        "s3://bucket/run",
        "contains a run already",
        "--resume",
    ]);
    // Whoever finds its lock gone stops.
    store.remove("run/.lock");
    store.put("run/.lock", b"{\"pid\":7,\"host\":\"elsewhere\",\"since\":\"2026-11-27T00:00:00Z\",\"id\":\"x\",\"parts\":0,\"beat\":1}");
    let started = Instant::now();
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(5));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(
        store.get("run/.lock").is_some(),
        "the lock of another stays"
    );
    assert!(store.questions("run").len() < 12);
}

#[test]
fn shards_here_and_on_a_store_are_merged() {
    let Some(store) = Store::start(None) else {
        return;
    };
    let machine = Machine::new();
    let endpoint = adder(Duration::ZERO);
    let model = endpoint.spec("m");
    let part = |place: &str, shard: &str| {
        machine
            .run(&store, &model, place, &["--shard", shard])
            .exits_with(0);
    };
    part("one", "1/2");
    machine
        .ran(&store, &["merge", "one", "-o", "half"])
        .exits_with(5)
        .says(&["shard 2 of 2 is missing"]);
    part("s3://bucket/parts/2", "2/2");
    let both = [
        "merge",
        "one",
        "s3://bucket/parts/2",
        "-o",
        "s3://bucket/whole",
    ];
    let merged = machine.ran(&store, &both).exits_with(0);
    let told = "Merged 2 shards into s3://bucket/whole";
    assert!(merged.stdout.contains(told), "{}", merged.stdout);
    assert_eq!(store.questions("whole").len(), 12);
    part("s3://bucket/parts/1", "1/2");
    let other = Machine::new();
    let folder = other
        .ran(&store, &["report", "s3://bucket/parts", "--format", "json"])
        .exits_with(0);
    let whole = other
        .ran(&store, &["report", "s3://bucket/whole", "--format", "json"])
        .exits_with(0);
    let scores = |ran: &Ran| -> Value {
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        summary["scores"].clone()
    };
    assert_eq!(scores(&folder), scores(&whole));
    machine
        .ran(&store, &["merge", "s3://bucket/parts", "-o", "together"])
        .exits_with(0);
    assert_eq!(journal(&machine.path().join("together")).len(), 12);
}

#[test]
fn a_part_that_is_missing_or_damaged_is_named_and_asked_again() {
    let Some(store) = Store::start(None) else {
        return;
    };
    let (machine, other) = (Machine::new(), Machine::new());
    let endpoint = adder(Duration::ZERO);
    let run = "s3://bucket/run";
    let part = "run/journal/00000001.jsonl";
    machine
        .run(&store, &endpoint.spec("m"), run, &[])
        .exits_with(0);
    let whole = store.get(part).unwrap();
    let read = |machine: &Machine| machine.ran(&store, &["compare", run]);

    // It is noticed by machines that have a copy, too.
    store.put(part, &whole[..whole.len() - 40]);
    for machine in [&machine, &other] {
        read(machine).exits_with(5).says(&[
            part,
            "damaged",
            "bytes of",
            "--resume s3://bucket/run",
        ]);
    }
    store.put(part, &whole);
    read(&machine).exits_with(0);
    store.put("run/journal/00000003.jsonl", &whole);
    read(&other)
        .exits_with(5)
        .says(&["journal/00000002.jsonl", "missing", "3 parts"]);
    store.remove("run/journal/00000003.jsonl");
    store.put("run/journal/99999999.jsonl", &whole);
    let resume = ["run", "--resume", run, "--no-cache"];
    other
        .ran(&store, &resume)
        .exits_with(5)
        .says(&["journal/00000002.jsonl", "99999999 parts"]);
    store.remove("run/journal/99999999.jsonl");
    store.remove(part);
    read(&other).exits_with(5).says(&["journal.jsonl", "12"]);

    let mut changed = whole.clone();
    let end = changed.len() - 3;
    changed[end] ^= 1;
    store.put(part, &changed);
    other
        .ran(&store, &["score", run])
        .exits_with(5)
        .says(&[part, "has been changed"]);
    assert_eq!(store.get(part).as_ref(), Some(&changed), "it is left alone");
    other
        .ran(&store, &resume)
        .exits_with(0)
        .says(&[part, "has been changed", "asked again"]);
    assert_eq!(endpoint.requests().len(), 24);
    assert_eq!(store.get("run/journal/00000001.damaged"), Some(changed));
    read(&machine).exits_with(0);
    assert_eq!(store.questions("run").len(), 12);
}

#[test]
fn no_name_in_a_listing_leads_out_of_the_copy() {
    let Some(store) = Store::start(None) else {
        return;
    };
    let (machine, other) = (Machine::new(), Machine::new());
    let endpoint = adder(Duration::ZERO);
    let run = "s3://bucket/run";
    machine
        .run(&store, &endpoint.spec("m"), run, &[])
        .exits_with(0);
    for name in [
        "run/notes/run.json",
        "run/trials/x/scores.parquet",
        "run/candor.toml",
        "run/.ssh",
        "run/journal/1.jsonl",
    ] {
        store.put(name, b"hostile");
    }
    other.ran(&store, &["report", run]).exits_with(0);
    for file in files(&other.path().join("home")) {
        assert_ne!(fs::read(&file).unwrap(), b"hostile", "{}", file.display());
    }
    store.put("run/%2e%2e/%2e%2e/trials.parquet", b"hostile");
    if store.names("run").iter().any(|name| name.contains("..")) {
        other
            .ran(&store, &["report", run])
            .exits_with(5)
            .says(&["not a plain path", "Remove the object"]);
    }
    let kept = files(other.path());
    let hostile = kept.iter().filter(|f| fs::read(f).unwrap() == b"hostile");
    assert_eq!(hostile.count(), 0);
}

#[test]
fn a_store_that_cannot_be_used_says_why_and_what_to_do() {
    let Some(store) = Store::start(Some(1)) else {
        return;
    };
    let machine = Machine::new();
    let endpoint = adder(Duration::ZERO);
    let model = endpoint.spec("m");
    machine
        .run(&store, &model, "s3://bucket/run", &[])
        .exits_with(5)
        .says(&["s3://bucket/run", "refuses it", "AWS_ACCESS_KEY_ID"]);
    let open = Store::start(None).unwrap();
    machine
        .run(&open, &model, "s3://no-such-bucket/run", &[])
        .exits_with(5)
        .says(&["no bucket 'no-such-bucket'", "Create the bucket"]);
    machine
        .ran(&open, &["report", "s3://bucket/nothing"])
        .exits_with(5)
        .says(&["s3://bucket/nothing is not a run directory"]);
    machine
        .ran(&open, &["run", "--resume", "s3://bucket/nothing"])
        .exits_with(5)
        .says(&["s3://bucket/nothing is not a run directory"]);
    machine
        .ran(&open, &["report", "s3://bucket/../x"])
        .exits_with(2)
        .says(&["is not an address", "s3://BUCKET/PREFIX"]);
    machine
        .run(&open, &model, "s3://bucket/run", &["--offline"])
        .exits_with(0);
    let with = |name: &str, value: &str, more: &[&str]| {
        let own = ["run", "-s", "sums", "-m", &model, "-o", "s3://bucket/2"];
        ran(machine
            .candor(&open, &[&own[..], more].concat())
            .env(name, value))
        .exits_with(5)
    };
    with("AWS_ENDPOINT_URL", "https://s3.example.com", &["--offline"])
        .says(&["--offline forbids connecting to s3.example.com"]);
    with("AWS_ENDPOINT_URL", "http://s3.example.com", &[])
        .says(&["http://s3.example.com is not encrypted", "AWS_ALLOW_HTTP"]);
    let nobody = format!("http://127.0.0.1:{}", packages::free_port());
    with("AWS_ENDPOINT_URL", &nobody, &[]).says(&["cannot list s3://bucket/2", "AWS_ENDPOINT_URL"]);
}
