//! Python's `random.Random(seed)`: the Mersenne Twister as other harnesses draw with it, so that the same seed gives the same draw.

const N: usize = 624;
const M: usize = 397;

/// A generator as Python's `random.Random` is.
pub(super) struct PythonRandom {
    state: [u32; N],
    at: usize,
}

impl PythonRandom {
    /// `random.Random(seed)` of a whole number.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Self {
            state: [0; N],
            at: N,
        };
        let [low, high] =
            [seed, seed >> 32].map(|half| u32::try_from(half & 0xffff_ffff).unwrap_or(0));
        if high == 0 {
            random.seed_by(&[low]);
        } else {
            random.seed_by(&[low, high]);
        }
        random
    }

    fn seed_by(&mut self, key: &[u32]) {
        let state = &mut self.state;
        state[0] = 19_650_218;
        for i in 1..N {
            state[i] = mixed(1_812_433_253, state[i - 1]).wrapping_add(word(i));
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            state[i] = (state[i] ^ mixed(1_664_525, state[i - 1]))
                .wrapping_add(key[j])
                .wrapping_add(word(j));
            i = next(state, i);
            j = (j + 1) % key.len();
        }
        for _ in 0..N - 1 {
            state[i] = (state[i] ^ mixed(1_566_083_941, state[i - 1])).wrapping_sub(word(i));
            i = next(state, i);
        }
        state[0] = 0x8000_0000;
    }

    fn word(&mut self) -> u32 {
        if self.at == N {
            self.twist();
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
        }
        self.at = 0;
    }

    /// A whole number below `n`, which is at least 1.
    fn below(&mut self, n: u32) -> u32 {
        let bits = 32 - n.leading_zeros();
        loop {
            let drawn = self.word() >> (32 - bits);
            if drawn < n {
                return drawn;
            }
        }
    }

    /// `random.sample(range(n), k)`: indices without repetition, in the order drawn; all of them where there are no more than `k`.
    pub(super) fn sample(&mut self, n: usize, k: usize) -> Vec<usize> {
        let k = k.min(n);
        // Python keeps a pool where that takes less than a set of what was drawn.
        let mut set_size = 21;
        if k > 5 {
            let mut power = 1;
            while power < k * 3 {
                power *= 4;
            }
            set_size += power;
        }
        let mut below = |n: usize| self.below(u32::try_from(n).unwrap_or(u32::MAX)) as usize;
        if n <= set_size {
            let mut pool: Vec<usize> = (0..n).collect();
            return (0..k)
                .map(|i| {
                    let j = below(n - i);
                    let drawn = pool[j];
                    pool[j] = pool[n - i - 1];
                    drawn
                })
                .collect();
        }
        let mut drawn: Vec<usize> = Vec::with_capacity(k);
        while drawn.len() < k {
            let j = below(n);
            if !drawn.contains(&j) {
                drawn.push(j);
            }
        }
        drawn
    }
}

fn mixed(factor: u32, before: u32) -> u32 {
    factor.wrapping_mul(before ^ (before >> 30))
}

fn word(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn next(state: &mut [u32; N], i: usize) -> usize {
    if i + 1 == N {
        state[0] = state[N - 1];
        1
    } else {
        i + 1
    }
}

#[cfg(test)]
mod tests {
    use super::PythonRandom;

    #[test]
    fn a_seed_draws_what_python_draws() {
        // python3 -c "import random; r = random.Random(SEED); print(r.sample(range(N), K), r.sample(range(N), K))"
        let mut random = PythonRandom::new(0);
        assert_eq!(random.sample(4, 4), [3, 1, 0, 2]);
        assert_eq!(random.sample(4, 4), [3, 1, 2, 0]);
        let mut random = PythonRandom::new(42);
        assert_eq!(random.sample(1000, 3), [654, 114, 25]);
        assert_eq!(random.sample(1000, 3), [759, 281, 250]);
        let mut random = PythonRandom::new(7);
        assert_eq!(random.sample(50, 6), [20, 9, 25, 41, 3, 4]);
        assert_eq!(random.sample(50, 6), [34, 6, 23, 37, 3, 32]);
        let mut random = PythonRandom::new(1099511627779);
        assert_eq!(random.sample(10, 10), [3, 0, 1, 4, 2, 9, 7, 6, 5, 8]);
        assert_eq!(random.sample(10, 10), [9, 4, 8, 6, 3, 2, 7, 0, 5, 1]);
        let mut random = PythonRandom::new(1);
        assert_eq!(random.sample(100000, 5), [17611, 74606, 8271, 33432, 15455]);
        assert_eq!(
            random.sample(100000, 5),
            [64937, 99740, 58915, 61898, 85405]
        );
    }
}
