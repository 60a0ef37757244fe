//! Integrals of smooth functions.

/// ∫ f over [low, high] by Simpson's rule with an even number of panels.
pub(super) fn simpson(low: f64, high: f64, panels: u32, f: impl Fn(f64) -> f64) -> f64 {
    let step = (high - low) / f64::from(panels);
    let inner: f64 = (1..panels)
        .map(|i| {
            let weight = if i % 2 == 1 { 4.0 } else { 2.0 };
            weight * f(low + step * f64::from(i))
        })
        .sum();
    step / 3.0 * (f(low) + inner + f(high))
}
