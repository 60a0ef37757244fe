//! Data as people's tools write it: words stay words, an index is an index, every type of a column is read or refused by its name.

use std::fs;
use std::path::Path;

use candor::files::{Format, rows};
use serde_json::{Value, json};

use crate::support::{candor, fixtures, journal, ran, run_suite, sums_suite};

/// The rows of a Parquet fixture (`tests/fixtures/parquet/make.py`).
fn parquet(path: &Path) -> Result<Vec<Value>, String> {
    let rows = rows(path, Format::Parquet, None).map_err(|e| e.to_string())?;
    rows.map(|row| {
        row.map(|(_, row)| Value::Object(row))
            .map_err(|e| e.to_string())
    })
    .collect()
}

#[test]
fn every_type_of_a_parquet_column_is_read() {
    let rows = parquet(&fixtures().join("parquet/types.parquet")).unwrap();
    let want = json!({
        "int8": -1, "int16": -2, "int32": -3, "int64": -4,
        "uint8": 255, "uint16": 65535, "uint32": 4_294_967_295_u32, "uint64": 18_446_744_073_709_551_615_u64,
        "float16": 1.5, "float32": 0.1, "float64": 0.1, "bool": true,
        "string": "ä", "large_string": "ä", "string_view": "ä", "dictionary": "ä",
        "binary": "AP8=", "fixed_binary": "AP8=",
        "decimal": "-1.50", "wide_decimal": "12345678901234567890123456789012345678",
        "date": "2024-01-02", "time32": "03:04:05.6", "time64": "03:04:05.6",
        "timestamp": "2024-01-02T03:04:05.6", "instant": "2024-01-02T03:04:05.6Z", "duration": "P1DT5S",
        "list": [1, null, 3], "nested_list": [["a"], []], "fixed_list": [1, 2],
        "struct": {"text": ["one", "two"], "label": ["A", "B"]},
        "turns": [{"role": "user", "content": "hi"}],
        "map": {"a": 1, "b": null}, "null": null,
    });
    assert_eq!(rows[0], want);
    assert!(
        rows[1].as_object().unwrap().values().all(Value::is_null),
        "{}",
        rows[1]
    );
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_type_that_is_not_read_is_refused_by_name() {
    let said = parquet(&fixtures().join("parquet/decimal256.parquet")).unwrap_err();
    assert!(said.contains("'far' holds decimals of 60 digits"), "{said}");
}

#[test]
fn a_broken_parquet_file_is_an_error_with_its_name_however_it_is_broken() {
    let home = tempfile::tempdir().unwrap();
    let whole = fs::read(fixtures().join("parquet/types.parquet")).unwrap();
    let path = home.path().join("x.parquet");
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        parquet(&path)
    };
    for length in [0, 3, 8, whole.len() / 2, whole.len() - 1] {
        let said = read(&whole[..length]).unwrap_err();
        assert!(said.contains("x.parquet"), "{said}");
    }
    // Any one byte changed: other values or an error, never a crash.
    for at in (0..whole.len()).step_by(61) {
        let mut broken = whole.clone();
        broken[at] ^= 0x5a;
        let _ = read(&broken);
    }
}

#[test]
fn a_parquet_file_that_counts_more_than_it_holds_is_refused() {
    // A decoder that believes these counts sets 2^61 bytes aside, which ends the process.
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/parquet");
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x.parquet");
    for (seed, why) in [
        (
            "run-length-beyond-memory",
            "more values than the file states",
        ),
        (
            "list-beyond-the-footer",
            "not that of a complete Parquet file",
        ),
    ] {
        fs::copy(seeds.join(seed), &path).unwrap();
        let said = parquet(&path).unwrap_err();
        assert!(said.contains("x.parquet") && said.contains(why), "{said}");
    }
}

/// Runs a suite of a table in YAML against recorded answers, and gives its journal by sample.
fn run_table(table: &str, more: &str, answers: &[(&str, &str)]) -> Vec<Value> {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 1);
    fs::remove_file(suite.join("items.jsonl")).unwrap();
    fs::create_dir(suite.join("items")).unwrap();
    fs::write(suite.join("items/table.yaml"), table).unwrap();
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    let yaml = yaml
        .replace("[number]", "[exact]")
        .replace("version: \"1\"", "version: 1.10");
    fs::write(suite.join("suite.yaml"), format!("{yaml}{more}")).unwrap();
    let rows = answers
        .iter()
        .map(|(id, answer)| json!({"sample_id": id, "answer": answer}).to_string() + "\n");
    fs::write(home.path().join("r.jsonl"), rows.collect::<String>()).unwrap();
    run_suite(home.path(), "sums", "replay:r.jsonl", &[]).exits_with(0);
    assert!(
        fs::read_to_string(home.path().join("run/run.json"))
            .unwrap()
            .contains("\"1.10\"")
    );
    let mut rows = journal(&home.path().join("run"));
    rows.sort_by_key(|row| row["sample"].to_string());
    rows
}

