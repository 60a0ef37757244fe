//! The completion cache between processes.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Endpoint, Reply, candor, journal, ran, says, sums_suite};

#[test]
fn processes_that_run_at_once_share_a_cache_from_its_making_on() {
    const PROCESSES: usize = 6;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 20);
    let endpoint = Endpoint::new(|_, _| Reply::After(Duration::from_millis(5), says("1")));
    let cache = home.join("cache");
    let spec = endpoint.spec("m");
    // All of them make the file at the same moment, and write into it.
    let children: Vec<_> = (0..PROCESSES)
        .map(|i| {
            Command::new(assert_cmd::cargo::cargo_bin!("candor"))
                .args(["run", "-s", "sums", "-m", &spec, "-o", &format!("run-{i}")])
                .current_dir(home)
                .env("CANDOR_HOME", &cache)
                .env("CANDOR_LABELLER", "none")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(
            !said.contains("completion cache /"),
            "it is used, not complained of: {said}"
        );
    }
    let asked = endpoint.requests().len();
    assert!((20..=20 * PROCESSES).contains(&asked));
    let mut last = candor(home);
    last.args(["run", "-s", "sums", "-m", &spec, "-o", "last"])
        .env("CANDOR_HOME", &cache);
    ran(&mut last)
        .exits_with(0)
        .says(&["20 of 20 answers came from the completion cache"]);
    assert_eq!(endpoint.requests().len(), asked, "nothing was asked");
    assert!(
        journal(&home.join("last"))
            .iter()
            .all(|line| line["completion"]["origin"] == "cache")
    );
}
