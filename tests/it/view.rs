//! `candor view` and what stands beside it: the same page from a server, from a folder, and on paper.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::Client;
use serde_json::{Value, json};

use crate::driver::{Driver, Ending, Theme, asked, text, wait_for, wait_until};
use crate::made_run::{MadeTrial, write_run};
use crate::support::{Endpoint, Reply, candor, ran, says, skipped, sums_suite};
use crate::viewer::{ATTACKS, every_hostile_question, hostile_trials, report, stays_text, trials};

/// A `candor view` that ends with the test.
pub struct Viewed {
    process: Ending,
    pub url: String,
}

impl Viewed {
    pub fn of(home: &Path, arguments: &[&str]) -> Self {
        Self::at(assert_cmd::cargo::cargo_bin!("candor"), home, arguments)
    }

    /// The same with a binary that lies elsewhere.
    pub fn at(binary: &Path, home: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(binary)
            .current_dir(home)
            .arg("view")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server");
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("its output"));
        out.read_line(&mut line).expect("a line");
        let url = line.split_whitespace().find(|w| w.starts_with("http://"));
        Self {
            url: url.unwrap_or_else(|| panic!("no address: {line}")).into(),
            process: Ending(process),
        }
    }

    /// Host and port, and the path.
    fn parts(&self) -> (&str, &str) {
        let rest = self.url.strip_prefix("http://").expect("an address");
        rest.split_at(rest.find('/').expect("a path"))
    }

    /// Status line, headers and body of a GET.
    fn get(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(self.parts().0).expect("a connection");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What the page would get as JSON.
    pub fn json(&self, path: &str) -> Value {
        let (host, base) = self.parts();
        let answer = self.get(&format!("{base}{path}"), host);
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).unwrap_or_else(|e| panic!("{path}: {e}: {answer}"))
    }

    /// The server's process.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Waits until the state of the runs named says so.
    pub fn wait(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.wait_at("", what, holds)
    }

    /// Waits until the report has been computed.
    pub fn wait_for_report(&self) {
        self.wait("reported", |state| state["sections"] == "ready");
    }

    /// Waits until the state of the runs at a path says so.
    fn wait_at(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let path = format!("{path}state");
        for _ in 0..2400 {
            let state = self.json(&path);
            if holds(&state) {
                return state;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never {what}: {}", self.json(&path));
    }
}

/// What a page lists for an address, and the question that it opens.
async fn listed(client: &Client, address: &str) -> Value {
    let script = format!(
        "document.getElementById('count').textContent = ''; document.getElementById('sample').replaceChildren(); location.hash = {}",
        json!(address)
    );
    asked(client, &script).await;
    wait_until(client, "return document.getElementById('count').textContent.includes('trial') && document.querySelector('#sample h3, #sample .note') !== null && !document.querySelector('#samples .row .question.muted')").await;
    tokio::time::sleep(Duration::from_millis(80)).await;
    asked(client, "return [document.getElementById('count').textContent, [...document.querySelectorAll('#samples .row')].map(r => r.innerText), document.querySelector('#sample')?.innerText]").await
}

#[test]
fn a_served_run_lists_and_opens_at_every_address_what_its_file_does() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let page = report(home.path(), &trials(), &["--baseline", "open"]);
    let viewed = Viewed::of(home.path(), &["run", "--baseline", "open"]);
    viewed.wait_for_report();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (file, served) = (driver.client().await, driver.client().await);
        file.goto(&page).await.expect("the file");
        served.goto(&viewed.url).await.expect("the page");
        // The same sections with the same figures.
        wait_until(&served, "return document.querySelector('#scores table') !== null && document.getElementById('live').hidden").await;
        let sections = "return [...document.querySelectorAll('main > section:not(#live):not(#transcripts)')].map(s => s.innerText)";
        assert_eq!(asked(&served, sections).await, asked(&file, sections).await);
        let headlines = "return document.getElementById('headlines').innerText";
        assert_eq!(asked(&served, headlines).await, asked(&file, headlines).await);
        for address in [
            "",
            "?suite=sums",
            "?suite=audit&model=guarded&verdict=withheld",
            "?suite=audit&model=guarded&group=jurisdiction%3A%20A&paired=role",
            "?suite=audit&model=guarded&group=jurisdiction%3A%20A&group=jurisdiction%3A%20B",
            "?suite=audit&model=guarded&with=open&show=open&show=guarded",
            "?suite=sums&model=poor&verdict=failed",
            "?suite=sums&model=poor&verdict=has-score&sort=lowest",
            "?verdict=differs&sort=spread",
            "?sort=highest",
            "?label=denial",
            "?changed=1",
            "?mark=truncated",
            "?search=SENSITIVE%205%3A%20the%20light",
            "?search=lighthouse&model=guarded&sort=lowest",
            "?search=nothing%20has%20this",
            "?suite=none",
            "?group=nothing%3A%20x",
            "?q=audit/sensitive-2&suite=audit",
            "?q=sums/s3&show=open&show=poor&diff=1",
        ] {
            let address = format!("#transcripts{address}");
            let (a, b) = (listed(&file, &address).await, listed(&served, &address).await);
            assert_eq!(a, b, "{address}");
        }
        let requests = "return performance.getEntriesByType('resource').map(e => new URL(e.name).host)";
        let hosts = asked(&served, requests).await;
        let own = viewed.parts().0;
        assert!(hosts.as_array().unwrap().iter().all(|h| h == own), "{hosts}");
        file.close().await.unwrap();
        served.close().await.unwrap();
    });
}

