//! Pure functions over slices: intervals, tests and scores. No I/O, no frames, no async.
//!
//! What is undefined (no data, one cluster) is an [`Undefined`] with its reason, never 0 and never NaN. A file holds one family; its
//! formulas name their sources, and `tests/golden_stats` holds each against other software.
//!
//! ```
//! use candor_stats::wilson;
//!
//! let rate = wilson(42.0, 50.0, 0.95)?;
//! assert!(rate.low < 0.84 && 0.84 < rate.high);
//! # Ok::<(), candor_stats::Undefined>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod agreement;
mod bbq;
mod bootstrap;
mod calibration;
mod classes;
mod clusters;
mod correlation;
mod distribution;
mod divergence;
mod effective_n;
mod exact;
mod independent;
mod inference;
mod integral;
mod judge;
mod matched;
mod mean;
mod multiplicity;
mod paired_mean;
mod paired_proportion;
mod percentile;
mod planned;
mod pooled;
mod power;
mod proportion;
mod ranking;
mod repeats;
mod root;
mod sequential;
mod verdict;

pub use agreement::{
    Agreement, Ratings, Scale, Weights, cohen_kappa, fleiss_kappa, gwet_ac1, kappa_null_se,
    krippendorff_alpha, krippendorff_alpha_se, percent_agreement,
};
pub use bbq::{BbqCounts, bbq_ambiguous, bbq_disambiguated};
pub use bootstrap::{Bootstrap, Resampled, acceleration};
pub use calibration::{brier, expected_calibration_error, log_loss};
pub use classes::{ClassCounts, binary_f1, matthews_correlation};
pub use clusters::all_alone;
pub use correlation::{Correlation, kendall, pearson, spearman};
pub use distribution::{
    beta_cdf, beta_quantile, binomial_cdf, binomial_pmf, chi_squared_sf, ln_beta, noncentral_t_cdf,
    normal_cdf, normal_quantile, student_t_cdf, student_t_quantile,
};
pub use divergence::jensen_shannon_distance;
pub use effective_n::{RateTest, effective_n, korn_graubard, logit_interval, wilson_effective_n};
pub use exact::{Exact, Scaled};
pub use independent::{
    TwoGroups, agresti_caffo, miettinen_nurminen, newcombe_hybrid, wald_independent,
};
pub use inference::{Estimate, Inference};
pub use judge::{
    CorrectedRate, JudgeQuality, PredictionPowered, prediction_powered_mean, rogan_gladen,
};
pub use matched::{
    CochranQ, ExactOddsRatio, Homogeneity, MantelHaenszel, Table, breslow_day, cochran_q,
    exact_conditional_odds_ratio,
};
pub use mean::{ClusteredMean, Mean};
pub use multiplicity::{
    benjamini_hochberg, benjamini_yekutieli, bonferroni, hochberg, holm, holm_where_defined,
};
pub use paired_mean::{AdjustedT, PairedT};
pub use paired_proportion::{
    ConditionalOddsRatio, McNemar, PairedCounts, Tango, agresti_min, bonett_price,
    conditional_odds_ratio, mcnemar, newcombe_paired, wald_paired,
};
pub use percentile::Percentile;
pub use planned::{ASSUMED_WITHIN_SHARE, PlannedComparison, unchanged_variance};
pub use pooled::{mean_of_means, pooled_mean, standard_error_of_mean};
pub use power::{
    Discordance, NonInferiority, minimum_detectable_effect, paired_t_power_one_sided,
    paired_t_power_two_sided,
};
pub use proportion::{
    agresti_coull, clopper_pearson, jeffreys, jeffreys_with_ends, rate_at_least, rate_at_most,
    wald, wilson,
};
pub use ranking::{BradleyTerry, mean_win_rate, rank_intervals};
pub use repeats::{RerunError, RerunT, VarianceComponents, g_pass_at_k, pass_at_k, pass_hat_k};
pub use root::fewest;
pub use sequential::{
    BettingWealth, PartOfRun, betting_bounds, betting_interval, empirical_bernstein_sequence,
    hedged_log_capital, hedged_sequence, hoeffding_sequence, predictable_bets, sign_log_e_value,
};
pub use verdict::Verdict;

use serde::Serialize;

/// A two-sided interval at a stated confidence level, in the unit of the estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

impl Interval {
    /// centre ± half.
    #[must_use]
    pub fn around(centre: f64, half: f64) -> Self {
        Self {
            low: centre - half,
            high: centre + half,
        }
    }

    /// The interval of the same estimate with its sign turned.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            low: -self.high,
            high: -self.low,
        }
    }

    /// Whether the interval leaves `value` out on either side.
    #[must_use]
    pub fn excludes(&self, value: f64) -> bool {
        value < self.low || value > self.high
    }
}

/// Why a statistic has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Undefined {
    /// There is nothing to compute from.
    #[error("no data")]
    NoData,
    /// All values come from one cluster, so the variance between clusters cannot be seen.
    #[error("only one cluster")]
    OneCluster,
    /// A denominator is zero: no value of the kind the statistic counts.
    #[error("no variation")]
    NoVariation,
    /// Fewer tries than the k that is asked about.
    #[error("fewer repeats than k")]
    FewerThanK,
    /// Nothing was asked twice.
    #[error("needs several epochs per question")]
    NeedsRepeats,
    /// A group only ever won: its strength has no bound.
    #[error("no finite estimate: some models only ever won or lost")]
    NoFiniteMle,
    /// Two groups never met.
    #[error("not connected: some models were never compared, even through others")]
    NotConnected,
    /// A judge whose verdicts say nothing of the truth.
    #[error("the judge is not significantly better than chance")]
    JudgeNotBetterThanChance,
    /// Too few units for a method that needs many.
    #[error("too few units for a resampling interval (fewer than 50)")]
    TooFew,
    /// Too few labels from outside for a correction.
    #[error("too few labels: at least 100 are needed, 10 of them on each side")]
    TooFewLabels,
    /// An argument is outside its range.
    #[error("argument outside its range")]
    OutOfRange,
}

/// A statistic, or the reason why it is undefined.
pub type Result<T> = std::result::Result<T, Undefined>;
