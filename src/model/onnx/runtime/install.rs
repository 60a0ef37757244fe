//! Getting ONNX Runtime: the pinned wheel by pip, its hash checked, its shared libraries unpacked.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{
    CPU_VERSION, Found, GPU_VERSION, Source, install_folder, isolated, library_in, python,
    runtime_failure,
};
use crate::model::ModelError;
use crate::text::hex;

/// A wheel for one platform: pip's platform tag and the file's SHA-256.
struct Wheel {
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    sha256: &'static str,
}

const CPU_WHEELS: &[Wheel] = &[
    Wheel {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_14_0_arm64",
        sha256: "d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e",
    },
    Wheel {
        os: "windows",
        arch: "x86_64",
        platform: "win_amd64",
        sha256: "efe7456952c243a05a53d5b8732953625144642c2f3989094277f6217f0c0c40",
    },
    Wheel {
        os: "windows",
        arch: "aarch64",
        platform: "win_arm64",
        sha256: "64d394c69d561af3efd4d4f49dcac8f11d0ce135a20701c16d53b74056cd4cf8",
    },
];
const GPU_WHEELS: &[Wheel] = &[Wheel {
    os: "linux",
    arch: "x86_64",
    platform: "manylinux_2_28_x86_64",
    sha256: "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
}];
/// What the CUDA provider links to: the wheel's own `cuda` and `cudnn` extras, as pip's requirements with their hashes.
const GPU_LIBRARIES: &[&str] = &[
    "nvidia-cuda-runtime==13.5.37 --hash=sha256:df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
    "nvidia-cuda-nvrtc==13.5.37 --hash=sha256:86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc",
    "nvidia-cublas==13.10.0.20 --hash=sha256:dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84",
    "nvidia-cufft==12.5.0.14 --hash=sha256:b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad",
    "nvidia-curand==10.4.5.25 --hash=sha256:22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529",
    "nvidia-cudnn-cu13==9.28.1.4 --hash=sha256:a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec",
];

