//! The report in a real browser: Chromium through ChromeDriver.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

use crate::support::{candor, ran, shared, skipped, sums_suite};

/// A ChromeDriver of this test's own; it ends with it.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Option<Self> {
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
            Ok(child) => Some(Self { child, port }),
            Err(error) => {
                skipped(&format!(
                    "chromedriver does not start ({error}); Debian's packages chromium and chromium-driver bring it"
                ));
                None
            }
        }
    }

    async fn client(&self) -> Client {
        let arguments = [
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

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn text(client: &Client, selector: &str) -> String {
    client
        .wait()
        .at_most(Duration::from_secs(20))
        .for_element(Locator::Css(selector))
        .await
        .expect(selector)
        .text()
        .await
        .expect("its text")
}

/// Waits until an element's text holds `words`.
async fn wait_for(client: &Client, selector: &str, words: &str) {
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

#[test]
fn hostile_answers_stay_text_and_are_found_by_search() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 3);
    let attack = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> needle";
    let rows = [
        json!({"sample_id": "s0", "answer": attack}),
        json!({"sample_id": "s1", "answer": "2"}),
        json!({"sample_id": "s2", "answer": "<b>4</b>"}),
    ];
    std::fs::write(
        home.path().join("r.jsonl"),
        rows.map(|r| format!("{r}\n")).concat(),
    )
    .unwrap();
    ran(candor(home.path()).args([
        "run",
        "-s",
        suite.to_str().unwrap(),
        "-m",
        &format!("replay:r.jsonl?name={}", "<i>m</i>"),
        "-o",
        "run",
    ]))
    .exits_with(0);
    let page = format!("file://{}", home.path().join("run/report.html").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = driver.client().await;
        client.goto(&page).await.expect("the page opens");
        wait_for(&client, "#count", "3 of 3 questions").await;
        client
            .find(Locator::Css("#filter-text"))
            .await
            .unwrap()
            .send_keys("needle")
            .await
            .unwrap();
        wait_for(&client, "#count", "1 of 3 questions").await;
        client
            .find(Locator::Css("#samples button"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        wait_for(&client, "#sample", "</script><script>").await;
        assert_eq!(text(&client, "#sample mark").await, "needle");
        assert_eq!(
            client.title().await.unwrap(),
            "<i>m</i> · candor",
            "no script of an answer ran"
        );
        assert_eq!(
            text(&client, "#scores tbody th").await.lines().next(),
            Some("<i>m</i>")
        );
        let styled = client
            .execute(
                "return getComputedStyle(document.querySelector('.headlines')).borderLeftStyle",
                vec![],
            )
            .await
            .unwrap();
        assert_eq!(
            styled,
            json!("solid"),
            "the policy lets our own style through"
        );
        client.close().await.unwrap();
    });
}

#[test]
fn a_report_of_thousands_of_real_answers_filters_and_reads_well_on_a_phone() {
    let (Some(data), Some(driver)) = (shared("data/speechmap"), Driver::start()) else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    ran(candor(home.path()).args(["import", "speechmap", data.to_str().unwrap(), "-o", "run"]))
        .exits_with(0);
    ran(candor(home.path()).args(["report", "run"])).exits_with(0);
    let page = format!("file://{}", home.path().join("run/report.html").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = driver.client().await;
        client.goto(&page).await.expect("the page opens");
        wait_for(&client, "#count", "150 of 150 questions").await;
        wait_for(&client, "#sample", "deepseek/deepseek-r1-0528").await;
        // A figure leads to the answers under it.
        client
            .find(Locator::Css("a[data-suite='us_criticism'][data-model='x-ai/grok-3-beta']"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        wait_for(&client, "#count", "50 of 150 questions").await;
        assert_eq!(text(&client, "#sample h4").await, "x-ai/grok-3-beta");
        client.find(Locator::Css("#filter-model")).await.unwrap().select_by_label("any").await.unwrap();
        client.find(Locator::Css("#filter-suite")).await.unwrap().select_by_label("zh_china_criticism").await.unwrap();
        wait_for(&client, "#count", "50 of 150 questions").await;
        client.find(Locator::Css("#filter-model")).await.unwrap().select_by_label("deepseek/deepseek-r1-0528").await.unwrap();
        client.find(Locator::Css("#filter-verdict")).await.unwrap().select_by_label("score 1").await.unwrap();
        wait_for(&client, "#count", "1 of 150 questions").await;
        // On a phone nothing but tables may be wider than the screen, and those scroll within themselves.
        client.set_window_size(390, 844).await.unwrap();
        let overflow = client.execute("return document.documentElement.scrollWidth - document.documentElement.clientWidth", vec![]).await.unwrap();
        assert!(overflow.as_i64().unwrap() <= 0, "the page is {overflow} px wider than a phone");
        client.close().await.unwrap();
    });
}
