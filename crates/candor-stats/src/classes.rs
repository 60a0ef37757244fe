//! Agreement of predicted with true classes: F1 of a binary classification, and Matthews' correlation.

use std::collections::BTreeMap;

/// Pairs of true and predicted class, each with how often it occurs.
pub type ClassCounts = BTreeMap<(i64, i64), u64>;

/// F1 of class 1, in [0, 1]: 2 TP / (2 TP + FP + FN), and 0 where nothing is or is called 1. None where more than two classes occur, or
/// two of which neither is 1.
///
/// The definition is that of scikit-learn's `f1_score` with its defaults.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn binary_f1(counts: &ClassCounts) -> Option<f64> {
    let mut classes: Vec<i64> = counts.keys().flat_map(|(a, b)| [*a, *b]).collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.is_empty() || classes.len() > 2 || (classes.len() == 2 && !classes.contains(&1)) {
        return None;
    }
    let of = |truth: bool, predicted: bool| -> u64 {
        let own = counts
            .iter()
            .filter(|((t, p), _)| (*t == 1) == truth && (*p == 1) == predicted);
        own.map(|(_, n)| n).sum()
    };
    let (both, wrong) = (2 * of(true, true), of(false, true) + of(true, false));
    Some(if both + wrong == 0 {
        0.0
    } else {
        both as f64 / (both + wrong) as f64
    })
}

/// Matthews' correlation of any number of classes, in [−1, 1]; 0 where either side has one class only.
///
/// J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Computational Biology and Chemistry 28, 2004.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn matthews_correlation(counts: &ClassCounts) -> f64 {
    let mut truth: BTreeMap<i64, f64> = BTreeMap::new();
    let mut predicted: BTreeMap<i64, f64> = BTreeMap::new();
    let (mut right, mut all) = (0.0, 0.0);
    for ((t, p), n) in counts {
        let n = *n as f64;
        *truth.entry(*t).or_default() += n;
        *predicted.entry(*p).or_default() += n;
        right += if t == p { n } else { 0.0 };
        all += n;
    }
    let dot = |a: &BTreeMap<i64, f64>, b: &BTreeMap<i64, f64>| -> f64 {
        a.iter()
            .map(|(class, n)| n * b.get(class).copied().unwrap_or(0.0))
            .sum()
    };
    let shared = right * all - dot(&truth, &predicted);
    let own = (all * all - dot(&predicted, &predicted)) * (all * all - dot(&truth, &truth));
    if own == 0.0 { 0.0 } else { shared / own.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(i64, i64)]) -> ClassCounts {
        let mut counts = ClassCounts::new();
        for pair in pairs {
            *counts.entry(*pair).or_default() += 1;
        }
        counts
    }

    #[test]
    fn figures_are_scikit_learns() {
        // Values of scikit-learn 1.7: f1_score and matthews_corrcoef.
        let binary = counts(&[(1, 1), (1, 0), (0, 1), (0, 0), (1, 1), (0, 0), (0, 0)]);
        assert!((binary_f1(&binary).expect("two classes") - 2.0 / 3.0).abs() < 1e-12);
        assert!((matthews_correlation(&binary) - 0.416_666_666_666_666_7).abs() < 1e-12);
        let three = counts(&[(0, 0), (1, 2), (2, 2), (1, 1), (0, 2), (2, 2)]);
        assert_eq!(binary_f1(&three), None);
        assert!((matthews_correlation(&three) - 0.577_350_269_189_625_8).abs() < 1e-9);
        assert_eq!(binary_f1(&counts(&[(0, 0)])), Some(0.0));
        assert_eq!(matthews_correlation(&counts(&[(1, 1), (1, 0)])), 0.0);
    }
}
