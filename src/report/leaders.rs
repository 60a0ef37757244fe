//! Who leads on each suite, in sentences: ties as ties, whether a lead is more than noise, and what this many questions cannot decide.

use super::figures::{bracket, count, percent, points};
use crate::analysis::{Ranked, Ranking, compare, rank};
use crate::report::Report;
use crate::store::SuiteRecord;

/// With more models than this, pairs are too many to test each against each.
const MAX_MODELS: usize = 60;
/// More names than this are replaced by their number.
const MAX_NAMES: usize = 4;

/// One sentence or two per suite that several models answered.
pub(super) fn leaders(report: &Report) -> Vec<String> {
    if report.data.models.len() > MAX_MODELS {
        return Vec::new();
    }
    let suites = report.data.suites.iter();
    suites
        .filter_map(|suite| {
            let ranking = rank(&report.asked, &suite.name, report.estimand)?;
            (ranking.pairs > 0).then(|| sentence(report, suite, &ranking))
        })
        .collect()
}

fn names(all: &[&str]) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if all.len() <= MAX_NAMES => format!("{} and {last}", first.join(", ")),
        _ => count(all.len(), "model"),
    }
}

fn sentence(report: &Report, suite: &SuiteRecord, ranking: &Ranking) -> String {
    let top = ranking.models[0].value;
    let tied = |value: f64| percent(value) == percent(top);
    let named = |wanted: &dyn Fn(&Ranked) -> bool| -> Vec<&str> {
        let own = ranking.models.iter().filter(|m| wanted(m));
        own.map(|m| m.model.as_str()).collect()
    };
    let leading = named(&|m| tied(m.value));
    // Those below the top that are not shown worse than it.
    let close = named(&|m| !tied(m.value) && m.best == 1);
    let below = ranking.models.len() - leading.len() - close.len();
    let (name, top) = (&suite.name, percent(top));
    if below + close.len() == 0 {
        let all = match leading.len() {
            2 => "both models".to_owned(),
            n => format!("all {}", count(n, "model")),
        };
        return format!("{name}: {all} at {top} %, n = {}.", ranking.n);
    }
    let does = match (suite.tells_what_is_withheld(), leading.len()) {
        (true, 1) => "answers most",
        (true, _) => "answer most",
        (false, 1) => "leads",
        (false, _) => "lead",
    };
    let at = if leading.len() > 1 { "tied at " } else { "" };
    let holm = format!("Holm over {}", count(ranking.pairs, "pair"));
    let others = names(&close);
    let apart = match (close.is_empty(), below) {
        (true, _) => format!("shown better than every other model ({holm})"),
        (false, 0) => format!("not shown better than {others} ({holm})"),
        (false, n) => format!(
            "not separable from {others}, shown better than {} ({holm})",
            count(n, "model")
        ),
    };
    let untested = match ranking.untested {
        0 => String::new(),
        n => format!(" {} could not be tested.", count(n, "pair")),
    };
    let second = ranking.models.iter().find(|m| !tied(m.value));
    let ahead = second.map_or_else(String::new, |second| ahead(report, name, ranking, second));
    format!(
        "{name}: {} {does}, {at}{top} %; {apart}.{untested}{ahead}",
        names(&leading)
    )
}

/// How far the first is ahead of the first below it, and what this many questions cannot decide.
fn ahead(report: &Report, suite: &str, ranking: &Ranking, second: &Ranked) -> String {
    let (first, second) = (&ranking.models[0].model, &second.model);
    let lead = compare(&report.asked, &[suite], first, second, report.estimand);
    let Ok(difference) = &lead.difference else {
        return String::new();
    };
    let unseen = lead.detectable.map_or_else(String::new, |least| {
        format!(
            "; true differences under {} points would mostly go unseen",
            percent(least)
        )
    });
    format!(
        " Ahead of {second} by {} points {}, n = {}{unseen}.",
        points(difference.value),
        bracket(difference.interval),
        difference.n
    )
}
