//! A gate as Markdown, for job summaries and pull requests: one screen.

use std::fmt::Write;

use super::{InfluentialQuestion, conclusion, figure, lines};
use crate::gate::{GateOutcome, Overall};
use crate::report::table::{Grid, markdown as escaped, markdown_code};

/// Maximum number of characters of a question or an answer.
const EXCERPT_CHARACTERS: usize = 200;
/// Maximum cells shown per rule.
const MAX_CELLS: usize = 5;

/// The verdict, a table of the rules, and, folded, the cells of rules by stratum and the most influential transcripts.
#[must_use]
pub fn markdown(outcome: &GateOutcome, influential: &[InfluentialQuestion]) -> String {
    let mut text = String::new();
    let mark = match outcome.overall {
        Overall::Pass => "✅",
        Overall::Fail => "❌",
        Overall::Inconclusive => "❔",
    };
    let _ = writeln!(text, "### {mark} candor gate: {}\n", conclusion(outcome));
    let against = outcome
        .baseline
        .as_ref()
        .map(|b| format!(" against {}", markdown_code(b)))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "{}{against} · estimand {} · one-sided α {} · intervals are the bounds that decide the verdict\n",
        markdown_code(&outcome.candidate),
        outcome.estimand,
        outcome.alpha
    );
    text.push_str(&lines(outcome).to_markdown());
    for note in &outcome.notes {
        let _ = write!(text, "\n{}\n", escaped(note));
    }
    for rule in outcome.rules.iter().filter(|r| r.checks.len() > 1) {
        let mut grid = Grid::new(&["figure", "verdict", "n"], &[2]);
        for check in rule.checks.iter().take(MAX_CELLS) {
            grid.rows.push(vec![
                figure(rule, check),
                check.verdict.to_string().replace('_', " "),
                check.n.to_string(),
            ]);
        }
        let more = rule.checks.len().saturating_sub(MAX_CELLS);
        let _ = write!(
            text,
            "\n<details><summary>{}: the worst of {}</summary>\n\n{}{}\n</details>\n",
            escaped(&rule.name),
            rule.checks.len(),
            grid.to_markdown(),
            if more > 0 {
                format!("\n… and {more} more\n")
            } else {
                String::new()
            }
        );
    }
    if !influential.is_empty() {
        text.push_str("\n<details><summary>Most influential questions</summary>\n");
        for w in influential {
            let _ = write!(
                text,
                "\n**{}** · {} / {}\n\n",
                escaped(&w.rule),
                escaped(&w.suite),
                escaped(&w.sample),
            );
            let lines = w.excerpts(EXCERPT_CHARACTERS);
            let lines: Vec<String> = lines
                .iter()
                .map(|(name, words)| format!("> {name}: {}\n", escaped(words)))
                .collect();
            text.push_str(&lines.join(">\n"));
        }
        text.push_str("\n</details>\n");
    }
    text
}
