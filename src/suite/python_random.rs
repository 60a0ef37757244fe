//! Python's `random.Random`: the Mersenne Twister MT19937 and what `sample` makes of it, so that the same seed draws the same examples.
//!
//! M. Matsumoto and T. Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator", ACM
//! TOMACS 8(1), 1998; seeding by key as in their `init_by_array` of 2002; `sample` as in CPython 3.11 and later.

const STATE: usize = 624;
const SHIFT: usize = 397;

/// A generator of Python's numbers.
#[derive(Clone)]
pub(super) struct Random {
    state: [u32; STATE],
    at: usize,
}

impl Random {
    /// `random.Random(seed)`.
    #[allow(clippy::cast_possible_truncation)] // The two halves of the seed.
    pub(super) fn new(seed: u64) -> Self {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key = if high == 0 {
            vec![low]
        } else {
            vec![low, high]
        };
        let mut random = Self {
            state: [0; STATE],
            at: STATE,
        };
        random.seed_word(19_650_218);
        random.seed_key(&key);
        random
    }

    fn seed_word(&mut self, word: u32) {
        self.state[0] = word;
        let mut before = word;
        for (i, own) in (1_u32..).zip(&mut self.state[1..]) {
            before = (before ^ (before >> 30))
                .wrapping_mul(1_812_433_253)
                .wrapping_add(i);
            *own = before;
        }
    }

    fn seed_key(&mut self, key: &[u32]) {
        let (mut i, mut j) = (1, 0);
        for _ in 0..STATE.max(key.len()) {
            let before = self.state[i - 1];
            let mixed = (before ^ (before >> 30)).wrapping_mul(1_664_525);
            let word = u32::try_from(j).unwrap_or(u32::MAX);
            self.state[i] = (self.state[i] ^ mixed)
                .wrapping_add(key[j])
                .wrapping_add(word);
            (i, j) = (self.next_word(i), (j + 1) % key.len());
        }
        for _ in 0..STATE - 1 {
            let before = self.state[i - 1];
            let mixed = (before ^ (before >> 30)).wrapping_mul(1_566_083_941);
            let word = u32::try_from(i).unwrap_or(u32::MAX);
            self.state[i] = (self.state[i] ^ mixed).wrapping_sub(word);
            i = self.next_word(i);
        }
        self.state[0] = 0x8000_0000;
    }

    /// The place after a word; the last one's value becomes the first.
    fn next_word(&mut self, i: usize) -> usize {
        if i + 1 < STATE {
            return i + 1;
        }
        self.state[0] = self.state[STATE - 1];
        1
    }

