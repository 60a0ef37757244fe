//! The tasks, groups and tags of a folder of task files. Every file is read once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::config::Config;
use super::error::TaskError;
use super::group::{self, TaskGroup};
use super::yaml;
use crate::files::read_text;

/// Largest task file, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Longest chain of includes.
const MAX_INCLUDES: usize = 32;

/// Folders that Python and notebooks fill.
const IGNORED: [&str; 2] = ["__pycache__", ".ipynb_checkpoints"];

/// Folders of task files that have been read.
#[derive(Debug, Clone, Default)]
pub struct Registries(Arc<Mutex<HashMap<PathBuf, Arc<Registry>>>>);

impl Registries {
    /// The folder, read now or before.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub(in crate::suite) fn get(&self, folder: &Path) -> Result<Arc<Registry>, TaskError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(registry) = known.get(folder) {
            return Ok(Arc::clone(registry));
        }
        let registry = Arc::new(Registry::open(folder)?);
        known.insert(folder.to_owned(), Arc::clone(&registry));
        Ok(registry)
    }
}

/// What a folder of task files holds.
#[derive(Debug)]
pub struct Registry {
    /// The folder, as it was named.
    pub(in crate::suite) folder: String,
    root: PathBuf,
    tasks: BTreeMap<String, Arc<Config>>,
    groups: BTreeMap<String, Config>,
    tags: BTreeMap<String, BTreeSet<String>>,
    /// Files that cannot be read, and why.
    wrong: Vec<TaskError>,
    /// Files read.
    files: usize,
}

/// What a name represents.
#[derive(Debug, Default)]
pub(in crate::suite) struct Named {
    /// Its tasks, each once.
    pub tasks: Vec<Found>,
    /// The groups that they came by, each once.
    pub groups: Vec<TaskGroup>,
}

/// A task to be read: its settings, and the name that it is found under.
#[derive(Debug, Clone)]
pub(in crate::suite) struct Found {
    pub name: String,
    pub config: Arc<Config>,
}

