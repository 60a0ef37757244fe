//! ONNX Runtime's shared library: found where it is, or installed from the pinned wheel.
//!
//! Looked for in this order: `ORT_DYLIB_PATH` → the Python environment that candor itself is installed in → candor's data directory → any
//! Python's `onnxruntime` → the system. The demo, the tests and every `onnx:` model come through [`environment`].

mod install;
mod own_environment;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use directories::ProjectDirs;
use ort::environment::Environment;
use serde::Serialize;

use crate::model::{ErrorClass, ModelError};
pub use install::install;

/// The CPU wheel's version.
pub const CPU_VERSION: &str = "1.32.0";
/// The GPU wheel's version.
pub const GPU_VERSION: &str = "1.31.1";
/// The oldest library that gives the API this build was made for (ort feature `api-24`).
const OLDEST_MINOR: u32 = 24;

/// Where a library was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// `ORT_DYLIB_PATH`.
    Environment,
    /// The Python environment that candor itself is installed in.
    OwnEnvironment,
    /// candor's data directory.
    Installed,
    /// A Python package.
    Python,
    /// The system's library folders.
    System,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "ORT_DYLIB_PATH",
            Self::OwnEnvironment => "this environment",
            Self::Installed => "installed",
            Self::Python => "python",
            Self::System => "system",
        })
    }
}

/// A library that could be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Found {
    /// Where from.
    pub source: Source,
    /// The library file.
    pub path: PathBuf,
    /// Its version, where the file name or folder tells.
    pub version: Option<String>,
    /// Whether the CUDA provider is next to it.
    pub gpu: bool,
}

impl Found {
    fn new(source: Source, path: PathBuf, version: Option<String>) -> Self {
        let gpu = path.parent().is_some_and(|folder| {
            folder.join("libonnxruntime_providers_cuda.so").is_file()
                || folder.join("onnxruntime_providers_cuda.dll").is_file()
        });
        let version = version.or_else(|| version_in_name(&path));
        Self {
            source,
            path,
            version,
            gpu,
        }
    }

    /// Whether this build can use it, as far as the version tells.
    #[must_use]
    pub fn is_new_enough(&self) -> bool {
        let minor = self
            .version
            .as_deref()
            .and_then(|v| v.split('.').nth(1))
            .and_then(|m| m.parse::<u32>().ok());
        minor.is_none_or(|m| m >= OLDEST_MINOR)
    }
}

/// candor's folder for things it keeps on this machine: `CANDOR_HOME`, else the platform's data directory.
#[must_use]
pub fn data_directory() -> PathBuf {
    std::env::var_os("CANDOR_HOME")
        .map(PathBuf::from)
        .or_else(|| ProjectDirs::from("", "", "candor").map(|d| d.data_dir().to_path_buf()))
        .unwrap_or_else(|| PathBuf::from(".candor"))
}

/// Every ONNX Runtime found, in the order of preference; with `gpu`, those with a CUDA provider only.
#[must_use]
pub fn discover(gpu: bool) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|p| !p.is_empty()) {
        found.push(Found::new(Source::Environment, PathBuf::from(path), None));
    }
    found.extend(own_environment::libraries());
    for (variant, version) in [("cpu", CPU_VERSION), ("gpu", GPU_VERSION)] {
        let folder = install_folder(variant, version);
        // Without a home there is only the current folder, which others may have filled.
        let ours = folder.is_absolute() || std::env::var_os("CANDOR_HOME").is_some();
        if let Some(path) = library_in(&folder).filter(|_| ours) {
            found.push(Found::new(
                Source::Installed,
                path,
                Some(version.to_owned()),
            ));
        }
    }
    if let Some(path) = python_package().and_then(|package| library_in(&package.join("capi"))) {
        found.push(Found::new(Source::Python, path, None));
    }
    found.extend(
        system_folders()
            .iter()
            .find_map(|folder| library_in(folder))
            .map(|path| Found::new(Source::System, path, None)),
    );
    found.retain(|f| f.source == Source::Environment || !gpu || f.gpu);
    found
}

