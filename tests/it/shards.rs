//! Plans done in parts: whose part a scheduler's task does, parts read together, merged, and what is missing of them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{
    Endpoint, Ran, Reply, candor, export, journal, question, ran, says, skipped, sums_suite,
};

/// An endpoint that adds 1 to the first number of its question.
fn adder() -> Endpoint {
    Endpoint::new(|body, _| {
        let asked = question(body);
        let first: i64 = asked
            .split(' ')
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or(0);
        Reply::Json(200, says(&(first + 1).to_string()))
    })
}

/// Runs a part of the sums into `home/parts/NAME`, with these variables and arguments.
fn part(home: &Path, model: &str, name: &str, variables: &[(&str, &str)], more: &[&str]) -> Ran {
    let output = format!("parts/{name}");
    let mut command = candor(home);
    for name in [
        "SLURM_ARRAY_TASK_ID",
        "JOB_COMPLETION_INDEX",
        "JOB_COMPLETIONS",
    ] {
        command.env_remove(name);
    }
    let arguments = [
        "run",
        "-s",
        "sums",
        "-m",
        model,
        "--no-cache",
        "-o",
        &output,
    ];
    ran(command
        .envs(variables.iter().copied())
        .args(arguments)
        .args(more))
}

fn merge(home: &Path, runs: &[&str], more: &[&str]) -> Ran {
    ran(candor(home)
        .arg("merge")
        .args(runs)
        .args(["-o", "whole"])
        .args(more))
}

#[test]
fn tasks_of_an_array_do_their_own_parts_and_merge_into_the_whole_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 30);
    let endpoint = adder();
    let model = endpoint.spec("m");
    for (id, place) in [("0", "1/3"), ("1", "2/3"), ("2", "3/3")] {
        let variables = [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", "0"),
            ("SLURM_ARRAY_TASK_MAX", "2"),
            ("SLURM_ARRAY_TASK_STEP", "1"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ];
        let told = format!("Asking shard {place} of the plan, by SLURM_ARRAY_TASK_ID={id}");
        part(home, &model, id, &variables, &["--epochs", "2"])
            .exits_with(0)
            .says(&[&told, "--shard 1/1"]);
    }
    assert_eq!(endpoint.requests().len(), 60);
    // A folder of parts is read as they are together.
    let compared = ran(candor(home).args(["report", "parts", "--format", "json"])).exits_with(0);
    let merged = merge(home, &["parts"], &[]).exits_with(0);
    assert!(
        merged.stdout.contains("Merged 3 shards"),
        "{}",
        merged.stdout
    );
    assert_eq!(journal(&home.join("whole")).len(), 60);
    assert_eq!(export(home, &home.join("whole")).len(), 60);
    let whole = ran(candor(home).args(["report", "whole", "--format", "json"])).exits_with(0);
    let scores = |ran: &Ran| -> Value {
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        summary["scores"].clone()
    };
    assert_eq!(scores(&compared), scores(&whole), "the same figures");
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(home.join("whole/run.json")).unwrap()).unwrap();
    assert_eq!(
        (&manifest["status"], &manifest["shard"]),
        (&Value::from("finished"), &Value::Null)
    );
    // The merged run is the plan's own: nothing is left to ask.
    ran(candor(home).args(["run", "--resume", "whole", "--no-cache"])).exits_with(0);
    assert_eq!(endpoint.requests().len(), 60);
}

