//! Evidence that a third party can check: written, verified, and tampered with.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::support::{candor, ran, sums_suite};

/// Forty sums, answered by `b`, and by `a` but for every fifth.
fn made(home: &Path) {
    sums_suite(home, 40);
    for model in ["a", "b"] {
        let answers = (0..40).fold(String::new(), |answers, i| {
            let answer = if model == "a" && i % 5 == 0 { 0 } else { i + 1 };
            let line =
                serde_json::json!({"sample_id": format!("s{i}"), "answer": answer.to_string()});
            answers + &format!("{line}\n")
        });
        fs::write(home.join(format!("{model}.jsonl")), answers).unwrap();
    }
    ran(candor(home).args([
        "run",
        "-s",
        "sums",
        "-m",
        "replay:a.jsonl?name=a",
        "-m",
        "replay:b.jsonl?name=b",
        "-o",
        "run",
    ]))
    .exits_with(0);
}

type Files = Vec<(String, Vec<u8>)>;

fn files(zip: &Path) -> Files {
    let mut archive = ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut entry = archive.by_index(i).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.name().to_owned(), content)
        })
        .collect()
}

fn pack(path: &Path, files: &[(String, Vec<u8>)]) {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(content).unwrap();
    }
    fs::write(path, zip.finish().unwrap().into_inner()).unwrap();
}

#[test]
fn evidence_verifies_and_every_tampering_is_told() {
    let home = tempfile::tempdir().unwrap();
    made(home.path());
    let told = ran(candor(home.path()).args([
        "export",
        "run",
        "--format",
        "evidence",
        "-o",
        "e.zip",
        "--baseline",
        "b",
    ]))
    .exits_with(0);
    let manifest = told
        .stdout
        .lines()
        .next()
        .unwrap()
        .strip_prefix("manifest ")
        .unwrap()
        .to_owned();
    let good =
        ran(candor(home.path()).args(["verify", "e.zip", "--manifest", &manifest])).exits_with(0);
    assert!(
        good.stdout
            .contains("80 transcripts are those of the tables")
            && good.stdout.contains("Nothing was changed."),
        "{}",
        good.stdout
    );
    let packed = files(&home.path().join("e.zip"));
    for name in [
        "MANIFEST.json",
        "SHA256SUMS",
        "README.txt",
        "report.html",
        "scores.csv",
        "runs/run/journal.jsonl",
        "runs/run/trials.parquet",
    ] {
        assert!(packed.iter().any(|(n, _)| n == name), "{name}");
    }
    // What somebody does without candor.
    for (name, content) in &packed {
        let place = home.path().join("unpacked").join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }
    let sums = Command::new("sha256sum")
        .args(["-c", "--quiet", "SHA256SUMS"])
        .current_dir(home.path().join("unpacked"))
        .output();
    if let Ok(sums) = sums {
        assert!(
            sums.status.success(),
            "{}",
            String::from_utf8_lossy(&sums.stdout)
        );
    }
    let changed = |words: &str, change: &dyn Fn(&mut Files)| {
        let mut other = packed.clone();
        change(&mut other);
        pack(&home.path().join("f.zip"), &other);
        let told = ran(candor(home.path()).args(["verify", "f.zip"])).exits_with(1);
        assert!(
            told.stdout.contains(words) && told.stdout.contains("not the evidence"),
            "{words}\n{}",
            told.stdout
        );
    };
    let at = |files: &[(String, Vec<u8>)], name: &str| {
        files.iter().position(|(n, _)| n == name).unwrap()
    };
    changed(
        "runs/run/journal.jsonl is not what the manifest says",
        &|files| {
            let journal = at(files, "runs/run/journal.jsonl");
            files[journal].1.pop();
        },
    );
    changed("scores.csv is missing", &|files| {
        let csv = at(files, "scores.csv");
        files.remove(csv);
    });
    changed("note.txt is not in the manifest", &|files| {
        files.push(("note.txt".into(), b"!".to_vec()));
    });
    changed("../x would lie outside the folder", &|files| {
        files.push(("../x".into(), b"!".to_vec()));
    });
    // A headline that was changed, hashes and all.
    changed("the headlines do not follow from the tables", &|files| {
        let manifest = at(files, "MANIFEST.json");
        let mut value: serde_json::Value = serde_json::from_slice(&files[manifest].1).unwrap();
        value["headlines"][0] = "a is far better than b.".into();
        files[manifest].1 = serde_json::to_vec(&value).unwrap();
    });
    let other =
        ran(candor(home.path()).args(["verify", "e.zip", "--manifest", "00"])).exits_with(1);
    assert!(
        other.stdout.contains("is not the one published"),
        "{}",
        other.stdout
    );
    fs::write(home.path().join("g.zip"), "no zip").unwrap();
    ran(candor(home.path()).args(["verify", "g.zip"]))
        .exits_with(5)
        .says(&["cannot read the evidence"]);
}
