//! The format of `suite.yaml`, version 1. `candor suites schema` prints its JSON Schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::published::PublishedAs;
use super::steps::Step;
use crate::files::PlainPath;
use crate::model::Parameters;

/// What a suite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// How good are the answers?
    Benchmark,
    /// What is not answered, and to whom?
    Audit,
    /// Are people treated alike?
    Bias,
}

/// A suite as written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteFile {
    /// Version of this format: 1.
    pub format: u32,
    /// The suite's name, as in `-s NAME`.
    pub name: String,
    /// Version of the suite's content; two runs compare only where it is the same.
    pub version: String,
    /// Benchmark, audit or bias.
    pub kind: Kind,
    /// One line on what it asks.
    pub title: String,
    /// Licence of the items.
    pub licence: String,
    /// Where the items come from.
    pub source: String,
    /// A canary: a string by which the items can be found in training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// Name of the benchmark in lists of published figures, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_as: Option<PublishedAs>,
    /// Names of related benchmarks there: their figures are shown apart, for orientation, never alongside the suite's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related_to: Vec<String>,
    /// Where the rows are; `items.jsonl` in the suite's folder by default.
    #[serde(default)]
    pub data: DataSource,
    /// Constants that every template may use alongside the row's fields, such as the wordings of a question in several languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, serde_json::Value>,
    /// Makes several samples of a row: one for each combination of these fields' values. Values that are empty or are there already
    /// are skipped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vary: BTreeMap<String, Values>,
    /// How a row becomes a sample: templates over the row's fields.
    #[serde(default)]
    pub sample: SampleTemplates,
    /// How a sample becomes a prompt.
    pub prompt: PromptTemplates,
    /// How answers are decoded.
    #[serde(default)]
    pub parameters: Parameters,
    /// How answers are scored. The first scorer's first metric is the suite's headline.
    pub scorers: Vec<ScorerSpec>,
}

/// The values of a field that is varied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    /// Templates over the row's own fields.
    Listed(Vec<String>),
    /// A list that each row has: `"{{ languages }}"`.
    OfRow(String),
}

impl Values {
    /// The templates, or the one that gives a row's list.
    #[must_use]
    pub fn templates(&self) -> &[String] {
        match self {
            Self::Listed(all) => all,
            Self::OfRow(one) => std::slice::from_ref(one),
        }
    }
}

/// Where a suite's rows are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataSource {
    /// Files under the data folder (`CANDOR_DATA`, `[data] dir` in candor.toml, or `?data=` next to the suite's name). Where none are named,
    /// those of the hub, in a folder of the dataset's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DataFile>,
    /// Ask what there is of the files: one is enough, and those that are missing are logged. Otherwise all are needed.
    #[serde(skip_serializing_if = "is_default")]
    pub partial: bool,
    /// Where the files are published, for an error that says what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The same rows in a dataset of the Hugging Face hub, taken from its cache or fetched where no local file is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubSource>,
    /// For a JSON file that is an object: the field that holds the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// A pattern over a file's path, whose named groups become fields of its rows: `(?P<language>[a-z]+)/test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_fields: Option<String>,
    /// What is done to the rows as published, in this order, before samples are made of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Worked examples for every row, from rows of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shots: Option<Shots>,
}

impl DataSource {
    /// Whether the rows are elsewhere than in the suite's folder.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        !self.files.is_empty() || self.hub.is_some()
    }

    /// Whether samples are made of the rows as they are, each by itself.
    #[must_use]
    pub fn is_as_published(&self) -> bool {
        self.steps.is_empty() && self.shots.is_none()
    }
}

/// Where worked examples come from, and which ones a row gets: a list of rows in its field `shots`, for the prompt to render.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shots {
    /// Where their rows are; in the suite's folder, as items, where nothing is said.
    #[serde(default)]
    pub data: Box<DataSource>,
    /// How many a row gets.
    pub count: usize,
    /// Which ones.
    #[serde(default)]
    pub draw: Draw,
    /// What draws them.
    #[serde(default)]
    pub seed: u64,
    /// Fields in which an example agrees with its row, such as the subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same: Vec<String>,
}

/// Which of the rows are the examples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// The first ones, the same for every row.
    #[default]
    First,
    /// A draw for every row, as Python's `random.sample` draws one after the other.
    Random,
}

/// A file of rows: its path, or the paths that it is known under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DataFile {
    /// One path.
    Path(PlainPath),
    /// Several; the first that is there is read.
    FirstOf(Vec<PlainPath>),
}

impl DataFile {
    /// Its paths, the usual one first.
    #[must_use]
    pub fn paths(&self) -> &[PlainPath] {
        match self {
            Self::Path(path) => std::slice::from_ref(path),
            Self::FirstOf(paths) => paths,
        }
    }
}

impl<'de> Deserialize<'de> for DataFile {
    /// By hand, so that a path that is not plain is named with its reason.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileVisitor;

