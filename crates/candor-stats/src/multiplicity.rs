//! Many tests at once: adjusted p values, each to be compared with the α of the whole family. The order of the input is kept.

use super::{Result, Undefined};

/// Bonferroni: p·m.
///
/// # Errors
/// [`Undefined::OutOfRange`] for a p outside [0, 1]: an undefined p is dropped, and told, before this step.
#[allow(clippy::cast_precision_loss)]
pub fn bonferroni(p: &[f64]) -> Result<Vec<f64>> {
    checked(p)?;
    let m = p.len() as f64;
    Ok(p.iter().map(|p| (p * m).min(1.0)).collect())
}

/// Holm 1979: controls the chance of any false rejection, whatever the tests' dependence.
///
/// # Errors
/// As for [`bonferroni`].
#[allow(clippy::cast_precision_loss)]
pub fn holm(p: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p)?;
    let m = p.len();
    Ok(running(p, order.into_iter(), f64::max, |rank, p| {
        p * (m - rank) as f64
    }))
}

/// Holm's correction over the p values that are defined, each into the place beside it; gives how many these are. The other places, and all
/// of them if a p is outside [0, 1], stay as they are.
pub fn holm_where_defined<'a>(
    tests: impl Iterator<Item = (Option<f64>, &'a mut Option<f64>)>,
) -> usize {
    let defined = tests.filter_map(|(p, place)| Some((p?, place)));
    let (p, places): (Vec<f64>, Vec<&mut Option<f64>>) = defined.unzip();
    for (place, corrected) in places.into_iter().zip(holm(&p).unwrap_or_default()) {
        *place = Some(corrected);
    }
    p.len()
}

/// Hochberg 1988: Holm's factors taken from the largest p downwards; needs independent or positively dependent tests.
///
/// # Errors
/// As for [`bonferroni`].
#[allow(clippy::cast_precision_loss)]
pub fn hochberg(p: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p)?;
    Ok(running(p, order.into_iter().rev(), f64::min, |rank, p| {
        p * (rank + 1) as f64
    }))
}

/// Benjamini and Hochberg 1995: controls the expected share of false rejections among the rejections.
///
/// # Errors
/// As for [`bonferroni`].
pub fn benjamini_hochberg(p: &[f64]) -> Result<Vec<f64>> {
    step_up(p, 1.0)
}

/// Benjamini and Yekutieli 2001: the same under any dependence.
///
/// # Errors
/// As for [`bonferroni`].
#[allow(clippy::cast_precision_loss)]
pub fn benjamini_yekutieli(p: &[f64]) -> Result<Vec<f64>> {
    step_up(p, (1..=p.len()).map(|i| 1.0 / i as f64).sum())
}

#[allow(clippy::cast_precision_loss)]
fn step_up(p: &[f64], factor: f64) -> Result<Vec<f64>> {
    let order = ascending(p)?;
    let m = p.len();
    Ok(running(p, order.into_iter().rev(), f64::min, |rank, p| {
        factor * p * m as f64 / (m - rank) as f64
    }))
}

fn checked(p: &[f64]) -> Result<()> {
    if p.iter().all(|p| (0.0..=1.0).contains(p)) {
        Ok(())
    } else {
        Err(Undefined::OutOfRange)
    }
}

fn ascending(p: &[f64]) -> Result<Vec<usize>> {
    checked(p)?;
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    Ok(order)
}

/// Adjusts along `order`, `rank` counting from 0, and keeps the running extreme so that adjusted values never cross.
fn running(
    p: &[f64],
    order: impl Iterator<Item = usize>,
    extreme: fn(f64, f64) -> f64,
    adjust: impl Fn(usize, f64) -> f64,
) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut so_far: Option<f64> = None;
    for (rank, at) in order.enumerate() {
        let own = adjust(rank, p[at]).min(1.0);
        let kept = so_far.map_or(own, |s| extreme(s, own));
        so_far = Some(kept);
        adjusted[at] = kept;
    }
    adjusted
}
