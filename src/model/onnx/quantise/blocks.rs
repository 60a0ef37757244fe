//! Numbers rounded block by block, as ONNX Runtime's `MatMulNBits` reads them.
//!
//! A row of a matrix is cut into blocks of 32. Each has a scale: its number of the largest magnitude, divided by −8 (−128 for 8 bits), so that this
//! number itself is met exactly; of two that differ in their sign alone, the negative one. Every number is divided by the scale, rounded to the nearest whole number, limited to the range, and kept with 8 (128)
//! added. Of two numbers in a byte the first is in the lower half. The end of a last block that is not full is 0.

use super::Rounding;

/// Numbers of a block.
pub(in crate::model::onnx) const BLOCK: usize = 32;

/// Rounds a row; its blocks and their scales are appended. None where a number is not finite.
pub(super) fn round_row(
    row: &[f32],
    rounding: Rounding,
    blocks: &mut Vec<u8>,
    scales: &mut Vec<f32>,
) -> Option<()> {
    for block in row.chunks(BLOCK) {
        if block.iter().any(|number| !number.is_finite()) {
            return None;
        }
        let least = block.iter().copied().fold(0.0_f32, f32::min);
        let most = block.iter().copied().fold(0.0_f32, f32::max);
        let extreme = if most > -least { most } else { least };
        let middle = match rounding {
            Rounding::Int4 => 8.0,
            Rounding::Int8 => 128.0,
        };
        let scale = extreme / -middle;
        // A scale that is too small to divide by represents a block of zeros.
        let inverse = 1.0 / scale;
        let inverse = if inverse.is_finite() { inverse } else { 0.0 };
        scales.push(if inverse == 0.0 { 0.0 } else { scale });
        let level = |number: f32| {
            let level = (number * inverse + middle)
                .round()
                .clamp(0.0, 2.0 * middle - 1.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 255
            let level = level as u8;
            level
        };
        let whole = blocks.len() + rounding.block_bytes();
        match rounding {
            Rounding::Int8 => blocks.extend(block.iter().map(|n| level(*n))),
            Rounding::Int4 => blocks.extend(block.chunks(2).map(|pair| {
                let high = pair.get(1).map_or(0, |n| level(*n));
                level(pair[0]) | high << 4
            })),
        }
        blocks.resize(whole, 0);
    }
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two rows of 40 numbers: ((40n + k) · 37 mod 101 − 50) / 16.
    fn row(n: u16) -> Vec<f32> {
        let number = |k| (f32::from((n * 40 + k) * 37 % 101) - 50.0) / 16.0;
        (0..40).map(number).collect()
    }

    fn rounded(rounding: Rounding) -> (Vec<u8>, Vec<f32>) {
        let (mut blocks, mut scales) = (Vec::new(), Vec::new());
        for n in 0..2 {
            round_row(&row(n), rounding, &mut blocks, &mut scales).unwrap();
        }
        (blocks, scales)
    }

    /// What `quantize_matmul_4bits` and `quantize_matmul_8bits` of ONNX Runtime 1.32 (symmetric, block 32) make of the same numbers.
    #[test]
    fn onnx_runtimes_own_rounding_is_met() {
        let (blocks, scales) = rounded(Rounding::Int4);
        assert_eq!(scales, [0.390_625, -0.335_937_5, 0.382_812_5, -0.351_562_5]);
        let theirs: [u8; 64] = [
            96, 44, 216, 147, 95, 11, 198, 130, 78, 250, 181, 113, 61, 232, 164, 111, 244, 41, 126,
            192, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 198, 130, 62, 249, 181, 113, 45, 232, 164,
            111, 28, 215, 147, 79, 10, 74, 143, 210, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(blocks, theirs);
        let (blocks, scales) = rounded(Rounding::Int8);
        assert_eq!(scales[..2], [0.024_414_063, -0.020_996_094]);
        let theirs: [u8; 40] = [
            0, 95, 189, 26, 120, 215, 51, 146, 241, 77, 172, 8, 102, 197, 33, 128, 223, 59, 154,
            248, 84, 179, 15, 110, 205, 41, 136, 230, 67, 161, 255, 92, 60, 250, 140, 30, 220, 110,
            0, 191,
        ];
        assert_eq!(blocks[..40], theirs);
        assert!(blocks[40..64].iter().all(|b| *b == 0));
    }

    #[test]
    fn a_block_of_zeros_stays_one_and_what_is_no_number_is_refused() {
        let (mut blocks, mut scales) = (Vec::new(), Vec::new());
        round_row(&[0.0; 32], Rounding::Int8, &mut blocks, &mut scales).unwrap();
        round_row(&[1e-45; 32], Rounding::Int8, &mut blocks, &mut scales).unwrap();
        assert_eq!((scales.as_slice(), blocks.len()), (&[0.0, 0.0][..], 64));
        assert!(blocks.iter().all(|b| *b == 128));
        assert!(round_row(&[1.0, f32::NAN], Rounding::Int4, &mut blocks, &mut scales).is_none());
    }
}
