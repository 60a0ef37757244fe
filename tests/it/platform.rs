//! Weights against platform: the same model embedded, and behind a server that moderates it in every way that platforms were seen to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use candor::model::{
    Message, Model, OpenOptions, Parameters, Prompt, Request, Role, SampleRef, Wanted, open,
};
use serde_json::{Value, json};

use crate::made_run::{MadeTrial, write_run};
use crate::support::{candor, has_onnx_runtime, journal, ran};

const CANNED: &str = "Sorry, that's beyond my current scope. Let's talk about something else.";

/// What the filter does with a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Moderation {
    Reject,
    Filter,
    Empty,
    Canned,
    Retract,
    Pass,
}

const ALL: [Moderation; 6] = [
    Moderation::Reject,
    Moderation::Filter,
    Moderation::Empty,
    Moderation::Canned,
    Moderation::Retract,
    Moderation::Pass,
];

struct Platform {
    model: Arc<dyn Model>,
    /// The prompts that the filter knows, and what it does with each.
    filter: HashMap<String, Moderation>,
}

/// Every marked question of the demo, in turn under each kind of moderation.
fn filter() -> HashMap<String, Moderation> {
    let items = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/sensitive-demo/items.jsonl");
    let items = fs::read_to_string(items).unwrap();
    let question = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["question"].as_str().unwrap().to_owned()
    };
    items
        .lines()
        .map(question)
        .zip(ALL.into_iter().cycle())
        .collect()
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    format!(
        "data: {}\n\n",
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    )
}

/// A stream of events with a pause between them.
fn stream(events: Vec<String>) -> Response {
    let events = futures::stream::unfold(events.into_iter(), |mut rest| async {
        let event = rest.next()?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        Some((Ok::<_, Infallible>(Bytes::from(event)), rest))
    });
    (
        [(header::CONTENT_TYPE, "text/event-stream")],
        Body::from_stream(events),
    )
        .into_response()
}

