//! A made-up row that a task's templates can render: of which fields, and of what kind each is, is read off the templates.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use fancy_regex::{Captures, Regex};
use serde_json::{Map, Value, json};

use super::filter::Pipeline;
use super::request::sources;
use super::task::Task;
use super::template;
use crate::files::{Row, from_python};

/// Rows that are tried at most.
const MAX_TRIES: usize = 600;

/// The values that a field is tried with, the likeliest first.
static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    vec![
        json!("A"),
        json!(1),
        letters(),
        json!("1"),
        json!([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        json!({"text": letters(), "label": letters()}),
        json!([["A", "B"], ["C", "D"]]),
        json!([{"text": "A", "label": "A"}]),
        json!("A B C D E F"),
        json!(true),
        json!("['A', 'B', 'C', 'D']"),
    ]
});

/// A list long enough for the choices that templates write out.
fn letters() -> Value {
    ('A'..='J').map(String::from).collect()
}

/// The first row that holds, of those tried; what is wrong with the likeliest where none does.
///
/// # Errors
/// As `holds` says it.
pub(super) fn row(
    task: &Task,
    mut holds: impl FnMut(&Row) -> Result<(), String>,
) -> Result<Row, String> {
    let fields = fields(task);
    let candidates: Vec<(String, Vec<Value>)> = fields.into_iter().collect();
    let make = |chosen: &[usize]| -> Row {
        let own = candidates.iter().zip(chosen);
        own.map(|((name, values), i)| (name.clone(), values[*i].clone()))
            .collect()
    };
    let first = vec![0; candidates.len()];
    let likeliest = make(&first);
    let why = match holds(&likeliest) {
        Ok(()) => return Ok(likeliest),
        Err(why) => why,
    };
    for (tried, chosen) in others(&candidates).enumerate() {
        if tried == MAX_TRIES {
            break;
        }
        let row = make(&chosen);
        if holds(&row).is_ok() {
            return Ok(row);
        }
    }
    Err(why)
}

/// Rows that differ from the likeliest in one field, then in two, then in any.
fn others(candidates: &[(String, Vec<Value>)]) -> impl Iterator<Item = Vec<usize>> + '_ {
    let n = candidates.len();
    let values = |field: usize| 1..candidates[field].1.len();
    let one = (0..n).flat_map(move |a| values(a).map(move |i| vec![(a, i)]));
    let two = (0..n).flat_map(move |a| {
        (a + 1..n).flat_map(move |b| {
            values(a).flat_map(move |i| values(b).map(move |j| vec![(a, i), (b, j)]))
        })
    });
    let all = (1..VALUES.len()).map(move |i| {
        (0..n)
            .map(|a| (a, i.min(candidates[a].1.len() - 1)))
            .collect()
    });
    one.chain(all)
        .chain(two)
        .map(move |changed: Vec<(usize, usize)>| {
            let mut chosen = vec![0; n];
            for (field, value) in changed {
                chosen[field] = value;
            }
            chosen
        })
}

/// The fields that a task reads, each with its values in the order of their likelihood.
fn fields(task: &Task) -> BTreeMap<String, Vec<Value>> {
    let sources = sources(task);
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in &sources {
        for name in template::names(source) {
            let (root, part) = name.split_once('.').unwrap_or((&name, ""));
            let parts = parts.entry(root.to_owned()).or_default();
            parts.extend((!part.is_empty()).then(|| part.to_owned()));
        }
        if is_name(source) {
            parts.entry((*source).to_owned()).or_default();
        }
    }
    if task.filters.iter().any(Pipeline::reads_choices) {
        parts.entry("choices".into()).or_default();
    }
    let chosen = task
        .form
        .choice
        .as_ref()
        .and_then(super::field::Field::source);
    let mut kinds = Kinds::of(&sources.join("\n"));
    for (name, part) in std::mem::take(&mut kinds.parts) {
        // What is written out in a template is not a field.
        if let Some(parts) = parts.get_mut(&name) {
            parts.push(part);
        }
    }
    let values = parts.into_iter().map(|(name, parts)| {
        let mut values = VALUES.clone();
        let mut likely = |value: Value| {
            values.retain(|v| *v != value);
            values.insert(0, value);
        };
        if let Some(value) = kinds.likely.remove(&name) {
            likely(value);
        }
        if chosen == Some(name.as_str()) {
            likely(letters());
        }
        if parts.iter().any(|part| !METHODS.contains(&part.as_str())) {
            let parts = parts
                .iter()
                .map(|part| part.split('.').next().unwrap_or(part));
            let of = |value: &Value| -> Value {
                parts
                    .clone()
                    .map(|part| (part.to_owned(), value.clone()))
                    .collect::<Map<_, _>>()
                    .into()
            };
            for value in VALUES.iter().rev() {
                likely(of(value));
            }
            likely(of(&letters()));
        }
        (name, values)
    });
    values.collect()
}

