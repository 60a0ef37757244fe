//! The pictures of the book: `ci/book.sh` runs this for the pages in docs/, where a line `<!-- picture: NAME ADDRESS -->` is to be one of
//! the demo's report at that address.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fancy_regex::Regex;

use crate::driver::{Driver, wait_for};
use crate::support::{candor, ran};

/// Name and address of every picture that the pages ask for.
fn asked_for(pages: &Path) -> Vec<(String, String)> {
    let line = Regex::new(r"<!-- picture: ([a-z-]+) (\S+) -->").unwrap();
    let mut found = Vec::new();
    for page in std::fs::read_dir(pages).unwrap().flatten() {
        let text = std::fs::read_to_string(page.path()).unwrap_or_default();
        found.extend(line.captures_iter(&text).flatten().map(|picture| {
            let part = |i| picture.get(i).unwrap().as_str().to_owned();
            (part(1), part(2))
        }));
    }
    found
}

#[test]
#[ignore = "makes the book's pictures, in CANDOR_PICTURES"]
fn pictures_of_the_demo() {
    let folder = PathBuf::from(std::env::var_os("CANDOR_PICTURES").expect("CANDOR_PICTURES"));
    let Some(driver) = Driver::start() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    ran(candor(home.path()).arg("demo")).exits_with(0);
    let report = home.path().join("candor-demo/report.html");
    let pictures = asked_for(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"));
    assert!(!pictures.is_empty());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (name, address) in pictures {
            let client = driver.client().await;
            let page = format!("file://{}{address}", report.display());
            client.goto(&page).await.expect("the page opens");
            wait_for(&client, "#count", "trials").await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            let picture = client.screenshot().await.expect("a picture");
            std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
            client.close().await.expect("the browser closes");
        }
    });
}
