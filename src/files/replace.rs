//! Writing a file so that it is there whole or not at all, after a power cut too.

use std::fs::{self, File};
use std::io::{self, Seek};
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
    let partial = partial_path(path);
    // A file of that name is a dead writer's, or a link that somebody laid there.
    let _ = fs::remove_file(&partial);
    let file = File::create_new(&partial).map_err(&failed)?;
    // The lock tells a live writer's file from one that a killed process left behind.
    let _ = file.try_lock();
    let written = write(&file).and_then(|value| {
        file.sync_all()
            .and_then(|()| fs::rename(&partial, path))
            .map_err(&failed)?;
        sync_folder(path);
        Ok(value)
    });
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Writes a file that the user named, making its folder: whole or not at all, with the permissions that a file there had. What a link there leads to
/// is written, and what is no ordinary file (`/dev/stdout`, a pipe) is written into.
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
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let replaceable = match &there {
        Some(there) => there.is_file() && can_write_beside(&place),
        // A link that leads nowhere yet is opened, so that what it names is made.
        None => fs::symlink_metadata(path).is_err(),
    };
    if !replaceable {
        return write_into(path, failed, write);
    }
    replace(&place, &failed, |file| {
        if let Some(there) = &there {
            let _ = file.set_permissions(there.permissions());
        }
        write(file)
    })
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

/// Whether a file can be made in a file's folder, which is not so of each folder that holds a writable file.
fn can_write_beside(path: &Path) -> bool {
    let probe = partial_path(path);
    let made = File::create_new(&probe).is_ok();
    let _ = fs::remove_file(&probe);
    made
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
    use std::io::Write;

    use super::*;

    fn text(path: &Path, text: &str) -> io::Result<()> {
        write_output(path, |e| e, |mut file| file.write_all(text.as_bytes()))
    }

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
        text(&path, "new").unwrap();
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
        text(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&own).unwrap(), "new");
        let mode = fs::metadata(&own).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        text(Path::new("/dev/null"), "nowhere").unwrap();
    }
}