#[test]
fn words_of_a_table_stay_words() {
    let rows = run_table(
        "- {id: 0123, question: a, target: no, lang: NO}\n- {id: 1e3, question: b, target: 1.10, lang: on}\n- {id: 12345678901234567890123, question: c, target: 2021-01-02, lang: y}\n",
        "sample: {strata: {lang: '{{ lang }}'}}\n",
        &[
            ("0123", "No"),
            ("1e3", "1.10"),
            ("12345678901234567890123", "2021-01-02"),
        ],
    );
    for row in &rows {
        assert_eq!(row["scores"][0]["value"], 1.0, "{row}");
    }
    let langs: Vec<_> = rows.iter().map(|r| &r["strata"]["lang"]).collect();
    assert_eq!(langs, ["NO", "y", "on"]);
}

#[test]
fn a_key_that_is_written_twice_is_told_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 1);
    fs::remove_file(suite.join("items.jsonl")).unwrap();
    fs::create_dir(suite.join("items")).unwrap();
    fs::write(
        suite.join("items/a.yaml"),
        "- id: a\n  question: one\n  question: two\n",
    )
    .unwrap();
    ran(candor(home.path()).args(["suites", "check", "sums"]))
        .exits_with(2)
        .says(&["a.yaml:3:3", "duplicate"]);
}

/// The right choice of one item, or the error.
fn right_choice(home: &Path, item: &Value) -> Result<String, String> {
    let suite = sums_suite(home, 1);
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    fs::write(
        suite.join("suite.yaml"),
        yaml.replace("[number]", "[choice]"),
    )
    .unwrap();
    fs::write(suite.join("items.jsonl"), format!("{item}\n")).unwrap();
    let shown = ran(candor(home).args(["suites", "show", "sums"]));
    match shown.code {
        0 => Ok(shown
            .stdout
            .rsplit("right: ")
            .next()
            .unwrap()
            .trim()
            .to_owned()),
        _ => Err(shown.stderr),
    }
}

#[test]
fn a_whole_number_is_the_index_of_a_choice() {
    let home = tempfile::tempdir().unwrap();
    let item = |choices: Value, target: Value| json!({"id": "a", "question": "?", "choices": choices, "target": target});
    for (target, want) in [
        (json!(2), "27"),
        (json!(2.0), "27"),
        (json!("2"), "2"),
        (json!("C"), "C"),
        (json!(81), "81"),
    ] {
        let item = item(json!(["9", "2", "27", "81"]), target);
        assert_eq!(right_choice(home.path(), &item).unwrap(), want, "{item}");
    }
    let ambiguous = item(json!([9, 2, 27, 81]), json!(2));
    assert!(
        right_choice(home.path(), &ambiguous)
            .unwrap_err()
            .contains("could be")
    );
    let beyond = item(json!(["a", "b"]), json!(2));
    assert!(
        right_choice(home.path(), &beyond)
            .unwrap_err()
            .contains("neither one of its choices")
    );
}

#[test]
fn an_empty_target_is_an_error_and_a_blank_cell_is_blank() {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 1);
    fs::write(
        suite.join("items.jsonl"),
        "{\"id\": \"a\", \"question\": \"?\", \"target\": \" \"}\n",
    )
    .unwrap();
    ran(candor(home.path()).args(["suites", "check", "sums"]))
        .exits_with(2)
        .says(&["sample 'a'", "its target is empty"]);
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    let yaml = yaml.replace("{{ question }}", "[{{ hint }}] {{ question }}");
    fs::write(
        suite.join("suite.yaml"),
        format!("{yaml}data: {{files: [x.csv]}}\n"),
    )
    .unwrap();
    fs::write(
        home.path().join("x.csv"),
        "id,question,hint,target,pair\na,?,,1,\n",
    )
    .unwrap();
    let shown = ran(candor(home.path()).args(["suites", "show", "sums?data=x.csv"])).exits_with(0);
    assert!(shown.stdout.contains("│ [] ?\n"), "{}", shown.stdout);
}

#[test]
fn half_characters_are_replaced_and_counted_aloud_and_utf_16_is_told() {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 1);
    let item = "{\"id\": \"a\", \"question\": \"\\ud83d?\", \"target\": 1}\n";
    fs::write(suite.join("items.jsonl"), item).unwrap();
    let shown = ran(candor(home.path()).args(["suites", "show", "sums"])).exits_with(0);
    assert!(shown.stdout.contains("\u{fffd}?"), "{}", shown.stdout);
    shown.says(&["items.jsonl: 1 lone surrogates"]);
    let wide: Vec<u8> = item.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(suite.join("items.jsonl"), wide).unwrap();
    ran(candor(home.path()).args(["suites", "show", "sums"]))
        .exits_with(5)
        .says(&["UTF-16LE", "iconv"]);
}
