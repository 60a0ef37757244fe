//! `code`: a program that an answer writes passes its tests, as `HumanEval` and MBPP are scored.
//!
//! The program is a stranger's. It runs in a sandbox ([`crate::sandbox`]) that it cannot leave: without network, with nothing of the machine but the
//! system's own files to read, with a folder of its own to write to, and with limits on memory, processes and time. Where no sandbox can be
//! had, nothing runs unless a person says so.

mod find;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::Value;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::sandbox::Job;
use crate::suite::{Sample, bound};
use crate::text::{excerpt, visible_line};

use find::Find;

/// Names of other things in templates.
const CODE: &str = "code";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// A template of the whole program, over the row's fields and `code`, what is found in the answer.
    #[serde(default = "program")]
    program: String,
    /// What of an answer is code.
    #[serde(default)]
    find: Find,
    /// Seconds that a program may take.
    #[serde(default = "seconds")]
    seconds: f64,
    /// Mebibytes of memory that a process may take.
    #[serde(default = "memory_mib")]
    memory_mib: u64,
}

fn program() -> String {
    "{{ code }}\n{{ test }}".into()
}

fn seconds() -> f64 {
    10.0
}

fn memory_mib() -> u64 {
    1024
}

struct Code {
    environment: Environment<'static>,
    find: Find,
    seconds: f64,
    memory_mib: u64,
}

pub(super) fn make(value: Value) -> Made {
    let options: Options = options(CODE, value)?;
    let wrong = |reason: String| ScoreError::Options {
        scorer: CODE.into(),
        reason,
    };
    if !(0.1..=600.0).contains(&options.seconds) {
        return Err(wrong("seconds must be between 0.1 and 600".into()));
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    bound(&mut environment);
    environment
        .add_template_owned("program", options.program)
        .map_err(|e| wrong(format!("the program does not parse: {e:#}")))?;
    Ok(Box::new(Code {
        environment,
        find: options.find,
        seconds: options.seconds,
        memory_mib: options.memory_mib,
    }))
}

impl Code {
    fn program(&self, sample: &Sample, code: &str) -> Result<String, ScoreError> {
        let mut fields = sample.fields.clone();
        fields.insert(CODE.into(), code.into());
        let template = self.environment.get_template("program");
        let rendered = template.and_then(|t| t.render(Serde(&fields)));
        rendered.map_err(|e| ScoreError::Options {
            scorer: CODE.into(),
            reason: format!(
                "sample {}: the program cannot be rendered: {e:#}",
                sample.id
            ),
        })
    }
}

impl Scorer for Code {
    fn name(&self) -> &'static str {
        CODE
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("passed")];
        METRICS
    }

    fn runs_code(&self) -> bool {
        true
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let isolation = context.code.ok_or(ScoreError::NoSandbox)?;
        let code = self.find.code(&completion.text);
        let job = Job::new(self.program(sample, &code)?, self.seconds, self.memory_mib);
        let ended = isolation.run(&job).map_err(|reason| ScoreError::Options {
            scorer: CODE.into(),
            reason,
        })?;
        let score = Score::new(self, "passed")
            .right(ended.has_passed())
            .label(ended.name());
        let told = ended.told();
        Ok(vec![if told.is_empty() {
            score
        } else {
            score.because(visible_line(&excerpt(&told, 300)))
        }])
    }
}
