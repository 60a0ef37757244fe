//! Attention of queries over pages of keys and values.
//!
//! A query's arithmetic is its own and goes in the order of positions, whatever other queries there are and however a text was cut into steps: scores
//! of a page at a time, one softmax over all, values token by token. Places of a page that a query does not see have weight 0, which changes no bit.

use std::ops::Range;

use super::pages::{Head, PAGE};

/// How a layer attends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    /// What scores are multiplied by.
    pub scale: f32,
    /// How many tokens a query sees, its own included; all before it where none.
    pub window: Option<usize>,
    /// Soft cap of the scores.
    pub cap: Option<f32>,
}

/// What one head asks at one token.
pub(super) struct Query<'a> {
    pub values: &'a [f32],
    /// Of its token in the text, from 0.
    pub position: usize,
    /// Where the answer goes: as many numbers as there are values.
    pub answer: &'a mut [f32],
}

impl Attention {
    /// Answers queries over a text's pages, as far as each sees.
    pub(super) fn answer(&self, pages: &[Head], queries: &mut [Query]) {
        let mut scratch = [Vec::new(), Vec::new()];
        for pair in queries.chunks_mut(2) {
            match pair {
                [one, two] => self.answer_each(pages, [one, two], &mut scratch),
                [one] => {
                    let [scratch, _] = &mut scratch;
                    self.answer_each(pages, [one], std::array::from_mut(scratch));
                }
                _ => {}
            }
        }
    }

    /// Tokens that a query sees.
    fn seen(&self, position: usize) -> Range<usize> {
        let end = position + 1;
        end - self.window.map_or(end, |window| window.min(end))..end
    }

    fn answer_each<const Q: usize>(
        &self,
        pages: &[Head],
        mut queries: [&mut Query; Q],
        weights: &mut [Vec<f32>; Q],
    ) {
        let mut seen = [const { 0..0 }; Q];
        for (seen, query) in seen.iter_mut().zip(&queries) {
            *seen = self.seen(query.position);
        }
        let first = seen.iter().map(|s| s.start / PAGE).min().unwrap_or(0);
        let end = seen.iter().map(|s| s.end.div_ceil(PAGE)).max().unwrap_or(0);
        let pages = &pages[first..end];
        for of_query in weights.iter_mut() {
            of_query.clear();
        }
        for page in pages {
            let asked = std::array::from_fn(|q| queries[q].values);
            for (of_query, scores) in weights.iter_mut().zip(scores::<Q>(asked, page.keys)) {
                of_query.extend(scores.map(|score| self.capped(score * self.scale)));
            }
        }
        let mut totals = [1.0; Q];
        for q in 0..Q {
            let own = seen[q].start - first * PAGE..seen[q].end - first * PAGE;
            totals[q] = exponentials(&mut weights[q], own);
            queries[q].answer.fill(0.0);
        }
        for (number, page) in pages.iter().enumerate() {
            let at = number * PAGE;
            let weights = std::array::from_fn(|q| &weights[q][at..at + PAGE]);
            add_values::<Q>(weights, page.values, &mut queries);
        }
        for (query, total) in queries.iter_mut().zip(totals) {
            for number in query.answer.iter_mut() {
                *number /= total;
            }
        }
    }

    fn capped(&self, score: f32) -> f32 {
        self.cap.map_or(score, |cap| (score / cap).tanh() * cap)
    }
}

/// The products of queries with the keys of a page.
fn scores<const Q: usize>(queries: [&[f32]; Q], keys: &[f32]) -> [[f32; PAGE]; Q] {
    let mut sums = [[0.0; PAGE]; Q];
    let (places, _) = keys.as_chunks::<PAGE>();
    for (at, keys) in places.iter().enumerate() {
        for (sums, query) in sums.iter_mut().zip(queries) {
            let number = query[at];
            for (sum, key) in sums.iter_mut().zip(keys) {
                *sum += number * key;
            }
        }
    }
    sums
}

/// Adds a page's values, each as often as its weight says, to the answers.
fn add_values<const Q: usize>(weights: [&[f32]; Q], values: &[f32], queries: &mut [&mut Query; Q]) {
    /// Numbers that are summed up side by side.
    const LANES: usize = 16;
    let width = queries[0].answer.len();
    let whole = width - width % LANES;
    for start in (0..whole).step_by(LANES) {
        let mut sums = [[0.0; LANES]; Q];
        for (sums, query) in sums.iter_mut().zip(queries.iter()) {
            sums.copy_from_slice(&query.answer[start..start + LANES]);
        }
        for (token, values) in values.chunks_exact(width).enumerate() {
            let values = &values[start..start + LANES];
            for (sums, weights) in sums.iter_mut().zip(weights) {
                let weight = weights[token];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += weight * value;
                }
            }
        }
        for (sums, query) in sums.iter().zip(queries.iter_mut()) {
            query.answer[start..start + LANES].copy_from_slice(sums);
        }
    }
    for (query, weights) in queries.iter_mut().zip(weights) {
        for (values, weight) in values.chunks_exact(width).zip(weights) {
            for (sum, value) in query.answer[whole..].iter_mut().zip(&values[whole..]) {
                *sum += weight * value;
            }
        }
    }
}

/// Puts the exponential of each score, less the largest, in its place, and 0 where nothing is seen; gives their sum.
fn exponentials(scores: &mut [f32], seen: Range<usize>) -> f32 {
    scores[..seen.start].fill(f32::NEG_INFINITY);
    scores[seen.end..].fill(f32::NEG_INFINITY);
    let (pages, _) = scores.as_chunks_mut::<PAGE>();
    let mut largest = [f32::NEG_INFINITY; PAGE];
    for page in pages.iter() {
        for (largest, score) in largest.iter_mut().zip(page) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; PAGE];
    for page in pages {
        for (sum, score) in sums.iter_mut().zip(page) {
            *score = exponential(*score - largest);
            *sum += *score;
        }
    }
    sums.iter().sum()
}

