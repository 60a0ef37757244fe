//! Where a task's documents are: in a folder of documents, in files that the task names, or on the hub.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::data::DataOptions;
use super::error::SuiteError;
use super::hub;
use super::lm_eval::{Dataset, Task};
use super::schema::HubSource;
use crate::files::{self, Folder, Format, PlainPath, Row};
use crate::hub::HubPin;

/// Endings of the files that documents are read from.
const ENDINGS: [&str; 5] = ["jsonl", "ndjson", "json", "parquet", "csv"];

/// Most shards of one split.
const MAX_SHARDS: usize = 10_000;

/// The branch of the hub on which every dataset is kept as Parquet, a folder per configuration and split.
const PARQUET: &str = "refs/convert/parquet";

/// Where documents are looked for.
pub(super) struct Shelf<'a> {
    pub task: &'a Task,
    /// Folders of documents, in order.
    pub folders: Vec<PathBuf>,
    /// The folder of task files, with its links resolved, and the folder of the task's own file in it.
    pub root: &'a Path,
    pub beside: PathBuf,
    pub options: &'a DataOptions,
}

/// The documents of a split.
pub(super) struct Documents {
    pub rows: Vec<Row>,
    /// The commits of datasets of the hub that they are of.
    pub pins: Vec<HubPin>,
}

