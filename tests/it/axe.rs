//! axe-core, which npm brings, finds nothing in the report: in both themes, on a desk and on a phone, with every fold open, from a file,
//! from a server, and in a folder of runs.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::driver::{Driver, Theme, asked, wait_for, wait_until};
use crate::made_run::write_run;
use crate::support::skipped;
use crate::view::Viewed;
use crate::viewer::{report, trials};

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

#[test]
fn axe_finds_nothing_in_the_report_nor_in_what_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let (Some(axe), Some(driver)) = (axe(folder.path()), Driver::start()) else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let file = report(home.path(), &trials(), &["--baseline", "open"]);
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
                client.execute(&axe, vec![]).await.expect("axe-core");
                let run = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(r => done(r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))])), e => done(String(e)))";
                let found: Value = client.execute_async(run, vec![]).await.expect("axe-core's findings");
                assert_eq!(found, json!([]), "{theme:?} {width} {url}");
            }
            client.close().await.unwrap();
        }
    });
}
