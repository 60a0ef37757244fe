//! The number a text arrives at, against cases made by hand: `tests/fixtures/final_numbers.jsonl`.

use candor::text::answer_number;

use crate::cases;

#[test]
fn every_number_is_read_as_a_person_reads_it() {
    cases::hold("final_numbers.jsonl", 200, |case| {
        let read = answer_number(case["text"].as_str().expect("a text"));
        let same = match (read, case["number"].as_f64()) {
            (Some(read), Some(want)) => (read - want).abs() <= 1e-9 * want.abs().max(1.0),
            (read, want) => read == want,
        };
        (!same).then(|| {
            format!(
                "{:?} wanted of {}, {read:?} read: {}",
                case["number"], case["text"], case["why"]
            )
        })
    });
}
