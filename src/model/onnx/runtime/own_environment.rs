//! ONNX Runtime in the Python environment that candor was installed into by pip, found from the binary's own place: no Python is started.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Found, Source, library_in, version_in_name};

/// The libraries of the environment's packages `onnxruntime` and `onnxruntime-gpu`, the one with CUDA first.
pub(super) fn libraries() -> Vec<Found> {
    // Through links, as pipx and uv make them: the environment is around the binary itself.
    let binary = std::env::current_exe().and_then(fs::canonicalize);
    let Ok(binary) = binary else {
        return Vec::new();
    };
    // PREFIX/bin/candor, or PREFIX/Scripts/candor.exe.
    let scripts = binary.parent().filter(|folder| {
        let name = folder.file_name();
        name == Some(OsStr::new("bin")) || name == Some(OsStr::new("Scripts"))
    });
    scripts
        .and_then(Path::parent)
        .map(libraries_below)
        .unwrap_or_default()
}

fn libraries_below(prefix: &Path) -> Vec<Found> {
    site_packages(prefix)
        .iter()
        .flat_map(|site| of_site(site))
        .collect()
}

/// The folders that Python keeps packages in, the newest Python's first.
fn site_packages(prefix: &Path) -> Vec<PathBuf> {
    let mut pythons: Vec<(u32, PathBuf)> = entries(&prefix.join("lib"))
        .filter_map(|path| {
            let minor = path.file_name()?.to_str()?.strip_prefix("python3.")?;
            Some((minor.parse().ok()?, path.join("site-packages")))
        })
        .collect();
    pythons.sort_by_key(|(minor, _)| std::cmp::Reverse(*minor));
    let mut sites: Vec<PathBuf> = pythons.into_iter().map(|(_, site)| site).collect();
    sites.push(prefix.join("Lib").join("site-packages"));
    sites
}

/// The libraries of one environment. The packages `onnxruntime` and `onnxruntime-gpu` unpack into the same folder, so that both libraries lie
/// beside one CUDA provider, which is the second's alone: the package's version tells which is which.
fn of_site(site: &Path) -> Vec<Found> {
    let capi = site.join("onnxruntime").join("capi");
    let gpu_version = entries(site).find_map(|path| {
        let name = path.file_name()?.to_str()?;
        let version = name.strip_prefix("onnxruntime_gpu-")?;
        version.strip_suffix(".dist-info").map(str::to_owned)
    });
    let named = |path: &PathBuf| version_in_name(path).is_some_and(|v| Some(v) == gpu_version);
    let with_cuda = entries(&capi).find(named);
    let found = |path| Found::new(Source::OwnEnvironment, path, None);
    let mut libraries: Vec<Found> = with_cuda.clone().map(found).into_iter().collect();
    if let Some(newest) = library_in(&capi).filter(|path| Some(path) != with_cuda.as_ref()) {
        let gpu = with_cuda.is_none() && found(newest.clone()).gpu;
        libraries.push(Found {
            gpu,
            ..found(newest)
        });
    }
    libraries
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn names(found: &[Found]) -> Vec<(String, bool)> {
        found
            .iter()
            .map(|f| {
                let name = f.path.file_name().unwrap().to_string_lossy();
                (name.into_owned(), f.gpu)
            })
            .collect()
    }

    #[test]
    fn the_newest_pythons_package_is_found_from_the_prefix() {
        let prefix = tempfile::tempdir().unwrap();
        for (python, version) in [("3.9", "1.24.0"), ("3.12", "1.32.0")] {
            let capi = format!("lib/python{python}/site-packages/onnxruntime/capi");
            let library = format!("{capi}/libonnxruntime.so.{version}");
            touch(&prefix.path().join(library));
        }
        let found = libraries_below(prefix.path());
        let want = ["1.32.0", "1.24.0"].map(|v| (format!("libonnxruntime.so.{v}"), false));
        assert_eq!(names(&found), want);
        assert!(libraries_below(&prefix.path().join("nowhere")).is_empty());
    }

    #[test]
    fn of_two_packages_in_one_folder_the_gpu_ones_library_has_cuda() {
        let prefix = tempfile::tempdir().unwrap();
        let site = prefix.path().join("lib/python3.12/site-packages");
        for file in [
            "onnxruntime/capi/libonnxruntime.so.1.32.0",
            "onnxruntime/capi/libonnxruntime.so.1.31.1",
            "onnxruntime/capi/libonnxruntime_providers_cuda.so",
            "onnxruntime_gpu-1.31.1.dist-info/METADATA",
        ] {
            touch(&site.join(file));
        }
        assert_eq!(
            names(&libraries_below(prefix.path())),
            [
                ("libonnxruntime.so.1.31.1".to_owned(), true),
                ("libonnxruntime.so.1.32.0".to_owned(), false)
            ]
        );
    }
}
