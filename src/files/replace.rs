//! Writing a file so that it is there whole or not at all, after a power cut too.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes a file under a temporary name, syncs it and moves it there; a link at the place is replaced, not followed.
///
/// # Errors
/// What `write` says, and what `failed` makes of an error of the system.
pub fn replace<T, E>(
    path: &Path,
    failed: impl Fn(io::Error) -> E,
    write: impl FnOnce(&File) -> Result<T, E>,
) -> Result<T, E> {
    let partial = Partial::beside(path).map_err(&failed)?;
    partial.become_whole(path, failed, write)
}

/// Writes a file that the user named, making its folder: whole or not at all, with the permissions that a file there had. What a link there leads to
/// is written. What is not an ordinary file (`/dev/stdout`, a pipe) is written into, and so is a file in a folder that admits no other.
///
/// # Errors
/// What `write` says, and what `failed` makes of an error of the system.
pub fn write_output<T, E>(
    path: &Path,
    failed: impl Fn(io::Error) -> E,
    write: impl FnOnce(&File) -> Result<T, E>,
) -> Result<T, E> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(&failed)?;
    }
    let there = fs::metadata(path).ok();
    let replaceable = match &there {
        Some(there) => there.is_file(),
        // A link that leads nowhere yet is opened, so that what it names is made.
        None => fs::symlink_metadata(path).is_err(),
    };
    if !replaceable {
        return write_into(path, failed, write);
    }
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let partial = match Partial::beside(&place) {
        Err(error)
            if there.is_some()
                && matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
                ) =>
        {
            return write_into(path, failed, write);
        }
        made => made.map_err(&failed)?,
    };
    partial.become_whole(&place, failed, |file| {
        if let Some(there) = &there {
            let _ = file.set_permissions(there.permissions());
        }
        write(file)
    })
}

/// Writes a text that the user named a file for, as [`write_output`] does.
///
/// # Errors
/// Those of the system.
pub fn write_text(path: &Path, text: &str) -> io::Result<()> {
    write_bytes(path, text.as_bytes())
}

/// The same of bytes.
///
/// # Errors
/// As for [`write_text`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_output(path, |e| e, |mut file| file.write_all(bytes))
}

/// A file under its writer's own name, until it is whole.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn beside(place: &Path) -> io::Result<Self> {
        let path = partial_path(place);
        // A file of that name is a dead writer's, or a link that somebody laid there.
        let _ = fs::remove_file(&path);
        let file = File::create_new(&path)?;
        // The lock tells a live writer's file from one that a killed process left behind.
        let _ = file.try_lock();
        Ok(Self { path, file })
    }

    /// Writes it, syncs it and moves it to its place; where that fails, nothing of it is left.
    fn become_whole<T, E>(
        self,
        place: &Path,
        failed: impl Fn(io::Error) -> E,
        write: impl FnOnce(&File) -> Result<T, E>,
    ) -> Result<T, E> {
        let written = write(&self.file).and_then(|value| {
            self.file
                .sync_all()
                .and_then(|()| fs::rename(&self.path, place))
                .map_err(&failed)?;
            sync_folder(place);
            Ok(value)
        });
        if written.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        written
    }
}

/// Writes a file elsewhere, and copies it to its place where that is whole: not each place can be sought in.
fn write_into<T, E>(
    path: &Path,
    failed: impl Fn(io::Error) -> E,
    write: impl FnOnce(&File) -> Result<T, E>,
) -> Result<T, E> {
    let mut made = tempfile::tempfile().map_err(&failed)?;
    let value = write(&made)?;
    let copied = made.rewind().and_then(|()| {
        let mut out = File::create(path)?;
        io::copy(&mut made, &mut out)
    });
    copied.map_err(failed)?;
    Ok(value)
}

/// Makes the names in a file's folder durable, where the system can.
pub fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows opens no folders, and some file systems sync none: then the rename is as durable as it can be.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// `.NAME.PROCESS-NUMBER`: two writers never share one.
fn partial_path(path: &Path) -> PathBuf {
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{number}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        fs::write(&path, "old").unwrap();
        let failed = write_output(
            &path,
            |e| e,
            |mut file| {
                file.write_all(b"half")?;
                Err::<(), _>(io::Error::other("no room"))
            },
        );
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.html");
        write_text(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (own, link) = (folder.path().join("own"), folder.path().join("link"));
        fs::write(&own, "old").unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&own, &link).unwrap();
        write_text(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&own).unwrap(), "new");
        let mode = fs::metadata(&own).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        write_text(Path::new("/dev/null"), "nowhere").unwrap();
    }
}
