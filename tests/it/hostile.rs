//! A run whose every text was written to deceive: on each surface that a person reads, nothing acts and all of it can be seen.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use serde_json::json;

use crate::support::{candor, ran, run_suite};

/// Clears a screen, sets a title, rings, reverses, hides, and runs over its neighbours.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7} safe \u{202e}gpj.exe pass\u{200b}word \u{2066}i\u{2069} \u{9b}31m \u{feff}end";

/// Characters that act instead of showing, by the name they are told by.
const ACTING: &[char] = &[
    '\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{2066}', '\u{2069}', '\u{feff}',
];

fn assert_harmless(surface: &str, text: &str) {
    for (number, line) in text.lines().enumerate() {
        assert!(
            !line.contains(ACTING),
            "{surface}:{}: {:?}",
            number + 1,
            line.chars().take(400).collect::<String>()
        );
    }
}

fn assert_visible(surface: &str, text: &str) {
    assert_harmless(surface, text);
    let mark = "{202e}gpj.exe";
    assert!(
        text.contains(mark),
        "{surface} does not show that the text is reversed"
    );
}

/// A suite, a recording and a run of both, all hostile.
fn made(home: &Path) {
    let suite = home.join("suite");
    fs::create_dir(&suite).unwrap();
    // YAML refuses control characters, and reads their escapes.
    let text = |name: &str| {
        let escaped = |c: char| match c {
            ' '..='~' => c.to_string(),
            c => format!("\\u{:04x}", u32::from(c)),
        };
        format!(
            "\"{name} {}\"",
            HOSTILE.chars().map(escaped).collect::<String>()
        )
    };
    fs::write(
        suite.join("suite.yaml"),
        format!(
            "format: 1\nname: hostile\nversion: \"1\"\nkind: benchmark\ntitle: {}\nlicence: {}\nsource: {}\nprompt:\n  user: \"{{{{ question }}}}\"\nscorers: [includes]\nsample:\n  strata: {{ group: \"{{{{ group }}}}\" }}\n",
            text("title"),
            text("licence"),
            text("source")
        ),
    )
    .unwrap();
    let zalgo = format!("z{}", "\u{300}".repeat(80));
    let (mut items, mut answers) = (String::new(), String::new());
    for i in 0..30 {
        let item = json!({"id": format!("s{i}"), "question": format!("question {i} {HOSTILE}"), "target": format!("right {HOSTILE}"), "group": format!("group {HOSTILE}")});
        let answer = json!({"sample_id": format!("s{i}"), "answer": format!("=HYPERLINK(\"x\") {zalgo} {HOSTILE}")});
        writeln!(items, "{item}").unwrap();
        writeln!(answers, "{answer}").unwrap();
    }
    fs::write(suite.join("items.jsonl"), items).unwrap();
    fs::write(home.join("r.jsonl"), answers).unwrap();
    let model = format!("replay:r.jsonl?name=model {HOSTILE}");
    run_suite(home, "./suite", &model, &[]).exits_with(0);
}

/// What a report's page opens when a question is read.
fn opened(html: &str) -> String {
    let chunks = html.split("class=\"chunk\">").skip(1);
    let chunks = chunks.map(|c| c.split('<').next().unwrap());
    chunks.fold(String::new(), |mut all, chunk| {
        let packed = base64::engine::general_purpose::STANDARD
            .decode(chunk)
            .unwrap();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_string(&mut all)
            .unwrap();
        all
    })
}

