//! What may never be shown: found in whatever a server says, and cut out of it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// What a secret is replaced with.
const CUT: &str = "[key]";
/// Shorter secrets are left: they would cut words out of honest answers.
const MIN_SECRET_CHARACTERS: usize = 4;

/// The key and the secrets of an address.
#[derive(Default)]
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    pub(super) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut kept: Vec<SecretString> = secrets
            .into_iter()
            .filter(|s| s.expose_secret().len() >= MIN_SECRET_CHARACTERS)
            .collect();
        // A secret that holds another one is cut first.
        kept.sort_by_key(|s| std::cmp::Reverse(s.expose_secret().len()));
        Self(kept)
    }

    /// The text without secrets, also where JSON escapes inside it spell one.
    pub(super) fn cut(&self, text: &str) -> String {
        let plain = self.cut_plain(text);
        if plain.contains("\\u") {
            let unescaped = unescaped(&plain);
            let cut = self.cut_plain(&unescaped);
            if cut != unescaped {
                return cut;
            }
        }
        plain
    }

    fn cut_plain(&self, text: &str) -> String {
        let secrets = self.0.iter().map(ExposeSecret::expose_secret);
        secrets.fold(text.to_owned(), |text, secret| {
            if text.contains(secret) {
                text.replace(secret, CUT)
            } else {
                text
            }
        })
    }

    /// The same in every string of a JSON value, names included.
    pub(super) fn cut_value(&self, value: &mut Value) {
        match value {
            _ if self.0.is_empty() => {}
            Value::String(text) => *text = self.cut(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.cut_value(item)),
            Value::Object(fields) => {
                let clean = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                    self.cut_value(&mut value);
                    (self.cut(&name), value)
                });
                *fields = clean.collect::<Map<_, _>>();
            }
            _ => {}
        }
    }
}

/// The text with `\uXXXX` read; everything else stays.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|h| u32::from_str_radix(h, 16).ok());
        if let Some(c) = code.and_then(char::from_u32) {
            read.push(c);
            read += &part[4..];
        } else {
            read += "\\u";
            read += part;
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(["sk-KEY-123".to_owned().into(), "ab".to_owned().into()])
    }

    #[test]
    fn a_key_is_cut_out_of_every_string_and_name() {
        let mut value = json!({"error": {"message": "Incorrect key sk-KEY-123."}, "sk-KEY-123": ["x sk-KEY-123", 1, null]});
        secrets().cut_value(&mut value);
        assert_eq!(
            value,
            json!({"error": {"message": "Incorrect key [key]."}, "[key]": ["x [key]", 1, null]})
        );
    }

    #[test]
    fn a_key_in_escapes_inside_a_string_is_found() {
        let raw = r#"{"error":{"message":"no \u0073k-KEY-\u0031\u00323"}}"#;
        assert_eq!(secrets().cut(raw), r#"{"error":{"message":"no [key]"}}"#);
        assert_eq!(
            secrets().cut(r"北\u4eac \uZZ \ud83d"),
            r"北\u4eac \uZZ \ud83d"
        );
    }

    #[test]
    fn short_secrets_do_not_cut_words() {
        assert_eq!(secrets().cut("about"), "about");
    }
}
