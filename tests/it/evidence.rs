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
            .contains("80 transcripts and 80 scores match the tables")
            && good.stdout.contains("identical: report.html, scores.csv.")
            && good.stdout.contains("Nothing was changed"),
        "{}",
        good.stdout
    );
    // Without the hash that was published nobody can say that nothing was changed.
    let alone = ran(candor(home.path()).args(["verify", "e.zip"])).exits_with(0);
    assert!(
        alone
            .stdout
            .contains("The files are consistent with each other.")
            && !alone.stdout.contains("Nothing was changed"),
        "{}",
        alone.stdout
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
            told.stdout.contains(words) && told.stdout.contains("does not verify"),
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
    changed("../x would be outside the folder", &|files| {
        files.push(("../x".into(), b"!".to_vec()));
    });
    // A headline that was changed, hashes and all.
    changed(
        "the headlines do not follow from the transcripts",
        &|files| {
            let manifest = at(files, "MANIFEST.json");
            let mut value: serde_json::Value = serde_json::from_slice(&files[manifest].1).unwrap();
            value["headlines"][0] = "a is far better than b.".into();
            files[manifest].1 = serde_json::to_vec(&value).unwrap();
        },
    );
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

/// A zip with its hashes made anew: what somebody can forge who has the tool too.
fn forged(
    home: &Path,
    change: impl FnOnce(&mut Files, &mut serde_json::Value),
) -> crate::support::Ran {
    let mut packed = files(&home.join("e.zip"));
    let at = packed
        .iter()
        .position(|(n, _)| n == "MANIFEST.json")
        .unwrap();
    let (name, manifest) = packed.remove(at);
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    change(&mut packed, &mut manifest);
    if !manifest["files"].is_null() && manifest["keep_hashes"].is_null() {
        let sums = packed.iter().filter(|(path, _)| path != "SHA256SUMS");
        let sums = sums.fold(String::new(), |sums, (path, content)| {
            let sha256 = record(path, content)["sha256"].take();
            sums + &format!("{}  {path}\n", sha256.as_str().unwrap())
        });
        if let Some((_, own)) = packed.iter_mut().find(|(path, _)| path == "SHA256SUMS")
            && manifest["keep_sums"].is_null()
        {
            *own = sums.into_bytes();
        }
        manifest["files"] = packed
            .iter()
            .map(|(path, content)| record(path, content))
            .collect();
    }
    let manifest = serde_json::to_vec(&manifest).unwrap();
    packed.insert(0, (name, manifest));
    pack(&home.join("f.zip"), &packed);
    ran(candor(home).args(["verify", "f.zip"]))
}

fn record(path: &str, content: &[u8]) -> serde_json::Value {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(content);
    let sha256 = candor::text::hex(&digest);
    serde_json::json!({
        "path": path, "bytes": content.len(), "sha256": sha256,
        "blake3": blake3::hash(content).to_hex().to_string(),
    })
}

fn file<'a>(files: &'a mut Files, name: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(n, _)| n == name).unwrap().1
}

#[test]
fn forgeries_with_hashes_made_anew_are_told() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    forged(home, |_, _| ()).exits_with(0);
    let told = |forged: crate::support::Ran, words: &str| {
        let forged = forged.exits_with(1);
        assert!(forged.stdout.contains(words), "{words}:\n{}", forged.stdout);
    };
    let page = forged(home, |files, _| {
        *file(files, "report.html") = b"<h1>forged</h1>".to_vec();
    });
    told(page, "report.html is not what candor");
    let table = forged(home, |files, _| {
        let csv = file(files, "scores.csv");
        *csv = String::from_utf8(csv.clone())
            .unwrap()
            .replace(",0.0,", ",1.0,")
            .into_bytes();
    });
    told(table, "scores.csv is not what candor");
    let answers = forged(home, |files, _| {
        let journal = file(files, "runs/run/journal.jsonl");
        let text = String::from_utf8(journal.clone()).unwrap();
        *journal = text
            .replacen("\"text\":\"0\"", "\"text\":\"1\"", 1)
            .into_bytes();
    });
    told(
        answers,
        "the table of trials does not match the transcripts: answer of trial",
    );
    let scores = forged(home, |files, _| {
        let journal = file(files, "runs/run/journal.jsonl");
        let text = String::from_utf8(journal.clone()).unwrap();
        assert!(text.contains("\"value\":0.0"));
        *journal = text.replace("\"value\":0.0", "\"value\":1.0").into_bytes();
    });
    told(
        scores,
        "the table of scores does not match the transcripts: value of trial",
    );
    let about = forged(home, |files, _| {
        *file(files, "README.txt") = b"Run install.sh first.".to_vec();
    });
    told(about, "README.txt is not what candor");
    let more = forged(home, |files, _| {
        files.push(("install.sh".into(), b"rm -r".to_vec()));
    });
    told(more, "install.sh is not a file of evidence");
    let sums = forged(home, |files, manifest| {
        manifest["keep_sums"] = true.into();
        *file(files, "SHA256SUMS") = b"".to_vec();
    });
    told(sums, "SHA256SUMS is not the list");
    let torn = forged(home, |files, _| {
        let journal = file(files, "runs/run/journal.jsonl");
        journal.extend_from_slice(b"{\"trial\":\n");
    });
    told(
        torn,
        "1 lines of the transcripts or scores of the run run are damaged",
    );
    // Another version's report cannot be made again, and that is said.
    let other = forged(home, |files, manifest| {
        manifest["candor_version"] = "0.0.1".into();
        *file(files, "report.html") = b"<h1>another</h1>".to_vec();
    })
    .exits_with(3);
    assert!(
        other
            .stdout
            .contains("Not recomputed, hashes checked only: report.html, scores.csv")
            && other.stdout.contains("candor 0.0.1 wrote them"),
        "{}",
        other.stdout
    );
}

