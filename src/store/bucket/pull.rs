//! From the store into the working copy.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::client::{Listed, Objects, Put, Where};
use super::known::{Known, KnownFile, KnownPart, Tag};
use super::part;
use crate::store::error::StoreError;
use crate::store::own_files::{JOURNAL, MANIFEST, MANIFEST_AT_FIRST, is_read};

/// Parts that are asked for at once.
const AT_ONCE: usize = 8;
/// Bytes of a part at most; candor writes far smaller ones.
const MAX_PART: u64 = 1 << 30;

/// Parts that can be missing in all where they are filled: a listing with more gaps was not written by candor.
const MAX_MISSING: u64 = 10_000;

/// What is done about parts of a journal that are gone or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Gaps {
    /// Nothing: the run is not read.
    Refused,
    /// They are filled with nothing, so that their trials are asked again.
    Filled,
}

/// Whether a run is in a listing.
pub(super) fn is_a_run(listed: &[Listed]) -> bool {
    listed.iter().any(|object| is_manifest(&object.name))
}

/// Whether an object is a run's manifest, by its name.
pub(super) fn is_manifest(name: &str) -> bool {
    [MANIFEST, MANIFEST_AT_FIRST].contains(&name)
}

/// Whether an object is of a run, by its name.
pub(super) fn is_own(name: &str) -> bool {
    is_read(name) || part::number(name).is_some()
}

/// Makes the working copy what is on the store. `promised` is how many parts the run's lock says there are. Lines that the copy has beyond
/// those of the store stay where a writer of this machine, who could not send them, has written the copy.
///
/// # Errors
/// [`StoreError::NotARun`] if there is none, [`StoreError::Lost`] if a part is gone or damaged, [`StoreError::Bucket`] if the store does not
/// give what it has.
pub(super) async fn pull(
    objects: &Objects,
    folder: &Path,
    known: &mut Known,
    promised: u64,
    gaps: Gaps,
) -> Result<(), StoreError> {
    let listed = objects.list().await?;
    if !is_a_run(&listed) {
        return Err(StoreError::NotARun {
            path: objects.address().to_string(),
            reason: format!(
                "it has no {MANIFEST}; a run directory is one written by `candor run` or `candor import`"
            ),
        });
    }
    if !is_same_run(known, &listed) {
        clear(folder)?;
        *known = Known::default();
    }
    files(objects, folder, known, &listed).await?;
    parts(objects, folder, known, listed, promised, gaps).await?;
    known.save(folder)
}

/// Whether the copy is of the run that is on the store, and not of another that was there before.
fn is_same_run(known: &Known, listed: &[Listed]) -> bool {
    let Some(first) = listed.iter().find(|o| o.name == MANIFEST_AT_FIRST) else {
        return !known.files.contains_key(MANIFEST_AT_FIRST);
    };
    let known = known.files.get(MANIFEST_AT_FIRST);
    known.is_some_and(|known| known.tag == first.tag && known.bytes == first.bytes)
}

/// Removes a run's files from the working copy.
pub(super) fn clear(folder: &Path) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot read", folder, &e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name == JOURNAL || is_read(name)) {
            fs::remove_file(&path).map_err(|e| StoreError::file("cannot remove", &path, &e))?;
        }
    }
    Ok(())
}

