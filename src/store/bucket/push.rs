//! From the working copy to the store: by a thread of its own, every few seconds during the run, and all of it when asked.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc as answers};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::client::{Objects, Put, Where};
use super::known::{Known, KnownFile, KnownPart};
use super::lease::{BEAT, Lease, taken_over};
use super::part;
use crate::store::address::Address;
use crate::store::error::StoreError;
use crate::store::own_files::{BATCHES, JOURNAL, MANIFEST, REPORT, REPORT_FILES, is_read};

/// Bytes of a part that are not exceeded but by a single line.
const PART: u64 = 16 << 20;
/// Parts after which it is written down which there are.
const SAVE_AFTER: usize = 64;

/// Asks for everything to be sent.
type Publish = answers::Sender<Result<(), StoreError>>;

/// What brings the files of a run to the store, and holds its lock there.
#[derive(Debug)]
pub(in crate::store) struct Upload {
    address: Address,
    requests: Option<mpsc::UnboundedSender<Publish>>,
    thread: Option<JoinHandle<()>>,
    /// Who has taken the run over.
    lost: Arc<OnceLock<String>>,
}

impl Upload {
    /// Starts with what is known to be on the store.
    pub(super) fn start(
        address: Address,
        folder: PathBuf,
        known: Known,
        lease: Lease,
    ) -> Result<Self, StoreError> {
        let lost = Arc::new(OnceLock::new());
        let (requests, received) = mpsc::unbounded_channel();
        let (to, told) = (address.clone(), Arc::clone(&lost));
        let failed = |e: std::io::Error| {
            StoreError::file("cannot start what sends to", &address.below(""), &e)
        };
        let runtime = super::runtime().map_err(failed)?;
        let work = move || {
            let ended = runtime.block_on(async {
                let mut sender = Sender::new(Objects::open(&to)?, folder, known, lease)?;
                sender.send(received).await
            });
            match ended {
                Err(StoreError::TakenOver { holder, .. }) => drop(told.set(holder)),
                Err(error) => tracing::warn!("{error}"),
                Ok(()) => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("candor-upload".into())
            .spawn(work);
        let thread = thread.map_err(failed)?;
        Ok(Self {
            address,
            requests: Some(requests),
            thread: Some(thread),
            lost,
        })
    }

    /// Whether the run is still this process's to write.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] if it is not.
    pub(in crate::store) fn still_held(&self) -> Result<(), StoreError> {
        match self.lost.get() {
            None => Ok(()),
            Some(holder) => Err(StoreError::TakenOver {
                path: self.address.to_string(),
                holder: holder.clone(),
            }),
        }
    }

    /// Sends what the store does not have yet, and waits for it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be sent, or the run is another process's now.
    pub(in crate::store) fn publish(&self) -> Result<(), StoreError> {
        let (answer, answered) = answers::channel();
        let asked = self.requests.as_ref().map(|r| r.send(answer));
        match answered.recv() {
            Ok(done) if asked.is_some() => done,
            _ => {
                // Why it has ended is known when it has.
                while self.thread.as_ref().is_some_and(|t| !t.is_finished()) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                self.still_held()?;
                Err(StoreError::file(
                    "cannot send to",
                    &self.address.below(""),
                    &"what sends has ended",
                ))
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Sender {
    objects: Objects,
    folder: PathBuf,
    known: Known,
    lease: Lease,
    unsaved: usize,
    /// Whether it was said that nothing can be sent.
    complained: bool,
}

impl Sender {
    fn new(
        objects: Objects,
        folder: PathBuf,
        mut known: Known,
        lease: Lease,
    ) -> Result<Self, StoreError> {
        known.lease = Some(lease.id());
        known.save(&folder)?;
        lease.promise(known.parts.len() as u64);
        Ok(Self {
            objects,
            folder,
            known,
            lease,
            unsaved: 0,
            complained: false,
        })
    }

    /// Sends until nobody asks any more, then gives the lock back.
    async fn send(
        &mut self,
        mut requests: mpsc::UnboundedReceiver<Publish>,
    ) -> Result<(), StoreError> {
        let Self {
            objects,
            folder,
            known,
            lease,
            unsaved,
            complained,
        } = self;
        let mut files = Files {
            objects,
            folder,
            known,
            lease,
            unsaved,
        };
        let work = async {
            loop {
                tokio::select! {
                    request = requests.recv() => match request {
                        Some(answer) => {
                            let sent = files.all().await;
                            if sent.as_ref().is_err_and(is_lost) {
                                return sent;
                            }
                            *complained |= sent.is_err();
                            let _ = answer.send(sent);
                        }
                        None => return match files.all().await {
                            Err(error) if *complained && !is_lost(&error) => Ok(()),
                            ended => ended,
                        },
                    },
                    () = tokio::time::sleep(BEAT) => match files.urgent().await {
                        Ok(()) => *complained = false,
                        Err(error) if is_lost(&error) => return Err(error),
                        Err(error) if !*complained => {
                            *complained = true;
                            tracing::warn!("{error}. The run continues; what is not sent yet is in {}", folder.display());
                        }
                        Err(_) => {}
                    },
                }
            }
        };
        let ended = lease.during(objects, work).await;
        if !ended.as_ref().is_err_and(is_lost)
            && let Err(error) = lease.release(objects).await
        {
            // It is a dead writer's in half a minute.
            tracing::debug!("{error}");
        }
        ended
    }
}

/// Whether the run is another process's now.
fn is_lost(error: &StoreError) -> bool {
    matches!(error, StoreError::TakenOver { .. })
}

/// The files that are sent.
struct Files<'a> {
    objects: &'a Objects,
    folder: &'a Path,
    known: &'a mut Known,
    lease: &'a Lease,
    unsaved: &'a mut usize,
}

impl Files<'_> {
    /// What a machine that is lost must not take with it.
    async fn urgent(&mut self) -> Result<(), StoreError> {
        self.journal().await?;
        self.file(BATCHES).await?;
        self.file(MANIFEST).await
    }

    /// Everything; the manifest last, so that a run that says it has ended is there.
    async fn all(&mut self) -> Result<(), StoreError> {
        self.journal().await?;
        for name in names(self.folder) {
            self.file(&name).await?;
        }
        self.file(MANIFEST).await?;
        self.known.save(self.folder)
    }

    /// Sends the whole lines that the journal has grown by.
    async fn journal(&mut self) -> Result<(), StoreError> {
        while let Some(lines) = next_lines(&self.folder.join(JOURNAL), self.known.journal_bytes())?
        {
            let number = self.known.parts.len() as u64 + 1;
            let (name, object) = (part::name(number), part::encode(number, &lines));
            let put = self
                .objects
                .put(&name, object.clone(), Where::Nothing)
                .await?;
            let tag = match put {
                Put::Done(tag) => tag,
                Put::Refused => {
                    let there = self.objects.read(&name, object.len() as u64).await;
                    match there {
                        // The reply to the write before was lost.
                        Ok(Some((there, tag))) if there == object => tag,
                        _ => {
                            let who = format!("another process, which wrote {name}");
                            return Err(taken_over(self.objects, who));
                        }
                    }
                }
            };
            let bytes = lines.len() as u64;
            self.known.parts.push(KnownPart { bytes, tag });
            self.lease.promise(number);
            *self.unsaved += 1;
            if *self.unsaved >= SAVE_AFTER {
                *self.unsaved = 0;
                self.known.save(self.folder)?;
            }
        }
        Ok(())
    }

    /// Sends a file that the store does not have as it is now.
    async fn file(&mut self, name: &str) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        let Some((bytes, blake3)) = content(&path)? else {
            return Ok(());
        };
        let known = self.known.files.get(name);
        if known.is_some_and(|known| known.bytes == bytes && known.blake3 == blake3) {
            return Ok(());
        }
        let tag = self.objects.upload(name, &path).await?;
        let file = KnownFile { bytes, tag, blake3 };
        self.known.files.insert(name.to_owned(), file);
        Ok(())
    }
}

/// The files of a run but journal and manifest, the seal behind the tables.
fn names(folder: &Path) -> Vec<String> {
    let own = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    };
    let wanted = |name: &String| (is_read(name) || name == REPORT) && name != MANIFEST;
    let mut names: Vec<String> = own(folder).into_iter().filter(wanted).collect();
    names.sort_by_key(|name| (name.starts_with("tables"), name.clone()));
    names.extend(report_files(folder));
    names
}

/// What a large report has beside it.
pub(super) fn report_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join(REPORT_FILES));
    let entries = entries.into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.map(|name| format!("{REPORT_FILES}/{name}")).collect();
    names.sort();
    names
}

