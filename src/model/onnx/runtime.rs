//! ONNX Runtime's shared library: found where it lies, or installed from the pinned wheel.
//!
//! Looked for in this order: `ORT_DYLIB_PATH` → candor's data directory → a Python `onnxruntime` → the system. The demo,
//! the tests and every `onnx:` model come through [`environment`].

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use directories::ProjectDirs;
use ort::environment::Environment;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{ErrorClass, ModelError};

/// The CPU wheel's version.
pub const CPU_VERSION: &str = "1.32.0";
/// The GPU wheel's version.
pub const GPU_VERSION: &str = "1.31.1";
/// The oldest library that gives the API this build was made for (ort feature `api-24`).
const OLDEST_MINOR: u32 = 24;

/// A wheel for one platform: pip's platform tag and the file's SHA-256.
struct Wheel {
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    sha256: &'static str,
}

const CPU_WHEELS: &[Wheel] = &[
    Wheel { os: "linux", arch: "x86_64", platform: "manylinux_2_28_x86_64", sha256: "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8" },
    Wheel { os: "linux", arch: "aarch64", platform: "manylinux_2_28_aarch64", sha256: "e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054" },
    Wheel { os: "macos", arch: "aarch64", platform: "macosx_14_0_arm64", sha256: "d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e" },
    Wheel { os: "windows", arch: "x86_64", platform: "win_amd64", sha256: "efe7456952c243a05a53d5b8732953625144642c2f3989094277f6217f0c0c40" },
    Wheel { os: "windows", arch: "aarch64", platform: "win_arm64", sha256: "64d394c69d561af3efd4d4f49dcac8f11d0ce135a20701c16d53b74056cd4cf8" },
];
const GPU_WHEELS: &[Wheel] =
    &[Wheel { os: "linux", arch: "x86_64", platform: "manylinux_2_28_x86_64", sha256: "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7" }];
/// What the CUDA provider links to: the wheel's own `cuda` and `cudnn` extras.
const GPU_LIBRARIES: &[&str] =
    &["nvidia-cuda-runtime~=13.0", "nvidia-cuda-nvrtc~=13.0", "nvidia-cublas~=13.0", "nvidia-cufft~=12.0", "nvidia-curand~=10.0", "nvidia-cudnn-cu13~=9.0"];

/// Where a library was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `ORT_DYLIB_PATH`.
    Environment,
    /// candor's data directory.
    Installed,
    /// A Python package.
    Python,
    /// The system's library folders.
    System,
}

/// A library that could be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Where from.
    pub source: Source,
    /// The library file.
    pub path: PathBuf,
    /// Its version, where the file name or folder tells.
    pub version: Option<String>,
    /// Whether the CUDA provider lies beside it.
    pub gpu: bool,
}

impl Found {
    fn at(source: Source, path: PathBuf, version: Option<String>) -> Self {
        let gpu = path.parent().is_some_and(|folder| folder.join("libonnxruntime_providers_cuda.so").is_file() || folder.join("onnxruntime_providers_cuda.dll").is_file());
        let version = version.or_else(|| version_in_name(&path));
        Self { source, path, version, gpu }
    }

    /// Whether this build can use it, as far as the version tells.
    #[must_use]
    pub fn is_new_enough(&self) -> bool {
        let minor = self.version.as_deref().and_then(|v| v.split('.').nth(1)).and_then(|m| m.parse::<u32>().ok());
        minor.is_none_or(|m| m >= OLDEST_MINOR)
    }
}

/// candor's folder for things it keeps on this machine: `CANDOR_HOME`, else the platform's data directory.
#[must_use]
pub fn data_directory() -> PathBuf {
    std::env::var_os("CANDOR_HOME").map(PathBuf::from).or_else(|| ProjectDirs::from("", "", "candor").map(|d| d.data_dir().to_path_buf())).unwrap_or_else(|| PathBuf::from(".candor"))
}

