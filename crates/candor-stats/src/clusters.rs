//! Values summed by cluster.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::FixedState;

/// Sum and size of each cluster, in the order first met: the same input gives the same floating-point sums on every machine.
pub(super) fn cluster_sums<C: Hash + Eq>(
    values: impl Iterator<Item = f64>,
    clusters: &[C],
) -> Vec<(f64, f64)> {
    let mut places: HashMap<&C, usize, FixedState> = HashMap::default();
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for (value, cluster) in values.zip(clusters) {
        let at = *places.entry(cluster).or_insert_with(|| {
            sums.push((0.0, 0.0));
            sums.len() - 1
        });
        sums[at].0 += value;
        sums[at].1 += 1.0;
    }
    sums
}

/// Whether every value is in a cluster of its own.
pub fn all_alone<C: Hash + Eq>(clusters: impl ExactSizeIterator<Item = C>) -> bool {
    let n = clusters.len();
    let mut met: std::collections::HashSet<C, FixedState> =
        std::collections::HashSet::with_capacity_and_hasher(n, FixedState::default());
    clusters.into_iter().all(|c| met.insert(c))
}
