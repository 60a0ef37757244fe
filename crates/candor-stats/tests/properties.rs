//! What holds for every input.

#![allow(clippy::cast_precision_loss, clippy::unwrap_used)]

use candor_stats::{
    AdjustedT, Inference, PairedCounts, Tango, Verdict, clopper_pearson, wilson, wilson_effective_n,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn intervals_hold_their_estimate_and_stay_in_range(n11 in 0_u64..80, n10 in 0_u64..40, n01 in 0_u64..40, n00 in 0_u64..80) {
        let n = n11 + n10 + n01 + n00;
        prop_assume!(n > 0);
        let difference = Tango::new(PairedCounts { n11, n10, n01, n00 }).unwrap().estimate(0.95).unwrap();
        prop_assert!(difference.interval.low <= difference.value + 1e-9 && difference.value <= difference.interval.high + 1e-9);
        prop_assert!(difference.interval.low >= -1.0 && difference.interval.high <= 1.0 && difference.interval.low < difference.interval.high);
        let swapped = Tango::new(PairedCounts { n11, n10: n01, n01: n10, n00 }).unwrap().estimate(0.95).unwrap();
        prop_assert!((swapped.interval.low + difference.interval.high).abs() < 1e-9, "swapping the two turns the interval round");
        let x = n11 + n10;
        let score = wilson(x as f64, n as f64, 0.95).unwrap();
        let exact = clopper_pearson(x, n, 0.95).unwrap();
        let share = x as f64 / n as f64;
        prop_assert!(score.low <= share + 1e-12 && share <= score.high + 1e-12 && score.low < score.high);
        prop_assert!(exact.low <= share && share <= exact.high);
    }

    #[test]
    fn repeating_every_question_in_its_cluster_narrows_nothing(values in prop::collection::vec(0_u8..=1, 4..40)) {
        let single: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        let own: Vec<usize> = (0..single.len()).collect();
        let (thrice, clusters): (Vec<f64>, Vec<usize>) = single.iter().zip(&own).flat_map(|(v, c)| [(*v, *c); 3]).unzip();
        let alone = wilson_effective_n(&single, &own, single.len(), 0.95).unwrap();
        let copied = wilson_effective_n(&thrice, &clusters, thrice.len(), 0.95).unwrap();
        prop_assert!(copied.interval.high - copied.interval.low >= alone.interval.high - alone.interval.low - 1e-9);
        let differences: Vec<f64> = single.iter().map(|v| v - 0.5).collect();
        prop_assert!(AdjustedT::new(&differences, &own).unwrap().interval(0.95).unwrap().low < 0.5);
    }

    #[test]
    fn a_wider_margin_never_turns_a_pass_into_a_fail(gained in 0_u64..40, lost in 0_u64..40, both in 0_u64..200, narrow in 0.0..0.2_f64, more in 0.0..0.2_f64) {
        prop_assume!(gained + lost + both > 0);
        let tango = Tango::new(PairedCounts { n11: both, n10: gained, n01: lost, n00: 0 }).unwrap();
        let interval = tango.interval(0.9).unwrap();
        let (a, b) = (Verdict::of(interval, narrow), Verdict::of(interval, narrow + more));
        prop_assert!(b.passed() || !a.passed(), "{} then {}", a, b);
        prop_assert!(a == Verdict::Fail || b != Verdict::Fail, "{} then {}", a, b);
    }
}
