//! `FreedomBench`'s recorded answers as a run.

use serde_json::json;

use crate::support::{candor, export, journal, ran, shared};

#[test]
fn weights_on_two_hosts_are_one_model_with_two_routes() {
    let home = tempfile::tempdir().expect("a folder");
    let question = |id: &str, correct: &str| json!({"id": id, "topic": "t", "question": "Which?", "options": {"A": "North", "B": "South"}, "correct": correct, "source": "x"});
    let response = |model: &str, id: &str, output: &str, empty: u32| json!({"model": model, "question_id": id, "output": output, "latency_ms": 1500, "usage": {}, "empty_attempts": empty});
    let file = json!({"benchmark": "FreedomBench", "version": "1", "created_at": "2026-06-18T12:13:31Z", "system_prompt": "Choose.", "models": [], "questions": [question("q1", "A"), question("q2", "B")], "responses": [
        response("z-ai/glm-4.7", "q1", "", 5),
        response("z-ai/glm-4.7", "q2", "ANSWER: A", 0),
        response("cerebras/zai-glm-4.7", "q1", "I think so. ANSWER: A", 2),
        response("cerebras/zai-glm-4.7", "q2", "ANSWER: B", 0),
        response("other/model", "q1", "ANSWER: B", 0),
    ]});
    let path = home.path().join("results.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let import = |name: &str, to: &str| {
        ran(candor(home.path()).args(["import", "freedombench", name, "-o", to]))
    };
    import("results.json", "run").exits_with(0);
    let run = home.path().join("run");
    let rows = export(home.path(), &run);
    let value = |model: &str, sample: &str| {
        let row = rows
            .iter()
            .find(|r| r["model"] == model && r["sample_id"] == sample);
        let row = row.expect("a row");
        (row["value"].clone(), row["route"].clone())
    };
    assert_eq!(
        value("z-ai/glm-4.7 @ z-ai", "q1"),
        ("0.0".into(), "z-ai".into())
    );
    assert_eq!(
        value("z-ai/glm-4.7 @ cerebras", "q1"),
        ("1.0".into(), "cerebras".into())
    );
    assert_eq!(value("other/model", "q1"), ("0.0".into(), String::new()));
    let first = &journal(&run)[0];
    assert_eq!(first["completion"]["empty_replies"], 6, "{first}");
    ran(candor(home.path()).args(["report", "run", "-o", "page.html"])).exits_with(0);
    let page = std::fs::read_to_string(home.path().join("page.html")).unwrap();
    assert!(page.contains("Routes to the same weights") && page.contains("Withheld (empty)"));
    std::fs::write(
        &path,
        json!({"benchmark": "Other", "questions": [], "responses": []}).to_string(),
    )
    .unwrap();
    import("results.json", "other")
        .exits_with(5)
        .says(&["not of FreedomBench"]);
}

#[test]
fn glm_by_its_maker_withholds_what_another_host_of_it_answers() {
    let home = tempfile::tempdir().expect("a folder");
    let Some(data) = shared("data/freedombench/freedombench_v1.json") else {
        return;
    };
    ran(candor(home.path())
        .args(["import", "freedombench"])
        .arg(&data)
        .args(["-o", "run"]))
    .exits_with(0);
    let rows = export(home.path(), &home.path().join("run"));
    let right = |model: &str, metric: &str| {
        let own = rows.iter().filter(|r| r["model"] == model);
        let own: Vec<_> = own.filter(|r| r["metric"] == metric).collect();
        assert_eq!(own.len(), 60, "{model}");
        own.iter().filter(|r| r["value"] == "1.0").count()
    };
    let empty = |model: &str| {
        let journal = journal(&home.path().join("run"));
        let own = journal.iter().filter(|r| r["model"] == model);
        own.filter(|r| r["completion"]["text"] == "").count()
    };
    let (maker, host) = ("z-ai/glm-4.7 @ z-ai", "z-ai/glm-4.7 @ cerebras");
    // As FreedomBench's page has them, and as `choice` reads the same outputs.
    assert_eq!((right(maker, "accuracy"), empty(maker)), (27, 26));
    assert_eq!((right(host, "accuracy"), empty(host)), (60, 0));
    assert_eq!((right(maker, "settled"), right(host, "settled")), (23, 60));
    for (model, published) in [
        ("tencent/hy3-preview", 52),
        ("moonshotai/kimi-k2.7-code", 41),
        ("z-ai/glm-5", 27),
    ] {
        assert_eq!(right(model, "accuracy"), published, "{model}");
    }
    let compared =
        ran(candor(home.path()).args(["compare", "run", "--baseline", host, "--format", "json"]));
    let compared = compared.exits_with(0);
    let table: serde_json::Value = serde_json::from_str(&compared.stdout).expect("JSON");
    let arms = table["routes"].as_array().expect("routes");
    let glm: Vec<_> = arms
        .iter()
        .filter(|r| r["model"] == "z-ai/glm-4.7")
        .collect();
    assert_eq!(glm.len(), 2, "{arms:?}");
    let (first, second) = (glm[0], glm[1]);
    assert_eq!(
        (&first["arm"], &second["arm"]),
        (&host.into(), &maker.into())
    );
    assert_eq!(
        (&first["score"], &second["score"]),
        (&1.0.into(), &0.45.into())
    );
    // All that the maker leaves empty, counted apart from what it answers otherwise.
    assert_eq!(first["empties"]["withheld"], 0);
    assert_eq!(second["empties"]["withheld"], 26);
    // 33 of 60 lost and none gained: 55 points, and by McNemar's test without a doubt.
    let difference = &second["difference"];
    let value = difference["difference"]["value"].as_f64().expect("a value");
    assert!((value + 0.55).abs() < 1e-9, "{difference}");
    let interval = &difference["difference"]["interval"];
    let [low, high] = ["low", "high"].map(|end| interval[end].as_f64().expect("an end"));
    assert!(
        -0.70 < low && low < -0.62 && -0.46 < high && high < -0.38,
        "{interval}"
    );
    assert!(
        difference["p"].as_f64().is_some_and(|p| p < 1e-6),
        "{difference}"
    );
    assert_eq!(difference["shared"], 60);
    let shown = ran(candor(home.path()).args(["compare", "run", "--baseline", host]));
    let shown = shown.exits_with(0).stdout;
    assert!(
        shown.contains("− first route") && shown.contains("−55.0"),
        "{shown}"
    );
}
