//! A gate as lines on a terminal.

use super::worst;
use crate::gate::{CheckOutcome, GateOutcome, Reason, RuleOutcome, Unit};
use crate::report::figures::{bracket, count, points, signed, thousands};
use crate::report::table::Grid;
use crate::stats::Verdict;

/// A rule's line: its verdict, the worst of its figures, its limit, n, and what would decide.
pub(super) struct Line {
    mark: &'static str,
    name: String,
    /// What was seen.
    pub figure: String,
    /// Where the true value must lie, how many it rests on, and what else is to be said, if anything.
    pub behind: [String; 3],
}

impl Line {
    /// The line of a rule; none where it has no check.
    pub(super) fn of(rule: &RuleOutcome) -> Option<Self> {
        let check = worst(rule)?;
        let n = thousands(i64::try_from(check.n).unwrap_or(i64::MAX));
        Some(Self {
            mark: mark(rule.verdict),
            name: rule.name.clone(),
            figure: figure(rule, check),
            behind: [limit(rule, check), format!("n {n}"), remark(rule, check)],
        })
    }

    /// What is said of the rule, without mark and name, part by part.
    pub(super) fn said(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.figure)
            .chain(&self.behind)
            .map(String::as_str)
    }

    fn cells(self) -> Vec<String> {
        let [limit, n, remark] = self.behind;
        vec![self.mark.into(), self.name, self.figure, limit, n, remark]
    }
}

/// One line per rule: a mark, the name, its worst estimate, its limit, n, and what would decide.
#[must_use]
pub fn lines(outcome: &GateOutcome) -> Grid {
    let mut grid = Grid::new(&["", "rule", "figure", "limit", "n", ""], &[]);
    let lines = outcome.rules.iter().filter_map(Line::of);
    grid.rows.extend(lines.map(Line::cells));
    grid
}

/// A mark for a verdict.
fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass | Verdict::PassWithDrop => "✔",
        Verdict::Fail => "✘",
        Verdict::Inconclusive | Verdict::InconclusiveDrop => "?",
    }
}

/// A check's estimate, with its interval and its cell's name.
#[must_use]
pub fn figure(rule: &RuleOutcome, check: &CheckOutcome) -> String {
    let name = check
        .cell
        .as_ref()
        .map(|c| format!("{c} "))
        .unwrap_or_default();
    let (Some(value), Some(interval)) = (check.value, check.interval) else {
        return format!("{name}–");
    };
    if rule.unit == Unit::Share && (rule.difference || rule.gap) {
        let unit = if check.cell.is_some() { "" } else { "points " };
        return format!("{name}{} {unit}{}", points(value), bracket(interval));
    }
    if interval.low == interval.high {
        return format!("{name}{}", rule.unit.show(value));
    }
    format!(
        "{name}{} {}",
        rule.unit.show(value),
        rule.unit.show_interval(interval)
    )
}

fn limit(rule: &RuleOutcome, check: &CheckOutcome) -> String {
    if rule.difference {
        return format!("margin {}", short_points(check.limit));
    }
    let word = if rule.ceiling { "ceiling" } else { "floor" };
    if rule.gap {
        return format!("{word} {}", short_points(check.limit));
    }
    format!("{word} {}", rule.unit.show(check.limit))
}

/// Points, without a decimal if whole.
fn short_points(share: f64) -> String {
    let whole = (share * 100.0).round();
    if (share * 100.0 - whole).abs() < 1e-9 {
        signed(whole, 0)
    } else {
        points(share)
    }
}

fn remark(rule: &RuleOutcome, check: &CheckOutcome) -> String {
    let mut parts = Vec::new();
    match (check.verdict, &check.reason) {
        (_, Some(Reason::Missing)) => parts.push(format!(
            "inconclusive: depends on {}",
            count(check.missing, "unscored question")
        )),
        (_, Some(Reason::Stopped)) => parts.push("not decided when the run ended".into()),
        (_, Some(Reason::Undefined(why))) => parts.push(format!("inconclusive: {why}")),
        (Verdict::PassWithDrop, _) => parts.push("a real drop, within the margin".into()),
        (Verdict::InconclusiveDrop, _) => {
            parts.push(format!(
                "a real drop, possibly beyond the margin: {}",
                needs(check)
            ));
        }
        (Verdict::Inconclusive, _) => parts.push(format!("inconclusive: {}", needs(check))),
        _ => {}
    }
    if rule.checks.len() > 1 {
        let passed = rule.checks.iter().filter(|c| c.verdict.passed()).count();
        parts.push(format!("{passed} of {} pass", rule.checks.len()));
    }
    if check.missing > 0 && check.reason.is_none() {
        parts.push(format!("{} without a score", check.missing));
    }
    parts.join("; ")
}

/// What would decide an undecided check.
#[must_use]
pub fn needs(check: &CheckOutcome) -> String {
    let Some(needed) = check.needed else {
        return "not estimable".into();
    };
    let more = needed
        .more_questions
        .map(|n| format!("about {}", count(n, "more question")));
    let epochs = needed.epochs.map(|k| format!("{k} epochs"));
    match (more, epochs) {
        (Some(more), Some(epochs)) => format!("{more}, or {epochs}, would decide"),
        (Some(more), None) => format!("{more} would decide"),
        (None, Some(epochs)) => format!("{epochs} would decide"),
        (None, None) => {
            "the estimate is at the limit; no reasonable number of questions would decide".into()
        }
    }
}

/// The last line: the verdict and the count of rules.
#[must_use]
pub fn conclusion(outcome: &GateOutcome) -> String {
    let (passed, failed, open) = outcome.counts();
    format!(
        "{} — {passed} passed, {failed} failed, {open} inconclusive",
        outcome.overall.name()
    )
}
