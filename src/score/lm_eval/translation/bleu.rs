//! BLEU (Papineni et al. 2002) as sacreBLEU computes it: words by mteval's tokenizer 13a, n-grams up to four, counts of none smoothed
//! exponentially.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::split;
use crate::text::{PythonPattern, is_space};

/// Longest n-gram.
const ORDER: usize = 4;

/// Rules of the tokenizer 13a: punctuation stands alone, a point or comma unless between digits, a dash after a digit.
static RULES: LazyLock<Vec<(PythonPattern, &str)>> = LazyLock::new(|| {
    [
        (r"([\{-\~\[-\` -\&\(-\+\:-\@\/])", r" \1 "),
        (r"([^0-9])([\.,])", r"\1 \2 "),
        (r"([\.,])([^0-9])", r" \1 \2"),
        (r"([0-9])(-)", r"\1 \2 "),
    ]
    .into_iter()
    .map(|(rule, with)| (PythonPattern::new(rule).expect("the rules are valid"), with))
    .collect()
});

fn tokens(text: &str) -> String {
    let text = text.trim_end_matches(is_space);
    let mut text = text
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ");
    for (from, to) in [
        ("&quot;", "\""),
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ] {
        text = text.replace(from, to);
    }
    let mut text = format!(" {text} ");
    for (rule, with) in RULES.iter() {
        text = rule.replace(&text, with, 0).unwrap_or(text);
    }
    text
}

fn grams<'t>(words: &[&'t str]) -> HashMap<Vec<&'t str>, u32> {
    let mut counts = HashMap::new();
    for n in 1..=ORDER {
        for gram in words.windows(n) {
            *counts.entry(gram.to_vec()).or_default() += 1;
        }
    }
    counts
}

/// Words of the answer and of the reference, then per length of n-gram how many are matched, then how many there are.
pub(super) fn statistics(reference: &str, answer: &str) -> Vec<f64> {
    let (reference, answer) = (tokens(reference), tokens(answer));
    let (reference, answer) = (split(&reference), split(&answer));
    let known = grams(&reference);
    let (mut matched, mut total) = ([0; ORDER], [0; ORDER]);
    for (gram, count) in grams(&answer) {
        total[gram.len() - 1] += count;
        matched[gram.len() - 1] += count.min(known.get(&gram).copied().unwrap_or(0));
    }
    let lengths = [answer.len(), reference.len()].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    lengths
        .into_iter()
        .chain(matched)
        .chain(total)
        .map(f64::from)
        .collect()
}

/// BLEU of a corpus, from 0 to 100.
#[allow(clippy::cast_precision_loss)]
pub(in crate::score::lm_eval) fn score(sums: &[f64]) -> Option<f64> {
    let [answer, reference, counts @ ..] = sums else {
        return None;
    };
    let (matched, total) = (counts.get(..ORDER)?, counts.get(ORDER..2 * ORDER)?);
    if matched.iter().all(|m| *m == 0.0) {
        return Some(0.0);
    }
    let brevity = if answer < reference {
        (1.0 - reference / answer).exp()
    } else {
        1.0
    };
    let (mut smoothing, mut logs) = (1.0, 0.0);
    for (matched, total) in matched.iter().zip(total) {
        // sacreBLEU takes the logarithm of a precision of 0 for this.
        if *total == 0.0 {
            logs += -9_999_999_999.0;
            continue;
        }
        let precision = if *matched == 0.0 {
            smoothing *= 2.0;
            100.0 / (smoothing * total)
        } else {
            100.0 * matched / total
        };
        logs += precision.ln();
    }
    Some(brevity * (logs / ORDER as f64).exp())
}