#[test]
fn only_the_address_that_was_printed_is_answered() {
    let home = tempfile::tempdir().expect("a folder");
    write_run(&home.path().join("run"), &trials(), |_| ());
    let mut viewed = Viewed::of(home.path(), &["run"]);
    let (host, path) = viewed.parts();
    let port = host.rsplit(':').next().unwrap();
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    let page = viewed.get(path, host);
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let head = page.split("\r\n\r\n").next().unwrap().to_lowercase();
    for header in [
        "content-security-policy: default-src 'none'",
        "frame-ancestors 'none'",
        "connect-src 'self'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(head.contains(header), "{head} lacks {header}");
    }
    assert!(!head.contains("unsafe"), "{head}");
    for (path, host, status) in [
        (path, "evil.example".to_owned(), "403"),
        (path, format!("evil.example:{port}"), "403"),
        ("/", host.to_owned(), "404"),
        ("/runs/all/", host.to_owned(), "404"),
        ("/0123456789abcdef/runs/all/state", host.to_owned(), "404"),
    ] {
        let answer = viewed.get(path, &host);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path} {host}: {answer}"
        );
        assert!(!answer.contains("guarded"), "{answer}");
    }
    for missing in ["nothing", "../all/state", "question?q=audit/none"] {
        let answer = viewed.get(&format!("{path}{missing}"), host);
        let known = answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 204");
        assert!(known, "{missing}: {answer}");
    }
    let ended = Command::new("kill")
        .args(["-INT", &viewed.process.0.id().to_string()])
        .status();
    assert!(ended.expect("kill").success());
    assert!(viewed.process.0.wait().expect("its end").success());
}