    fn refill(&mut self) {
        for i in 0..STATE {
            let joined =
                (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % STATE] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + SHIFT) % STATE] ^ (joined >> 1) ^ odd;
        }
        self.at = 0;
    }

    fn next_u32(&mut self) -> u32 {
        if self.at == STATE {
            self.refill();
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number below `n`, by rejection (`_randbelow`). `n` is at least 1 and fits 32 bits.
    fn below(&mut self, n: usize) -> usize {
        let bits = usize::BITS - n.leading_zeros();
        loop {
            let drawn = (self.next_u32() >> (32 - bits.min(32))) as usize;
            if drawn < n {
                return drawn;
            }
        }
    }

    /// `sample(range(n), k)`: the places drawn, in order.
    ///
    /// # Errors
    /// There are fewer than `k`.
    pub(super) fn sample(&mut self, n: usize, k: usize) -> Result<Vec<usize>, String> {
        if k > n {
            return Err(format!("{k} examples are to be drawn, and there are {n}"));
        }
        // A small population is shuffled, a large one drawn from until no place repeats; the bound decides which numbers are used.
        let mut bound = 21;
        if k > 5 {
            let mut power = 1_usize;
            while power < k * 3 {
                power *= 4;
            }
            bound += power;
        }
        let mut drawn = Vec::with_capacity(k);
        if n <= bound {
            let mut pool: Vec<usize> = (0..n).collect();
            for i in 0..k {
                let j = self.below(n - i);
                drawn.push(pool[j]);
                pool[j] = pool[n - i - 1];
            }
        } else {
            let mut seen = std::collections::HashSet::with_capacity(k);
            while drawn.len() < k {
                let j = self.below(n);
                if seen.insert(j) {
                    drawn.push(j);
                }
            }
        }
        Ok(drawn)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_samples_are_cpythons() {
        // random.Random(1234).getrandbits(32) three times, then samples of ranges: CPython 3.12.
        let mut random = Random::new(1234);
        let numbers: Vec<u32> = (0..3).map(|_| random.next_u32()).collect();
        assert_eq!(numbers, NUMBERS);
        let mut random = Random::new(1234);
        for (n, k, want) in SAMPLES {
            assert_eq!(random.sample(*n, *k).unwrap(), *want, "{k} of {n}");
        }
        assert!(random.sample(2, 3).is_err());
    }

    #[test]
    fn a_seed_goes_on_as_cpythons_does() {
        // python3 -c "import random; r = random.Random(SEED); print(r.sample(range(N), K), r.sample(range(N), K))"
        let mut random = Random::new(0);
        assert_eq!(random.sample(4, 4).unwrap(), [3, 1, 0, 2]);
        assert_eq!(random.sample(4, 4).unwrap(), [3, 1, 2, 0]);
        let mut random = Random::new(42);
        assert_eq!(random.sample(1000, 3).unwrap(), [654, 114, 25]);
        assert_eq!(random.sample(1000, 3).unwrap(), [759, 281, 250]);
        let mut random = Random::new(7);
        assert_eq!(random.sample(50, 6).unwrap(), [20, 9, 25, 41, 3, 4]);
        assert_eq!(random.sample(50, 6).unwrap(), [34, 6, 23, 37, 3, 32]);
        let mut random = Random::new(1_099_511_627_779);
        assert_eq!(
            random.sample(10, 10).unwrap(),
            [3, 0, 1, 4, 2, 9, 7, 6, 5, 8]
        );
        assert_eq!(
            random.sample(10, 10).unwrap(),
            [9, 4, 8, 6, 3, 2, 7, 0, 5, 1]
        );
        let mut random = Random::new(1);
        assert_eq!(
            random.sample(100_000, 5).unwrap(),
            [17611, 74606, 8271, 33432, 15455]
        );
        assert_eq!(
            random.sample(100_000, 5).unwrap(),
            [64937, 99740, 58915, 61898, 85405]
        );
    }

    #[test]
    fn a_long_seed_has_two_words() {
        assert_eq!(Random::new(1 << 40).next_u32(), LONG);
    }

    const NUMBERS: [u32; 3] = [4_150_886_329, 3_342_196_574, 1_892_932_127];
    const LONG: u32 = 445_128_065;
    const SAMPLES: &[(usize, usize, &[usize])] = &[
        (6, 2, &[3, 0]),
        (21, 5, &[0, 2, 18, 1, 19]),
        (22, 5, &[3, 11, 7, 0, 20]),
        (100, 5, &[79, 61, 78, 59, 19]),
        (100, 8, &[11, 23, 91, 14, 1, 64, 62, 31]),
        (85, 6, &[8, 69, 59, 84, 76, 11]),
        (86, 6, &[65, 74, 5, 34, 71, 8]),
        (
            1000,
            25,
            &[
                660, 309, 492, 870, 363, 272, 255, 671, 955, 204, 464, 897, 542, 681, 19, 964, 520,
                72, 5, 341, 147, 727, 484, 673, 386,
            ],
        ),
        (
            277,
            20,
            &[
                85, 27, 39, 254, 83, 38, 110, 73, 13, 177, 56, 271, 72, 156, 232, 20, 213, 141, 90,
                139,
            ],
        ),
        (1, 1, &[0]),
        (5, 0, &[]),
    ];
}