#[test]
fn a_pod_of_an_indexed_job_does_its_own_part_and_a_flag_wins() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 8);
    let endpoint = adder();
    let model = endpoint.spec("m");
    let pod = [("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "4")];
    part(home, &model, "pod", &pod, &[])
        .exits_with(0)
        .says(&["shard 4/4"]);
    assert_eq!(endpoint.requests().len(), 2);
    part(home, &model, "all", &pod, &["--shard", "1/1"]).exits_with(0);
    assert_eq!(endpoint.requests().len(), 10);
    part(home, &model, "alone", &pod[..1], &[])
        .exits_with(2)
        .says(&["JOB_COMPLETIONS is not", ".spec.completions"]);
    assert!(!home.join("parts/alone").exists());
}

#[test]
fn a_merge_names_what_is_missing_and_a_partial_one_can_be_gone_on_with() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 20);
    let endpoint = adder();
    let model = endpoint.spec("m");
    for shard in ["1", "2", "4"] {
        part(
            home,
            &model,
            shard,
            &[],
            &["--shard", &format!("{shard}/4")],
        )
        .exits_with(0);
    }
    // The second one was killed after three of its five answers.
    let path = home.join("parts/2/journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let cut: String = text.split_inclusive('\n').take(3).collect();
    fs::write(&path, cut + "{\"trial\": \"torn").unwrap();
    for table in [
        "trials-2-of-4.parquet",
        "scores-2-of-4.parquet",
        "tables-2-of-4.json",
    ] {
        fs::remove_file(home.join("parts/2").join(table)).unwrap();
    }
    merge(home, &["parts"], &[]).exits_with(5).says(&[
        "shard 3 of 4 is missing",
        "Shard 2/4 (parts/2), m: of 5 trials, 2 not asked; the first is question",
        "nothing was written",
        "--partial",
    ]);
    assert!(!home.join("whole").exists());
    merge(home, &["parts/4", "parts/2", "parts/1"], &["--partial"])
        .exits_with(4)
        .says(&["candor run --resume whole"]);
    assert_eq!(journal(&home.join("whole")).len(), 13);
    ran(candor(home).args(["run", "--resume", "whole", "--no-cache"])).exits_with(0);
    assert_eq!(endpoint.requests().len(), 15 + 7);
    // Reports say it, and gates are not decided on a part.
    let compared = ran(candor(home).args(["compare", "parts"]));
    assert!(
        compared.stdout.contains("shard 3 of 4 is missing"),
        "{}",
        compared.stdout
    );
    fs::write(
        home.join("gate.toml"),
        "[[rule]]\nname = \"Sums\"\nsuite = \"sums\"\nmetric = \"accuracy\"\nat_least = 0.5\n",
    )
    .unwrap();
    let gate = ran(candor(home).args(["gate", "--candidate", "parts"])).exits_with(2);
    let _ = gate.says(&["shard 3 of 4 is missing", "candor merge"]);
}

#[test]
fn shards_of_different_plans_are_not_merged() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 10);
    let endpoint = adder();
    let model = endpoint.spec("m");
    part(home, &model, "1", &[], &["--shard", "1/2"]).exits_with(0);
    let others: [(&str, &str, &[&str], &str); 5] = [
        (
            "seed",
            &model,
            &["--shard", "2/2", "--seed", "7"],
            "epochs, limit or seed are others",
        ),
        (
            "count",
            &model,
            &["--shard", "2/3"],
            "the number of shards is another",
        ),
        (
            "model",
            &endpoint.spec("n"),
            &["--shard", "2/2"],
            "the models are others",
        ),
        ("whole", &model, &[], "a whole run, not a shard"),
        ("twin", &model, &["--shard", "1/2"], "so is parts/1"),
    ];
    for (name, model, arguments, reason) in others {
        part(home, model, name, &[], arguments).exits_with(0);
        let runs = ["parts/1", &format!("parts/{name}")];
        merge(home, &runs, &[]).exits_with(2).says(&[reason]);
    }
    sums_suite(home, 11);
    part(home, &model, "other", &[], &["--shard", "2/2"]).exits_with(0);
    merge(home, &["parts/1", "parts/other"], &[])
        .exits_with(2)
        .says(&["the suites are others"]);
    assert!(!home.join("whole").exists());
}

#[test]
fn scores_given_to_every_shard_later_are_those_of_the_merged_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 6);
    let endpoint = adder();
    for shard in ["1", "2"] {
        part(
            home,
            &endpoint.spec("m"),
            shard,
            &[],
            &["--shard", &format!("{shard}/2")],
        )
        .exits_with(0);
    }
    let score = |run: &str| {
        ran(candor(home).args(["score", run, "-s", "includes"])).exits_with(0);
    };
    score("parts/1");
    merge(home, &["parts"], &[])
        .exits_with(2)
        .says(&["score all shards alike"]);
    score("parts/2");
    merge(home, &["parts"], &[]).exits_with(0);
    let rows = export(home, &home.join("whole"));
    assert!(rows.len() >= 6 && rows.iter().any(|row| row["scorer"] == "includes"));
}

#[test]
fn an_address_of_another_kind_of_store_is_refused_with_a_way_around() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 1);
    let model = adder().spec("m");
    for arguments in [
        &["run", "-s", "sums", "-m", &model, "-o", "gs://bucket/run"][..],
        &["report", "gs://bucket/run"],
        &["run", "--resume", "gs://bucket/run"],
    ] {
        ran(candor(home.path()).args(arguments))
            .exits_with(2)
            .says(&[
                "gs://bucket/run is on a network store",
                "s3://BUCKET/PREFIX",
                "rclone sync",
            ]);
    }
    assert!(!home.path().join("gs:").exists());
}