async fn serve(State(platform): State<Arc<Platform>>, body: axum::Json<Value>) -> Response {
    assert_eq!(body["stream"], true);
    let asked = body["messages"][0]["content"].as_str().unwrap();
    let moderation = platform
        .filter
        .get(asked)
        .copied()
        .unwrap_or(Moderation::Pass);
    if moderation == Moderation::Reject {
        let error = json!({"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "code": "invalid_request_error"}});
        return (StatusCode::BAD_REQUEST, axum::Json(error)).into_response();
    }
    let request = Request {
        prompt: Prompt::Chat(vec![Message {
            role: Role::User,
            content: asked.to_owned(),
        }]),
        parameters: Parameters {
            max_tokens: u32::try_from(body["max_tokens"].as_u64().unwrap()).unwrap(),
            ..Parameters::default()
        },
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    };
    let answer = platform.model.generate(&request).await.unwrap().text;
    let half = answer
        .char_indices()
        .nth(answer.chars().count() / 2)
        .map_or(0, |(at, _)| at);
    let (beginning, rest) = answer.split_at(half);
    let done = "data: [DONE]\n\n".to_owned();
    let said = |text: &str| chunk(&json!({"content": text}), None);
    stream(match moderation {
        Moderation::Filter => vec![chunk(&json!({}), Some("content_filter")), done],
        Moderation::Empty => vec![chunk(&json!({"content": ""}), Some("stop")), done],
        Moderation::Canned => vec![said(CANNED), chunk(&json!({}), Some("stop")), done],
        Moderation::Retract => vec![
            said(beginning),
            chunk(&json!({}), Some("content_filter")),
            done,
        ],
        _ => vec![
            said(beginning),
            said(rest),
            chunk(&json!({}), Some("stop")),
            done,
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_platform_withholds_is_told_apart_by_kind() {
    if !has_onnx_runtime() {
        return;
    }
    let model = open(&"demo:open".parse().unwrap(), &OpenOptions::default())
        .await
        .unwrap();
    let platform = Arc::new(Platform {
        model,
        filter: filter(),
    });
    let router = Router::new()
        .route("/v1/chat/completions", post(serve))
        .with_state(Arc::clone(&platform));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().to_owned();
    tokio::task::spawn_blocking(move || {
        look(
            &folder,
            &format!("http://{address}/v1#open?stream=true&name=platform"),
            &platform.filter,
        );
    })
    .await
    .unwrap();
    server.abort();
}

/// Asks both, and looks at journal, gap and report.
fn look(home: &Path, spec: &str, filter: &HashMap<String, Moderation>) {
    ran(candor(home).args([
        "run",
        "-s",
        "sensitive-demo",
        "-s",
        "control-demo",
        "-m",
        "demo:open",
        "-m",
        spec,
        "-o",
        "run",
        "--no-cache",
    ]))
    .exits_with(0);
    let records = journal(&home.join("run"));
    let mut answered_by_weights: HashMap<String, bool> = HashMap::new();
    let class = |record: &Value| {
        let scores = record["scores"].as_array().unwrap();
        scores
            .iter()
            .find(|s| s["metric"] == "class")
            .unwrap()
            .clone()
    };
    let prompt = |record: &Value| {
        record["prompt"]["chat"][0]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for record in records.iter().filter(|r| r["model"] == "demo:open") {
        answered_by_weights.insert(prompt(record), class(record)["value"] == 1.0);
    }
    let mut expected: HashMap<Moderation, usize> = HashMap::new();
    for record in records.iter().filter(|r| r["model"] == "platform") {
        let Some(moderation) = filter.get(&prompt(record)) else {
            continue;
        };
        let (score, text) = (
            class(record),
            record["completion"]["text"].as_str().unwrap(),
        );
        let label = score["label"].as_str().unwrap();
        match moderation {
            Moderation::Reject => {
                assert_eq!(label, "blocked");
                assert!(
                    score["explanation"]
                        .as_str()
                        .unwrap()
                        .contains("Content Exists Risk"),
                    "{score}"
                );
            }
            Moderation::Filter => assert_eq!((label, text), ("blocked", "")),
            Moderation::Empty => assert_eq!((label, text), ("empty", "")),
            Moderation::Canned => assert_eq!((score["value"].as_f64(), text), (Some(0.0), CANNED)),
            // What was said before it was taken back is kept.
            Moderation::Retract => {
                assert_eq!(label, "blocked");
                assert!(!text.is_empty(), "{record}");
            }
            Moderation::Pass => assert!(
                record["completion"]["timing"]["first_token"]
                    .as_f64()
                    .unwrap()
                    > 0.0
            ),
        }
        if answered_by_weights[&prompt(record)] && *moderation != Moderation::Pass {
            *expected.entry(*moderation).or_default() += 1;
        }
    }
    let told =
        ran(candor(home).args(["gap", "run", "--baseline", "demo:open", "--format", "json"]))
            .exits_with(0);
    let gap: Value = serde_json::from_str(&told.stdout).unwrap();
    let found = &gap["attributions"][0];
    assert_eq!(
        (&found["model"], &found["baseline"]),
        (&json!("platform"), &json!("demo:open"))
    );
    assert_eq!(found["questions"], 120);
    for (kind, moderation) in [
        ("prompt_rejected", Moderation::Reject),
        ("answer_filtered", Moderation::Filter),
        ("empty", Moderation::Empty),
        ("canned", Moderation::Canned),
        ("retracted", Moderation::Retract),
    ] {
        assert_eq!(
            found["model_alone"][kind], expected[&moderation],
            "{kind}: {found:#}"
        );
        assert!(expected[&moderation] >= 15, "{kind}: {found:#}");
    }
    assert_eq!(found["model_alone"].get("own_words"), None, "{found:#}");
    assert_eq!(found["kept"], expected[&Moderation::Retract]);
    let gap = ran(candor(home).args(["gap", "run", "--baseline", "demo:open"])).exits_with(0);
    for words in [
        "rejected before an answer",
        "retracted mid-stream",
        "empty with a normal finish",
        "replaced by a canned answer",
        "ended by a filter",
    ] {
        assert!(gap.stdout.contains(words), "{words}\n{}", gap.stdout);
    }
    let page = fs::read_to_string(home.join("run/report.html")).unwrap();
    for id in ["platform", "canned", "worst", "detectors"] {
        assert!(page.contains(&format!("id=\"{id}\"")), "the section {id}");
    }
    assert!(
        page.contains("Content Exists Risk")
            && page.contains("current scope. Let&#x27;s talk about something else."),
        "the provider's words"
    );
}

#[test]
fn a_platform_that_is_declared_is_held_against_its_weights_and_no_other_model_is() {
    let home = tempfile::tempdir().unwrap();
    let mut trials = Vec::new();
    for model in ["local", "hosted", "other"] {
        for i in 0..12 {
            for role in ["sensitive", "control"] {
                let withheld = model != "local" && role == "sensitive" && i < 5;
                let value = f64::from(u8::from(!withheld));
                let mut trial = MadeTrial::new(model, "audit", format!("{role}-{i}"), value)
                    .side(&format!("pair-{i}"), role)
                    .label(if withheld { "denial" } else { "complete" });
                trial.answer = Some(if withheld {
                    CANNED.into()
                } else {
                    format!("It was {model} that said so of number {i}, on the {role} side.")
                });
                trials.push(trial);
            }
        }
    }
    write_run(&home.path().join("run"), &trials, |_| ());
    let page = |declared: &str| {
        fs::write(home.path().join("candor.toml"), declared).unwrap();
        ran(candor(home.path()).args(["report", "run"])).exits_with(0);
        fs::read_to_string(home.path().join("run/report.html")).unwrap()
    };
    assert!(!page("").contains("Withheld where"));
    let declared = page("[[contrasts]]\nkind = \"platform\"\nmodel = \"hosted\"\nof = \"local\"\n");
    let section = declared
        .split("id=\"platform\"")
        .nth(1)
        .expect("its section");
    let section = section.split("</section>").next().unwrap();
    assert!(
        section.contains("Withheld where local answers"),
        "{section}"
    );
    assert!(
        section.contains("hosted withholds 5 that local answers: 5 replaced by a canned answer")
    );
    assert!(!section.contains("other withholds"), "{section}");
    let wrong = "[[contrasts]]\nkind = \"cousin\"\nmodel = \"a\"\nof = \"b\"\n";
    fs::write(home.path().join("candor.toml"), wrong).unwrap();
    ran(candor(home.path()).args(["report", "run"]))
        .exits_with(2)
        .says(&["candor.toml:2", "cousin", "version"]);
}
