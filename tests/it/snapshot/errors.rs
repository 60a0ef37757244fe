//! What a person may get wrong, and every word of the answer.

use super::{shows, transcript, worlds};

/// An endpoint at which nobody answers.
const NOBODY: &str = "http://127.0.0.1:9/v1#m";

/// Runs command lines in one project, and shows what each says.
fn answers(name: &str, project: &std::path::Path, lines: &[&str]) {
    let said: Vec<String> = lines
        .iter()
        .map(|line| transcript(project, &words(line)))
        .collect();
    shows(name, &said.join("\n"));
}

/// A command line as a shell splits it; single quotes hold what has blanks.
fn words(line: &str) -> Vec<&str> {
    line.split('\'')
        .enumerate()
        .flat_map(|(i, part)| {
            if i % 2 == 1 {
                vec![part]
            } else {
                part.split_whitespace().collect()
            }
        })
        .collect()
}

#[test]
fn flags_that_are_written_wrong() {
    let project = worlds::project();
    answers(
        "errors-flags",
        project.path(),
        &[
            "frobnicate",
            "run --limt 3",
            "run -s sums -m demo:open --shard 3/2",
            "run -s sums -m demo:open --per jurisdiction",
            "run -s sums -m demo:open --per jurisdiction=0",
            "run -s sums -m demo:open --where language",
            "run -s sums -m demo:open --budget free",
            "run -s sums -m demo:open --budget -1",
            "run -s sums -m demo:open --max-connections 0",
            "run -s sums -m demo:open --max-connections many",
            "run -s sums -m demo:open --max-tokens 0",
            "run -s sums -m demo:open --epochs 0",
            "run -s sums -m demo:open --limit 0",
            "compare",
            "compare run --target x",
            "compare run --format yaml",
            "gate --candidate run --on-inconclusive perhaps",
            "gate --candidate run --allow-drift everything",
            "gate",
            "plan-size --margin 'a bit'",
            "plan-size --power 2",
            "label run --n 0",
            "import logs --from helm -o x",
            "export run --format excel -o x",
            "completions tcsh",
            "baseline",
            "suites",
        ],
    );
}

#[test]
fn models_that_cannot_be_asked() {
    let project = worlds::project();
    let home = project.path();
    worlds::write(home, "answers.jsonl", "{\"sample_id\": \"s0\"}\n");
    worlds::write(
        home,
        "broken.jsonl",
        "{\"sample_id\": \"s0\" \"answer\": 1}\n",
    );
    worlds::write(home, "empty/readme.txt", "nothing here\n");
    let models = [
        "gpt-4o",
        "opanai:gpt-4o",
        "openai:",
        "openai:gpt-4o",
        "anthropic:claude?temperature=1",
        "demo:shy",
        "demo:open?threads=2",
        "onnx:nowhere",
        "onnx:empty",
        "onnx:empty?thread=2",
        "onnx:empty?device=tpu",
        "replay:nowhere.jsonl",
        "replay:broken.jsonl",
        "replay:answers.jsonl",
        "http://example.org/v1",
        "ftp://example.org/v1#m",
    ];
    let lines: Vec<String> = models
        .iter()
        .map(|m| format!("run -s sums -m '{m}' -o out"))
        .collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.extend([
        "run -s sums",
        "run -m demo:open",
        "run",
        "run -s sums -m demo:open -m demo:open --dry-run",
        "run -s sums -m openai:gpt-4o --offline",
        "run -s sums -m http://127.0.0.1:9/v1#m --budget 3",
        "models check nowhere",
    ]);
    answers("errors-models", home, &lines);
}