/// Every library in sight, in the order of preference; with `gpu`, those with a CUDA provider only.
#[must_use]
pub fn discover(gpu: bool) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|p| !p.is_empty()) {
        found.push(Found::at(Source::Environment, PathBuf::from(path), None));
    }
    for (variant, version) in [("cpu", CPU_VERSION), ("gpu", GPU_VERSION)] {
        if let Some(path) = library_in(&install_folder(variant, version)) {
            found.push(Found::at(Source::Installed, path, Some(version.to_owned())));
        }
    }
    if let Some(path) = python_package().and_then(|package| library_in(&package.join("capi"))) {
        found.push(Found::at(Source::Python, path, None));
    }
    found.extend(system_folders().iter().find_map(|folder| library_in(folder)).map(|path| Found::at(Source::System, path, None)));
    found.retain(|f| f.source == Source::Environment || !gpu || f.gpu);
    found
}

/// The process's one ONNX Runtime environment, loaded at first use.
///
/// `gpu` prefers a library with a CUDA provider; since one process can load one library, the first call decides.
/// Where none is found and `may_install` is set, the pinned wheel is installed.
///
/// # Errors
/// [`ErrorClass::Runtime`] says where was looked and what to do.
pub fn environment(gpu: bool, may_install: bool) -> Result<&'static Environment, ModelError> {
    static LOADED: OnceLock<Result<Environment, ModelError>> = OnceLock::new();
    LOADED.get_or_init(|| load(gpu, may_install)).as_ref().map_err(Clone::clone)
}

fn load(gpu: bool, may_install: bool) -> Result<Environment, ModelError> {
    let usable = discover(gpu).into_iter().find(|f| f.source == Source::Environment || f.is_new_enough());
    let found = match usable {
        Some(found) => found,
        None if may_install => install(gpu, &mut |line| tracing::info!("{line}"))?,
        None => return Err(runtime_failure(nothing_found(gpu))),
    };
    if found.gpu {
        preload_cuda(&found.path);
    }
    let builder = ort::init_from(&found.path).map_err(|e| runtime_failure(format!("ONNX Runtime cannot be loaded: {e}. `candor runtime status` lists what is there; `candor runtime install` gets the pinned one")))?;
    builder.with_name("candor").with_telemetry(false).build().map_err(|e| runtime_failure(format!("ONNX Runtime does not start: {}", e.message())))
}

fn nothing_found(gpu: bool) -> String {
    let flag = if gpu { " --gpu" } else { "" };
    let too_old: Vec<String> = discover(gpu).iter().map(|f| format!("{} ({})", f.path.display(), f.version.as_deref().unwrap_or("version unknown"))).collect();
    let passed = if too_old.is_empty() { String::new() } else { format!(" Found, but older than 1.{OLDEST_MINOR}: {}.", too_old.join(", ")) };
    format!(
        "no ONNX Runtime was found: looked at ORT_DYLIB_PATH, {}, a Python onnxruntime{}, and the system's library folders.{passed} Get the pinned one with `candor runtime install{flag}`",
        data_directory().join("onnxruntime").display(),
        if gpu { "-gpu" } else { "" },
    )
}