/// The process's one ONNX Runtime environment, loaded at first use.
///
/// `prefer_gpu` takes a library with a CUDA provider where there is one; since one process can load one library, the first call
/// decides. Where none is found and `may_install` is set, the pinned CPU wheel is installed (the GPU one, 2 GB with what it
/// needs, only by `candor runtime install --gpu`).
///
/// # Errors
/// [`ErrorClass::Runtime`] says where was looked and what to do.
pub fn environment(
    prefer_gpu: bool,
    may_install: bool,
) -> Result<&'static Environment, ModelError> {
    static LOADED: OnceLock<Result<Environment, ModelError>> = OnceLock::new();
    LOADED
        .get_or_init(|| load(prefer_gpu, may_install))
        .as_ref()
        .map_err(Clone::clone)
}

fn load(prefer_gpu: bool, may_install: bool) -> Result<Environment, ModelError> {
    let usable = |gpu| {
        discover(gpu)
            .into_iter()
            .find(|f| f.source == Source::Environment || f.is_new_enough())
    };
    let with_gpu = if prefer_gpu { usable(true) } else { None };
    let found = match with_gpu.or_else(|| usable(false)) {
        Some(found) => found,
        None if may_install => install(false, &mut |line| tracing::info!("{line}"))?,
        None => return Err(runtime_failure(nothing_found())),
    };
    if found.gpu {
        preload_cuda(&found.path);
    }
    let builder = ort::init_from(&found.path).map_err(|e| {
        runtime_failure(format!(
            "ONNX Runtime cannot be loaded: {e}. `candor runtime status` lists those found; `candor runtime install` downloads the pinned one"
        ))
    })?;
    builder
        .with_name("candor")
        .with_telemetry(false)
        .build()
        .map_err(|e| runtime_failure(format!("ONNX Runtime does not start: {}", e.message())))
}

fn nothing_found() -> String {
    let too_old: Vec<String> = discover(false)
        .iter()
        .map(|f| {
            format!(
                "{} ({})",
                f.path.display(),
                f.version.as_deref().unwrap_or("version unknown")
            )
        })
        .collect();
    let passed = match too_old.as_slice() {
        [] => String::new(),
        some => format!(
            " Found, but older than 1.{OLDEST_MINOR}: {}.",
            some.join(", ")
        ),
    };
    format!(
        "no ONNX Runtime was found: looked at ORT_DYLIB_PATH, the Python environment of this candor, {}, a Python onnxruntime, and the system's library folders.{passed} Download the pinned one with `candor runtime install`",
        data_directory().join("onnxruntime").display(),
    )
}

/// Whether this machine can run on an NVIDIA GPU at all, before a large library is loaded for it.
///
/// # Errors
/// [`ErrorClass::Runtime`] says what is missing.
pub(super) fn require_gpu() -> Result<(), ModelError> {
    let driver = ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"];
    let has_driver = cfg!(windows) || driver.iter().any(|path| Path::new(path).exists());
    let missing = match (has_driver, discover(true).iter().any(|f| f.gpu)) {
        (true, true) => return Ok(()),
        (false, true) => "this machine has no NVIDIA driver",
        (true, false) => {
            "no ONNX Runtime with a CUDA provider was found; `candor runtime install --gpu` downloads one"
        }
        (false, false) => {
            "this machine has no NVIDIA driver, and no ONNX Runtime with a CUDA provider (`candor runtime install --gpu` downloads one)"
        }
    };
    Err(runtime_failure(format!(
        "CUDA cannot be used: {missing}. Nothing was run on the CPU instead"
    )))
}

/// Python that neither imports from the current folder nor heeds `PYTHON…` variables: candor may be started in a folder that others
/// filled.
fn isolated(python: &str) -> Command {
    let mut command = Command::new(python);
    command.arg("-I").current_dir("/");
    command
}

