//! A sample as bytes, and back: what was packed is what comes out, to the last bit of every number, which JSON does not promise.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::{PairRole, Pairing, Sample};

/// Appends a sample's bytes.
pub(super) fn pack(sample: &Sample, bytes: &mut Vec<u8>) {
    let mut out = Packer(bytes);
    out.text(&sample.id);
    out.mapping(sample.fields.iter(), Packer::value);
    out.texts(&sample.targets);
    out.texts(&sample.choices);
    out.mapping(sample.strata.iter(), |out, text| out.text(text));
    let Pairing {
        pair,
        role,
        cluster,
    } = &sample.pairing;
    out.texts(pair.as_slice());
    out.byte(match role {
        None => 0,
        Some(PairRole::Sensitive) => 1,
        Some(PairRole::Control) => 2,
    });
    out.texts(cluster.as_slice());
}

/// The sample of what [`pack`] made.
///
/// # Panics
/// On any other bytes.
pub(super) fn unpack(bytes: &[u8]) -> Sample {
    let mut input = Unpacker(bytes);
    Sample {
        id: input.text(),
        fields: input.mapping(Unpacker::value).collect(),
        targets: input.texts(),
        choices: input.texts(),
        strata: input.mapping(Unpacker::text).collect::<BTreeMap<_, _>>(),
        pairing: Pairing {
            pair: input.texts().pop(),
            role: match input.byte() {
                0 => None,
                1 => Some(PairRole::Sensitive),
                _ => Some(PairRole::Control),
            },
            cluster: input.texts().pop(),
        },
    }
}

/// What a value is.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const SIGNED: u8 = 3;
    pub(super) const UNSIGNED: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const ARRAY: u8 = 7;
    pub(super) const OBJECT: u8 = 8;
}

struct Packer<'a>(&'a mut Vec<u8>);

impl Packer<'_> {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A length, seven bits to a byte, the lowest first.
    fn length(&mut self, mut length: usize) {
        while length > 0x7f {
            self.byte(length.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        self.byte(length.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.length(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    fn mapping<'v, V: 'v>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (&'v String, &'v V)>,
        value: impl Fn(&mut Self, &V),
    ) {
        self.length(entries.len());
        for (name, own) in entries {
            self.text(name);
            value(self, own);
        }
    }

    fn eight(&mut self, tag: u8, bytes: [u8; 8]) {
        self.byte(tag);
        self.0.extend_from_slice(&bytes);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(tag::NULL),
            Value::Bool(false) => self.byte(tag::FALSE),
            Value::Bool(true) => self.byte(tag::TRUE),
            Value::Number(number) => self.number(number),
            Value::String(text) => {
                self.byte(tag::TEXT);
                self.text(text);
            }
            Value::Array(values) => {
                self.byte(tag::ARRAY);
                self.length(values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Object(entries) => {
                self.byte(tag::OBJECT);
                self.mapping(entries.iter(), Self::value);
            }
        }
    }

    fn number(&mut self, number: &Number) {
        if let Some(signed) = number.as_i64() {
            self.eight(tag::SIGNED, signed.to_le_bytes());
        } else if let Some(unsigned) = number.as_u64() {
            self.eight(tag::UNSIGNED, unsigned.to_le_bytes());
        } else {
            let float = number.as_f64().unwrap_or(f64::NAN);
            self.eight(tag::FLOAT, float.to_le_bytes());
        }
    }
}

struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (own, rest) = self.0.split_at(length);
        self.0 = rest;
        own
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn length(&mut self) -> usize {
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return length;
            }
            shift += 7;
        }
    }

    fn text(&mut self) -> String {
        let length = self.length();
        let text = std::str::from_utf8(self.take(length));
        text.expect("what was packed was text").to_owned()
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.length()).map(|_| self.text()).collect()
    }

    fn mapping<V>(
        &mut self,
        value: impl Fn(&mut Self) -> V,
    ) -> impl ExactSizeIterator<Item = (String, V)> {
        (0..self.length()).map(move |_| (self.text(), value(self)))
    }

    fn eight(&mut self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8));
        bytes
    }

    fn value(&mut self) -> Value {
        match self.byte() {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::SIGNED => i64::from_le_bytes(self.eight()).into(),
            tag::UNSIGNED => u64::from_le_bytes(self.eight()).into(),
            tag::FLOAT => f64::from_le_bytes(self.eight()).into(),
            tag::TEXT => Value::String(self.text()),
            tag::ARRAY => Value::Array((0..self.length()).map(|_| self.value()).collect()),
            _ => Value::Object(self.mapping(Self::value).collect::<Map<_, _>>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn again(sample: &Sample) -> Sample {
        let mut bytes = Vec::new();
        pack(sample, &mut bytes);
        unpack(&bytes)
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