impl Shelf<'_> {
    /// The documents of a split.
    ///
    /// # Errors
    /// [`SuiteError::NoData`] names the file that is needed where there is none.
    pub(super) async fn read(&self, split: &str) -> Result<Documents, SuiteError> {
        let (mut rows, mut pins) = (Vec::new(), Vec::new());
        for path in self.find(split).await? {
            pins.extend(HubPin::of(&path));
            let format = Format::of(&path).ok_or_else(|| SuiteError::Unreadable {
                path: path.display().to_string(),
                reason: format!("its name ends in none of {}", ENDINGS.join(", ")),
            })?;
            let field = self
                .task
                .dataset
                .options
                .get("field")
                .and_then(Value::as_str);
            let own = files::rows(&path, format, field)?;
            let own = own.map(|row| row.map(|(_, row)| row));
            let mut own: Vec<Row> = own.collect::<Result<_, _>>()?;
            if format == Format::Csv {
                infer(&mut own);
            }
            rows.extend(own);
        }
        complete(&mut rows);
        if rows.is_empty() {
            return Err(self.missing(format!("its split '{split}' has no rows"), split));
        }
        Ok(Documents { rows, pins })
    }

    async fn find(&self, split: &str) -> Result<Vec<PathBuf>, SuiteError> {
        for folder in &self.folders {
            let Ok(folder) = Folder::open(folder) else {
                continue;
            };
            for place in self.places(split) {
                let found = in_folder(&folder, &place, split);
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
        let dataset = &self.task.dataset;
        if let Some(named) = dataset.options.get("data_files") {
            return self.named(named, split).await;
        }
        let mut own = vec![dataset.path.clone()];
        own.extend(
            dataset
                .name
                .iter()
                .map(|name| format!("{}/{name}", dataset.path)),
        );
        for base in [&self.beside, self.root] {
            let Ok(folder) = Folder::open(base) else {
                continue;
            };
            for place in own.iter().rev() {
                let found = in_folder(&folder, place, split);
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
        self.on_hub(dataset, split).await
    }

    /// The folders of documents that a split may be in, by the task's name and the dataset's.
    fn places(&self, split: &str) -> Vec<String> {
        let Task { name, dataset, .. } = self.task;
        let own = name.rsplit("::").next().unwrap_or(name);
        let short = dataset.path.rsplit('/').next().unwrap_or(&dataset.path);
        let mut places = vec![own.to_owned(), format!("{own}.{split}")];
        for path in [dataset.path.as_str(), short] {
            places.extend(dataset.name.iter().map(|config| format!("{path}/{config}")));
            places.push(path.to_owned());
        }
        places
    }

    /// The files that `data_files` names, below the folder of task files or one of documents.
    async fn named(&self, named: &Value, split: &str) -> Result<Vec<PathBuf>, SuiteError> {
        let of_split = match named {
            Value::Object(splits) => splits.get(split),
            other if split == "train" => Some(other),
            _ => None,
        };
        let list: Vec<&str> = match of_split {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => {
                let reason = format!("its data_files name no split '{split}'");
                return Err(self.missing(reason, split));
            }
        };
        let mut found = Vec::new();
        for file in list {
            if let Some(hub) = file.strip_prefix("hf://datasets/") {
                found.extend(self.hub_file(hub, split).await?);
                continue;
            }
            let bases = [&self.beside, self.root].into_iter();
            let bases = bases.chain(self.folders.iter().map(PathBuf::as_path));
            let path = bases.into_iter().find_map(|base| below(base, file));
            match path {
                Some(path) => found.push(path),
                None if self.task.dataset.path.contains('/') => {
                    let repository = format!("{}/{file}", self.task.dataset.path);
                    found.extend(self.hub_file(&repository, split).await?);
                }
                None => {
                    let reason = format!(
                        "its file {file} is neither in the folder of task files nor in one of documents"
                    );
                    return Err(self.missing(reason, split));
                }
            }
        }
        Ok(found)
    }

    /// One file of a dataset's repository: `owner/name/path`.
    async fn hub_file(&self, written: &str, split: &str) -> Result<Vec<PathBuf>, SuiteError> {
        let parts: Vec<&str> = written.splitn(3, '/').collect();
        let [owner, name, file] = parts.as_slice() else {
            return Err(self.missing(format!("'{written}' is not a file of the hub"), split));
        };
        let (name, revision) = name
            .split_once('@')
            .map_or((*name, None), |(n, r)| (n, Some(r)));
        let own = self
            .task
            .dataset
            .options
            .get("revision")
            .and_then(Value::as_str);
        self.fetch(&format!("{owner}/{name}"), revision.or(own), file)
            .await
            .map_err(|reason| self.missing(reason, split))
    }

    /// The Parquet shards of a split.
    async fn on_hub(&self, dataset: &Dataset, split: &str) -> Result<Vec<PathBuf>, SuiteError> {
        let config = dataset.name.as_deref().unwrap_or("default");
        let mut found = Vec::new();
        for shard in 0..MAX_SHARDS {
            let file = format!("{config}/{split}/{shard:04}.parquet");
            match self.fetch(&dataset.path, Some(PARQUET), &file).await {
                Ok(paths) => found.extend(paths),
                Err(reason) if shard == 0 => return Err(self.missing(reason, split)),
                // The last shard is the one after which there is none.
                Err(reason) if self.options.offline || reason.contains("404") => break,
                // The shards before it lay in the cache, and nobody can say whether there are more.
                Err(reason) if !self.options.listings.has(&dataset.path) => {
                    tracing::warn!("{reason}; {split} is taken as it is in the cache");
                    break;
                }
                Err(reason) => return Err(self.missing(reason, split)),
            }
        }
        Ok(found)
    }

    async fn fetch(
        &self,
        dataset: &str,
        revision: Option<&str>,
        file: &str,
    ) -> Result<Vec<PathBuf>, String> {
        let plain = |path: &str| path.parse::<PlainPath>().map_err(|e| e.to_string());
        let source = HubSource {
            dataset: plain(dataset)?,
            revision: revision.map(plain).transpose()?,
            files: vec![plain(file)?],
        };
        hub::fetch(&source, &self.options.listings, self.options.offline).await
    }

    fn missing(&self, reason: String, split: &str) -> SuiteError {
        let own = self
            .task
            .name
            .rsplit("::")
            .next()
            .unwrap_or(&self.task.name);
        SuiteError::NoData {
            suite: self.task.name.clone(),
            reason,
            help: format!(
                "put its documents into DIR/{own}/{split}.jsonl (or .parquet, .csv; or DIR/{}/{split}.jsonl), and name DIR with ?data=DIR, CANDOR_DATA or [data] dir in candor.toml",
                self.task.dataset.path
            ),
        }
    }
}

/// The files of a split in a folder: `PLACE/SPLIT.jsonl`, the shards `PLACE/SPLIT-00000-of-00002.parquet` there or in `data`, those of a
/// folder `PLACE/SPLIT`, or the file `PLACE.jsonl`.
fn in_folder(folder: &Folder, place: &str, split: &str) -> Vec<PathBuf> {
    for ending in ENDINGS {
        for name in [
            format!("{place}/{split}.{ending}"),
            format!("{place}.{ending}"),
        ] {
            if name.starts_with(&format!("{place}.")) && !place.ends_with(&format!(".{split}")) {
                continue;
            }
            if let Some(file) = name.parse().ok().and_then(|name| folder.file(&name).ok()) {
                return vec![file];
            }
        }
    }
    for (below, is_shard) in [
        (place.to_owned(), true),
        (format!("{place}/data"), true),
        (format!("{place}/{split}"), false),
    ] {
        let Ok(below) = below.parse::<PlainPath>() else {
            continue;
        };
        let Ok(entries) = std::fs::read_dir(below.below(folder.path())) else {
            continue;
        };
        let shard = |path: &PathBuf| {
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            let of_split = !is_shard || name.starts_with(&format!("{split}-"));
            of_split && ENDINGS.iter().any(|e| name.ends_with(&format!(".{e}")))
        };
        let paths = entries.flatten().map(|e| e.path()).filter(shard);
        let mut shards: Vec<PathBuf> = paths.filter_map(|p| folder.admit(p).ok()).collect();
        if !shards.is_empty() {
            shards.sort();
            return shards;
        }
    }
    Vec::new()
}

/// A file below a folder, by a relative path or one that begins with the folder's own.
fn below(base: &Path, written: &str) -> Option<PathBuf> {
    let folder = Folder::open(base).ok()?;
    let relative = Path::new(written)
        .strip_prefix(base)
        .unwrap_or(Path::new(written));
    let relative = relative.strip_prefix("./").unwrap_or(relative);
    folder.file(&relative.to_str()?.parse().ok()?).ok()
}

/// Gives every row every field that any of them has, as a table does: null where it had none.
fn complete(rows: &mut [Row]) {
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for name in rows.iter().flat_map(Row::keys) {
        if known.insert(name.as_str()) {
            names.push(name.clone());
        }
    }
    for row in rows.iter_mut().filter(|row| row.len() < names.len()) {
        for name in &names {
            if !row.contains_key(name) {
                row.insert(name.clone(), Value::Null);
            }
        }
    }
}

/// A column of a CSV file whose cells are all numbers holds numbers; blank cells are null.
fn infer(rows: &mut [Row]) {
    let Some(first) = rows.first() else { return };
    let names: Vec<String> = first.keys().cloned().collect();
    for name in names {
        let cells = || rows.iter().filter_map(|row| row.get(&name)?.as_str());
        let filled = || cells().filter(|c| !c.is_empty());
        let whole = filled().all(|c| c.parse::<i64>().is_ok());
        let number = whole || filled().all(|c| c.parse::<f64>().is_ok_and(f64::is_finite));
        let blank = filled().next().is_none();
        let gaps = cells().any(str::is_empty);
        for row in rows.iter_mut() {
            let Some(cell) = row.get_mut(&name) else {
                continue;
            };
            let text = cell.as_str().unwrap_or_default();
            *cell = if text.is_empty() {
                Value::Null
            } else if blank || !number {
                continue;
            } else if whole && !gaps {
                text.parse::<i64>().map_or(Value::Null, Value::from)
            } else {
                text.parse::<f64>().map_or(Value::Null, Value::from)
            };
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_completed_and_csv_columns_typed() {
        let row = |value: Value| value.as_object().unwrap().clone();
        let mut rows = vec![row(json!({"a": 1})), row(json!({"b": 2}))];
        complete(&mut rows);
        assert_eq!(
            rows,
            [
                row(json!({"a": 1, "b": null})),
                row(json!({"a": null, "b": 2}))
            ]
        );
        let mut rows = vec![
            row(json!({"n": "1", "x": "0.5", "t": "a", "e": ""})),
            row(json!({"n": "-2", "x": "", "t": "3", "e": ""})),
        ];
        infer(&mut rows);
        assert_eq!(rows[0], row(json!({"n": 1, "x": 0.5, "t": "a", "e": null})));
        assert_eq!(
            rows[1],
            row(json!({"n": -2, "x": null, "t": "3", "e": null}))
        );
    }
}
