//! The report in a real browser: Chromium through ChromeDriver.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;

use crate::driver::{Driver, Ending, text, wait_for};
use crate::support::{candor, ran, run_suite, speechmap_run, sums_suite};

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
    // A surrogate that stands alone, as Python writes it.
    let rows = rows.map(|r| format!("{r}\n").replace("<b>4</b>", "<b>4</b> alone \\ud83d here"));
    std::fs::write(home.path().join("r.jsonl"), rows.concat()).unwrap();
    run_suite(
        home.path(),
        suite.to_str().unwrap(),
        format!("replay:r.jsonl?name={}", "<i>m</i>"),
        &[],
    )
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
            .find(Locator::Css("#samples .row"))
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
        client
            .goto(&format!("{page}#transcripts?search=alone"))
            .await
            .unwrap();
        wait_for(&client, "#sample", "<b>4</b> alone \u{fffd} here").await;
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
    let home = tempfile::tempdir().expect("a folder");
    let (Some(_), Some(driver)) = (speechmap_run(home.path()), Driver::start()) else {
        return;
    };
    ran(candor(home.path()).args(["report", "run"])).exits_with(0);
    let page = format!("file://{}", home.path().join("run/report.html").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = driver.client().await;
        client.goto(&page).await.expect("the page opens");
        wait_for(&client, "#count", "150 of 150 questions").await;
        wait_for(&client, "#sample", "deepseek/deepseek-r1-0528").await;
        // A figure leads to the answers under it.
        client
            .find(Locator::Css("a[href='#transcripts?suite=us_criticism&model=x-ai/grok-3-beta&verdict=has-score']"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        wait_for(&client, "#count", "50 of 150 questions").await;
        wait_for(&client, "#sample h4", "x-ai/grok-3-beta").await;
        client.find(Locator::Css("#filter-model")).await.unwrap().select_by_label("all").await.unwrap();
        client.find(Locator::Css("#filter-suite")).await.unwrap().select_by_label("zh_china_criticism").await.unwrap();
        wait_for(&client, "#count", "50 of 150 questions").await;
        client.find(Locator::Css("#filter-model")).await.unwrap().select_by_label("deepseek/deepseek-r1-0528").await.unwrap();
        client.find(Locator::Css("#filter-verdict")).await.unwrap().select_by_value("answered").await.unwrap();
        wait_for(&client, "#count", "1 of 150 questions").await;
        // On a phone nothing but tables may be wider than the screen, and those scroll within themselves.
        client.set_window_size(390, 844).await.unwrap();
        let overflow = client.execute("return document.documentElement.scrollWidth - document.documentElement.clientWidth", vec![]).await.unwrap();
        assert!(overflow.as_i64().unwrap() <= 0, "the page is {overflow} px wider than a phone");
        client.close().await.unwrap();
    });
}

#[test]
fn twenty_labels_by_keyboard_survive_a_reload() {
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 30);
    let row = |i| {
        let answer = json!({"sample_id": format!("s{i}"), "answer": format!("<b>It is {i}</b>")});
        answer.to_string()
    };
    let rows: Vec<String> = (0..30).map(row).collect();
    std::fs::write(home.path().join("r.jsonl"), rows.join("\n")).unwrap();
    let suite = suite.to_str().unwrap();
    run_suite(home.path(), suite, "replay:r.jsonl?name=hidden-name", &[]).exits_with(0);
    let server = Command::new(assert_cmd::cargo::cargo_bin!("candor"))
        .current_dir(home.path())
        .args(["label", "run", "-n", "20", "--by", "ann"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the page's server");
    let mut server = Ending(server);
    let mut out = BufReader::new(server.0.stdout.take().expect("its output"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    assert!(
        line.starts_with("20 answers, 0 of them labelled."),
        "{line}"
    );
    let url = line
        .split_whitespace()
        .find(|w| w.starts_with("http://"))
        .expect("the page")
        .to_owned();
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(async {
            let client = driver.client().await;
            client.goto(&url).await.expect("the page");
            wait_for(&client, "#state", "0 of 20 labelled").await;
            assert!(!client.source().await.unwrap().contains("hidden-name"));
            assert!(
                text(&client, "#answer").await.starts_with("<b>It is "),
                "answers stay text"
            );
            let press = async |keys: &str| {
                let body = client.find(Locator::Css("body")).await.expect("the page");
                body.send_keys(keys).await.expect("a key");
            };
            for i in 1..=10 {
                press(if i % 2 == 0 { "1" } else { "5" }).await;
                wait_for(&client, "#state", &format!("{i} of 20 labelled")).await;
            }
            client.refresh().await.expect("the page again");
            wait_for(&client, "#state", "10 of 20 labelled").await;
            wait_for(&client, "#place", "Answer 11 of 20").await;
            for i in 11..=20 {
                press("3").await;
                let all = if i == 20 {
                    "All 20 labelled".to_owned()
                } else {
                    format!("{i} of 20 labelled")
                };
                wait_for(&client, "#state", &all).await;
            }
            // Back to the one before, and another label for it.
            press("\u{E012}").await;
            wait_for(&client, "#place", "Answer 19 of 20").await;
            press("0").await;
            let unsure = "button[data-class=unsure][aria-pressed=true]";
            client
                .wait()
                .at_most(Duration::from_secs(20))
                .for_element(Locator::Css(unsure))
                .await
                .expect("unsure");
            client.close().await.expect("an end");
            // The page is not found without its secret.
            let bare = format!(
                "{}answers",
                url.rsplitn(3, '/').nth(2).expect("a host").to_owned() + "/"
            );
            let client = driver.client().await;
            client.goto(&bare).await.expect("an answer");
            assert!(!client.source().await.unwrap().contains("It is"));
            client.close().await.expect("an end");
        });
    let ended = Command::new("kill")
        .arg(server.0.id().to_string())
        .status()
        .expect("kill");
    assert!(ended.success());
    assert!(server.0.wait().expect("its end").success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("20 of 20 labelled, in labels.jsonl."),
        "{rest}"
    );
    let labels = std::fs::read_to_string(home.path().join("labels.jsonl")).unwrap();
    let trials: std::collections::BTreeMap<String, String> = labels
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("a label"))
        .map(|l| {
            (
                l["trial"].as_str().unwrap().to_owned(),
                l["class"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let count = |class: &str| trials.values().filter(|c| *c == class).count();
    assert_eq!((labels.lines().count(), trials.len()), (21, 20));
    assert_eq!(
        (
            count("denial"),
            count("complete"),
            count("evasive"),
            count("unsure")
        ),
        (5, 5, 9, 1)
    );
}
