//! Figures of a whole corpus, from what the scores of its answers hold.

use std::collections::BTreeMap;

use super::translation;
use crate::score::Aggregate;
use crate::stats::{binary_f1, matthews_correlation};

/// What scores of one metric sum up to, while they are read.
#[derive(Debug, Clone, Default)]
pub struct CorpusTally {
    n: u64,
    sums: Vec<f64>,
    /// Right and chosen class, with how often they meet.
    classes: BTreeMap<(i64, i64), u64>,
}

impl CorpusTally {
    /// Adds a score by its label: numbers that are summed up place by place. Anything else is not counted.
    pub fn add(&mut self, label: &str) {
        let numbers = label.split(' ').map(str::parse::<f64>);
        let Ok(numbers) = numbers.collect::<Result<Vec<f64>, _>>() else {
            return;
        };
        self.n += 1;
        if let Some((gold, chosen)) = label.split_once(' ')
            && let (Ok(gold), Ok(chosen)) = (gold.parse(), chosen.parse())
        {
            *self.classes.entry((gold, chosen)).or_default() += 1;
        }
        self.sums.resize(self.sums.len().max(numbers.len()), 0.0);
        for (sum, number) in self.sums.iter_mut().zip(numbers) {
            *sum += number;
        }
    }

    /// Scores that were counted.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The figure; none where it is not defined, or not of a corpus.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn value(&self, aggregate: Aggregate) -> Option<f64> {
        if self.n == 0 {
            return None;
        }
        let sum = |i: usize| self.sums.get(i).copied();
        let share = || Some(sum(0)? / sum(1).filter(|weight| *weight > 0.0)?);
        match aggregate {
            Aggregate::Perplexity => Some((-sum(0)? / self.n as f64).exp()),
            Aggregate::WeightedPerplexity => Some((-share()?).exp()),
            Aggregate::BitsPerByte => Some(-share()? / std::f64::consts::LN_2),
            Aggregate::F1 => binary_f1(&self.classes),
            Aggregate::Matthews => Some(matthews_correlation(&self.classes)),
            Aggregate::Bleu => translation::bleu(&self.sums),
            Aggregate::Chrf => translation::chrf(&self.sums, 0),
            Aggregate::ChrfWords => translation::chrf(&self.sums, 2),
            Aggregate::Ter => translation::ter(&self.sums),
            _ => None,
        }
    }
}
