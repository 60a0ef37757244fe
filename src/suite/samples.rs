//! A suite's samples: kept packed, and made anew whenever one is looked at.

use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

use super::Sample;

/// Bytes of samples that are compressed together: more save memory, fewer are unpacked sooner.
const BLOCK: usize = 8 << 10;

/// Samples, in file order. They are compressed in blocks of some kilobytes, since a suite may have hundreds of thousands, of which a run
/// needs a few at a time.
pub struct Samples {
    blocks: Vec<Block>,
    len: usize,
    unpacked: Mutex<Unpacked>,
}

/// Some samples, one after the other, each behind its length.
struct Block {
    /// The place of its first sample.
    first: usize,
    /// Their bytes.
    size: usize,
    compressed: Box<[u8]>,
}

/// The block that was looked at last: samples are often looked at in their order.
struct Unpacked {
    decompressor: Decompressor<'static>,
    block: Option<usize>,
    bytes: Vec<u8>,
}

/// Looks at samples without waiting for others who do.
pub struct SamplesReader<'a> {
    samples: &'a Samples,
    unpacked: Unpacked,
}

impl Samples {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The sample at a place, from 0.
    ///
    /// # Panics
    /// Where there is none at that place.
    #[must_use]
    pub fn at(&self, place: usize) -> Sample {
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        unpacked.sample(self, place)
    }

    /// All of them, each made anew.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Sample> + '_ {
        let mut reader = self.reader();
        (0..self.len).map(move |place| reader.at(place))
    }

    /// For a thread that looks at many.
    #[must_use]
    pub fn reader(&self) -> SamplesReader<'_> {
        SamplesReader {
            samples: self,
            unpacked: Unpacked::new(),
        }
    }
}

impl SamplesReader<'_> {
    /// The sample at a place, as [`Samples::at`] gives it.
    ///
    /// # Panics
    /// Where there is none at that place.
    #[must_use]
    pub fn at(&mut self, place: usize) -> Sample {
        self.unpacked.sample(self.samples, place)
    }
}

impl Unpacked {
    fn new() -> Self {
        Self {
            decompressor: Decompressor::new().expect("it needs memory alone"),
            block: None,
            bytes: Vec::new(),
        }
    }

    fn sample(&mut self, samples: &Samples, place: usize) -> Sample {
        assert!(place < samples.len, "sample {place} of {}", samples.len);
        let at = samples.blocks.partition_point(|b| b.first <= place) - 1;
        let block = &samples.blocks[at];
        if self.block != Some(at) {
            self.hold(at, block);
        }
        let mut rest = self.bytes.as_slice();
        for _ in block.first..place {
            rest = behind_length(rest).1;
        }
        let packed = behind_length(rest).0;
        rmp_serde::from_slice(packed).expect("the sample was packed by this process")
    }

    fn hold(&mut self, at: usize, block: &Block) {
        // Whatever goes wrong on the way, half a block is not taken for a whole one.
        self.block = None;
        self.bytes.clear();
        self.bytes.reserve(block.size);
        self.decompressor
            .decompress_to_buffer(&block.compressed, &mut self.bytes)
            .expect("the block was compressed by this process");
        self.block = Some(at);
    }
}

/// A sample's bytes, and what follows them.
fn behind_length(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_at(LENGTH);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
    rest.split_at(length as usize)
}

/// Bytes of a length.
const LENGTH: usize = size_of::<u32>();

impl FromIterator<Sample> for Samples {
    fn from_iter<I: IntoIterator<Item = Sample>>(all: I) -> Self {
        let level = zstd::DEFAULT_COMPRESSION_LEVEL;
        let mut compressor = Compressor::new(level).expect("zstd knows its own default");
        let (mut blocks, mut open, mut first, mut len) = (Vec::new(), Vec::new(), 0, 0);
        let mut close = |open: &mut Vec<u8>, first: usize| {
            let compressed = compressor.compress(open);
            blocks.push(Block {
                first,
                size: open.len(),
                compressed: compressed.expect("there is room for it").into(),
            });
            open.clear();
        };
        for sample in all {
            if open.len() >= BLOCK {
                close(&mut open, first);
                first = len;
            }
            let start = open.len();
            open.extend_from_slice(&[0; LENGTH]);
            // By name: fields that are left out have no place.
            rmp_serde::encode::write_named(&mut open, &sample).expect("memory takes every sample");
            let length = u32::try_from(open.len() - start - LENGTH);
            let length = length.expect("a row has at most 256 MiB");
            open[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
            len += 1;
        }
        if len > 0 {
            close(&mut open, first);
        }
        blocks.shrink_to_fit();
        Self {
            blocks,
            len,
            unpacked: Mutex::new(Unpacked::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{PairRole, Pairing};
    use super::*;

    fn again(sample: &Sample) -> Sample {
        Samples::from_iter([sample.clone()]).at(0)
    }

    fn sample(i: usize) -> Sample {
        let mut sample = Sample::new(format!("s{i}"));
        let question = format!("What is {i} + 4? {}", "x".repeat(i % 700));
        sample.fields = [("question".to_owned(), question.into())].into();
        sample
    }

    #[test]
    fn every_sample_is_found_at_its_place_in_any_order() {
        let samples: Samples = (0..3000).map(sample).collect();
        assert!(samples.blocks.len() > 100, "{}", samples.blocks.len());
        assert_eq!(samples.len(), 3000);
        assert!(samples.iter().eq((0..3000).map(sample)));
        for i in (0..3000).rev().step_by(7) {
            assert_eq!(samples.at(i), sample(i));
        }
    }

    #[test]
    fn none_is_as_good_as_many() {
        let samples: Samples = std::iter::empty().collect();
        assert!(samples.is_empty() && samples.iter().next().is_none());
    }

    #[test]
    fn a_sample_comes_back_as_it_was() {
        let mut sample = Sample::new("ä-1");
        let fields = json!({
            "question": "q".repeat(300), "nested": {"z": [1, null, true], "a": {"b": false}}, "big": u64::MAX, "small": i64::MIN, "empty": [],
        });
        sample.fields = fields.as_object().unwrap().clone().into_iter().collect();
        sample.targets = vec!["4".into(), String::new()];
        sample.choices = vec!["x".into()];
        sample.strata = [("language".to_owned(), "fi".to_owned())].into();
        for role in [None, Some(PairRole::Sensitive), Some(PairRole::Control)] {
            sample.pairing = Pairing {
                pair: role.map(|_| "p".into()),
                role,
                cluster: Some("c".into()),
            };
            assert_eq!(again(&sample), sample);
        }
        let names = |s: &Sample| -> Vec<String> {
            let nested = s.fields["nested"].as_object().unwrap();
            nested.keys().cloned().collect()
        };
        assert_eq!(names(&again(&sample)), ["z", "a"], "in the order written");
    }

    proptest! {
        #[test]
        fn numbers_keep_every_bit(float in any::<f64>(), whole in any::<i64>(), text in any::<String>()) {
            let mut sample = Sample::new(text.clone());
            sample.fields = [("f".to_owned(), json!(float)), ("n".to_owned(), json!(whole)), (text.clone(), json!(text))].into();
            let same = again(&sample);
            prop_assert_eq!(same.fields["f"].as_f64().map(f64::to_bits), sample.fields["f"].as_f64().map(f64::to_bits));
            prop_assert_eq!(same, sample);
        }
    }
}