/// Gets the pinned wheel with pip, checks its hash, and unpacks the shared libraries.
///
/// # Errors
/// [`crate::model::ErrorClass::Runtime`] if there is no pip, no wheel for this platform, or the hash is wrong.
pub fn install(gpu: bool, say: &mut dyn FnMut(&str)) -> Result<Found, ModelError> {
    let (package, version, wheels, variant) = if gpu {
        ("onnxruntime-gpu", GPU_VERSION, GPU_WHEELS, "gpu")
    } else {
        ("onnxruntime", CPU_VERSION, CPU_WHEELS, "cpu")
    };
    let target = install_folder(variant, version);
    if let Some(path) = library_in(&target) {
        return Ok(Found::new(
            Source::Installed,
            path,
            Some(version.to_owned()),
        ));
    }
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let wheel = wheels
        .iter()
        .find(|w| w.os == os && w.arch == arch)
        .ok_or_else(|| {
            runtime_failure(format!(
                "there is no {package} {version} wheel for {os} on {arch}; build ONNX \
                Runtime and name the library in ORT_DYLIB_PATH"
            ))
        })?;
    let parent = target.parent().unwrap_or(&target).to_path_buf();
    let unpack = |e: std::io::Error| {
        runtime_failure(format!(
            "cannot write to {}: {e}. Set CANDOR_HOME to a writable folder",
            parent.display()
        ))
    };
    fs::create_dir_all(&parent).map_err(unpack)?;
    // Two candor processes may install at once: each works in a folder of its own, and the rename at the end decides.
    let workshop = parent.join(format!(".{variant}-{version}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&workshop);
    fs::create_dir_all(workshop.join("lib")).map_err(unpack)?;
    say(&format!("downloading {package} {version} with pip"));
    let outcome = (|| {
        let python = python().ok_or_else(|| {
            runtime_failure(format!(
                "downloading {package} needs python3, which was not found; install \
                Python 3 with pip, or name a library in ORT_DYLIB_PATH"
            ))
        })?;
        let requirement = format!("{package}=={version}");
        let download = absolute(&workshop)?.display().to_string();
        let ours = format!("{requirement} --hash=sha256:{}", wheel.sha256);
        let ours = requirements(&workshop, "runtime.txt", &[&ours])?;
        pip(
            &python,
            &[
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--python-version",
                "3.12",
                "--implementation",
                "cp",
                "--abi",
                "cp312",
                "--platform",
                wheel.platform,
                "--dest",
                &download,
                "--require-hashes",
                "--requirement",
                &ours,
            ],
        )?;
        let file = fs::read_dir(&workshop)
            .map_err(unpack)?
            .flatten()
            .map(|e| e.path())
            .find(|p| p.extension().is_some_and(|x| x == "whl"))
            .ok_or_else(|| runtime_failure(format!("pip downloaded no wheel for {requirement}")))?;
        check_hash(&file, wheel.sha256)?;
        unpack_libraries(&file, &workshop.join("lib"))?;
        fs::remove_file(&file).map_err(unpack)?;
        if gpu {
            say("downloading the CUDA and cuDNN libraries with pip (about 2 GB)");
            let nvidia = absolute(&workshop)?.join("lib").join("nvidia-packages");
            let libraries = requirements(&workshop, "gpu.txt", GPU_LIBRARIES)?;
            pip(
                &python,
                &[
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--target",
                    &nvidia.display().to_string(),
                    "--require-hashes",
                    "--requirement",
                    &libraries,
                ],
            )?;
        }
        match fs::rename(workshop.join("lib"), &target) {
            Err(_) if library_in(&target).is_some() => Ok(()),
            other => other.map_err(unpack),
        }
    })();
    let _ = fs::remove_dir_all(&workshop);
    outcome?;
    let path = library_in(&target).ok_or_else(|| {
        runtime_failure(format!("the {package} wheel contains no library for {os}"))
    })?;
    say(&format!("installed {}", path.display()));
    Ok(Found::new(
        Source::Installed,
        path,
        Some(version.to_owned()),
    ))
}

/// A path that means the same from another folder: Python runs in the root.
fn absolute(path: &Path) -> Result<PathBuf, ModelError> {
    std::path::absolute(path).map_err(|e| runtime_failure(format!("{}: {e}", path.display())))
}

/// A file of pip's requirements, each with its hash: pip refuses what has another.
fn requirements(folder: &Path, name: &str, lines: &[&str]) -> Result<String, ModelError> {
    let path = absolute(folder)?.join(name);
    fs::write(&path, lines.join("\n"))
        .map_err(|e| runtime_failure(format!("cannot write {}: {e}", path.display())))?;
    Ok(path.display().to_string())
}

fn check_hash(file: &Path, expected: &str) -> Result<(), ModelError> {
    let bytes = fs::read(file)
        .map_err(|e| runtime_failure(format!("cannot read {}: {e}", file.display())))?;
    let actual = hex(&Sha256::digest(&bytes));
    if actual == expected {
        Ok(())
    } else {
        Err(runtime_failure(format!(
            "{} has SHA-256 {actual}, not the pinned {expected}, and was not used. Check the package index that pip is configured with",
            file.display()
        )))
    }
}

fn unpack_libraries(wheel: &Path, target: &Path) -> Result<(), ModelError> {
    let broken = |e: &dyn std::fmt::Display| {
        runtime_failure(format!("{} cannot be unpacked: {e}", wheel.display()))
    };
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel).map_err(|e| broken(&e))?)
        .map_err(|e| broken(&e))?;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| broken(&e))?;
        let Some(path) = entry.enclosed_name() else {
            continue;
        };
        let Some(name) = path.file_name().and_then(|n| n.to_str()).map(str::to_owned) else {
            continue;
        };
        let is_library = name.contains("onnxruntime")
            && (name.contains(".so") || name.ends_with(".dll") || name.ends_with(".dylib"));
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
    let output = isolated(python)
        .args(["-m", "pip", "--disable-pip-version-check"])
        .args(arguments)
        .output()
        .map_err(|e| runtime_failure(format!("cannot run {python}: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let told: Vec<&str> = errors.lines().filter(|l| !l.trim().is_empty()).collect();
    Err(runtime_failure(format!(
        "pip failed: {}. Without a package index, name a library in ORT_DYLIB_PATH",
        told[told.len().saturating_sub(2)..].join(" ")
    )))
}
