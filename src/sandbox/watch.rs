//! Waits for a program, for as long as it may take.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::job::{Ended, Job};

/// What is kept of what a program writes: its end.
const TAIL: usize = 8 << 10;

/// How often is looked whether a program has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// How long what a program wrote is waited for after it has ended: something that it started may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What became of a program.
pub(super) struct Watched {
    pub ended: Ended,
    /// The end of what it wrote to stdout.
    pub said: String,
}

/// Starts a program and says how it ended. It is killed when its time is over, and that which it takes to start.
///
/// # Errors
/// Why it cannot be started.
pub(super) fn watch(mut command: Command, job: &Job, start: Duration) -> std::io::Result<Watched> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdout, stderr) = (tail(child.stdout.take()), tail(child.stderr.take()));
    let begun = Instant::now();
    let until = begun + start + job.time();
    let Some(status) = wait(&mut child, until)? else {
        return Ok(Watched {
            ended: Ended::OutOfTime,
            said: String::new(),
        });
    };
    let text = |tail: &mpsc::Receiver<Vec<u8>>| {
        let tail = tail.recv_timeout(LAST_WORDS).unwrap_or_default();
        String::from_utf8_lossy(&tail).into_owned()
    };
    let (said, errors) = (text(&stdout), text(&stderr));
    let finished = errors.rsplit('\n').next() == Some(job.token.as_str());
    let ended = match status.code() {
        Some(0) if finished => Ended::Passed,
        Some(_) => Ended::Failed(errors),
        // Its share of the processor is used up before the time is, where starting took no time.
        None if begun.elapsed() >= job.time() => Ended::OutOfTime,
        None => Ended::Killed,
    };
    Ok(Watched { ended, said })
}

/// The end of what comes out of a pipe, once it is closed.
fn tail(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, tail) = mpsc::channel();
    if let Some(from) = from {
        // Nobody waits for it any more where something holds the pipe for too long.
        thread::spawn(move || drop(send.send(tail_of(from))));
    }
    tail
}

/// Waits for the end; none where the time is over first and the program was killed.
fn wait(child: &mut Child, until: Instant) -> std::io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            // What has just ended by itself need not be killed.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

fn tail_of(mut from: impl Read) -> Vec<u8> {
    let (mut tail, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = from.read(&mut piece) {
        tail.extend_from_slice(&piece[..n]);
        if tail.len() > 2 * TAIL {
            tail.drain(..tail.len() - TAIL);
        }
    }
    tail
}