/// A file's size and hash; none if there is no file.
fn content(path: &Path) -> Result<Option<(u64, String)>, StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot read", path, &e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(failed)?;
    Ok(Some((
        hasher.count(),
        hasher.finalize().to_hex().to_string(),
    )))
}

/// The whole lines of a file from a byte on, as many as fit into a part; none if there are none.
fn next_lines(path: &Path, from: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot read", path, &e);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let there = file.metadata().map_err(failed)?.len().saturating_sub(from);
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let (mut lines, mut limit) = (Vec::new(), PART);
    while (lines.len() as u64) < there {
        let more = limit.min(there) - lines.len() as u64;
        let read = file.by_ref().take(more).read_to_end(&mut lines);
        if read.map_err(failed)? == 0 {
            break;
        }
        if let Some(end) = lines.iter().rposition(|b| *b == b'\n') {
            lines.truncate(end + 1);
            return Ok(Some(lines));
        }
        // A line that is longer than a part.
        limit *= 2;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        assert_eq!(next_lines(&path, 0).unwrap(), None);
        fs::write(&path, "{1}\n{2}\n{3").unwrap();
        assert_eq!(next_lines(&path, 0).unwrap().unwrap(), b"{1}\n{2}\n");
        assert_eq!(next_lines(&path, 4).unwrap().unwrap(), b"{2}\n");
        assert_eq!(next_lines(&path, 8).unwrap(), None);
        assert_eq!(next_lines(&path, 100).unwrap(), None, "it was cut");
        let long = usize::try_from(PART).unwrap() + 5;
        fs::write(&path, format!("{}\n{{2}}\n", "x".repeat(long))).unwrap();
        assert_eq!(next_lines(&path, 0).unwrap().unwrap().len(), long + 5);
    }
}
