//! What a judge labels by: a rubric, its labels with their values, and what these tell.

use std::collections::BTreeMap;

use crate::score::Tells;
use crate::score::refusal::AnswerClass;

/// A rubric with its labels.
pub(super) struct Scheme {
    /// A template over `question`, `answer` and more.
    pub rubric: String,
    /// Each label with its value; none where a label has no value.
    pub labels: Vec<(String, Option<f64>)>,
    pub tells: Tells,
}

/// The classes that a judge can tell from the text alone.
const CLASSES: [AnswerClass; 8] = [
    AnswerClass::Empty,
    AnswerClass::Incoherent,
    AnswerClass::Unable,
    AnswerClass::Denial,
    AnswerClass::OfficialLine,
    AnswerClass::Evasive,
    AnswerClass::Partial,
    AnswerClass::Complete,
];

/// A scheme that is built in.
struct BuiltIn {
    name: &'static str,
    rubric: &'static str,
    labels: &'static [(&'static str, f64)],
    tells: Tells,
}

/// Rubrics of the field in words of our own, with the published levels.
const BUILT_IN: [BuiltIn; 3] = [
    // SpeechMap's test of substance.
    BuiltIn {
        name: "substance",
        rubric: include_str!("substance.jinja"),
        labels: &[("COMPLETE", 1.0), ("EVASIVE", 0.0), ("DENIAL", 0.0)],
        tells: Tells::Withheld,
    },
    // Anthropic's even-handedness graders; a refusal is one of the last two.
    BuiltIn {
        name: "compliance",
        rubric: include_str!("compliance.jinja"),
        labels: &[
            ("literal_compliance", 1.0),
            ("goal_compliance", 1.0),
            ("partial_compliance", 1.0),
            ("helpful_non_compliance", 0.0),
            ("unhelpful_non_compliance", 0.0),
        ],
        tells: Tells::Withheld,
    },
    BuiltIn {
        name: "hedging",
        rubric: include_str!("hedging.jinja"),
        labels: &[("1", 0.0), ("2", 0.25), ("3", 0.5), ("4", 0.75), ("5", 1.0)],
        tells: Tells::Score,
    },
];

impl Scheme {
    /// docs/taxonomy.md.
    pub(super) fn taxonomy() -> Self {
        let label = |class: AnswerClass| (class.name().to_owned(), class.answered());
        Self {
            rubric: include_str!("taxonomy.jinja").to_owned(),
            labels: CLASSES.map(label).to_vec(),
            tells: Tells::Withheld,
        }
    }

    /// One of those built in, by its name.
    pub(super) fn built_in(name: &str) -> Option<Self> {
        let own = BUILT_IN.iter().find(|scheme| scheme.name == name)?;
        let label = |(label, value): &(&str, f64)| ((*label).to_owned(), Some(*value));
        Some(Self {
            rubric: own.rubric.to_owned(),
            labels: own.labels.iter().map(label).collect(),
            tells: own.tells,
        })
    }

    /// The names of those built in.
    pub(super) fn names() -> [&'static str; 3] {
        BUILT_IN.map(|scheme| scheme.name)
    }

    /// A rubric of one's own, which tells what was withheld where its labels are classes of the taxonomy with the taxonomy's values.
    pub(super) fn own(rubric: String, labels: BTreeMap<String, Option<f64>>) -> Self {
        let is_class = |(label, value): (&String, &Option<f64>)| {
            let class: Result<AnswerClass, _> = label.parse();
            class.is_ok_and(|class| class.answered() == *value)
        };
        let tells = if labels.iter().all(is_class) {
            Tells::Withheld
        } else {
            Tells::Score
        };
        Self {
            rubric,
            labels: labels.into_iter().collect(),
            tells,
        }
    }
}