/// What pip says of its version, if there is a Python 3 with pip.
#[must_use]
pub fn pip_version() -> Option<String> {
    let output = isolated(&python()?)
        .args(["-m", "pip", "--version"])
        .output()
        .ok()
        .filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn python() -> Option<String> {
    ["python3", "python"]
        .into_iter()
        .find(|p| {
            isolated(p)
                .arg("--version")
                .output()
                .is_ok_and(|o| o.status.success())
        })
        .map(str::to_owned)
}

/// The folder of an installed Python package `onnxruntime`, without importing it.
fn python_package() -> Option<PathBuf> {
    let script = "import importlib.util as u; s = u.find_spec('onnxruntime'); \
        print(list(s.submodule_search_locations)[0] if s else '')";
    let output = isolated(&python()?)
        .args(["-c", script])
        .output()
        .ok()
        .filter(|o| o.status.success())?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_absolute().then_some(path)
}

fn install_folder(variant: &str, version: &str) -> PathBuf {
    data_directory()
        .join("onnxruntime")
        .join(format!("{version}-{variant}"))
}

fn system_folders() -> Vec<PathBuf> {
    let variable = if cfg!(target_os = "macos") {
        "DYLD_LIBRARY_PATH"
    } else if cfg!(windows) {
        "PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let mut folders: Vec<PathBuf> = std::env::var_os(variable)
        .map(|v| std::env::split_paths(&v).collect())
        .unwrap_or_default();
    // An empty or relative entry means the current folder.
    folders.retain(|folder| folder.is_absolute());
    folders.extend(
        [
            "/usr/local/lib",
            "/usr/lib",
            "/usr/lib64",
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/opt/homebrew/lib",
        ]
        .map(PathBuf::from),
    );
    folders
}

/// The runtime's library in a folder: the plain name or the newest versioned one.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .filter(|p| {
            p.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(is_library_name)
        })
        .collect();
    candidates.sort_by_key(|p| {
        version_in_name(p).map(|v| {
            v.split('.')
                .map(|n| n.parse::<u32>().unwrap_or(0))
                .collect::<Vec<_>>()
        })
    });
    candidates.pop()
}

fn is_library_name(name: &str) -> bool {
    name.starts_with("libonnxruntime.so")
        || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
        || name == "onnxruntime.dll"
}

/// `1.32.0` in `libonnxruntime.so.1.32.0` and `libonnxruntime.1.32.0.dylib`.
fn version_in_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let digits = name
        .strip_prefix("libonnxruntime.so.")
        .or_else(|| name.strip_prefix("libonnxruntime.")?.strip_suffix(".dylib"))?;
    (digits.split('.').count() >= 2 && digits.split('.').all(|p| p.parse::<u32>().is_ok()))
        .then(|| digits.to_owned())
}

/// Loads the CUDA and cuDNN libraries that are in pip packages next to the runtime, so that the provider finds them.
fn preload_cuda(library: &Path) {
    let Some(folder) = library.parent() else {
        return;
    };
    let mut roots = vec![folder.join("nvidia-packages").join("nvidia")];
    // A Python installation: …/site-packages/onnxruntime/capi/libonnxruntime.so beside …/site-packages/nvidia.
    roots.extend(folder.ancestors().nth(2).map(|site| site.join("nvidia")));
    let folder_with = |name: &str| {
        roots
            .iter()
            .flat_map(fs::read_dir)
            .flatten()
            .flatten()
            .map(|e| e.path().join("lib"))
            .find(|lib| lib.join(name).exists())
    };
    for name in ort::ep::cuda::CUDA_DYLIBS
        .iter()
        .chain(ort::ep::cuda::CUDNN_DYLIBS)
    {
        if let Some(lib) = folder_with(name)
            && let Err(error) = ort::util::preload_dylib(lib.join(name))
        {
            tracing::debug!("{name} was not preloaded: {error}");
        }
    }
}

/// What to do where a device's provider does not register although driver and library are there.
pub(super) fn explain_device_failure(provider: &str, message: &str) -> String {
    format!(
        "{provider} cannot be used: a library that it links to is missing (CUDA 13 and cuDNN 9 must be in the library path; `candor runtime install --gpu` downloads them), or the ONNX Runtime loaded first in this process has no CUDA provider. ONNX Runtime reported: {}. Nothing was run on the CPU instead",
        message.trim()
    )
}

fn runtime_failure(message: String) -> ModelError {
    ModelError::new(ErrorClass::Runtime, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_library_names() {
        assert_eq!(
            version_in_name(Path::new("/x/libonnxruntime.so.1.32.0")).as_deref(),
            Some("1.32.0")
        );
        assert_eq!(
            version_in_name(Path::new("libonnxruntime.1.24.4.dylib")).as_deref(),
            Some("1.24.4")
        );
        assert_eq!(version_in_name(Path::new("libonnxruntime.so")), None);
        let old = Found {
            source: Source::Python,
            path: PathBuf::new(),
            version: Some("1.20.1".into()),
            gpu: false,
        };
        assert!(!old.is_new_enough());
    }
}