#[test]
fn one_command_begins_a_run_and_goes_on_with_it() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 8);
    let endpoint = adder();
    let model = endpoint.spec("m");
    let again = |more: &[&str]| {
        let own = ["--continue", "--shard", "1/2"];
        part(home, &model, "1", &[], &[&own[..], more].concat())
    };
    again(&[]).exits_with(0);
    assert_eq!(endpoint.requests().len(), 4);
    let path = home.join("parts/1/journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let cut: String = text.split_inclusive('\n').take(3).collect();
    fs::write(&path, cut).unwrap();
    again(&[]).exits_with(0);
    assert_eq!(endpoint.requests().len(), 5, "what was lost");
    again(&["--seed", "7"]).exits_with(2).says(&[
        "parts/1 was begun with other",
        "seed",
        "--resume",
    ]);
    again(&["--limit", "2"]).exits_with(2);
    part(
        home,
        &endpoint.spec("n"),
        "1",
        &[],
        &["--continue", "--shard", "1/2"],
    )
    .exits_with(2)
    .says(&["other models"]);
    assert_eq!(endpoint.requests().len(), 5);
    assert_eq!(journal(&home.join("parts/1")).len(), 4);
}

#[test]
fn what_init_writes_for_schedulers_is_read_by_their_own_parsers() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let told = ran(candor(home).args(["init", "--slurm", "--kubernetes", "--ray"])).exits_with(0);
    for said in [
        "sbatch candor.sbatch",
        "kubectl apply -f candor-job.yaml",
        "python candor_ray.py",
    ] {
        assert!(told.stdout.contains(said), "{}", told.stdout);
    }
    assert!(!home.join("gate.toml").exists(), "no gate was asked for");
    let read = |name: &str| fs::read_to_string(home.join(name)).unwrap();
    let job: Value = serde_saphyr::from_str(&read("candor-job.yaml")).unwrap();
    let spec = &job["spec"];
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(
        (&job["kind"], &spec["completionMode"]),
        (&"Job".into(), &"Indexed".into())
    );
    let completions = container["env"][0]["value"].as_str().unwrap();
    assert_eq!(
        completions,
        spec["completions"].to_string(),
        "what a pod is told is what the job has"
    );
    assert_eq!(
        spec["template"]["spec"]["restartPolicy"], "Never",
        "as backoffLimitPerIndex wants it"
    );
    let script = container["args"][0].as_str().unwrap().to_owned();
    fs::write(home.join("pod.sh"), script).unwrap();
    for (program, arguments) in [
        ("bash", &["-n", "candor.sbatch"][..]),
        ("bash", &["-n", "pod.sh"]),
        ("shellcheck", &["candor.sbatch"]),
        (
            "python3",
            &["-c", "import ast; ast.parse(open('candor_ray.py').read())"],
        ),
    ] {
        let ran = std::process::Command::new(program)
            .args(arguments)
            .current_dir(home)
            .output();
        match ran {
            Ok(output) => assert!(
                output.status.success(),
                "{program}: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) => skipped(&format!("{program} cannot be started: {error}")),
        }
    }
}

/// The script of the array by itself, as Slurm would start its tasks: it begins, and goes on where it was killed.
#[test]
#[cfg(unix)]
fn the_script_of_an_array_begins_a_part_and_goes_on_with_it() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 8);
    let endpoint = adder();
    ran(candor(home).args(["init", "--slurm"])).exits_with(0);
    let path = home.join("candor.sbatch");
    let script = fs::read_to_string(&path).unwrap();
    let script = script.replace("SUITES=(facts)", "SUITES=(sums)").replace(
        "MODELS=(demo:open)",
        &format!("MODELS=('{}')", endpoint.spec("m")),
    );
    fs::write(&path, script).unwrap();
    let bin = Path::new(assert_cmd::cargo::cargo_bin!("candor"))
        .parent()
        .unwrap();
    let task = || {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = std::process::Command::new("bash")
            .arg("candor.sbatch")
            .current_dir(home)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("CANDOR_HOME", home)
            .env("SLURM_ARRAY_TASK_ID", "2")
            .env("SLURM_ARRAY_TASK_COUNT", "4")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    task();
    assert_eq!(endpoint.requests().len(), 2);
    task();
    assert_eq!(endpoint.requests().len(), 2, "it was done");
}
