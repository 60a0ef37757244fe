//! What models were unable to answer, in a sentence.

use super::figures::{count, percent, points_with_interval};
use crate::analysis::{Inability, Unable};

/// More models than this are named by their number.
const MAX_UNABLE: usize = 6;

/// What models were unable to answer, and what their controls say of it; none where every model was able.
#[must_use]
pub(super) fn unable_sentence(unable: &[Unable]) -> Option<String> {
    if unable.is_empty() {
        return None;
    }
    let mut parts: Vec<String> = unable.iter().take(MAX_UNABLE).map(unable_part).collect();
    if let Some(more @ 1..) = unable.len().checked_sub(MAX_UNABLE) {
        parts.push(format!("and {}", count(more, "more model")));
    }
    Some(format!(
        "Unable to answer (incoherent, does not know, repeats the question, another language), counted neither as answered nor as withheld: {}.",
        parts.join("; ")
    ))
}

fn unable_part(unable: &Unable) -> String {
    let Unable {
        model, questions, ..
    } = unable;
    let n = format!("{model} {} of {} questions", questions.found, questions.of);
    let beside = unable.beside_controls.as_ref();
    let Some((gap, estimate)) = beside.and_then(|g| Some((g, g.gap.as_ref().ok()?))) else {
        return n;
    };
    let means = match unable.means {
        Inability::Weakness => "as often on controls, a weakness and not a refusal",
        Inability::Concentrated => "more often on sensitive questions, which may be withholding",
        Inability::Unknown => "too few to tell weakness from withholding",
    };
    format!(
        "{n}, {} % of sensitive ones and {} % of controls, {}: {means}",
        percent(gap.first),
        percent(gap.second),
        points_with_interval(estimate)
    )
}
