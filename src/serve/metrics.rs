//! What is counted, in Prometheus' text format (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::queue::Queue;
use crate::model::Written;

/// Upper bounds of a histogram's buckets, in seconds.
const BOUNDS: [f64; 14] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

#[derive(Default)]
pub(super) struct Metrics {
    /// By route and status.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    durations: Histogram,
    first_tokens: Histogram,
}

#[derive(Default)]
struct Histogram(Mutex<Observed>);

#[derive(Default, Clone)]
struct Observed {
    /// How many were at most the bound of the same place.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    fn add(&self, seconds: f64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.count += 1;
        seen.sum += seconds;
        for (within, bound) in seen.within.iter_mut().zip(BOUNDS) {
            *within += u64::from(seconds <= bound);
        }
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        let seen = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        head(out, name, "histogram", help);
        for (within, bound) in seen.within.iter().zip(BOUNDS) {
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {within}");
        }
        let Observed { count, sum, .. } = seen;
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum {sum}\n{name}_count {count}");
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

impl Metrics {
    /// Counts a request that was answered with a status.
    pub(super) fn answered(&self, route: &'static str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status)).or_default() += 1;
    }

    /// Counts a choice that was written.
    pub(super) fn written(&self, written: &Written) {
        let usage = &written.completion.usage;
        for (counter, tokens) in [
            (&self.prompt_tokens, usage.prompt_tokens),
            (&self.completion_tokens, usage.completion_tokens),
        ] {
            counter.fetch_add(tokens.unwrap_or(0), Ordering::Relaxed);
        }
        if let Some(seconds) = written.completion.timing.first_token {
            self.first_tokens.add(seconds);
        }
    }

    /// Counts how long a request took.
    pub(super) fn took(&self, seconds: f64) {
        self.durations.add(seconds);
    }

    /// The page that Prometheus reads.
    pub(super) fn page(&self, queue: &Queue) -> String {
        let mut out = String::new();
        let name = "candor_http_requests_total";
        head(&mut out, name, "counter", "Requests by route and status.");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in requests.iter() {
            let _ = writeln!(
                out,
                "{name}{{route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
        drop(requests);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, kind, help, value) in [
            (
                "candor_requests_in_flight",
                "gauge",
                "Requests that are answered or wait.",
                queue.taken() as u64,
            ),
            (
                "candor_queue_places",
                "gauge",
                "Requests that can be answered or wait at once.",
                queue.places() as u64,
            ),
            (
                "candor_requests_refused_total",
                "counter",
                "Requests that found no place (429).",
                queue.refused(),
            ),
            (
                "candor_prompt_tokens_total",
                "counter",
                "Tokens read.",
                read(&self.prompt_tokens),
            ),
            (
                "candor_completion_tokens_total",
                "counter",
                "Tokens written.",
                read(&self.completion_tokens),
            ),
        ] {
            head(&mut out, name, kind, help);
            let _ = writeln!(out, "{name} {value}");
        }
        let (name, help) = (
            "candor_request_duration_seconds",
            "From a request to its whole answer.",
        );
        self.durations.write(&mut out, name, help);
        let (name, help) = (
            "candor_time_to_first_token_seconds",
            "From asking the model to its first token, where it is known.",
        );
        self.first_tokens.write(&mut out, name, help);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        for seconds in [0.02, 0.3, 400.0] {
            metrics.took(seconds);
        }
        metrics.answered("/v1/completions", 200);
        let page = metrics.page(&Queue::new(3));
        for line in [
            "candor_http_requests_total{route=\"/v1/completions\",status=\"200\"} 1",
            "candor_queue_places 3",
            "candor_request_duration_seconds_bucket{le=\"0.01\"} 0",
            "candor_request_duration_seconds_bucket{le=\"0.025\"} 1",
            "candor_request_duration_seconds_bucket{le=\"0.5\"} 2",
            "candor_request_duration_seconds_bucket{le=\"+Inf\"} 3",
            "candor_request_duration_seconds_count 3",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} in {page}");
        }
    }
}