#[test]
fn a_run_that_goes_on_is_followed_to_its_report() {
    let home = tempfile::tempdir().expect("a folder");
    let endpoint =
        Endpoint::new(|_, n| Reply::After(Duration::from_millis(40), says(&n.to_string())));
    let suite = sums_suite(home.path(), 120);
    let running = Command::new(assert_cmd::cargo::cargo_bin!("candor"))
        .current_dir(home.path())
        .args([
            "run",
            "-o",
            "run",
            "--no-cache",
            "--max-connections",
            "2",
            "-s",
        ])
        .arg(&suite)
        .args(["-m", &endpoint.spec("m")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a run");
    let mut running = Ending(running);
    while !home.path().join("run/journal.jsonl").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let viewed = Viewed::of(home.path(), &["run"]);
    let trials = |state: &Value| state["trials"].as_u64().unwrap();
    let first = viewed.wait("begun", |s| (1..120).contains(&trials(s)));
    assert_eq!(first["runs"][0]["status"], "running");
    assert_eq!(first["runs"][0]["planned"], 120);
    assert_eq!(first["sections"], "waiting");
    let so_far = viewed.json("find?suite=sums");
    assert!(so_far["length"].as_u64().unwrap() >= trials(&first));
    let name = first["newest"][0]["question"].as_str().unwrap();
    let newest = viewed.json(&format!("question?q={name}"));
    assert!(
        newest["sample"]["answers"][0]["answer"].is_string(),
        "{newest}"
    );
    assert!(
        newest["sample"]["answers"][0]["scores"][0]["value"].is_number(),
        "{newest}"
    );
    assert!(
        !home.path().join("run/trials.parquet").exists(),
        "looking writes nothing"
    );
    assert_eq!(running.0.wait().expect("its end").code(), Some(0));
    let last = viewed.wait("reported", |s| s["sections"] == "ready");
    assert_eq!(trials(&last), 120);
    assert_eq!(last["runs"][0]["status"], "finished");
    let sections = viewed.json("sections");
    assert!(sections["html"].as_str().unwrap().contains("id=\"scores\""));
    assert_eq!(viewed.json("find")["trials"], 120);
}

#[test]
fn a_folder_of_runs_is_a_history_and_any_two_are_compared() {
    let home = tempfile::tempdir().expect("a folder");
    for (run, day, right) in [
        ("monday", 23, 12),
        ("tuesday", 24, 18),
        ("wednesday", 25, 20),
    ] {
        let trials: Vec<MadeTrial> = (1..=20)
            .map(|i| {
                MadeTrial::new(
                    "m",
                    "sums",
                    format!("s{i}"),
                    f64::from(u8::from(i <= right)),
                )
            })
            .collect();
        write_run(&home.path().join("runs").join(run), &trials, |manifest| {
            manifest["created"] = json!(format!("2026-11-{day}T00:00:00Z"));
        });
    }
    let viewed = Viewed::of(home.path(), &["runs"]);
    let (host, path) = viewed.parts();
    let mut page = viewed.get(path, host);
    for _ in 0..200 {
        if !page.contains("being computed") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        page = viewed.get(path, host);
    }
    let at = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{page} lacks {words}"))
    };
    assert!(
        at("wednesday") < at("tuesday") && at("tuesday") < at("monday"),
        "the newest first"
    );
    assert!(page.contains("90.0 [") && page.contains("60.0 ["), "{page}");
    let number = |run: &str| {
        let before = &page[..at(&format!(">{run}<"))];
        let link = before.rsplit("href=\"runs/").next().unwrap();
        link.split('/').next().unwrap().to_owned()
    };
    let (monday, tuesday) = (number("monday"), number("tuesday"));
    let chosen = viewed.get(&format!("{path}compare?run={monday}&run={tuesday}"), host);
    let to = format!("location: {path}runs/{monday}+{tuesday}/");
    assert!(chosen.to_lowercase().contains(&to), "{chosen}");
    let alone = viewed.get(&format!("{path}compare?run={monday}"), host);
    assert!(alone.contains("Choose two runs"), "{alone}");
    let two = format!("runs/{monday}+{tuesday}/");
    viewed.wait_at(&two, "reported", |state| state["sections"] == "ready");
    // The same model in two runs is two models, and the second's difference from the first is there.
    let sections = viewed.json(&format!("{two}sections"));
    let html = sections["html"].as_str().unwrap();
    assert!(
        html.contains("m (tuesday)") && html.contains("+30.0"),
        "{html}"
    );
    assert_eq!(viewed.json(&format!("{two}find?changed=1"))["length"], 6);
    let one = format!("runs/{monday}/");
    viewed.wait_at(&one, "read", |state| state["reading"] == false);
    assert_eq!(viewed.json(&format!("{one}find"))["trials"], 20);
}

#[test]
fn a_report_in_a_folder_leaves_no_trial_out_of_reach() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let sums = (0..1500).map(|i| {
        let mut trial =
            MadeTrial::new("m", "sums", format!("s{i}"), f64::from(u8::from(i % 3 > 0)));
        trial.answer = Some(format!("It is {i}, says the heron."));
        trial
    });
    let all: Vec<MadeTrial> = trials().into_iter().chain(sums).collect();
    let page = report(home.path(), &all, &["--baseline", "open"]);
    ran(candor(home.path()).args(["report", "run", "--baseline", "open", "--dir", "site"]))
        .exits_with(0);
    let folder = format!("file://{}", home.path().join("site/index.html").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (file, beside) = (driver.client().await, driver.client().await);
        file.goto(&page).await.expect("the file");
        beside.goto(&folder).await.expect("the folder");
        wait_for(&beside, "#count", "1,524 of 1,524 questions").await;
        for address in [
            "",
            "?suite=sums&q=sums/s1499",
            "?search=1234%2C%20says%20the%20HERON",
            "?search=heron&sort=lowest",
            "?suite=audit&model=guarded&verdict=withheld",
        ] {
            let address = format!("#transcripts{address}");
            let (a, b) = (
                listed(&file, &address).await,
                listed(&beside, &address).await,
            );
            assert_eq!(a, b, "{address}");
        }
        let policy = asked(
            &beside,
            "return document.querySelector('meta[http-equiv]').content",
        )
        .await;
        assert!(!policy.as_str().unwrap().contains("unsafe"), "{policy}");
        // A file that was lost is named.
        std::fs::remove_dir_all(home.path().join("site/files")).unwrap();
        beside.refresh().await.unwrap();
        wait_for(&beside, "#count", "files/index.js is missing").await;
        file.close().await.unwrap();
        beside.close().await.unwrap();
    });
}

