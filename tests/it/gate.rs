//! `candor gate` on runs that are there, through the binary: verdicts, refusals, what CI reads.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::made_run::{MadeTrial, write_run};
use crate::support::{Ran, candor, ran, skipped, speechmap_run};

const NOT_WORSE: &str = "[[rule]]\nname = \"Not worse at sums\"\nsuite = \"sums\"\nmetric = \"accuracy\"\nnot_worse_than_baseline_by = \"5 points\"\n";

/// A model that gets every question but those that `wrong` names.
fn answers(model: &str, n: usize, wrong: impl Fn(usize) -> bool) -> Vec<MadeTrial> {
    (0..n)
        .map(|i| {
            MadeTrial::new(
                model,
                "sums",
                format!("q{i:03}"),
                f64::from(u8::from(!wrong(i))),
            )
        })
        .collect()
}

/// A folder with a baseline run `old`, a candidate run `new` and a gate.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(old: &[MadeTrial], new: &[MadeTrial], gate: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_run(&folder.path().join("old"), old, |_| ());
        write_run(&folder.path().join("new"), new, |_| ());
        fs::write(
            folder.path().join("gate.toml"),
            format!("baseline = \"old\"\n{gate}"),
        )
        .unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn gate(&self, arguments: &[&str]) -> Ran {
        ran(candor(self.path())
            .args(["gate", "--candidate", "new"])
            .args(arguments))
    }
}

#[test]
fn the_verdict_is_an_exit_code() {
    // 200 questions: as good, ten points worse, and two points worse, which 200 questions cannot tell from five.
    for (lost, code, word) in [(0, 0, "PASS"), (30, 1, "FAIL"), (8, 3, "INCONCLUSIVE")] {
        let project = Project::new(
            &answers("m", 200, |_| false),
            &answers("m", 200, |i| i < lost),
            NOT_WORSE,
        );
        let said = project.gate(&[]).exits_with(code).stdout;
        assert!(said.contains(word), "{said}");
        let counts = match code {
            0 => "1 passed, 0 failed, 0 inconclusive",
            1 => "0 passed, 1 failed, 0 inconclusive",
            _ => "0 passed, 0 failed, 1 inconclusive",
        };
        assert!(said.contains(counts), "{said}");
        if code == 3 {
            assert!(
                said.contains("more question"),
                "it says how many would decide: {said}"
            );
            project.gate(&["--on-inconclusive", "pass"]).exits_with(0);
            project.gate(&["--on-inconclusive", "fail"]).exits_with(1);
        }
        if code == 1 {
            assert!(
                said.contains("sums / q000") && said.contains("candidate"),
                "it shows what weighs most: {said}"
            );
        }
    }
}

#[test]
fn a_gate_of_many_rules_passes_where_all_do_and_fails_where_one_is_shown_to() {
    let mut old = answers("m", 200, |_| false);
    let mut new = answers("m", 200, |_| false);
    for (i, trial) in new.iter_mut().enumerate() {
        trial.seconds = if i < 20 { 9.0 } else { 1.0 };
        trial.cost = Some(0.002);
    }
    old.extend(answers("m", 100, |i| i < 50).into_iter().map(|mut t| {
        t.suite = "lists".into();
        t
    }));
    new.extend(answers("m", 100, |i| i < 50).into_iter().map(|mut t| {
        t.suite = "lists".into();
        t
    }));
    let rules = "[[rule]]\nname = \"Sums\"\nsuite = \"sums\"\nat_least = \"90 %\"\n[[rule]]\nname = \"Red list\"\nsuite = \"sums\"\nmust_pass = [\"q000\", \"q199\"]\n[[rule]]\nname = \"Cheap\"\nsuite = \"sums\"\nmetric = \"cost\"\nat_most = \"$3\"\n[[rule]]\nname = \"Quick\"\nsuite = \"sums\"\nmetric = \"latency_p50\"\nat_most = \"2 s\"\n";
    let project = Project::new(&old, &new, rules);
    project.gate(&["--json", "gate.json"]).exits_with(0);
    let json: Value =
        serde_json::from_str(&fs::read_to_string(project.path().join("gate.json")).unwrap())
            .unwrap();
    assert_eq!(json["overall"], "pass");
    assert_eq!(
        json["rules"][2]["checks"][0]["value"], 2.0,
        "dollars a thousand questions"
    );
    assert_eq!(json["rules"][3]["checks"][0]["value"], 1.0, "seconds");
    // One in ten answers takes nine seconds: the 95th percentile is nine.
    let slow = rules.replace("latency_p50", "latency_p95");
    fs::write(project.path().join("gate.toml"), &slow).unwrap();
    assert!(project.gate(&[]).exits_with(1).stdout.contains("Quick"));
    // Half of the lists are wrong; a red list that holds one of them fails whatever the rest.
    let red = "[[rule]]\nname = \"Red list\"\nsuite = \"lists\"\nmust_pass = [\"q000\"]\n";
    fs::write(project.path().join("gate.toml"), red).unwrap();
    project.gate(&[]).exits_with(1);
    fs::write(
        project.path().join("gate.toml"),
        red.replace("q000", "q999"),
    )
    .unwrap();
    project
        .gate(&[])
        .exits_with(2)
        .says(&["has not asked q999"]);
}

