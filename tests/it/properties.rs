//! What holds for every input: the parsers that read foreign text.

use std::fs;

use candor::gate::{Amount, GateFile, Unit};
use candor::model::ModelSpec;
use candor::model::remote::read_chat_completion;
use candor::store::read_journal;
use candor::text::{
    SourceError, answer_choice, answer_number, answer_tokens, fold, squad_normalise,
};
use proptest::prelude::*;

/// JSON of any shape, to a small depth.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    let name = prop_oneof![
        Just("choices"),
        Just("message"),
        Just("content"),
        Just("error"),
        Just("finish_reason"),
        Just("usage"),
        Just("code"),
        Just("metadata"),
        Just("raw"),
        Just("refusal"),
        Just("other"),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

/// Pieces of which answers are made, so that the grammars meet their own words in any order.
fn answer_part() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "The answer is ",
        "Answer: ",
        "答案是",
        "####",
        "\\boxed{",
        "}",
        "{",
        "\\frac{",
        "\\text{",
        "\\",
        "**",
        "(",
        ")",
        "A",
        "B",
        "C",
        "I",
        "a",
        "b",
        " ",
        "\n",
        "\n\n",
        ", ",
        ". ",
        "/",
        "-",
        "−",
        "^",
        "_",
        "$",
        "€",
        "%",
        "1",
        "1,234",
        "0",
        ".5",
        "½",
        "²",
        "३",
        "٤",
        "万",
        "三百",
        "not ",
        " or ",
        " and ",
        " is correct",
        " is wrong",
        "so ",
        "选项",
        "错误",
        "`",
        "'",
        "’",
        "\u{202f}",
        "\u{301}",
        "\u{200d}",
        "é",
        "e5",
        "10:30",
        "5-6",
        "<think>",
        "</think>",
        "|",
    ];
    prop_oneof![
        prop::sample::select(PARTS).prop_map(str::to_owned),
        ".{0,6}"
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_of_gates_fail(text in "(.|\n){0,200}", amount in ".{0,20}") {
        let _ = GateFile::parse("gate.toml", text);
        let rule = format!("[[rule]]\nname = 'x'\nsuite = 's'\nat_most = {}\n", serde_json::Value::from(amount.clone()));
        let read = GateFile::parse("gate.toml", rule);
        prop_assert_eq!(read.is_ok(), Amount::parse(&amount).is_some_and(|a| a.value <= 1.0 && a.unit.is_none_or(|u| u == Unit::Share)));
    }

    #[test]
    fn no_text_makes_the_readers_of_answers_fail(text in ".{0,200}") {
        let _ = (answer_number(&text), answer_tokens(&text), squad_normalise(&text));
        prop_assert_eq!(fold(&fold(&text)), fold(&text), "folding twice changes nothing more");
    }

    #[test]
    fn no_answer_makes_the_readers_of_choices_and_numbers_fail(parts in prop::collection::vec(answer_part(), 0..24), choices in 2_usize..12) {
        let text = parts.concat();
        let choices: Vec<String> = (0..choices).map(|i| format!("the {i} th")).collect();
        prop_assert!(answer_choice(&text, &choices).is_none_or(|i| i < choices.len()), "{}", text);
        prop_assert!(answer_number(&text).is_none_or(f64::is_finite), "{}", text);
    }

    #[test]
    fn a_choice_is_read_back_however_it_is_written(index in 0_usize..10, before in "[a-z ]{0,20}") {
        let choices: Vec<String> = "red blue green white black brown yellow grey orange violet".split(' ').map(|c| format!("the {c} house")).collect();
        let letter = char::from(b'A' + u8::try_from(index).unwrap());
        for text in [
            format!("{letter}"), format!("({letter})"), format!("The answer is {letter}."), format!("Answer: **{letter}**"), format!("{before}\n\nAnswer: {letter}"),
            format!("\\boxed{{\\text{{{letter}}}}}"), format!("答案是{letter}。"), format!("正解は{letter}です。"), format!("정답은 {letter}입니다."), choices[index].clone(),
        ] {
            prop_assert_eq!(answer_choice(&text, &choices), Some(index), "{}", text);
        }
    }

    #[test]
    fn a_number_is_read_back_however_it_is_written(value in -1_000_000_i64..1_000_000) {
        let plain = value.to_string();
        let grouped = plain.chars().rev().collect::<Vec<_>>().chunks(3).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join(",").chars().rev().collect::<String>().replace("-,", "-");
        for text in [format!("#### {plain}"), format!("The answer is {grouped}."), format!("\\boxed{{{plain}}}"), format!("3 apples, then {grouped}")] {
            prop_assert_eq!(answer_number(&text), Some(value as f64), "{}", text);
        }
    }

    #[test]
    fn no_specification_makes_the_parser_fail_and_what_parses_survives_a_round_trip(text in ".{0,60}") {
        if let Ok(spec) = text.parse::<ModelSpec>() {
            let again = spec.to_string().parse::<ModelSpec>();
            prop_assert_eq!(again.as_ref(), Ok(&spec));
        }
    }

    #[test]
    fn no_body_makes_the_reader_of_chat_answers_fail(body in any_json()) {
        let _ = read_chat_completion(&body);
    }

    #[test]
    fn an_error_can_point_anywhere(text in "(.|\n){0,80}", offset in 0_usize..200, line in 0_usize..20, column in 0_usize..40) {
        let _ = SourceError::at_offset("x", &text, offset, "wrong").to_string();
        let _ = SourceError::at("x", &text, line, column, "wrong").to_string();
    }

    #[test]
    fn a_journal_cut_at_any_byte_keeps_every_whole_line(cut in 0_usize..2000) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.jsonl");
        let line = |n: u8| format!(
            "{{\"trial\":\"{}\",\"schedule_index\":{n},\"model\":\"m\",\"suite\":\"s\",\"sample\":\"{n}\",\"epoch\":0,\"strata\":{{}},\"prompt\":{{\"text\":\"?\"}},\"status\":\"ok\",\"finished\":\"2026-01-01T00:00:00Z\"}}\n",
            format!("{n:02x}").repeat(32)
        );
        let whole: String = (0..7).map(line).collect();
        let cut = cut.min(whole.len());
        fs::write(&path, &whole[..cut]).unwrap();
        let kept = read_journal(&path).unwrap().map(|r| r.unwrap().schedule_index).collect::<Vec<_>>();
        let complete = whole[..cut].matches('\n').count() as u64;
        prop_assert_eq!(kept, (0..complete).collect::<Vec<_>>());
    }
}