impl Registry {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`TaskError::Unreadable`] if it is not one.
    pub(in crate::suite) fn open(folder: &Path) -> Result<Self, TaskError> {
        let unreadable = |e: std::io::Error| TaskError::Unreadable {
            file: folder.display().to_string(),
            reason: e.to_string(),
        };
        let root = folder.canonicalize().map_err(unreadable)?;
        let mut paths = Vec::new();
        list(&root, Path::new(""), &mut paths).map_err(unreadable)?;
        paths.sort();
        let library = Library {
            shown: folder.display().to_string(),
            root,
            files: Mutex::default(),
        };
        let read: Vec<Result<Config, TaskError>> = paths
            .par_iter()
            .map(|path| library.config(path, &mut Vec::new()))
            .collect();
        let mut registry = Self {
            folder: library.shown,
            root: library.root,
            tasks: BTreeMap::new(),
            groups: BTreeMap::new(),
            tags: BTreeMap::new(),
            wrong: Vec::new(),
            files: paths.len(),
        };
        for config in read {
            match config {
                Ok(config) => registry.add(config),
                Err(error) => registry.wrong.push(error),
            }
        }
        Ok(registry)
    }

    /// Registers what a file defines. Of two definitions of one name the first counts; a file without a name is there to be included.
    fn add(&mut self, config: Config) {
        let name = |key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(group) = name("group").filter(|_| !config.has("class")) {
            self.groups.entry(group).or_insert(config);
        } else if let Some(task) = name("task") {
            for tag in tags(&config) {
                self.tags.entry(tag).or_default().insert(task.clone());
            }
            self.tasks.entry(task).or_insert_with(|| Arc::new(config));
        }
    }

    /// The folder with its links resolved.
    pub(in crate::suite) fn root(&self) -> &Path {
        &self.root
    }

    /// Files that cannot be read, and why.
    #[must_use]
    pub fn wrong(&self) -> &[TaskError] {
        &self.wrong
    }

    /// Files read.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files
    }

    /// Every task, by name.
    pub(in crate::suite) fn tasks(&self) -> impl Iterator<Item = (&str, &Config)> {
        self.tasks
            .iter()
            .map(|(name, config)| (name.as_str(), &**config))
    }

    /// The tasks that a name represents: a task, a group, a tag, several with commas between them, a pattern over all of those, or
    /// `group::task` for a task as a group sets it.
    ///
    /// # Errors
    /// [`TaskError::Unknown`] if there is none.
    pub(in crate::suite) fn find(&self, names: &str) -> Result<Named, TaskError> {
        let mut found = Named::default();
        for name in names.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            let before = found.tasks.len();
            for known in self.matching(name) {
                self.expand(known, &mut found)?;
            }
            if found.tasks.len() == before
                && let Some((group, _)) = name.split_once("::")
                && self.groups.contains_key(group)
            {
                let mut members = Named::default();
                self.expand(group, &mut members)?;
                let members = members.tasks.into_iter();
                found.tasks.extend(members.filter(|m| m.name == name));
            }
            if found.tasks.len() == before {
                return Err(TaskError::Unknown {
                    folder: self.folder.clone(),
                    name: name.to_owned(),
                });
            }
        }
        let (mut tasks, mut groups) = (BTreeSet::new(), BTreeSet::new());
        found.tasks.retain(|f| tasks.insert(f.name.clone()));
        found.groups.retain(|g| groups.insert(g.name.clone()));
        Ok(found)
    }

    /// The names that a name or a pattern represents: itself, else the tasks that match, else the groups and tags that do.
    fn matching<'a>(&'a self, pattern: &'a str) -> Vec<&'a str> {
        let others = || self.groups.keys().chain(self.tags.keys());
        if self.tasks.contains_key(pattern) || others().any(|name| name == pattern) {
            return vec![pattern];
        }
        let matching = |name: &&str| matches(pattern, name);
        let tasks: Vec<&str> = self
            .tasks
            .keys()
            .map(String::as_str)
            .filter(matching)
            .collect();
        if !tasks.is_empty() {
            return tasks;
        }
        let others: BTreeSet<&str> = others().map(String::as_str).filter(matching).collect();
        others.into_iter().collect()
    }

    fn expand(&self, name: &str, found: &mut Named) -> Result<(), TaskError> {
        if let Some(config) = self.tasks.get(name) {
            found.tasks.push(Found {
                name: name.to_owned(),
                config: Arc::clone(config),
            });
            return Ok(());
        }
        if let Some(group) = self.groups.get(name) {
            let none = Config::of_file(&group.file, Map::new());
            return self.members(name, group, &none, &mut vec![name.to_owned()], found);
        }
        for task in self.tags.get(name).into_iter().flatten() {
            if let Some(config) = self.tasks.get(task) {
                found.tasks.push(Found {
                    name: task.clone(),
                    config: Arc::clone(config),
                });
            }
        }
        Ok(())
    }

    /// A group with its tasks.
    fn members(
        &self,
        name: &str,
        group: &Config,
        above: &Config,
        path: &mut Vec<String>,
        found: &mut Named,
    ) -> Result<(), TaskError> {
        let (tasks, place) = (found.tasks.len(), found.groups.len());
        self.tasks_of(name, group, above, path, found)?;
        let title = group.get("group_alias").and_then(Value::as_str);
        let group = TaskGroup {
            name: name.to_owned(),
            title: title.unwrap_or(name).to_owned(),
            suites: found.tasks[tasks..]
                .iter()
                .map(|f| f.name.clone())
                .collect(),
            metrics: group::metrics(group)?,
        };
        // Before the groups within it.
        found.groups.insert(place, group);
        Ok(())
    }

    /// The tasks of a group, with what the group sets over their own settings.
    fn tasks_of(
        &self,
        name: &str,
        group: &Config,
        above: &Config,
        path: &mut Vec<String>,
        found: &mut Named,
    ) -> Result<(), TaskError> {
        let list = match group.get("task") {
            None => return Ok(()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(group.wrong("task", "a group lists its tasks")),
        };
        let mut set = Config::of_file(&group.file, without(group.fields(), GROUP));
        set.update(above);
        for (i, member) in list.iter().enumerate() {
            let at = format!("task[{i}]");
            let (own, member_name, is_group) = match member {
                Value::String(member) => (Map::new(), member.as_str(), false),
                Value::Object(own) => {
                    let named = |key: &str| own.get(key).and_then(Value::as_str);
                    let is_group = named("group").is_some();
                    let named = named("group").or_else(|| named("task"));
                    let named =
                        named.ok_or_else(|| group.wrong(&at, "it names no task and no group"))?;
                    (own.clone(), named, is_group)
                }
                _ => return Err(group.wrong(&at, "it is neither a name nor a mapping")),
            };
            let mut over = set.clone();
            let keys: &[&str] = if is_group { &["group"] } else { &["task"] };
            over.update(&Config::of_file(&group.file, without(&own, keys)));
            if let Some(sub) = self.groups.get(member_name) {
                if path.iter().any(|above| above == member_name) {
                    let why = format!("the group '{member_name}' holds itself");
                    return Err(group.wrong(&at, why));
                }
                path.push(member_name.to_owned());
                self.members(member_name, sub, &over, path, found)?;
                path.pop();
            } else if is_group {
                let inline = Config::of_file(&group.file, own);
                self.members(
                    &format!("{name}::{member_name}"),
                    &inline,
                    &set,
                    path,
                    found,
                )?;
            } else if let Some(config) = self.tasks.get(member_name) {
                found.tasks.push(overridden(
                    path.first().map_or(name, String::as_str),
                    member_name,
                    config,
                    &over,
                ));
            } else if let Some(tagged) = self.tags.get(member_name) {
                for task in tagged {
                    if let Some(config) = self.tasks.get(task) {
                        found.tasks.push(overridden(
                            path.first().map_or(name, String::as_str),
                            task,
                            config,
                            &over,
                        ));
                    }
                }
            } else if own.len() > 1 {
                // A task that only the group defines.
                let mut config = over;
                let name = format!("{name}::{member_name}");
                config.update(&Config::of_file(
                    &group.file,
                    Map::from_iter([("task".to_owned(), name.clone().into())]),
                ));
                found.tasks.push(Found {
                    name,
                    config: Arc::new(config),
                });
            } else {
                let why = format!("there is no task, group or tag '{member_name}'");
                return Err(group.wrong(&at, why));
            }
        }
        Ok(())
    }
}