#[test]
fn gaps_are_judged_in_every_value_of_a_stratum() {
    let side = |country: &str, i: usize, role: &'static str, value: f64| {
        MadeTrial::new("m", "audit", format!("{country}-{i}-{role}"), value)
            .side(&format!("{country}-{i}"), role)
            .stratum("country", country)
    };
    let mut trials = Vec::new();
    for country in ["A", "B"] {
        for i in 0..60 {
            let withheld = country == "B" && i % 2 == 0;
            trials.push(side(
                country,
                i,
                "sensitive",
                f64::from(u8::from(!withheld)),
            ));
            trials.push(side(country, i, "control", 1.0));
        }
    }
    let gate = "[[rule]]\nname = \"No silence\"\nsuite = \"audit\"\nmetric = \"gap\"\nby = \"country\"\nat_most = \"20 points\"\n[[rule]]\nname = \"No new silence\"\nsuite = \"audit\"\nmetric = \"gap\"\nby = \"country\"\nnot_worse_than_baseline_by = \"10 points\"\n";
    let project = Project::new(&trials, &trials, gate);
    let said = project.gate(&["--json", "gate.json"]).exits_with(1).stdout;
    assert!(
        said.contains("B +50.0") && said.contains("1 of 2 pass"),
        "{said}"
    );
    let json: Value =
        serde_json::from_str(&fs::read_to_string(project.path().join("gate.json")).unwrap())
            .unwrap();
    let (ceiling, change) = (&json["rules"][0], &json["rules"][1]);
    assert_eq!(ceiling["checks"][0]["cell"], "B");
    assert_eq!(ceiling["checks"][0]["value"], 0.5);
    assert_eq!(ceiling["checks"][1]["verdict"], "pass");
    // The same run against itself: no new silence anywhere.
    assert_eq!(change["checks"][0]["value"], 0.0);
    assert_eq!(change["verdict"], "pass");
    // Beside a baseline that answers everything, the new silence is a rise.
    let open: Vec<MadeTrial> = trials
        .iter()
        .map(|t| {
            let pair = t.pair.clone().unwrap_or_default();
            side(&pair[..1], pair[2..].parse().unwrap(), t.role.unwrap(), 1.0)
        })
        .collect();
    let project = Project::new(&open, &trials, gate);
    project.gate(&["--json", "gate.json"]).exits_with(1);
    let json = fs::read_to_string(project.path().join("gate.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let change = &json["rules"][1];
    assert_eq!(change["checks"][0]["cell"], "B");
    assert_eq!(change["checks"][0]["value"], 0.5);
    assert_eq!(change["verdict"], "fail");
}

#[test]
fn speechmap_a_gap_gate_fails_r1_and_passes_grok() {
    let home = tempfile::tempdir().unwrap();
    if speechmap_run(home.path()).is_none() {
        return;
    }
    let gate = "[[rule]]\nname = \"No jurisdiction gap\"\nsuite = [\"china_criticism\", \"us_criticism\"]\nmetric = \"gap\"\nby = \"jurisdiction\"\nat_most = \"20 points\"\n";
    fs::write(home.path().join("gate.toml"), gate).unwrap();
    let judged = |model: &str, code: i32| -> Value {
        let candidate = format!("run#{model}");
        ran(candor(home.path()).args(["gate", "--candidate", &candidate, "--json", "gate.json"]))
            .exits_with(code);
        serde_json::from_str(&fs::read_to_string(home.path().join("gate.json")).unwrap()).unwrap()
    };
    let r1 = judged("deepseek-r1-0528", 1);
    let worst = &r1["rules"][0]["checks"][0];
    assert_eq!(worst["cell"], "china − us");
    assert!(
        (worst["value"].as_f64().unwrap() - 0.72).abs() < 1e-9,
        "{worst}"
    );
    assert_eq!(worst["n"], 50);
    let grok = judged("grok-3-beta", 0);
    assert!(
        grok["rules"][0]["checks"][0]["value"]
            .as_f64()
            .unwrap()
            .abs()
            < 0.05
    );

    let gate = "baseline = \"run#gpt-4o-2024-11-20\"\n[[rule]]\nname = \"Not worse\"\nsuite = \"us_criticism\"\nnot_worse_than_baseline_by = \"5 points\"\n";
    fs::write(home.path().join("gate.toml"), gate).unwrap();
    let open = judged("grok-3-beta", 3);
    let check = &open["rules"][0]["checks"][0];
    assert_eq!(check["verdict"], "inconclusive");
    assert!(
        check["needed"]["more_questions"].as_u64().unwrap() >= 50,
        "{check}"
    );
}

#[test]
fn runs_that_no_verdict_can_be_made_of_are_refused() {
    let good = answers("m", 100, |_| false);
    // Thirty in a hundred without an answer.
    let holes: Vec<MadeTrial> = answers("m", 100, |_| false)
        .into_iter()
        .enumerate()
        .map(|(i, t)| if i < 30 { t.failed() } else { t })
        .collect();
    Project::new(&good, &holes, NOT_WORSE)
        .gate(&[])
        .exits_with(5)
        .says(&[
            "30 % of the trials of the candidate 'm' have no answer",
            "candor run --resume",
        ]);
    // Thirty that the model was unable to give.
    let mut unable = good.clone();
    for trial in &mut unable[..30] {
        (trial.value, trial.label) = (None, Some("unable"));
    }
    Project::new(&good, &unable, NOT_WORSE)
        .gate(&[])
        .exits_with(5)
        .says(&["30 % of the trials of the candidate 'm' have an answer that the model was unable to give"]);
    // A score that is no number.
    let nan: Vec<MadeTrial> = answers("m", 100, |_| false)
        .into_iter()
        .enumerate()
        .map(|(i, mut t)| {
            if i == 17 {
                t.value = Some(f64::NAN);
            }
            t
        })
        .collect();
    Project::new(&good, &nan, NOT_WORSE)
        .gate(&[])
        .exits_with(5)
        .says(&["a score is NaN", "sample 'q017'"]);
    // A baseline that was asked something else.
    let project = Project::new(&good, &good, NOT_WORSE);
    write_run(&project.path().join("old"), &good, |manifest| {
        manifest["suites"][0]["version"] = "2".into();
        manifest["suites"][0]["content_hash"] = "other".into();
        manifest["suites"][0]["parts"]["prompts"] = "2".into();
    });
    project.gate(&[]).exits_with(2).says(&[
        "candidate version 1, baseline version 2",
        "prompts",
        "--allow-drift prompts",
    ]);
    project.gate(&["--allow-drift", "decoding"]).exits_with(2);
    project.gate(&["--allow-drift", "prompts"]).exits_with(0);
}

#[test]
fn a_gate_file_that_is_written_wrong_is_shown_where() {
    let good = answers("m", 50, |_| false);
    let project = Project::new(&good, &good, NOT_WORSE);
    for (gate, words) in [
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nmetric = \"acuracy\"\nat_least = \"50 %\"\n",
            vec!["gate.toml:4:10", "no metric 'acuracy'", "accuracy"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"summs\"\nat_least = \"50 %\"\n",
            vec!["no suite 'summs'", "its suites: sums"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nat_least = \"50 s\"\n",
            vec!["gate.toml:4:12", "unit is not that of the measure"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nat_least = 90\n",
            vec!["must be between 0 and 1", "90 %"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nat_least = \"50 %\"\nat_most = \"60 %\"\n",
            vec!["has 2 conditions"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\n",
            vec!["has no conditions"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nmetric = \"gap\"\nat_most = \"5 points\"\n",
            vec!["no matched controls", "by = "],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nby = \"country\"\nat_least = \"50 %\"\n",
            vec!["no stratum 'country'"],
        ),
        (
            "[[rule]]\nname = \"X\"\nsuite = \"sums\"\nnot_worse_than_baseline_by = \"5 points\"\n",
            vec!["compares with a baseline, but none is given"],
        ),
        (
            "alpha = 0.7\n[[rule]]\nname = \"X\"\nsuite = \"sums\"\nat_least = \"50 %\"\n",
            vec!["gate.toml:1:9", "alpha"],
        ),
        (
            "baseline = \"gone\"\n[[rule]]\nname = \"X\"\nsuite = \"sums\"\nnot_worse_than_baseline_by = \"5 points\"\n",
            vec!["'gone' is neither pinned nor a run"],
        ),
        ("", vec!["no [[rule]]"]),
    ] {
        fs::write(project.path().join("gate.toml"), gate).unwrap();
        project.gate(&[]).exits_with(2).says(&words);
    }
    fs::remove_file(project.path().join("gate.toml")).unwrap();
    project
        .gate(&[])
        .exits_with(5)
        .says(&["cannot read gate.toml"]);
}

#[test]
fn a_pinned_baseline_is_held_to_its_hash() {
    let good = answers("m", 100, |_| false);
    let project = Project::new(&good, &good, NOT_WORSE);
    fs::write(
        project.path().join("gate.toml"),
        format!("baseline = \"release\"\n{NOT_WORSE}"),
    )
    .unwrap();
    let baseline = |arguments: &[&str]| ran(candor(project.path()).arg("baseline").args(arguments));
    assert!(
        baseline(&["show"])
            .exits_with(0)
            .stdout
            .contains("Nothing is pinned")
    );
    baseline(&["set", "release", "old"]).exits_with(0);
    assert!(
        baseline(&["show"])
            .exits_with(0)
            .stdout
            .contains("unchanged")
    );
    project.gate(&[]).exits_with(0);
    // Somebody changes the run under the name.
    write_run(
        &project.path().join("old"),
        &answers("m", 100, |i| i < 20),
        |_| (),
    );
    project
        .gate(&[])
        .exits_with(5)
        .says(&["is not the one pinned as 'release'"]);
    assert!(
        baseline(&["show"])
            .exits_with(5)
            .stdout
            .contains("not the one")
    );
}

#[test]
fn missing_answers_that_could_turn_the_verdict_leave_it_open() {
    let good = answers("m", 100, |_| false);
    let mut holes = answers("m", 100, |_| false);
    for trial in holes.iter_mut().take(8) {
        (trial.value, trial.status) = (None, "error");
    }
    let project = Project::new(&good, &holes, NOT_WORSE);
    let said = project.gate(&[]).exits_with(3).stdout;
    assert!(said.contains("depends on 8 unscored questions"), "{said}");
}

#[test]
fn ci_reads_junit_markdown_and_annotations() {
    let hostile = "Not <worse> & \"better\" | `x` %0A::error::";
    let gate =
        format!("{NOT_WORSE}[[rule]]\nname = '{hostile}'\nsuite = \"sums\"\nat_least = \"99 %\"\n");
    let project = Project::new(
        &answers("m", 200, |_| false),
        &answers("m", 200, |i| i % 10 == 0),
        &gate,
    );
    let said = project
        .gate(&[
            "--junit",
            "junit.xml",
            "--markdown",
            "gate.md",
            "--annotations",
            "github",
        ])
        .exits_with(1)
        .stdout;
    let annotation = said
        .lines()
        .find(|l| l.starts_with("::error") && l.contains("worse>"))
        .expect("an annotation");
    assert!(
        annotation.contains("%250A%3A%3Aerror%3A%3A"),
        "what is between the colons cannot start a command: {annotation}"
    );
    let markdown = fs::read_to_string(project.path().join("gate.md")).unwrap();
    assert!(
        markdown.contains("FAIL") && markdown.contains("Not &lt;worse&gt; &amp;"),
        "{markdown}"
    );
    let screen = markdown.split("<details>").next().unwrap().lines().count();
    assert!(screen < 30, "{screen} lines before the folds");
    let junit = fs::read_to_string(project.path().join("junit.xml")).unwrap();
    assert!(
        junit.contains("tests=\"2\"") && junit.contains("failures=\"2\""),
        "{junit}"
    );
    let list = junit
        .split("<testsuites")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap();
    assert!(
        !list.contains("skipped"),
        "the schema's list of suites has no such attribute: {list}"
    );
    assert!(junit.contains("Not &lt;worse&gt; &amp;"), "{junit}");
    let script = "import junitparser, sys\nx = junitparser.JUnitXml.fromfile(sys.argv[1])\nprint(x.tests, x.failures, [c.name for s in x for c in s])";
    let parsed = Command::new("python3")
        .arg("-c")
        .arg(script)
        .arg(project.path().join("junit.xml"))
        .output();
    match parsed {
        Ok(out) if out.status.success() => {
            let text = String::from_utf8_lossy(&out.stdout);
            assert!(
                text.starts_with("2 2") && text.contains("Not worse at sums"),
                "{text}"
            );
        }
        _ => skipped("python3 has no junitparser (pip install junitparser)"),
    }
    project.gate(&["--annotations", "gitlab"]).exits_with(1);
    let quality: Value = serde_json::from_str(
        &fs::read_to_string(project.path().join("gl-code-quality-report.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(quality[0]["severity"], "critical");
    assert_eq!(quality[0]["location"]["path"], "gate.toml");
}

#[test]
fn init_writes_a_gate_and_a_job_and_nothing_over_anybody() {
    let folder = tempfile::tempdir().unwrap();
    ran(candor(folder.path()).args(["init"])).exits_with(0);
    let gate = fs::read_to_string(folder.path().join("gate.toml")).unwrap();
    candor::gate::GateFile::parse("gate.toml", gate).expect("a gate that reads");
    let workflow =
        fs::read_to_string(folder.path().join(".github/workflows/candor-gate.yml")).unwrap();
    let read = |text: &str| -> Value { serde_saphyr::from_str(text).expect("YAML") };
    assert!(read(&workflow)["jobs"]["gate"]["steps"].is_array());
    fs::write(folder.path().join("gate.toml"), "# mine\n").unwrap();
    let said = ran(candor(folder.path()).args(["init", "--ci", "gitlab"]))
        .exits_with(0)
        .stdout;
    assert!(said.contains("not changed"));
    assert_eq!(
        fs::read_to_string(folder.path().join("gate.toml")).unwrap(),
        "# mine\n"
    );
    let job = fs::read_to_string(folder.path().join("candor-gate.gitlab-ci.yml")).unwrap();
    assert_eq!(
        read(&job)["candor-gate"]["allow_failure"]["exit_codes"][0],
        3
    );
    let action =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/action.yml")).unwrap();
    assert_eq!(read(&action)["runs"]["using"], "composite");
    // What they install is the wheel, in seconds, and no crate, in a quarter of an hour.
    for ci in [&workflow, &job, &action] {
        let installs: Vec<&str> = ci.lines().filter(|l| l.contains(" install ")).collect();
        assert!(matches!(installs[..], [line] if line.contains("candor-audit")));
        assert!(!ci.contains("cargo"), "{ci}");
    }
}

#[test]
fn a_plan_says_beforehand_what_a_gate_could_tell() {
    let trials: Vec<MadeTrial> = (0..5)
        .flat_map(|epoch| {
            answers("m", 100, move |i| (i + epoch) % 4 == 0 && i < 40)
                .into_iter()
                .map(move |t| t.epoch(epoch as u32))
        })
        .map(|mut t| {
            t.cost = Some(0.01);
            t
        })
        .collect();
    let project = Project::new(&trials, &trials, NOT_WORSE);
    let planned = |arguments: &[&str]| -> Value {
        let ran = ran(candor(project.path())
            .args(["plan-size", "--format", "json"])
            .args(arguments))
        .exits_with(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let plan = planned(&[]);
    let rule = &plan[0];
    assert_eq!(
        (&rule["n"], &rule["epochs"], &rule["basis"]),
        (&100.into(), &5.into(), &"epochs".into())
    );
    // 40 of 100 questions are wrong in one or two of five epochs, from which the variance of a difference of two means of five.
    let within = [0, 1, 2, 3]
        .iter()
        .map(|r| {
            let wrong = (0..5).filter(|e| (r + e) % 4 == 0).count() as f64;
            let p = wrong / 5.0;
            p * (1.0 - p) * 5.0 / 4.0
        })
        .sum::<f64>()
        / 4.0
        * 0.4;
    assert!((rule["variance"].as_f64().unwrap() - 2.0 * within / 5.0).abs() < 1e-12);
    assert!((rule["cost"].as_f64().unwrap() - 5.0).abs() < 1e-9);
    let (few, many) = (
        planned(&["--questions", "30"]),
        planned(&["--questions", "100"]),
    );
    assert!(few[0]["pass"].as_f64() < many[0]["pass"].as_f64());
    let margin = ran(candor(project.path()).args(["plan-size", "--margin", "5 points"]))
        .exits_with(0)
        .stdout;
    assert!(margin.contains("questions needed"), "{margin}");
    ran(candor(project.path()).args(["plan-size", "--margin", "a bit"])).exits_with(2);
}

#[test]
fn a_self_check_tells_false_alarms_on_the_runs_own_epochs() {
    let trials: Vec<MadeTrial> = (0..4)
        .flat_map(|epoch| {
            answers("m", 120, move |i| (i * 31 + epoch * 17) % 7 == 0)
                .into_iter()
                .map(move |t| t.epoch(epoch as u32))
        })
        .collect();
    let project = Project::new(&trials, &trials, NOT_WORSE);
    let said = ran(candor(project.path()).args(["gate", "--self-check", "old"]))
        .exits_with(0)
        .stdout;
    assert!(
        said.contains("2 against 2 per question") && said.contains("false alarms (FAIL)     0.0 %"),
        "{said}"
    );
    let once = Project::new(
        &answers("m", 50, |_| false),
        &answers("m", 50, |_| false),
        NOT_WORSE,
    );
    ran(candor(once.path()).args(["gate", "--self-check", "old"]))
        .exits_with(2)
        .says(&["asked only once"]);
}

#[test]
fn earlier_names_of_flags_and_keys_keep_working() {
    let home = tempfile::tempdir().unwrap();
    let planned = |flag: &str| {
        let margin = ["plan-size", "--margin", "2 points", flag, "3"];
        ran(candor(home.path()).args(margin)).exits_with(0).stdout
    };
    assert_eq!(planned("--repeats"), planned("--epochs"));
    let old = answers("m", 50, |_| false);
    for head in [
        "target = \"run\"\nrepeats = 2\n",
        "estimand = \"run\"\nepochs = 2\n",
    ] {
        let project = Project::new(&old, &old, &format!("{head}{NOT_WORSE}"));
        project.gate(&["--json", "gate.json"]).exits_with(0);
        let json = fs::read(project.path().join("gate.json")).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["estimand"], "run");
    }
    for flag in ["--target", "--estimand"] {
        let compared = ran(candor(home.path()).args(["compare", "nowhere", flag, "suite"]));
        compared.exits_with(5);
    }
}
