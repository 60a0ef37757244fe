//! A gate as annotations for CI platforms.

use std::fmt::Write;

use serde_json::json;

use super::lines::Line;
use crate::gate::GateOutcome;
use crate::stats::Verdict;
use crate::text::{visible, visible_line};

/// Target CI platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// GitHub's workflow commands, one per line.
    GitHub,
    /// GitLab's code-quality report, a JSON list.
    GitLab,
}

/// One annotation per rule that did not simply pass, pointing at the gate file.
#[must_use]
pub fn annotations(outcome: &GateOutcome, gate_file: &str, platform: Platform) -> String {
    let rules = outcome.rules.iter();
    let pairs = rules
        .filter(|r| r.verdict != Verdict::Pass)
        .filter_map(|r| Some((r, Line::of(r)?)));
    match platform {
        Platform::GitHub => pairs.fold(String::new(), |mut text, (rule, line)| {
            let level = match rule.verdict {
                Verdict::Fail => "error",
                Verdict::PassWithDrop | Verdict::Pass => "notice",
                Verdict::Inconclusive | Verdict::InconclusiveDrop => "warning",
            };
            let _ = writeln!(
                text,
                "::{level} file={},title={}::{}",
                property(gate_file),
                property(&format!("candor gate: {}", rule.name)),
                message(&line.said().collect::<Vec<_>>().join(" "))
            );
            text
        }),
        Platform::GitLab => {
            let issues: Vec<_> = pairs
                .map(|(rule, line)| {
                    let severity = match rule.verdict {
                        Verdict::Fail => "critical",
                        Verdict::Pass | Verdict::PassWithDrop => "info",
                        Verdict::Inconclusive | Verdict::InconclusiveDrop => "minor",
                    };
                    let identity =
                        format!("{}\0{}\0{}", rule.name, rule.verdict, outcome.candidate);
                    json!({
                        "description": visible_line(&format!("{}: {} {}", rule.name, line.figure, line.behind.join(" "))),
                        "check_name": "candor gate",
                        "fingerprint": blake3::hash(identity.as_bytes()).to_hex().to_string(),
                        "severity": severity,
                        "location": { "path": gate_file, "lines": { "begin": 1 } },
                    })
                })
                .collect();
            format!("{:#}\n", serde_json::Value::Array(issues))
        }
    }
}

/// A workflow command's message, with control characters made visible.
fn message(text: &str) -> String {
    visible(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A workflow command's property.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
