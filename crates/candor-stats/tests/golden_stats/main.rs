//! Statistics against reference values that other software computed (tests/golden): a test per file, named after it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used
)]

mod agreement;
mod distributions;
mod judges;
mod many;
mod matched;
mod means;
mod paired;
mod planning;
mod rates;
mod sequential;

use std::fmt::Debug;
use std::path::Path;

use candor_stats::{Interval, Undefined};
use serde_json::Value;

/// A file of reference values.
struct Golden {
    tolerance: f64,
    relative: bool,
    cases: Vec<Case>,
}

/// One case: what went in, what came out.
struct Case {
    value: Value,
    tolerance: f64,
    relative: bool,
}

fn golden(name: &str) -> Golden {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    let tolerance = file["tolerance"].as_f64().expect("a tolerance");
    let relative = name == "special_functions";
    let Value::Array(cases) = file["cases"].take() else {
        panic!("{name} holds no cases")
    };
    Golden {
        tolerance,
        relative,
        cases: cases
            .into_iter()
            .map(|value| Case {
                value,
                tolerance,
                relative,
            })
            .collect(),
    }
}

/// Calls `check` with every case of a file.
fn each(name: &str, check: impl Fn(&Case)) {
    golden(name).cases.iter().for_each(check);
}

/// Calls `check` with the cases of `name`, whose inputs are in `inputs` under the same id; `without` names those that have none.
fn each_with_inputs(name: &str, inputs: &str, without: &[&str], check: impl Fn(&Case, &Case)) {
    let inputs = golden(inputs);
    for case in &golden(name).cases {
        match inputs.cases.iter().find(|i| i.id() == case.id()) {
            Some(input) => check(case, input),
            None => assert!(without.contains(&case.id().as_str()), "{}", case.id()),
        }
    }
}

impl Case {
    fn id(&self) -> String {
        self.value["id"].as_str().map_or_else(
            || format!("{} {}", self.value["fn"], self.value["args"]),
            str::to_owned,
        )
    }

    fn input(&self, name: &str) -> &Value {
        let value = &self.value["input"][name];
        assert!(!value.is_null(), "{}: no input {name}", self.id());
        value
    }

    fn number(&self, name: &str) -> f64 {
        self.input(name).as_f64().expect(name)
    }

    fn whole(&self, name: &str) -> u64 {
        let value = self.input(name);
        value
            .as_u64()
            .or_else(|| value.as_f64().map(|v| v as u64))
            .expect(name)
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        floats(self.input(name))
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.input(name)
            .as_array()
            .expect(name)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn rows(&self, name: &str) -> Vec<Vec<f64>> {
        self.input(name)
            .as_array()
            .expect(name)
            .iter()
            .map(floats)
            .collect()
    }

    /// The reason with which the case must be refused.
    fn refusal(&self) -> Option<&str> {
        self.value["expected"]["error"].as_str()
    }

    /// Checks that a refused case is refused with its reason; tells whether the case was one.
    fn refused<T: Debug>(&self, got: &Result<T, Undefined>) -> bool {
        let Some(reason) = self.refusal() else {
            return false;
        };
        let error = got.as_ref().expect_err(&self.id());
        let name = serde_json::to_value(error).expect("a name");
        assert_eq!(name.as_str(), Some(reason), "{}", self.id());
        true
    }

    fn expects(&self, field: &str) -> bool {
        self.value["expected"].get(field).is_some()
    }

    /// Holds a value against the expected field, where the case has that field; null there means undefined.
    fn check(&self, field: &str, got: Result<f64, Undefined>) {
        if let Some(want) = self.value["expected"].get(field) {
            self.close(got, want, self.tolerance, field);
        }
    }

    /// The same for an interval of two ends.
    fn check_interval(&self, field: &str, got: Result<Interval, Undefined>) {
        self.check_interval_within(field, got, self.tolerance);
    }

    fn check_interval_within(&self, field: &str, got: Result<Interval, Undefined>, tolerance: f64) {
        let Some(want) = self.value["expected"].get(field) else {
            return;
        };
        if want.is_null() {
            return;
        }
        let got = got.unwrap_or_else(|e| panic!("{} {field}: {e}", self.id()));
        self.close(Ok(got.low), &want[0], tolerance, &format!("{field} low"));
        self.close(Ok(got.high), &want[1], tolerance, &format!("{field} high"));
    }

    /// The same for a list.
    fn check_list(&self, field: &str, got: &[f64]) {
        let Some(want) = self.value["expected"].get(field) else {
            return;
        };
        let want = want.as_array().expect("a list");
        assert_eq!(got.len(), want.len(), "{} {field}", self.id());
        for (i, (got, want)) in got.iter().zip(want).enumerate() {
            self.close(Ok(*got), want, self.tolerance, &format!("{field}[{i}]"));
        }
    }

    fn close(&self, got: Result<f64, Undefined>, want: &Value, tolerance: f64, field: &str) {
        let id = self.id();
        let want = match want {
            Value::Null => {
                assert!(
                    got.is_err(),
                    "{id} {field}: got {got:?}, but the reference has no value"
                );
                return;
            }
            Value::String(text) if text == "inf" => f64::INFINITY,
            Value::String(text) if text == "-inf" => f64::NEG_INFINITY,
            other => other.as_f64().expect("a number"),
        };
        let got = got.unwrap_or_else(|e| panic!("{id} {field}: {e}, want {want}"));
        let scale = if self.relative && want != 0.0 {
            want.abs()
        } else {
            want.abs().max(1.0)
        };
        assert!(
            got == want || (got - want).abs() <= tolerance * scale,
            "{id} {field}: got {got}, want {want}"
        );
    }
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}