/// Gets the pinned wheel with pip, checks its hash, and unpacks the shared libraries.
///
/// # Errors
/// [`ErrorClass::Runtime`] where there is no pip, no wheel for this platform, or the hash is wrong.
pub fn install(gpu: bool, say: &mut dyn FnMut(&str)) -> Result<Found, ModelError> {
    let (package, version, wheels, variant) = if gpu { ("onnxruntime-gpu", GPU_VERSION, GPU_WHEELS, "gpu") } else { ("onnxruntime", CPU_VERSION, CPU_WHEELS, "cpu") };
    let target = install_folder(variant, version);
    if let Some(path) = library_in(&target) {
        return Ok(Found::at(Source::Installed, path, Some(version.to_owned())));
    }
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let wheel = wheels.iter().find(|w| w.os == os && w.arch == arch).ok_or_else(|| runtime_failure(format!("there is no {package} {version} wheel for {os} on {arch}; build ONNX Runtime and name the library in ORT_DYLIB_PATH")))?;
    let parent = target.parent().unwrap_or(&target).to_path_buf();
    let unpack = |e: std::io::Error| runtime_failure(format!("cannot write to {}: {e}. Set CANDOR_HOME to a folder that can be written to", parent.display()));
    fs::create_dir_all(&parent).map_err(unpack)?;
    // Two candor processes may install at once: each works in a folder of its own, and the rename at the end decides.
    let workshop = parent.join(format!(".{variant}-{version}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&workshop);
    fs::create_dir_all(workshop.join("lib")).map_err(unpack)?;
    say(&format!("getting {package} {version} with pip"));
    let outcome = (|| {
        let python = python().ok_or_else(|| runtime_failure(format!("no python3 was found to get {package} with; install Python 3 with pip, or name a library in ORT_DYLIB_PATH")))?;
        let requirement = format!("{package}=={version}");
        let download = workshop.display().to_string();
        pip(&python, &["download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp", "--abi", "cp312", "--platform", wheel.platform, "--dest", &download, &requirement])?;
        let file = fs::read_dir(&workshop).map_err(unpack)?.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|x| x == "whl")).ok_or_else(|| runtime_failure(format!("pip downloaded no wheel for {requirement}")))?;
        check_hash(&file, wheel.sha256)?;
        unpack_libraries(&file, &workshop.join("lib"))?;
        fs::remove_file(&file).map_err(unpack)?;
        if gpu {
            say("getting the CUDA and cuDNN libraries with pip (about 2 GB)");
            let nvidia = workshop.join("lib").join("nvidia-packages").display().to_string();
            let mut arguments = vec!["install", "--quiet", "--no-deps", "--target", &nvidia];
            arguments.extend(GPU_LIBRARIES);
            pip(&python, &arguments)?;
        }
        match fs::rename(workshop.join("lib"), &target) {
            Err(_) if library_in(&target).is_some() => Ok(()),
            other => other.map_err(unpack),
        }
    })();
    let _ = fs::remove_dir_all(&workshop);
    outcome?;
    let path = library_in(&target).ok_or_else(|| runtime_failure(format!("the {package} wheel held no library for {os}")))?;
    say(&format!("installed {}", path.display()));
    Ok(Found::at(Source::Installed, path, Some(version.to_owned())))
}

fn check_hash(file: &Path, expected: &str) -> Result<(), ModelError> {
    let bytes = fs::read(file).map_err(|e| runtime_failure(format!("cannot read {}: {e}", file.display())))?;
    let actual = Sha256::digest(&bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    if actual == expected {
        Ok(())
    } else {
        Err(runtime_failure(format!("{} has the SHA-256 {actual}, not the pinned {expected}: it was not used. Check the package index that pip is set up with", file.display())))
    }
}

fn unpack_libraries(wheel: &Path, target: &Path) -> Result<(), ModelError> {
    let broken = |e: &dyn std::fmt::Display| runtime_failure(format!("{} cannot be unpacked: {e}", wheel.display()));
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel).map_err(|e| broken(&e))?).map_err(|e| broken(&e))?;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| broken(&e))?;
        let Some(path) = entry.enclosed_name() else { continue };
        let Some(name) = path.file_name().and_then(|n| n.to_str()).map(str::to_owned) else { continue };
        let is_library = name.contains("onnxruntime") && (name.contains(".so") || name.ends_with(".dll") || name.ends_with(".dylib"));
        // The Python binding is an extension module, of no use here.
        if path.starts_with("onnxruntime/capi") && is_library && !name.contains("pybind") {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|e| broken(&e))?;
            fs::write(target.join(name), bytes).map_err(|e| broken(&e))?;
        }
    }
    Ok(())
}