#[test]
fn scores_flipped_in_the_table_are_told() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    // The table of another run of the same models, which got other answers.
    for model in ["a", "b"] {
        let answers = std::fs::read_to_string(home.join(format!("{model}.jsonl"))).unwrap();
        fs::write(
            home.join(format!("{model}.jsonl")),
            answers.replace("\"1", "\"7"),
        )
        .unwrap();
    }
    let again = [
        "run",
        "-s",
        "sums",
        "-m",
        "replay:a.jsonl?name=a",
        "-m",
        "replay:b.jsonl?name=b",
        "-o",
        "other",
    ];
    ran(candor(home).args(again)).exits_with(0);
    let flipped = fs::read(home.join("other/scores.parquet")).unwrap();
    let told = forged(home, |files, _| {
        *file(files, "runs/run/scores.parquet") = flipped;
    })
    .exits_with(1);
    assert!(
        told.stdout
            .contains("the table of scores does not match the transcripts"),
        "{}",
        told.stdout
    );
}

#[test]
fn evidence_neither_reads_nor_writes_outside_its_own_folder() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    let outside = home.join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["run.json", "journal.jsonl"] {
        fs::copy(home.join("run").join(name), outside.join(name)).unwrap();
    }
    let before: Vec<_> = fs::read_dir(&outside)
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    for run in [
        "../outside",
        outside.to_str().unwrap(),
        "..",
        "",
        ".",
        "run/../../outside",
        "C:run",
    ] {
        let told = forged(home, |files, manifest| {
            manifest["runs"] = serde_json::json!([run]);
            files.clear();
        })
        .exits_with(1);
        assert!(
            told.stdout.contains("would be outside the folder")
                && told.stdout.contains("0 transcripts"),
            "{run}: {}",
            told.stdout
        );
    }
    let after: Vec<_> = fs::read_dir(&outside)
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(before, after, "nothing was written there");
    for path in [
        "/tmp/candor-was-here",
        "runs/run/../../../x",
        "runs\\run\\x",
    ] {
        let told = forged(home, |_, manifest| {
            manifest["keep_hashes"] = true.into();
            manifest["files"]
                .as_array_mut()
                .unwrap()
                .push(record(path, b""));
        })
        .exits_with(1);
        assert!(
            told.stdout.contains("would be outside the folder"),
            "{path}: {}",
            told.stdout
        );
    }
    assert!(!Path::new("/tmp/candor-was-here").exists());
}

#[test]
fn no_more_is_unpacked_than_the_manifest_says() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    let peak = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("candor"));
        command.current_dir(home).args(["verify", "f.zip"]);
        crate::scale::measured(&mut command).1
    };
    // An entry of 400 MB of zeros in a zip of 400 kB, which the manifest says has 12 bytes.
    let told = forged(home, |files, manifest| {
        manifest["keep_hashes"] = true.into();
        let listed = manifest["files"].as_array_mut().unwrap();
        listed.push(record("bomb", b"twelve bytes"));
        files.push(("bomb".into(), vec![0; 400 << 20]));
    })
    .exits_with(1);
    assert!(
        told.stdout.contains("bomb is not what the manifest says"),
        "{}",
        told.stdout
    );
    assert!(peak() < 250_000, "{} kB for an entry of 12 bytes", peak());
    // One that says what it is, and has a line that would have to be held whole.
    let told = forged(home, |files, _| {
        files.push(("runs/run/labels.jsonl".into(), vec![b' '; 400 << 20]));
    })
    .exits_with(1);
    assert!(
        told.stdout.contains("a line too long to be read"),
        "{}",
        told.stdout
    );
    assert!(peak() < 250_000, "{} kB for a zip of 400 MB", peak());
    let told = forged(home, |_, manifest| {
        manifest["keep_hashes"] = true.into();
        manifest["files"][0]["bytes"] = (1_u64 << 62).into();
    })
    .exits_with(1);
    assert!(told.stdout.contains("too large"), "{}", told.stdout);
}