#[test]
fn suites_that_are_written_wrong() {
    let project = worlds::project();
    let home = project.path();
    let yaml = std::fs::read_to_string(home.join("sums/suite.yaml")).unwrap();
    let items = std::fs::read_to_string(home.join("sums/items.jsonl")).unwrap();
    let mut lines = vec![
        "run -s gsm9k -m demo:open".to_owned(),
        "run -s gsm8k -m demo:open --offline".to_owned(),
        "run -s 'sums?data=nowhere.jsonl' -m demo:open".to_owned(),
        "run -s 'sums?date=x' -m demo:open".to_owned(),
        "run -s sums -s sums -m demo:open".to_owned(),
        "run -s sums -m demo:open --where colour=red".to_owned(),
        "run -s audit/sensitive-history -m demo:open --where jurisdiction=nowhere".to_owned(),
        "run -s audit/sensitive-history -m demo:open --per colour=1".to_owned(),
        "suites show nowhere".to_owned(),
        "suites check empty".to_owned(),
    ];
    worlds::write(home, "empty/readme.txt", "nothing here\n");
    for (name, from, to) in [
        ("misspelt", "licence:", "license:"),
        ("no-title", "title: Sums\n", ""),
        ("future", "format: 1", "format: 2"),
        ("no-yaml", "prompt:", "prompt: ["),
        ("kind", "kind: benchmark", "kind: quiz"),
        ("unclosed", "{{ question }}", "{{ question"),
        ("scorer", "[number]", "[nubmer]"),
        ("pattern", "[number]", "[{ regex: { pattern: '(' } }]"),
        ("option", "[number]", "[{ number: { tolerence: 1 } }]"),
        ("no-scorers", "[number]", "[]"),
        ("no-judge", "[number]", "[judge]"),
        (
            "escape",
            "scorers:",
            "data: { files: [\"../secret.jsonl\"] }\nscorers:",
        ),
        (
            "gone",
            "scorers:",
            "data: { files: [\"gone.jsonl\"] }\nscorers:",
        ),
    ] {
        worlds::write(home, &format!("{name}/suite.yaml"), &yaml.replace(from, to));
        worlds::write(home, &format!("{name}/items.jsonl"), &items);
        lines.push(format!("run -s {name} -m {NOBODY} --dry-run"));
    }
    for (name, items) in [
        (
            "broken-line",
            "{\"id\": \"a\", \"question\": \"?\" \"target\": 1}\n",
        ),
        ("list-line", "[1, 2]\n"),
        ("no-items", ""),
        (
            "twice",
            "{\"id\": \"a\", \"question\": \"?\", \"target\": 1}\n{\"id\": \"a\", \"question\": \"?\", \"target\": 1}\n",
        ),
    ] {
        worlds::write(home, &format!("{name}/suite.yaml"), &yaml);
        worlds::write(home, &format!("{name}/items.jsonl"), items);
        lines.push(format!("run -s {name} -m {NOBODY} --dry-run"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    answers("errors-suites", home, &lines);
}

#[test]
fn runs_and_files_that_are_not_what_was_meant() {
    let project = worlds::project();
    let home = project.path();
    worlds::write(home, "empty/readme.txt", "nothing here\n");
    worlds::write(
        home,
        "rude.jsonl",
        "{\"trial\": \"x\", \"class\": \"rude\", \"by\": \"ann\"}\n",
    );
    worlds::write(
        home,
        "other.jsonl",
        "{\"trial\": \"x\", \"class\": \"denial\", \"by\": \"ann\"}\n",
    );
    worlds::write(home, "torn.jsonl", "\n{\"trial\": \"x\"}\n");
    answers(
        "errors-runs",
        home,
        &[
            "report nowhere",
            "report empty",
            "report run --baseline nobody",
            "report run --labels nowhere.jsonl",
            "report run --labels torn.jsonl",
            "report run -o run/run.json",
            "report run -o empty",
            "compare nowhere",
            "compare run --baseline nobody",
            "compare run -s nothing",
            "compare run --cluster-by planet",
            "gap run --by planet",
            "gap run -s sums",
            "gap run -s sums --by level --reference easyish",
            "gap run -s audit --by country -m open --reference Z",
            "gap run -s audit -m nobody",
            "export run --format csv -o run/trials.parquet",
            "export nowhere --format csv -o x.csv",
            "score nowhere",
            "score run",
            "score run -s 'nubmer'",
            "score run -s 'number: {'",
            "verify nowhere.zip",
            "verify gate.toml",
            "calibrate run --labels nowhere.jsonl",
            "calibrate run --labels rude.jsonl",
            "calibrate run --labels other.jsonl",
            "calibrate run --labels torn.jsonl",
            "calibrate run --labels labels.jsonl --metric class",
            "calibrate run --labels labels.jsonl --by planet",
            "label nowhere",
            "import speechmap nowhere -o imported",
            "import speechmap empty -o imported",
            "run --resume nowhere",
            "run --resume run",
            "run --resume run -m demo:open",
            "run -s sums -m demo:open -o run",
            "baseline set release nowhere",
            "baseline set release run",
            "baseline set release run#nobody",
        ],
    );
}

#[test]
fn gates_that_are_written_wrong() {
    let project = worlds::project();
    let home = project.path();
    let rule = "[[rule]]\nname = \"X\"\nsuite = \"sums\"\n";
    let gates = [
        ("empty", String::new()),
        ("no-toml", "rule = [\n".to_owned()),
        ("unknown-key", format!("{rule}at_leest = \"50 %\"\n")),
        ("no-condition", rule.to_owned()),
        (
            "two-conditions",
            format!("{rule}at_least = \"50 %\"\nat_most = \"60 %\"\n"),
        ),
        (
            "metric",
            format!("{rule}metric = \"acuracy\"\nat_least = \"50 %\"\n"),
        ),
        (
            "suite",
            "[[rule]]\nname = \"X\"\nsuite = \"summs\"\nat_least = \"50 %\"\n".to_owned(),
        ),
        ("unit", format!("{rule}at_least = \"50 s\"\n")),
        ("share", format!("{rule}at_least = 90\n")),
        ("amount", format!("{rule}at_least = \"most\"\n")),
        (
            "controls",
            format!("{rule}metric = \"gap\"\nat_most = \"5 points\"\n"),
        ),
        (
            "stratum",
            format!("{rule}by = \"planet\"\nat_least = \"50 %\"\n"),
        ),
        (
            "baseline",
            format!("{rule}not_worse_than_baseline_by = \"5 points\"\n"),
        ),
        (
            "unpinned",
            format!("baseline = \"gone\"\n{rule}not_worse_than_baseline_by = \"5 points\"\n"),
        ),
        ("alpha", format!("alpha = 0.7\n{rule}at_least = \"50 %\"\n")),
        ("red-list", format!("{rule}must_pass = [\"q999\"]\n")),
        (
            "two-names",
            format!("{rule}at_least = \"50 %\"\n{rule}at_least = \"60 %\"\n"),
        ),
    ];
    let mut lines = vec!["gate --candidate run#strict -p nowhere.toml".to_owned()];
    for (name, gate) in gates {
        let file = format!("{name}.toml");
        worlds::write(home, &file, &gate);
        lines.push(format!(
            "gate --candidate run#strict -p {file} --annotations none"
        ));
    }
    lines.extend(
        [
            "gate --candidate run",
            "gate --candidate run#nobody",
            "gate --candidate nowhere",
            "gate --self-check nowhere",
            "plan-size -p baseline.toml",
            "plan-size -p nowhere.toml",
            "gate run -p empty.toml -m demo:open",
            "gate run -p nowhere.toml -m demo:open",
        ]
        .map(str::to_owned),
    );
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    answers("errors-gates", home, &lines);
}

#[test]
fn settings_that_are_written_wrong() {
    let project = worlds::project();
    let home = project.path();
    let settings = [
        ("no-toml", "[run\n"),
        ("unknown-key", "[run]\nepochs = 1\nbudgt = 3.0\n"),
        ("type", "[run]\nepochs = \"many\"\n"),
        ("unknown-table", "[runs]\nepochs = 1\n"),
        ("price", "[providers.openai]\nprice = 3\n"),
    ];
    let mut lines = vec![format!("run -c missing.toml -s sums -m {NOBODY} --dry-run")];
    for (name, text) in settings {
        worlds::write(home, &format!("{name}.toml"), text);
        lines.push(format!("run -c {name}.toml -s sums -m {NOBODY} --dry-run"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    answers("errors-settings", home, &lines);
}

/// What `run` would find only while it asks.
#[test]
fn suites_that_cannot_be_asked_as_they_are() {
    let project = worlds::project();
    let home = project.path();
    let yaml = std::fs::read_to_string(home.join("sums/suite.yaml")).unwrap();
    let items = std::fs::read_to_string(home.join("sums/items.jsonl")).unwrap();
    let row = "{\"id\": \"a\", \"question\": \"?\"}\n";
    let mut lines = Vec::new();
    for (name, from, to, items) in [
        (
            "unknown-field",
            "{{ question }}",
            "{{ questoin }}",
            items.as_str(),
        ),
        ("no-choices", "[number]", "[choice]", items.as_str()),
        ("no-target", "", "", row),
        (
            "text-target",
            "",
            "",
            "{\"id\": \"a\", \"question\": \"?\", \"target\": \"many\"}\n",
        ),
    ] {
        worlds::write(home, &format!("{name}/suite.yaml"), &yaml.replace(from, to));
        worlds::write(home, &format!("{name}/items.jsonl"), items);
        lines.push(format!("suites check {name}"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    answers("errors-suites-check", home, &lines);
}