/// Methods, which are not fields of fields.
const METHODS: &[&str] = &[
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "replace",
    "lower",
    "upper",
    "capitalize",
    "title",
    "index",
    "format",
    "startswith",
    "endswith",
    "join",
    "items",
    "keys",
    "values",
    "get",
    "find",
    "count",
];

/// Whether a setting is the name of a field, as far as it can be seen.
fn is_name(source: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    !source.is_empty()
        && source.len() <= 64
        && source.chars().all(word)
        && !source.chars().all(|c| c.is_ascii_digit())
}

/// Ways in which templates use fields, each pattern with the field as its group `name`.
struct Uses {
    /// An item of a list that is written out.
    item: Regex,
    /// A number that counts, or picks from a list.
    number: Regex,
    list: Regex,
    /// A part by its name in brackets.
    part: Regex,
    /// A part of each item.
    attribute: Regex,
}

static USES: LazyLock<Uses> = LazyLock::new(|| {
    let pattern = |text: &str| Regex::new(text).expect("the patterns are valid");
    Uses {
        item: pattern(r"(?<list>\[[^\[\]]*\])\.index\(\s*(?<name>\w+)"),
        number: pattern(
            r"\[\s*(?<name>[^\W\d]\w*)\s*(?:[-+]\s*\d+\s*)?(?=[\]:])|:\s*(?<name2>[^\W\d]\w*)\s*\]|\b(?<name3>[^\W\d]\w*)\s*(?:[-+]\s*\d|\|\s*int)",
        ),
        list: pattern(
            r"\bin\s+(?<name>\w+)|\b(?<name2>\w+)\s*(?:\|\s*(?:length|join|list)|\[\s*-?[\w]+\s*\])",
        ),
        part: pattern(r#"\b(?<name>\w+)\[\s*['"](?<part>[^'"]+)['"]\s*\]"#),
        attribute: pattern(r#"\b(?<name>\w+)\s*\|\s*map\(\s*attribute\s*=\s*['"](?<part>\w+)['"]"#),
    }
});

/// What fields are by the way that templates use them.
#[derive(Default)]
struct Kinds {
    likely: HashMap<String, Value>,
    parts: Vec<(String, String)>,
}

impl Kinds {
    fn of(text: &str) -> Self {
        let mut kinds = Self::default();
        let named = |captures: &Captures<'_, str>, name: &str| {
            captures.name(name).map(|m| m.as_str().to_owned())
        };
        let name = |captures: &Captures<'_, str>| {
            ["name", "name2", "name3"]
                .iter()
                .find_map(|n| named(captures, n))
        };
        for found in USES.list.captures_iter(text).flatten() {
            kinds.likely.extend(name(&found).map(|n| (n, letters())));
        }
        for found in USES.attribute.captures_iter(text).flatten() {
            if let Some((name, part)) = name(&found).zip(named(&found, "part")) {
                let item = Map::from_iter([(part, json!("A"))]);
                kinds.likely.insert(name, vec![item; 4].into());
            }
        }
        for found in USES.number.captures_iter(text).flatten() {
            kinds.likely.extend(name(&found).map(|n| (n, json!(1))));
        }
        for found in USES.item.captures_iter(text).flatten() {
            let list = named(&found, "list").and_then(|list| from_python(&list).ok());
            let first = list.and_then(|list| list.get(0).cloned());
            kinds.likely.extend(name(&found).zip(first));
        }
        for found in USES.part.captures_iter(text).flatten() {
            kinds.parts.extend(name(&found).zip(named(&found, "part")));
        }
        kinds
    }
}