/// Settings of a group that are not its tasks'.
const GROUP: &[&str] = &[
    "group",
    "group_alias",
    "task",
    "tag",
    "aggregate_metric_list",
    "metadata",
    "version",
    "include",
];

fn without(fields: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    let kept = fields
        .iter()
        .filter(|(key, _)| !keys.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// A task as a group sets it: under its own name where the group changes nothing.
fn overridden(group: &str, task: &str, config: &Arc<Config>, over: &Config) -> Found {
    if over.fields().is_empty() {
        return Found {
            name: task.to_owned(),
            config: Arc::clone(config),
        };
    }
    let mut config = Config::clone(config);
    config.update(over);
    Found {
        name: format!("{group}::{task}"),
        config: Arc::new(config),
    }
}

fn tags(config: &Config) -> Vec<String> {
    match config.get("tag") {
        Some(Value::String(tag)) => vec![tag.clone()],
        Some(Value::Array(tags)) => tags
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a name is what a pattern names: `*`, `?` and `[…]` as in file names.
pub(in crate::suite) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and how far the name was then.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match one(&pattern[p..], name[n]) {
            Some(taken) => (p, n) = (p + taken, n + 1),
            None if pattern.get(p) == Some(&'*') => {
                star = Some((p, n));
                p += 1;
            }
            None => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How many characters of a pattern represent this one of a name.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '*' => None,
        '?' => Some(1),
        '[' => {
            let end = pattern
                .iter()
                .skip(2)
                .position(|c| *c == ']')
                .map(|i| i + 2);
            let Some(end) = end else {
                return (c == '[').then_some(1);
            };
            let (negated, set) = match pattern[1] {
                '!' => (true, &pattern[2..end]),
                _ => (false, &pattern[1..end]),
            };
            let mut inside = false;
            let mut i = 0;
            while i < set.len() {
                if i + 2 < set.len() && set[i + 1] == '-' {
                    inside |= (set[i]..=set[i + 2]).contains(&c);
                    i += 3;
                } else {
                    inside |= set[i] == c;
                    i += 1;
                }
            }
            (inside != negated).then_some(end + 1)
        }
        own => (*own == c).then_some(1),
    }
}

/// The `.yaml` files below a folder, links to folders left alone.
fn list(root: &Path, below: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !IGNORED.iter().any(|ignored| entry.file_name() == *ignored) {
                list(root, &path, paths)?;
            }
        } else if path.extension().is_some_and(|e| e == "yaml") {
            paths.push(path);
        }
    }
    Ok(())
}

/// The files of a folder, each read when it is first wanted.
struct Library {
    shown: String,
    root: PathBuf,
    files: Mutex<HashMap<PathBuf, Parsed>>,
}

/// A file's settings, or why there are none.
type Parsed = Arc<Result<Map<String, Value>, TaskError>>;

impl Library {
    fn name(&self, path: &Path) -> String {
        Path::new(&self.shown).join(path).display().to_string()
    }

    /// The settings of a file, those that it includes below its own.
    fn config(&self, path: &Path, above: &mut Vec<PathBuf>) -> Result<Config, TaskError> {
        let name: Arc<str> = self.name(path).into();
        let wrong = |reason: String| TaskError::Wrong {
            file: name.to_string(),
            key: "include".into(),
            reason,
        };
        let parsed = self.parsed(path);
        let mut fields = match &*parsed {
            Ok(fields) => fields.clone(),
            Err(error) => return Err(error.clone()),
        };
        let included = match fields.remove("include") {
            None | Some(Value::Null) => return Ok(Config::of_file(&name, fields)),
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => {
                let paths = several.iter().map(|p| p.as_str().map(str::to_owned));
                let paths: Option<Vec<String>> = paths.collect();
                paths.ok_or_else(|| wrong("it is not a list of files".into()))?
            }
            Some(other) => return Err(wrong(format!("{other} is not a file"))),
        };
        above.push(path.to_owned());
        if above.len() > MAX_INCLUDES {
            return Err(wrong(format!(
                "more than {MAX_INCLUDES} files include each other"
            )));
        }
        let mut config = Config::of_file(&name, Map::new());
        for written in included {
            let target = self.below(path, &written).map_err(&wrong)?;
            if above.contains(&target) {
                let circle: Vec<String> = above.iter().map(|p| p.display().to_string()).collect();
                return Err(wrong(format!(
                    "the files include each other in a circle: {} → {}",
                    circle.join(" → "),
                    target.display()
                )));
            }
            let mut own = self.config(&target, above)?;
            own.remove("task_list");
            config.update(&own);
        }
        above.pop();
        config.update(&Config::of_file(&name, fields));
        Ok(config)
    }

    /// The path below the root that an include of a file names.
    fn below(&self, file: &Path, written: &str) -> Result<PathBuf, String> {
        let outside = || format!("'{written}' is outside the folder {}", self.shown);
        let mut path = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let relative = match Path::new(written).strip_prefix(&self.root) {
            Ok(below) => {
                path = PathBuf::new();
                below
            }
            Err(_) => Path::new(written),
        };
        for part in relative.components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::CurDir => {}
                Component::ParentDir if path.pop() => {}
                _ => return Err(outside()),
            }
        }
        Ok(path)
    }

    fn parsed(&self, path: &Path) -> Parsed {
        let known = |files: &HashMap<PathBuf, Parsed>| files.get(path).cloned();
        if let Some(parsed) = known(&self.files.lock().unwrap_or_else(PoisonError::into_inner)) {
            return parsed;
        }
        let parsed = Arc::new(self.read(path));
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(files.entry(path.to_owned()).or_insert(parsed))
    }

    fn read(&self, path: &Path) -> Result<Map<String, Value>, TaskError> {
        let name = self.name(path);
        let unreadable = |reason: String| TaskError::Unreadable {
            file: name.clone(),
            reason,
        };
        let real = self.root.join(path).canonicalize();
        let real = real.map_err(|e| unreadable(e.to_string()))?;
        if !real.starts_with(&self.root) {
            return Err(unreadable("a link leads out of the folder".into()));
        }
        let size = std::fs::metadata(&real).map_err(|e| unreadable(e.to_string()))?;
        if !size.is_file() {
            return Err(unreadable("it is not a file".into()));
        }
        if size.len() > MAX_BYTES {
            return Err(unreadable(format!(
                "it is larger than {} MiB",
                MAX_BYTES >> 20
            )));
        }
        let text = read_text(&real).map_err(|e| unreadable(e.to_string()))?;
        Ok(yaml::read(&name, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_file_names_do() {
        for (pattern, name, want) in [
            ("mmlu_*", "mmlu_anatomy", true),
            ("mmlu_*", "mmlu", false),
            ("*law*", "ceval-valid_law", true),
            ("a?c", "abc", true),
            ("a[bc]d", "acd", true),
            ("a[!bc]d", "acd", false),
            ("a[a-c]", "ab", true),
            ("[", "[", true),
            ("**", "", true),
            ("abc", "ABC", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }
}