/// Fetches the files other than the journal that the copy does not have. Only names that a run's own files have are read, none of them with
/// a folder, so that no name in a listing leads anywhere.
async fn files(
    objects: &Objects,
    folder: &Path,
    known: &mut Known,
    listed: &[Listed],
) -> Result<(), StoreError> {
    for object in listed.iter().filter(|object| is_read(&object.name)) {
        let path = folder.join(&object.name);
        let here = fs::metadata(&path).map(|m| m.len()).ok();
        let same = known.files.get(&object.name).is_some_and(|known| {
            known.tag.is_some() && known.tag == object.tag && known.bytes == object.bytes
        });
        if same && here == Some(object.bytes) {
            continue;
        }
        let unwritten = |e: std::io::Error| StoreError::file("cannot write", &path, &e);
        let mut partial = tempfile::NamedTempFile::new_in(folder).map_err(unwritten)?;
        let (bytes, tag, blake3) = objects.download(&object.name, partial.as_file()).await?;
        partial.flush().map_err(unwritten)?;
        partial.persist(&path).map_err(|e| unwritten(e.error))?;
        let file = KnownFile { bytes, tag, blake3 };
        known.files.insert(object.name.clone(), file);
    }
    let is_gone = |name: &String| listed.iter().all(|object| object.name != *name);
    let gone: Vec<String> = known.files.keys().filter(|n| is_gone(n)).cloned().collect();
    for name in gone {
        known.files.remove(&name);
        if is_read(&name) {
            let _ = fs::remove_file(folder.join(&name));
        }
    }
    Ok(())
}

/// A part of the journal in a listing.
struct Numbered {
    number: u64,
    bytes: u64,
    tag: Tag,
}

/// Makes the copy's journal begin with the parts.
async fn parts(
    objects: &Objects,
    folder: &Path,
    known: &mut Known,
    listed: Vec<Listed>,
    promised: u64,
    gaps: Gaps,
) -> Result<(), StoreError> {
    let mut all: Vec<Numbered> = listed
        .into_iter()
        .filter_map(|Listed { name, bytes, tag }| {
            let number = part::number(&name)?;
            Some(Numbered { number, bytes, tag })
        })
        .collect();
    all.sort_by_key(|part| part.number);
    let last = all.last().map_or(0, |part| part.number).max(promised);
    if last - all.len() as u64 > MAX_MISSING {
        let number = (1..)
            .zip(&all)
            .find(|(number, part)| part.number != *number);
        let number = number.map_or(all.len() as u64 + 1, |(number, _)| number);
        return Err(Fault::Missing.lost(objects, number, last));
    }
    let mut there = all.into_iter().peekable();
    let places = (1..=last).map(|number| {
        let part = there.next_if(|part| part.number == number);
        (number, part)
    });
    let places: Vec<(u64, Option<Numbered>)> = places.collect();
    let same = places
        .iter()
        .zip(&known.parts)
        .take_while(|((_, part), known)| {
            let part = part.as_ref();
            part.is_some_and(|part| part.tag.is_some() && part.tag == known.tag)
        });
    let mut same = same.count();
    let path = folder.join(JOURNAL);
    let here = fs::metadata(&path).map_or(0, |m| m.len());
    let bytes_of = |parts: &[KnownPart]| parts.iter().map(|p| p.bytes).sum::<u64>();
    if here < bytes_of(&known.parts[..same]) {
        // Somebody cut the copy.
        same = 0;
    }
    let mut journal = Journal::open(&path, bytes_of(&known.parts[..same]))?;
    let before = known.parts.split_off(same);
    let new = places.into_iter().skip(same);
    let mut fetched = stream::iter(new)
        .map(|(number, part)| fetch(objects, number, part))
        .buffered(AT_ONCE);
    while let Some(fetched) = fetched.try_next().await? {
        let Fetched { number, part } = fetched;
        let (lines, tag) = match part {
            Ok((lines, tag)) => (lines, tag),
            Err(fault) if gaps == Gaps::Refused => {
                return Err(fault.lost(objects, number, last));
            }
            Err(fault) => {
                let place = usize::try_from(number - 1).unwrap_or(usize::MAX) - same;
                let lines = journal.has(before.get(place).map_or(0, |part| part.bytes))?;
                let tag = fill(objects, number, &lines, fault, last).await?;
                (lines, tag)
            }
        };
        journal.append(&lines)?;
        known.parts.push(KnownPart {
            bytes: lines.len() as u64,
            tag,
        });
    }
    if known.lease.is_none() {
        journal.ends()?;
    }
    Ok(())
}

/// A part that was asked for.
struct Fetched {
    number: u64,
    part: Result<(Vec<u8>, Tag), Fault>,
}

/// Why there is no part.
enum Fault {
    Missing,
    Damaged { why: String, object: Vec<u8> },
}

