//! `traffic.jsonl`: retries, empty replies and changes of the limit of requests in flight, each with its time. Nothing depends on it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{ErrorClass, LimitCause, Traffic};

pub(super) const TRAFFIC: &str = "traffic.jsonl";

/// Most bytes of a line that is read: candor writes some two hundred.
const MAX_LINE: u64 = 1 << 16;

/// The log. Its file is made with its first line; what cannot be written is left out.
#[derive(Debug)]
pub struct TrafficLog {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    #[serde(flatten)]
    traffic: &'a Traffic,
}

#[derive(Deserialize)]
struct ReadLine {
    time: Timestamp,
    #[serde(flatten)]
    traffic: Traffic,
}

impl TrafficLog {
    pub(super) fn new(run: &Path) -> Self {
        Self {
            path: run.join(TRAFFIC),
            file: Mutex::default(),
        }
    }

    /// Writes a line.
    pub fn write(&self, traffic: &Traffic) {
        let time = Timestamp::now();
        let Ok(mut line) = serde_json::to_vec(&Line { time, traffic }) else {
            return;
        };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = open(&self.path);
        }
        if let Some(file) = file.as_mut() {
            let _ = file.write_all(&line);
        }
    }
}

/// Opens the file at its end, unless it is a link.
fn open(path: &Path) -> Option<File> {
    if path.symlink_metadata().is_ok_and(|m| !m.is_file()) {
        return None;
    }
    OpenOptions::new().create(true).append(true).open(path).ok()
}

/// What happened on the way to the answers of one server.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ServerTraffic {
    /// Requests that failed and were sent again, by why they failed.
    pub retries: BTreeMap<String, u64>,
    /// Seconds waited for in all before requests were sent again.
    pub waited_seconds: f64,
    /// Answers that came empty and were asked for again.
    pub empty: u64,
    /// Requests in flight, where they were found out.
    pub limit: Option<LimitHistory>,
}

/// How the number of requests that may be in flight went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitHistory {
    /// At first.
    pub first: usize,
    /// At most, and since when.
    pub most: usize,
    /// When it was first at its most.
    pub most_at: Timestamp,
    /// In the end.
    pub last: usize,
    /// How often the server turned requests away and it was cut.
    pub cuts: u64,
}

impl ServerTraffic {
    /// Counts another's in, which came later.
    pub fn add(&mut self, later: &Self) {
        for (class, n) in &later.retries {
            *self.retries.entry(class.clone()).or_default() += n;
        }
        self.waited_seconds += later.waited_seconds;
        self.empty += later.empty;
        match (&mut self.limit, &later.limit) {
            (Some(own), Some(later)) => {
                own.last = later.last;
                own.cuts += later.cuts;
                if later.most > own.most {
                    (own.most, own.most_at) = (later.most, later.most_at);
                }
            }
            (own, Some(later)) => *own = Some(later.clone()),
            (_, None) => {}
        }
    }

    fn hear(&mut self, time: Timestamp, traffic: &Traffic) {
        match traffic {
            Traffic::Retry {
                class,
                wait_seconds,
                ..
            } => {
                *self.retries.entry(name(*class)).or_default() += 1;
                self.waited_seconds += wait_seconds;
            }
            Traffic::Empty { .. } => self.empty += 1,
            &Traffic::Limit {
                from, to, cause, ..
            } => {
                let limit = self.limit.get_or_insert(LimitHistory {
                    first: from,
                    most: from,
                    most_at: time,
                    last: from,
                    cuts: 0,
                });
                limit.last = to;
                limit.cuts += u64::from(cause == LimitCause::Rejected);
                if to > limit.most {
                    (limit.most, limit.most_at) = (to, time);
                }
            }
        }
    }
}

fn name(class: ErrorClass) -> String {
    match serde_json::to_value(class) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// What the log of a run says, per server. Lines that say nothing are left out, and so is a log that cannot be read.
pub(super) fn read(run: &Path) -> BTreeMap<String, ServerTraffic> {
    let mut servers: BTreeMap<String, ServerTraffic> = BTreeMap::new();
    let path = run.join(TRAFFIC);
    if !path.symlink_metadata().is_ok_and(|m| m.is_file()) {
        return servers;
    }
    let Ok(file) = File::open(&path) else {
        return servers;
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return servers,
            Ok(_) => {}
        }
        if let Ok(ReadLine { time, traffic }) = serde_json::from_slice(&line) {
            let server = match &traffic {
                Traffic::Retry { server, .. }
                | Traffic::Empty { server }
                | Traffic::Limit { server, .. } => server.clone(),
            };
            servers.entry(server).or_default().hear(time, &traffic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_torn_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let log = TrafficLog::new(folder.path());
        let server = || "https://host".to_owned();
        let limit = |from, to, cause| Traffic::Limit {
            server: server(),
            from,
            to,
            cause,
        };
        log.write(&Traffic::Retry {
            server: server(),
            class: ErrorClass::RateLimited,
            wait_seconds: 1.5,
        });
        log.write(&Traffic::Empty { server: server() });
        log.write(&limit(16, 17, LimitCause::Used));
        log.write(&limit(17, 14, LimitCause::Rejected));
        let path = folder.path().join(TRAFFIC);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"event\": \"quake\"}\n\xff\n{\"time\": \"2026");
        std::fs::write(&path, bytes).unwrap();
        let read = read(folder.path());
        let own = &read["https://host"];
        assert_eq!(own.retries, BTreeMap::from([("rate_limited".into(), 1)]));
        assert_eq!((own.empty, own.waited_seconds), (1, 1.5));
        let limit = own.limit.as_ref().unwrap();
        assert_eq!(
            (limit.first, limit.most, limit.last, limit.cuts),
            (16, 17, 14, 1)
        );
    }
}
