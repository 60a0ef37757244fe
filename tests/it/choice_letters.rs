//! The choice a text settles on, against cases made by hand: `tests/fixtures/choice_letters.jsonl`.

use candor::text::answer_choice;

use crate::cases;

#[test]
fn every_choice_is_read_as_a_person_reads_it() {
    cases::hold("choice_letters.jsonl", 300, |case| {
        let choices: Vec<String> =
            serde_json::from_value(case["choices"].clone()).expect("choices");
        let text = case["text"].as_str().expect("a text");
        let letter =
            |index: usize| char::from(b'A' + u8::try_from(index).expect("a letter")).to_string();
        let read = answer_choice(text, &choices).map(letter);
        (read.as_deref() != case["letter"].as_str()).then(|| {
            format!(
                "{} wanted of {text:?}, {read:?} read: {}",
                case["letter"], case["why"]
            )
        })
    });
}