impl Fault {
    fn description(&self, last: u64) -> String {
        match self {
            Self::Missing => format!("the object is missing, but the journal has {last} parts"),
            Self::Damaged { why, .. } => format!("the object is damaged: {why}"),
        }
    }

    fn lost(&self, objects: &Objects, number: u64, last: u64) -> StoreError {
        let address = objects.address();
        StoreError::Lost {
            path: address.below(&part::name(number)).display().to_string(),
            what: self.description(last),
            remedy: format!(
                "Restore it from a copy or an earlier version in the bucket, or ask its trials again with `candor run --resume {address}`"
            ),
        }
    }
}

async fn fetch(
    objects: &Objects,
    number: u64,
    part: Option<Numbered>,
) -> Result<Fetched, StoreError> {
    let object = match part {
        Some(part) if part.bytes <= MAX_PART => objects.read(&part::name(number), MAX_PART).await?,
        Some(part) => {
            let why = format!("it is {} bytes long", part.bytes);
            let part = Err(Fault::Damaged {
                why,
                object: Vec::new(),
            });
            return Ok(Fetched { number, part });
        }
        None => None,
    };
    let part = match object {
        None => Err(Fault::Missing),
        Some((object, tag)) => match part::decode(number, &object) {
            Ok(lines) => Ok((lines.to_vec(), tag)),
            Err(why) => Err(Fault::Damaged { why, object }),
        },
    };
    Ok(Fetched { number, part })
}

/// Puts lines that the copy still has, or none, where a part is missing or damaged; what is damaged is kept beside it.
async fn fill(
    objects: &Objects,
    number: u64,
    lines: &[u8],
    fault: Fault,
    last: u64,
) -> Result<Tag, StoreError> {
    let name = part::name(number);
    tracing::warn!(
        "{}: {}; {}",
        objects.address().below(&name).display(),
        fault.description(last),
        match lines {
            [] => "its trials are asked again",
            _ => "it is restored from this machine's copy",
        }
    );
    if let Fault::Damaged { object, .. } = fault {
        let beside = name.replace(".jsonl", ".damaged");
        objects.put(&beside, object, Where::Anything).await?;
    }
    let object = part::encode(number, lines);
    Ok(match objects.put(&name, object, Where::Anything).await? {
        Put::Done(tag) => tag,
        Put::Refused => None,
    })
}

/// The copy's journal, up to where it is the store's.
struct Journal<'a> {
    path: &'a Path,
    file: File,
    at: u64,
}

impl<'a> Journal<'a> {
    fn open(path: &'a Path, at: u64) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path);
        let file = file.map_err(|e| StoreError::file("cannot write", path, &e))?;
        Ok(Self { path, file, at })
    }

    /// The next bytes, if there are this many and they end a line.
    fn has(&mut self, bytes: u64) -> Result<Vec<u8>, StoreError> {
        let failed = |e: std::io::Error| StoreError::file("cannot read", self.path, &e);
        let mut lines = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.at))
            .and_then(|_| {
                std::io::Read::by_ref(&mut self.file)
                    .take(bytes)
                    .read_to_end(&mut lines)
            })
            .map_err(failed)?;
        if lines.len() as u64 != bytes || lines.last() != Some(&b'\n') {
            lines.clear();
        }
        Ok(lines)
    }

    /// Cuts off what the store does not have.
    fn ends(&mut self) -> Result<(), StoreError> {
        let cut = self.file.set_len(self.at);
        cut.map_err(|e| StoreError::file("cannot write", self.path, &e))
    }

    /// Steps over lines that are there already; writes them, in place of all that follows, where they are not.
    fn append(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        let failed = |e: std::io::Error| StoreError::file("cannot write", self.path, &e);
        if self.has(lines.len() as u64)? != lines {
            self.file
                .set_len(self.at)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.at)))
                .and_then(|_| self.file.write_all(lines))
                .map_err(failed)?;
        }
        self.at += lines.len() as u64;
        Ok(())
    }
}