#[test]
fn what_others_wrote_is_visible_on_every_surface() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    made(home);
    ran(candor(home).args(["report", "run", "-o", "report.html"])).exits_with(0);
    let html = fs::read_to_string(home.join("report.html")).unwrap();
    assert_visible("report.html", &html);
    let transcripts = opened(&html);
    assert_visible("transcripts", &transcripts);
    assert!(
        !transcripts.contains(&"\u{300}".repeat(5)),
        "stacked marks are cut"
    );
    for part in ["title x", "licence x", "source x", "model x", "group x"] {
        assert!(html.contains(part), "{part}");
    }
    fs::write(
        home.join("gate.toml"),
        "[[rule]]\nname = \"Right\"\nsuite = \"hostile\"\nmetric = \"accuracy\"\nat_least = \"90 %\"\nby = \"group\"\n",
    )
    .unwrap();
    let gate = |annotations| {
        let all = [
            "gate",
            "-p",
            "gate.toml",
            "--candidate",
            "run",
            "--junit",
            "g.xml",
            "--markdown",
            "g.md",
            "--annotations",
            annotations,
        ];
        ran(candor(home).args(all)).exits_with(1).stdout
    };
    gate("gitlab");
    let told = gate("github");
    let annotations: Vec<&str> = told.lines().filter(|l| l.starts_with("::")).collect();
    assert_eq!(
        annotations.len(),
        1,
        "no text begins a command of its own: {told}"
    );
    assert_harmless("annotations", &annotations.concat());
    for surface in ["g.md", "g.xml"] {
        assert_visible(surface, &fs::read_to_string(home.join(surface)).unwrap());
    }
    let quality = fs::read_to_string(home.join("gl-code-quality-report.json")).unwrap();
    assert_harmless("code quality", &quality);
    ran(candor(home).args([
        "export",
        "run",
        "--format",
        "csv",
        "--transcripts",
        "-o",
        "e.csv",
    ]))
    .exits_with(0);
    let table = fs::read_to_string(home.join("e.csv")).unwrap();
    assert_visible("csv", &table);
    assert!(
        table.contains("'=HYPERLINK") && !table.contains(",\"=HYPERLINK"),
        "no formula"
    );
    for command in [
        &["compare", "run"][..],
        &["compare", "run", "--target", "run"],
    ] {
        let told = ran(candor(home).args(command).args(["--format", "markdown"])).exits_with(0);
        assert_harmless("compare", &told.stdout);
    }
}

#[test]
fn a_gate_shows_the_question_itself_the_right_answer_and_how_the_answer_ends() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let suite = home.join("suite");
    fs::create_dir(&suite).unwrap();
    fs::write(
        suite.join("suite.yaml"),
        "format: 1\nname: shots\nversion: \"1\"\nkind: benchmark\ntitle: Shots\nlicence: CC0\nsource: this test\nprompt:\n  system: Answer briefly.\n  user: \"{{ question }}\"\n  examples:\n    - fields: {question: \"An example that is asked of everybody?\"}\n      answer: \"7\"\nscorers: [number]\n",
    )
    .unwrap();
    let (mut items, mut answers) = (String::new(), String::new());
    for i in 0..30 {
        let item = json!({"id": format!("s{i}"), "question": format!("Baker {i} makes {i} rolls. How many?"), "target": 7000 + i});
        let reason = "a step of a long way; ".repeat(20);
        let answer = json!({"sample_id": format!("s{i}"), "answer": format!("First, {reason}so the answer is {}.", 9000 + i)});
        writeln!(items, "{item}").unwrap();
        writeln!(answers, "{answer}").unwrap();
    }
    fs::write(suite.join("items.jsonl"), items).unwrap();
    fs::write(home.join("r.jsonl"), answers).unwrap();
    run_suite(home, "./suite", "replay:r.jsonl?name=m", &[]).exits_with(0);
    fs::write(
        home.join("gate.toml"),
        "[[rule]]\nname = \"Right\"\nsuite = \"shots\"\nmetric = \"accuracy\"\nat_least = \"90 %\"\n",
    )
    .unwrap();
    let told = ran(candor(home).args([
        "gate",
        "-p",
        "gate.toml",
        "--candidate",
        "run",
        "--junit",
        "g.xml",
        "--markdown",
        "g.md",
    ]))
    .exits_with(1);
    let files = ["g.xml", "g.md"].map(|f| fs::read_to_string(home.join(f)).unwrap());
    for text in [&told.stdout, &files[0], &files[1]] {
        assert!(
            text.contains("Baker ") && text.contains(" rolls. How many?"),
            "{text}"
        );
        assert!(
            text.contains("so the answer is 90") && text.contains("target"),
            "{text}"
        );
        assert!(!text.contains("asked of everybody"), "{text}");
    }
}
