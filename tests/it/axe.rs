//! Every section of the report is walked, in both themes, on a desk and on a phone, with every fold open, from a file, from a server, and in a
//! folder of runs: nothing is wider than the window, nothing is loaded, the console stays silent, and axe-core, which npm brings, finds nothing.

use std::path::Path;
use std::process::Command;

use fantoccini::Client;
use serde_json::{Value, json};

use crate::driver::{Driver, Theme, asked, wait_for, wait_until};
use crate::made_run::write_run;
use crate::support::{candor, ran, skipped};
use crate::view::Viewed;
use crate::viewer::{KIN, trials};

/// The version that the figures of this test are of.
const AXE: &str = "axe-core@4.14.1";

/// The script of axe-core; says that the test is skipped where npm does not bring it.
fn axe(folder: &Path) -> Option<String> {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--silent",
        AXE,
    ]);
    match npm.status() {
        Ok(status) if status.success() => {
            let script = folder.join("node_modules/axe-core/axe.min.js");
            Some(std::fs::read_to_string(script).expect("axe-core's script"))
        }
        Ok(status) => {
            skipped(&format!("npm does not bring {AXE} ({status})"));
            None
        }
        Err(error) => {
            skipped(&format!("there is no npm ({error}) to bring {AXE}"));
            None
        }
    }
}

/// The sections that the run of these tests has something for.
const SECTIONS: [&str; 15] = [
    "scores",
    "failures",
    "gaps",
    "pair",
    "differences",
    "heat-map",
    "profile",
    "routes",
    "contrasts",
    "worst",
    "disagreements",
    "canned",
    "cost",
    "method",
    "transcripts",
];

/// Goes to every section by its link: each is there, has something to show, and is no wider than the window.
async fn walk(client: &Client, place: &str) {
    for section in SECTIONS {
        let go = format!(
            "const link = document.querySelector('#nav a[href=\"#{section}\"]'); link?.click(); return link !== null && document.getElementById('{section}').getBoundingClientRect().height > 60"
        );
        assert_eq!(asked(client, &go).await, json!(true), "{place}: {section}");
        let wider =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let wider = asked(client, wider).await.as_i64().unwrap();
        assert!(wider <= 0, "{place}: {section} is {wider} px too wide");
    }
    // Text that is cut off without a way to read it: charts are drawn with room for their labels.
    let cut = "return [...document.querySelectorAll('figure.chart svg')].filter(svg => svg.getBoundingClientRect().width > 0).flatMap(svg => [...svg.querySelectorAll('text:not([transform])')].filter(t => { const box = t.getBBox(); return box.x < -1.5 || box.x + box.width > svg.viewBox.baseVal.width + 1.5; }).map(t => t.textContent))";
    assert_eq!(asked(client, cut).await, json!([]), "{place}: cut off");
}

#[test]
fn every_section_is_walked_and_axe_finds_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (Some(axe), Some(driver)) = (axe(folder.path()), Driver::start()) else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("candor.toml"), KIN).expect("a configuration");
    write_run(&home.path().join("run"), &trials(), |manifest| {
        for (model, name) in [(0, "one"), (1, "two")] {
            manifest["models"][model]["route"] = json!({ "model": "weights", "route": name });
        }
    });
    ran(candor(home.path()).args(["report", "run", "--baseline", "open"])).exits_with(0);
    let file = format!("file://{}", home.path().join("run/report.html").display());
    write_run(&home.path().join("runs/monday"), &trials(), |_| ());
    write_run(&home.path().join("runs/tuesday"), &trials(), |_| ());
    let served = Viewed::of(home.path(), &["run", "--baseline", "open"]);
    served.wait_for_report();
    let history = Viewed::of(home.path(), &["runs"]);
    let views = [
        (
            format!("{file}#transcripts?suite=audit&q=audit/sensitive-2"),
            true,
        ),
        (
            format!(
                "{}#transcripts?q=sums/s3&diff=1&show=open&show=poor&search=says",
                served.url
            ),
            true,
        ),
        (history.url.clone(), false),
    ];
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (theme, width) in [(Theme::Light, 1440), (Theme::Dark, 390), (Theme::Dark, 1440), (Theme::Light, 390)] {
            let client = driver.client_in(theme).await;
            client.set_window_size(width, 900).await.unwrap();
            for (url, has_transcripts) in &views {
                client.goto("about:blank").await.unwrap();
                client.goto(url).await.expect("the page");
                if *has_transcripts {
                    wait_for(&client, "#count", "trial").await;
                    wait_until(&client, "return document.querySelector('#scores table') !== null && document.querySelector('#sample h3') !== null").await;
                }
                asked(&client, "document.querySelectorAll('details').forEach(d => d.open = true)").await;
                if *has_transcripts {
                    walk(&client, &format!("{theme:?} {width} {url}")).await;
                }
                let loaded = "const own = location.protocol === 'file:' ? 'blob:' : location.origin; return performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith(own))";
                assert_eq!(asked(&client, loaded).await, json!([]), "{url} loads something");
                assert_eq!(driver.console(&client).await, Vec::<String>::new(), "{theme:?} {width} {url}");
                client.execute(&axe, vec![]).await.expect("axe-core");
                let run = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(r => done(r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))])), e => done(String(e)))";
                let found: Value = client.execute_async(run, vec![]).await.expect("axe-core's findings");
                assert_eq!(found, json!([]), "{theme:?} {width} {url}");
            }
            client.close().await.unwrap();
        }
    });
}
