//! A gate as JUnit XML: one test case per rule.

use std::fmt::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::lines::Line;
use super::{InfluentialQuestion, OnInconclusive, figure};
use crate::gate::GateOutcome;
use crate::report::ReportError;
use crate::stats::Verdict;
use crate::text::visible;

/// Maximum number of characters of a question or an answer.
const EXCERPT_CHARACTERS: usize = 300;

/// Text with its control characters made visible.
fn visible_xml(text: &str) -> String {
    visible(text).into_owned()
}

/// The XML. An inconclusive rule is a skipped case, a failure or a success, as `on_inconclusive` says.
///
/// # Errors
/// [`ReportError::Render`] if the XML cannot be written.
pub fn junit(
    outcome: &GateOutcome,
    influential: &[InfluentialQuestion],
    on_inconclusive: OnInconclusive,
) -> Result<String, ReportError> {
    let mut report = Report::new("candor gate");
    let mut suite = TestSuite::new(visible_xml(&format!("candor gate: {}", outcome.candidate)));
    for (rule, line) in outcome.rules.iter().filter_map(|r| Some((r, Line::of(r)?))) {
        let said = line.said().filter(|part| !part.is_empty());
        let said = said.collect::<Vec<_>>().join(" · ");
        let mut details = String::new();
        for check in &rule.checks {
            let (verdict, figure) = (check.verdict, figure(rule, check));
            let _ = writeln!(details, "{verdict}: {figure} (n {})", check.n);
        }
        for w in influential.iter().filter(|w| w.rule == rule.name) {
            let _ = writeln!(details, "\n{} / {}", w.suite, w.sample);
            for (name, words) in w.excerpts(EXCERPT_CHARACTERS) {
                let _ = writeln!(details, "  {name}: {words}");
            }
        }
        let mut status = match (rule.verdict, on_inconclusive) {
            (Verdict::Fail, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
            (v, OnInconclusive::Fail) if v.inconclusive() => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            (v, OnInconclusive::Report) if v.inconclusive() => TestCaseStatus::skipped(),
            _ => TestCaseStatus::success(),
        };
        if !matches!(status, TestCaseStatus::Success { .. }) {
            status
                .set_message(visible_xml(&said))
                .set_type(rule.verdict.name())
                .set_description(visible_xml(&details));
        }
        let mut case = TestCase::new(visible_xml(&rule.name), status);
        case.set_classname(visible_xml(&rule.suites.join(", ")));
        case.set_system_out(visible_xml(&format!("{said}\n{details}")));
        suite.add_test_case(case);
    }
    report.add_test_suite(suite);
    let text = report.to_string().map_err(|e| ReportError::Render {
        part: "JUnit file".into(),
        reason: e.to_string(),
    })?;
    // The common schema (the xUnit plugin's junit-10.xsd) knows `skipped` on a suite, not on the list of suites.
    let Some(start) = text.find("<testsuites") else {
        return Ok(text);
    };
    let end = text[start..].find('>').map_or(text.len(), |at| start + at);
    let head = text[start..end]
        .split(' ')
        .filter(|part| !part.starts_with("skipped="))
        .collect::<Vec<_>>()
        .join(" ");
    Ok(format!("{}{head}{}", &text[..start], &text[end..]))
}
