//! Shards of one plan made into the run that the plan would have been in one piece.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use super::directory::RunDirectory;
use super::error::StoreError;
use super::manifest::{Manifest, RunStatus};
use super::own_files::LABELS;
use super::rescored::{RESCORED, rescored_suites};
use super::shards::{ShardGap, Shards};
use super::traffic::TRAFFIC;

impl Shards {
    /// Writes the shards as one run into a new directory: their journals one after the other, the scores given later, labels and traffic. It
    /// can be read, scored and resumed as a run that was never divided; `gaps` are what it lacks.
    ///
    /// # Errors
    /// [`StoreError::NotShards`] where some of them were scored again and others were not; [`StoreError`] if a directory cannot be
    /// read or written.
    pub fn merge(&self, into: &Path, gaps: &[ShardGap]) -> Result<RunDirectory, StoreError> {
        let rescored = self.rescored()?;
        for run in self.runs() {
            run.journal_is_whole()?;
        }
        let mut whole = RunDirectory::create(into, self.whole(gaps))?;
        let journals = self.runs().map(RunDirectory::journal);
        concatenate(journals, &whole.journal())?;
        for name in [LABELS, TRAFFIC] {
            let files = self.runs().map(|run| run.path.join(name));
            let mut files = files.filter(|file| file.is_file()).peekable();
            if files.peek().is_some() {
                concatenate(files, &whole.path.join(name))?;
            }
        }
        match rescored {
            Some(suites) => {
                let mut records = Vec::new();
                for run in self.runs() {
                    records.push(run.records()?);
                }
                whole.keep_scores(suites, records.into_iter().flatten().flatten())?;
            }
            None => whole.write_tables()?,
        }
        whole.publish()?;
        Ok(whole)
    }

    /// What rescoring changed of the suites, the same in every shard; none where none was scored again.
    fn rescored(
        &self,
    ) -> Result<Option<std::collections::BTreeMap<String, super::RescoredSuite>>, StoreError> {
        let mut first: Option<Option<_>> = None;
        for run in self.runs() {
            let own = rescored_suites(&run.path.join(RESCORED))?;
            match &first {
                None => first = Some(own),
                Some(first) if *first == own => {}
                Some(_) => {
                    return Err(StoreError::NotShards {
                        path: run.place().display().to_string(),
                        reason: "`candor score` gave it other scores than the shards before it, or gave them none; score all shards alike, or merge them first"
                            .into(),
                    });
                }
            }
        }
        Ok(first.flatten())
    }

    /// The manifest of all of them.
    fn whole(&self, gaps: &[ShardGap]) -> Manifest {
        let mut manifests = self.runs().map(|run| &run.manifest);
        let Some(first) = manifests.next() else {
            return Manifest::new();
        };
        let mut whole = first.clone();
        (whole.shard, whole.rescored) = (None, None);
        let mut hosts = vec![first.host.as_str()];
        for shard in manifests {
            whole.created = whole.created.min(shard.created);
            whole.finished = whole.finished.max(shard.finished);
            whole.budget = whole.budget.zip(shard.budget).map(|(a, b)| a + b);
            whole.take_from_shard(shard);
            if !hosts.contains(&shard.host.as_str()) {
                hosts.push(&shard.host);
            }
        }
        whole.host = hosts.join("; ");
        whole.status = if gaps.iter().any(|g| g.not_asked > 0) || self.missing().is_some() {
            whole.finished = None;
            RunStatus::Interrupted
        } else if gaps.is_empty() {
            RunStatus::Finished
        } else {
            RunStatus::FinishedWithFailures
        };
        whole
    }
}

/// Writes the whole lines of files one after the other.
fn concatenate<P: AsRef<Path>>(
    files: impl Iterator<Item = P>,
    into: &Path,
) -> Result<(), StoreError> {
    let cannot_write = |e: io::Error| StoreError::file("cannot write", into, &e);
    let mut out = BufWriter::new(File::create(into).map_err(cannot_write)?);
    for path in files {
        let path = path.as_ref();
        let cannot_read = |e: io::Error| StoreError::file("cannot read", path, &e);
        let file = match File::open(path) {
            Ok(file) => file,
            // A shard that was begun and never answered anything.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(cannot_read(e)),
        };
        let (mut file, mut line) = (BufReader::new(file), Vec::new());
        while file.read_until(b'\n', &mut line).map_err(cannot_read)? > 0 {
            // What was cut off in the middle would spoil the line after it.
            if line.ends_with(b"\n") {
                out.write_all(&line).map_err(cannot_write)?;
            }
            line.clear();
        }
    }
    let out = out.into_inner().map_err(|e| cannot_write(e.into_error()))?;
    out.sync_all().map_err(cannot_write)
}
