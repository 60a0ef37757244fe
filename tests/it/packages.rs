//! Servers that others have written: installed from the registries on first use, and started on loopback.
//!
//! They lie below `CANDOR_TEST_PACKAGES`, else in cargo's folder for what tests write, so that later runs find them again.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::skipped;

/// How long an installation may take: one compiles a server.
const INSTALL: &str = "540";
/// How long a server may live, whatever becomes of the test.
const LIFE: &str = "400";
/// How long a server may take to answer at all.
const START: Duration = Duration::from_mins(2);

/// A virtual environment of a name with what pip is told to install, one call after the other; says so loudly where it cannot be had.
pub fn python(name: &str, calls: &[&[&str]], env: &[(&str, &str)]) -> Option<PathBuf> {
    installed(name, &format!("{calls:?}"), |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        for packages in calls {
            let pip = folder.join("bin/pip");
            let quiet = ["install", "--quiet", "--disable-pip-version-check"];
            let mut pip = bounded(&pip);
            run(pip.args(quiet).args(*packages).envs(env.iter().copied()))?;
        }
        Ok(())
    })
}

/// A folder of a name with packages of npm.
pub fn node(name: &str, packages: &[&str]) -> Option<PathBuf> {
    installed(name, &format!("{packages:?}"), |folder| {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        let arguments = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
        let mut npm = bounded("npm");
        run(npm.args(arguments).arg(folder).args(packages))
    })
}

/// Installs into the folder of a name what is not there yet, one process at a time.
fn installed(
    name: &str,
    what: &str,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    let root = std::env::var_os("CANDOR_TEST_PACKAGES").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages"),
        PathBuf::from,
    );
    fs::create_dir_all(&root).expect("a folder for packages");
    let lock = File::create(root.join(format!("{name}.lock"))).expect("a lock");
    lock.lock().expect("the lock");
    let (folder, done) = (root.join(name), root.join(format!("{name}.done")));
    if fs::read_to_string(&done).is_ok_and(|had| had == what) {
        return Some(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    match install(&folder) {
        Ok(()) => {
            fs::write(done, what).expect("a note of what is installed");
            Some(folder)
        }
        Err(why) => {
            let _ = fs::remove_dir_all(&folder);
            skipped(&format!("{name} cannot be installed: {why}"));
            None
        }
    }
}

fn bounded(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", INSTALL]).arg(program);
    command
}

/// Runs a command to its end; the last lines of what it said, where it failed.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    Err(last.into_iter().rev().collect::<Vec<_>>().join(" "))
}

/// A port of loopback that was free just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener.local_addr().expect("the port").port()
}

/// A server that runs until it is dropped, and no longer than some minutes.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts a program that listens on `port`, and waits until `GET path` is answered with anything. What it prints goes to `log`.
    pub fn start(command: &Command, port: u16, path: &str, log: &Path) -> Self {
        let out = File::create(log).expect("a log");
        let mut bounded = Command::new("timeout");
        bounded.args(["--kill-after=5", LIFE]);
        bounded.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => bounded.env(name, value),
                None => bounded.env_remove(name),
            };
        }
        let child = bounded
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("the log"))
            .stderr(out)
            .spawn()
            .expect("timeout starts");
        let mut server = Self { child, port };
        let started = Instant::now();
        while !answers(port, path) {
            let ended = server.child.try_wait().expect("its state");
            let said = || fs::read_to_string(log).unwrap_or_default();
            assert!(ended.is_none(), "{command:?} ended: {}", said());
            assert!(started.elapsed() < START, "{command:?}: {}", said());
            std::thread::sleep(Duration::from_millis(200));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            // `timeout` hands it on.
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

/// Whether a server has anything to say to `GET path`.
fn answers(port: u16, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    let mut head = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut head).is_ok()
        && head.starts_with(b"HTTP/1.")
}