        impl<'de> Visitor<'de> for FileVisitor {
            type Value = DataFile;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a path, or a list of paths of one file")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<DataFile, E> {
                path.parse().map(DataFile::Path).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DataFile, A::Error> {
                let mut paths = Vec::new();
                while let Some(path) = seq.next_element()? {
                    paths.push(path);
                }
                Ok(DataFile::FirstOf(paths))
            }
        }
        deserializer.deserialize_any(FileVisitor)
    }
}

impl std::fmt::Display for DataFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths: Vec<&str> = self.paths().iter().map(PlainPath::as_str).collect();
        f.write_str(&paths.join(" or "))
    }
}

/// Files of a dataset on the Hugging Face hub.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `owner/name`.
    pub dataset: PlainPath,
    /// Branch, tag or commit; by default `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<PlainPath>,
    /// Paths in the dataset's repository (Parquet, JSONL, JSON or CSV).
    pub files: Vec<PlainPath>,
}

/// Templates that make a sample of a row. Each is Jinja over the row's fields; a field of the same name in the row is taken
/// where no template is given.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SampleTemplates {
    /// Identifies the sample; by default the row's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The right answer: text, or for choices the letter, index or text of the right one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The choices, one template each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What answers are broken down by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub strata: BTreeMap<String, String>,
    /// Ties a sample to its matched one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The samples' side of the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<PairRole>,
    /// Samples of one cluster are not independent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// The side of a matched pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PairRole {
    /// The item in question.
    Sensitive,
    /// Its match of the same form that is not sensitive.
    Control,
}

impl PairRole {
    /// As files and tables have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sensitive => "sensitive",
            Self::Control => "control",
        }
    }

    /// The role of a name; none where no role has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = [Self::Sensitive, Self::Control].into_iter();
        all.find(|role| role.name() == name)
    }
}

/// What is asked of the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// An answer in words.
    #[default]
    Answer,
    /// The log-likelihood of each choice after the prompt.
    Choices,
}

/// How a sample becomes a prompt.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptTemplates {
    /// What is asked.
    #[serde(default)]
    pub ask: Ask,
    /// Jinja over the sample's fields, with `choices` and `letters`.
    pub user: String,
    /// Instructions before the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The same as plain text, for models without a chat template, such as base models; by default `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Worked examples put before the question: turns of the chat, or text before the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Between the examples of a plain text prompt.
    #[serde(default = "blank_line")]
    pub separator: String,
    /// Put before each choice when its log-likelihood is asked for.
    #[serde(default = "one_space")]
    pub choice_prefix: String,
    /// What represents a choice when its log-likelihood is asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub choice_as: ChoiceAs,
    /// Ask in plain text whatever the model: its chat template is not used.
    #[serde(default, skip_serializing_if = "is_default")]
    pub plain: bool,
}

/// What represents a choice when its log-likelihood is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChoiceAs {
    /// Its text.
    #[default]
    Text,
    /// Its letter, as the prompt lists it.
    Letter,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn blank_line() -> String {
    "\n\n".into()
}

fn one_space() -> String {
    " ".into()
}

/// A worked example.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The row's fields, as a sample of the suite has them.
    pub fields: BTreeMap<String, serde_json::Value>,
    /// The model answer.
    pub answer: String,
}

/// A scorer by name, with its options: `number` or `regex: { pattern: … }`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(with = "ScorerSchema")]
pub enum ScorerSpec {
    /// Name only.
    Plain(String),
    /// One name with options.
    With(BTreeMap<String, serde_json::Value>),
}

/// As the schema shows it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum ScorerSchema {
    Plain(String),
    With(BTreeMap<String, serde_json::Value>),
}

impl ScorerSpec {
    /// The scorer's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::With(map) => map.keys().next().map_or("", String::as_str),
        }
    }

    /// Its options as JSON; an empty object where none are given.
    #[must_use]
    pub fn options(&self) -> serde_json::Value {
        match self {
            Self::Plain(_) => serde_json::Value::Object(serde_json::Map::new()),
            Self::With(map) => map.values().next().cloned().unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for ScorerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpecVisitor;

        impl<'de> Visitor<'de> for SpecVisitor {
            type Value = ScorerSpec;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a scorer's name, or one name with its options")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<ScorerSpec, E> {
                Ok(ScorerSpec::Plain(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScorerSpec, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, options)) = map.next_entry::<String, serde_json::Value>()? {
                    all.insert(name, options);
                }
                if all.len() == 1 {
                    Ok(ScorerSpec::With(all))
                } else {
                    Err(de::Error::custom(
                        "a scorer with options is one name followed by its options",
                    ))
                }
            }
        }
        deserializer.deserialize_any(SpecVisitor)
    }
}

/// The JSON Schema of `suite.yaml`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(SuiteFile).to_value()
}