#[test]
fn a_shard_packs_its_tables_and_verifies() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    let shard = [
        "run",
        "-s",
        "sums",
        "-m",
        "replay:a.jsonl?name=a",
        "-m",
        "replay:b.jsonl?name=b",
        "--shard",
        "1/2",
        "-o",
        "half",
    ];
    ran(candor(home).args(shard)).exits_with(0);
    ran(candor(home).args(["export", "half", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    let packed = files(&home.join("e.zip"));
    for table in ["trials", "scores"] {
        let name = format!("runs/half/{table}-1-of-2.parquet");
        assert!(packed.iter().any(|(n, _)| *n == name), "{name}");
    }
    ran(candor(home).args(["verify", "e.zip"])).exits_with(0);
}

#[test]
fn models_of_one_name_in_runs_of_one_name_verify() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    for folder in ["one", "two"] {
        fs::create_dir(home.join(folder)).unwrap();
        let model = format!(
            "replay:{}.jsonl?name=m",
            if folder == "one" { "a" } else { "b" }
        );
        let out = format!("{folder}/run");
        ran(candor(home).args(["run", "-s", "sums", "-m", &model, "-o", &out])).exits_with(0);
    }
    ran(candor(home).args([
        "export", "two/run", "one/run", "--format", "evidence", "-o", "e.zip",
    ]))
    .exits_with(0);
    let good = ran(candor(home).args(["verify", "e.zip"])).exits_with(0);
    assert!(
        good.stdout.contains("1 headlines follow"),
        "{}",
        good.stdout
    );
}

#[test]
fn two_entries_of_one_name_are_no_evidence() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    let mut packed = files(&home.join("e.zip"));
    packed.push(("report.htmk".into(), b"<h1>forged</h1>".to_vec()));
    let path = home.join("f.zip");
    pack(&path, &packed);
    let mut bytes = fs::read(&path).unwrap();
    let name = b"report.htmk";
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            bytes[at..at + name.len()].copy_from_slice(b"report.html");
        }
    }
    fs::write(&path, bytes).unwrap();
    ran(candor(home).args(["verify", "f.zip"]))
        .exits_with(5)
        .says(&["two of its entries have the same name"]);
}

#[test]
fn links_and_other_special_entries_are_no_evidence() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    let packed = files(&home.join("e.zip"));
    for mode in [0o120_777_u32, 0o010_644, 0o060_644, 0o040_755] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &packed {
            zip.start_file(name.as_str(), SimpleFileOptions::default())
                .unwrap();
            zip.write_all(content).unwrap();
        }
        let mut bytes = zip.finish().unwrap().into_inner();
        // The mode stands in the upper half of the external attributes, 38 bytes into each entry of the directory.
        let name = b"report.html";
        let entry = (0..bytes.len() - 46)
            .find(|at| {
                bytes[*at..].starts_with(b"PK\x01\x02") && bytes[at + 46..].starts_with(name)
            })
            .unwrap();
        bytes[entry + 5] = 3;
        bytes[entry + 38..entry + 42].copy_from_slice(&(mode << 16).to_le_bytes());
        fs::write(home.join("f.zip"), bytes).unwrap();
        let told = ran(candor(home).args(["verify", "f.zip"])).exits_with(1);
        assert!(
            told.stdout
                .contains("report.html is a link or another special entry"),
            "{mode:o}: {}",
            told.stdout
        );
    }
}

#[test]
fn evidence_of_scores_given_later_verifies_and_tells_where_they_are_gone() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["score", "run", "-s", "includes"])).exits_with(0);
    ran(candor(home).args(["export", "run", "--format", "evidence", "-o", "e.zip"])).exits_with(0);
    forged(home, |_, _| ()).exits_with(0);
    let without = forged(home, |files, _| {
        files.retain(|(name, _)| name != "runs/run/rescored.jsonl");
    })
    .exits_with(1);
    assert!(
        without.stdout.contains("has no rescored.jsonl"),
        "{}",
        without.stdout
    );
    let torn = forged(home, |files, _| {
        let scores = file(files, "runs/run/rescored.jsonl");
        scores.truncate(scores.len() / 2);
    })
    .exits_with(1);
    assert!(
        torn.stdout.contains("damaged or missing"),
        "{}",
        torn.stdout
    );
}