#[test]
fn a_hostile_run_stays_text_when_it_is_served() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    write_run(&home.path().join("run"), &hostile_trials(), |_| ());
    let baseline = format!("one {}", ATTACKS[0]);
    let viewed = Viewed::of(home.path(), &["run", "--baseline", &baseline]);
    viewed.wait_for_report();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (theme, width) in [(Theme::Light, 1440), (Theme::Dark, 390)] {
            let client = driver.client_in(theme).await;
            client.set_window_size(width, 900).await.unwrap();
            client.goto(&viewed.url).await.expect("the page opens");
            wait_for(&client, "#count", &every_hostile_question()).await;
            wait_until(
                &client,
                "return document.querySelector('#scores table') !== null",
            )
            .await;
            let place = format!("{theme:?} {width} served");
            stays_text(&client, &place).await;
            assert_eq!(
                driver.console(&client).await,
                Vec::<String>::new(),
                "{place}"
            );
            assert!(!text(&client, "#live .warning, #headlines").await.is_empty());
            client.close().await.unwrap();
        }
    });
}

#[test]
fn charts_are_saved_as_drawings_as_figures_and_as_pictures() {
    let home = tempfile::tempdir().expect("a folder");
    write_run(&home.path().join("run"), &trials(), |_| ());
    let charts = |folder: &str, browser: Option<&str>| {
        let mut command = candor(home.path());
        command.args(["report", "run", "--baseline", "open", "--charts", folder]);
        if let Some(browser) = browser {
            command.env("CANDOR_CHROMIUM", browser);
        }
        let told = ran(&mut command).exits_with(0).stdout;
        let files = std::fs::read_dir(home.path().join(folder)).expect("charts");
        let of = |extension: &str, files: &[PathBuf]| -> Vec<String> {
            let own = files
                .iter()
                .filter(|f| f.extension().is_some_and(|e| e == extension));
            let stem = |f: &PathBuf| f.file_stem().unwrap().to_string_lossy().into_owned();
            let mut names: Vec<String> = own.map(stem).collect();
            names.sort();
            names
        };
        let files: Vec<PathBuf> = files.flatten().map(|f| f.path()).collect();
        (told, ["svg", "csv", "png"].map(|e| of(e, &files)))
    };
    let (told, [drawings, figures, pictures]) = charts("without", Some("no-such-browser"));
    assert!(drawings.len() > 5 && drawings == figures && pictures.is_empty());
    assert!(
        told.contains("as PNG they are not, because there is no Chromium"),
        "{told}"
    );
    if Command::new("chromium")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        return skipped("there is no chromium to draw with");
    }
    let (_, [drawings, figures, pictures]) = charts("with", None);
    assert!(drawings == figures && drawings == pictures);
    for name in &pictures {
        let file = |extension: &str| home.path().join(format!("with/{name}.{extension}"));
        let picture = std::fs::read(file("png")).unwrap();
        let drawing = std::fs::read_to_string(file("svg")).unwrap();
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
        let size = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
        let (width, height) = (size(16), size(20));
        assert!(
            drawing.contains(&format!(
                "width=\"{}\" height=\"{}\"",
                width / 2,
                height / 2
            )),
            "{name} is {width} × {height}"
        );
        // A picture of nothing is small.
        assert!(picture.len() > 4000, "{name}: {} bytes", picture.len());
    }
}