/// e to the power of a number that is not above 0, within two units in the last place; 0 below −87.
fn exponential(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2, in a part whose products with whole numbers are exact, and the rest.
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    // Not `max`, which would make a number of what is not one.
    let clamped = if x < -87.0 { -87.0 } else { x };
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = clamped - whole * LN_2.0 - whole * LN_2.1;
    let power = f32::from_bits(
        shifted
            .to_bits()
            .wrapping_sub(ROUND.to_bits())
            .wrapping_add(127)
            << 23,
    );
    // Taylor, to the seventh power: |rest| is at most ln 2 / 2.
    let series = [
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ]
    .into_iter()
    .fold(0.0, |sum, term| sum * rest + term);
    if x < -87.0 { 0.0 } else { series * power }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::super::pages::Pages;
    use super::*;
    use crate::model::onnx::paged_operator::LayerShape;

    /// Numbers that vary without a pattern.
    fn number(seed: usize) -> f32 {
        let hash = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        hash as f32 / (1u64 << 24) as f32 * 4.0 - 2.0
    }

    #[test]
    fn exponentials_are_those_of_the_library() {
        for i in 0..8700 {
            let x = -(i as f32) / 100.0;
            let (got, want) = (f64::from(exponential(x)), f64::from(x).exp());
            assert!((got / want - 1.0).abs() < 3e-7, "{x}: {got} {want}");
        }
        assert_eq!(exponential(0.0), 1.0);
        assert_eq!(exponential(f32::NEG_INFINITY), 0.0);
        assert!(exponential(f32::NAN).is_nan());
    }

    const WIDTH: usize = 19;
    const TOKENS: usize = 50;

    struct Text {
        pages: Pages,
        table: Vec<super::super::pages::PageId>,
    }

    fn text() -> Text {
        let shape = LayerShape {
            heads: 1,
            width: WIDTH,
        };
        let mut pages = Pages::new(vec![shape], 1 << 20);
        let table: Vec<_> = (0..TOKENS.div_ceil(PAGE))
            .filter_map(|_| pages.take())
            .collect();
        for token in 0..TOKENS {
            let row = |salt: usize| -> Vec<f32> {
                (0..WIDTH)
                    .map(|w| number(salt + token * WIDTH + w))
                    .collect()
            };
            let place = (table[token / PAGE], token % PAGE);
            pages.write(0, place, &row(0), &row(100_000));
        }
        Text { pages, table }
    }

    fn answers(text: &Text, attention: &Attention, positions: &[usize]) -> Vec<Vec<f32>> {
        let heads: Vec<Head> = text
            .table
            .iter()
            .map(|id| text.pages.head(0, *id, 0))
            .collect();
        let asked: Vec<Vec<f32>> = positions
            .iter()
            .map(|p| {
                (0..WIDTH)
                    .map(|w| number(7_000_000 + p * WIDTH + w))
                    .collect()
            })
            .collect();
        let mut answers = vec![vec![0.0; WIDTH]; positions.len()];
        let mut queries: Vec<Query> = asked
            .iter()
            .zip(positions)
            .zip(&mut answers)
            .map(|((values, position), answer)| Query {
                values,
                position: *position,
                answer,
            })
            .collect();
        attention.answer(&heads, &mut queries);
        answers
    }

    /// The definition, in double precision.
    fn defined(attention: &Attention, position: usize) -> Vec<f64> {
        let of = |salt: usize, row: usize, w: usize| f64::from(number(salt + row * WIDTH + w));
        let seen = attention.seen(position);
        let scores = seen.clone().map(|token| {
            let product: f64 = (0..WIDTH)
                .map(|w| of(7_000_000, position, w) * of(0, token, w))
                .sum();
            let score = product * f64::from(attention.scale);
            let score = attention.cap.map_or(score, |cap| {
                (score / f64::from(cap)).tanh() * f64::from(cap)
            });
            score.exp()
        });
        let weights: Vec<f64> = scores.collect();
        let total: f64 = weights.iter().sum();
        let value = |w: usize| -> f64 {
            seen.clone()
                .zip(&weights)
                .map(|(token, by)| by * of(100_000, token, w))
                .sum::<f64>()
                / total
        };
        (0..WIDTH).map(value).collect()
    }

    #[test]
    fn answers_are_those_of_the_definition() {
        let text = text();
        for (window, cap) in [
            (None, None),
            (Some(20), None),
            (None, Some(5.0)),
            (Some(1), Some(2.0)),
        ] {
            let attention = Attention {
                scale: 0.3,
                window,
                cap,
            };
            for position in [0, 15, 16, 31, 40, 49] {
                let got = answers(&text, &attention, &[position]);
                for (got, want) in got[0].iter().zip(defined(&attention, position)) {
                    assert!(
                        (f64::from(*got) - want).abs() < 2e-6,
                        "{position}: {got} {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_answer_is_the_same_to_the_last_bit_whoever_else_asks() {
        let text = text();
        for window in [None, Some(17)] {
            let attention = Attention {
                scale: 0.3,
                window,
                cap: None,
            };
            let alone: Vec<_> = (0..TOKENS)
                .map(|p| answers(&text, &attention, &[p]).remove(0))
                .collect();
            let all: Vec<usize> = (0..TOKENS).collect();
            assert_eq!(answers(&text, &attention, &all), alone);
            let odd: Vec<usize> = (0..TOKENS).rev().step_by(3).collect();
            let want: Vec<_> = odd.iter().map(|p| alone[*p].clone()).collect();
            assert_eq!(answers(&text, &attention, &odd), want);
        }
    }
}