fn pip(python: &str, arguments: &[&str]) -> Result<(), ModelError> {
    let output = Command::new(python)
        .args(["-m", "pip", "--disable-pip-version-check"])
        .args(arguments)
        .output()
        .map_err(|e| runtime_failure(format!("cannot run {python}: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let told: Vec<&str> = errors.lines().filter(|l| !l.trim().is_empty()).collect();
    Err(runtime_failure(format!("pip failed: {}. Without a package index, name a library in ORT_DYLIB_PATH", told[told.len().saturating_sub(2)..].join(" "))))
}

fn python() -> Option<String> {
    ["python3", "python"].into_iter().find(|p| Command::new(p).arg("--version").output().is_ok_and(|o| o.status.success())).map(str::to_owned)
}

/// The folder of an installed Python package `onnxruntime`, without importing it.
fn python_package() -> Option<PathBuf> {
    let script = "import importlib.util as u; s = u.find_spec('onnxruntime'); print(list(s.submodule_search_locations)[0] if s else '')";
    let output = Command::new(python()?).args(["-c", script]).output().ok().filter(|o| o.status.success())?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!path.is_empty()).then(|| PathBuf::from(path))
}

fn install_folder(variant: &str, version: &str) -> PathBuf {
    data_directory().join("onnxruntime").join(format!("{version}-{variant}"))
}

fn system_folders() -> Vec<PathBuf> {
    let variable = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else if cfg!(windows) { "PATH" } else { "LD_LIBRARY_PATH" };
    let mut folders: Vec<PathBuf> = std::env::var_os(variable).map(|v| std::env::split_paths(&v).collect()).unwrap_or_default();
    folders.extend(["/usr/local/lib", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/opt/homebrew/lib"].map(PathBuf::from));
    folders
}

/// The runtime's library in a folder: the plain name or the newest versioned one.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|e| e.path()).filter(|p| p.file_name().and_then(|n| n.to_str()).is_some_and(is_library_name)).collect();
    candidates.sort_by_key(|p| version_in_name(p).map(|v| v.split('.').map(|n| n.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>()));
    candidates.pop()
}

fn is_library_name(name: &str) -> bool {
    name.starts_with("libonnxruntime.so") || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib")) || name == "onnxruntime.dll"
}

/// `1.32.0` in `libonnxruntime.so.1.32.0` and `libonnxruntime.1.32.0.dylib`.
fn version_in_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix("libonnxruntime.so.").or_else(|| name.strip_prefix("libonnxruntime.")?.strip_suffix(".dylib"))?;
    (digits.split('.').count() >= 2 && digits.split('.').all(|p| p.parse::<u32>().is_ok())).then(|| digits.to_owned())
}

/// Loads the CUDA and cuDNN libraries that lie in pip packages beside the runtime, so that the provider finds them.
fn preload_cuda(library: &Path) {
    let Some(folder) = library.parent() else { return };
    let mut roots = vec![folder.join("nvidia-packages").join("nvidia")];
    // A Python installation: …/site-packages/onnxruntime/capi/libonnxruntime.so beside …/site-packages/nvidia.
    roots.extend(folder.ancestors().nth(2).map(|site| site.join("nvidia")));
    let folder_with = |name: &str| roots.iter().flat_map(fs::read_dir).flatten().flatten().map(|e| e.path().join("lib")).find(|lib| lib.join(name).exists());
    for name in ort::ep::cuda::CUDA_DYLIBS.iter().chain(ort::ep::cuda::CUDNN_DYLIBS) {
        if let Some(lib) = folder_with(name) {
            if let Err(error) = ort::util::preload_dylib(lib.join(name)) {
                tracing::debug!("{name} was not preloaded: {error}");
            }
        }
    }
}

/// Says what is missing where a device's provider does not register.
pub(super) fn explain_device_failure(provider: &str, message: &str) -> String {
    let has_driver = Path::new("/proc/driver/nvidia/version").exists() || Path::new("/dev/nvidiactl").exists();
    let with_gpu = discover(true).iter().any(|f| f.gpu);
    let missing = match (has_driver, with_gpu) {
        (false, false) => "there is no NVIDIA driver on this machine, and no ONNX Runtime with a CUDA provider (`candor runtime install --gpu` gets one)",
        (false, true) => "there is no NVIDIA driver on this machine",
        (true, false) => "the ONNX Runtime in use has no CUDA provider: run `candor runtime install --gpu`",
        (true, true) => "a library that the provider links to is missing: CUDA 13 and cuDNN 9 must be in the library path (`candor runtime install --gpu` brings them)",
    };
    format!("{provider} cannot be used: {missing}. ONNX Runtime said: {}. Nothing was run on the CPU instead", message.trim())
}

fn runtime_failure(message: String) -> ModelError {
    ModelError::new(ErrorClass::Runtime, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_library_names() {
        assert_eq!(version_in_name(Path::new("/x/libonnxruntime.so.1.32.0")).as_deref(), Some("1.32.0"));
        assert_eq!(version_in_name(Path::new("libonnxruntime.1.24.4.dylib")).as_deref(), Some("1.24.4"));
        assert_eq!(version_in_name(Path::new("libonnxruntime.so")), None);
        let old = Found { source: Source::Python, path: PathBuf::new(), version: Some("1.20.1".into()), gpu: false };
        assert!(!old.is_new_enough());
    }
}