/// How many pages a PDF has.
fn pages(pdf: &Path) -> usize {
    let bytes = std::fs::read(pdf).expect("a PDF");
    assert!(bytes.starts_with(b"%PDF-"), "{}", pdf.display());
    let text = String::from_utf8_lossy(&bytes);
    text.matches("/Type /Page\n").count()
        + text.matches("/Type /Page/").count()
        + text.matches("/Type /Page ").count()
}

#[test]
fn a_printed_report_has_its_folds_open_and_its_exhibits_numbered() {
    let home = tempfile::tempdir().expect("a folder");
    write_run(&home.path().join("run"), &trials(), |_| ());
    let paper: PathBuf = home.path().join("paper.html");
    let print = |more: &[&str]| {
        ran(candor(home.path())
            .args(["report", "run", "--print", "-o", "paper.html"])
            .args(more))
    };
    print(&["--exhibit", "audit/sensitive-2", "--exhibit", "sums/s3"]).exits_with(0);
    let html = std::fs::read_to_string(&paper).unwrap();
    assert!(!html.contains("<script") && !html.contains("<details>"));
    for words in [
        "Exhibit 1: <span dir=\"auto\">audit&#x2f;sensitive-2",
        "Exhibit 2: <span dir=\"auto\">sums&#x2f;s3",
        "counter(pages)",
        "Answers (BLAKE3 over every trial)",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let key = trials()
        .iter()
        .find(|t| t.model == "poor" && t.sample == "s3")
        .unwrap()
        .key();
    assert!(html.contains(&key), "an exhibit names its trial");
    print(&["--exhibit", "sums/none"])
        .exits_with(2)
        .says(&["unknown question 'sums/none'"]);
    ran(candor(home.path()).args(["report", "run", "--exhibit", "sums/s3"]))
        .exits_with(2)
        .says(&["--print or --pdf"]);
    ran(candor(home.path())
        .args(["report", "run", "--pdf", "r.pdf"])
        .env("CANDOR_CHROMIUM", "no-such-browser"))
    .exits_with(5)
    .says(&["there is no Chromium or Chrome here", "CANDOR_CHROMIUM"]);
    if Command::new("chromium")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        return skipped("there is no chromium to print with");
    }
    ran(candor(home.path()).args(["report", "run", "--pdf", "r.pdf", "--exhibit", "sums/s3"]))
        .exits_with(0);
    assert!(pages(&home.path().join("r.pdf")) >= 3);
}
