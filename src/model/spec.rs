//! Model specifications: `onnx:DIR?device=cuda:0`, `openai:gpt-4o`, `https://host/v1#NAME`, `replay:FILE`, `demo:open`.

use crate::text::instead;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A parsed model specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// The part before the colon; `https` or `http` for a bare endpoint.
    pub scheme: String,
    /// Directory, file, model name or base URL.
    pub target: String,
    /// For an endpoint, the model's name there.
    pub fragment: Option<String>,
    /// Settings after `?`.
    pub options: BTreeMap<String, String>,
}

/// A specification that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the model '{spec}': {reason}")]
#[non_exhaustive]
pub struct SpecError {
    /// As given.
    pub spec: String,
    /// What is wrong and what is expected.
    pub reason: String,
}

impl FromStr for ModelSpec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let wrong = |reason: &str| SpecError {
            spec: masked(spec),
            reason: reason.to_owned(),
        };
        let Some((scheme, rest)) = spec.split_once(':') else {
            return Err(wrong(
                "it does not name a provider; write for instance onnx:DIR, openai:NAME, https://host/v1#NAME, replay:FILE or demo:open",
            ));
        };
        let scheme = scheme.to_lowercase();
        if scheme == "https" || scheme == "http" {
            let Some((url, fragment)) = spec.split_once('#') else {
                return Err(wrong(
                    "an endpoint needs the model's name after #, as in https://host/v1#NAME",
                ));
            };
            let (name, query) = split_query(fragment);
            let (url, url_query) = split_query(url);
            if name.is_empty() {
                return Err(wrong("the model's name after # is empty"));
            }
            let options = parse_options(query.or(url_query)).map_err(|reason| wrong(&reason))?;
            return Ok(Self {
                scheme,
                target: url.trim_end_matches('/').into(),
                fragment: Some(name.into()),
                options,
            });
        }
        let (target, query) = split_query(rest);
        if target.is_empty() {
            return Err(wrong("nothing follows the colon"));
        }
        let options = parse_options(query).map_err(|reason| wrong(&reason))?;
        Ok(Self {
            scheme,
            target: target.into(),
            fragment: None,
            options,
        })
    }
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    text.split_once('?')
        .map_or((text, None), |(a, b)| (a, Some(b)))
}

fn parse_options(query: Option<&str>) -> Result<BTreeMap<String, String>, String> {
    query
        .into_iter()
        .flat_map(|q| q.split('&'))
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .ok_or_else(|| "options after ? must have the form key=value".to_owned())
        })
        .collect()
}

impl ModelSpec {
    /// Fails on options other than `known`, naming what is known.
    pub(crate) fn allow_options(&self, known: &[&str]) -> Result<(), SpecError> {
        match self
            .options
            .keys()
            .find(|k| !known.contains(&k.as_str()) && *k != "name")
        {
            None => Ok(()),
            Some(unknown) => Err(SpecError {
                spec: self.redacted(|option| known.contains(&option) || option == "name"),
                reason: format!(
                    "unknown option '{unknown}'; {}",
                    instead(unknown, "known here", ["name"].iter().chain(known))
                ),
            }),
        }
    }

    /// The specification with the values of those options that may be shown.
    fn redacted(&self, may_be_shown: impl Fn(&str) -> bool) -> String {
        let mut shown = match &self.fragment {
            Some(fragment) => format!("{}#{fragment}", without_secrets(&self.target)),
            None => format!("{}:{}", self.scheme, self.target),
        };
        for (i, (option, value)) in self.options.iter().enumerate() {
            shown.push(if i == 0 { '?' } else { '&' });
            shown += option;
            shown.push('=');
            shown += if may_be_shown(option) { value } else { "…" };
        }
        shown
    }

    /// Whether it is an endpoint given by its URL.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.fragment.is_some()
    }

    /// Whether another one names the same model, whatever its settings.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.scheme, &self.target, &self.fragment)
            == (&other.scheme, &other.target, &other.fragment)
    }

    /// The name shown in tables: `?name=` where given, else the specification without its options but for the route that it pins.
    #[must_use]
    pub fn display_name(&self) -> String {
        if let Some(name) = self.options.get("name") {
            return name.clone();
        }
        let model = match &self.fragment {
            Some(fragment) => fragment.clone(),
            None => format!("{}:{}", self.scheme, self.target.trim_end_matches('/')),
        };
        match self.options.get("route") {
            Some(route) => format!("{model} @ {route}"),
            None => model,
        }
    }
}

/// An address without user, password and query, whose values may be secrets.
pub(super) fn without_secrets(address: &str) -> String {
    let (address, _) = split_query(address);
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    format!("{scheme}://{host}{path}")
}

/// A specification that cannot be read, without what may be secrets in it.
fn masked(spec: &str) -> String {
    let (head, query) = split_query(spec);
    let (address, fragment) = head.split_once('#').map_or((head, ""), |(a, f)| (a, f));
    let mut masked = without_secrets(address);
    if !fragment.is_empty() {
        masked = format!("{masked}#{fragment}");
    }
    if query.is_some() {
        masked += "?…";
    }
    masked
}

/// The specification without what is secret in the address of an endpoint.
impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted(|_| true))
    }
}

impl From<SpecError> for super::ModelError {
    fn from(error: SpecError) -> Self {
        Self::new(super::ErrorClass::BadRequest, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_survive_a_round_trip() {
        for spec in [
            "onnx:models/x?device=cuda:0&threads=2",
            "openai:gpt-4o",
            "https://host:8080/v1#org/name",
            "http://127.0.0.1:9/v1#m?max_connections=4",
            "replay:a/b.jsonl?answer=6b.solution&key=question",
        ] {
            assert_eq!(spec.parse::<ModelSpec>().unwrap().to_string(), spec);
        }
    }

    #[test]
    fn a_specification_that_cannot_be_read_says_what_is_expected() {
        for (spec, says) in [
            ("gpt-4o", "does not name a provider"),
            ("https://host/v1", "after #"),
            ("onnx:", "nothing follows"),
            ("openai:x?y", "key=value"),
        ] {
            let error = spec.parse::<ModelSpec>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn what_is_secret_in_an_address_is_shown_nowhere() {
        let spec: ModelSpec = "http://user:pa55word@host/v1#m?stream=true"
            .parse()
            .unwrap();
        assert_eq!(spec.to_string(), "http://host/v1#m?stream=true");
        assert_eq!(spec.target, "http://user:pa55word@host/v1");
        let unknown = "https://host/v1?key=AIzaSECRET#m"
            .parse::<ModelSpec>()
            .unwrap();
        let mut errors = vec![unknown.allow_options(&["stream"]).unwrap_err()];
        for wrong in [
            "https://user:pa55word@host/v1?key=AIzaSECRET",
            "https://user:pa55word@host/v1?AIzaSECRET#m",
        ] {
            errors.push(wrong.parse::<ModelSpec>().unwrap_err());
        }
        for error in errors {
            let error = error.to_string();
            assert!(
                !error.contains("AIza") && !error.contains("pa55"),
                "{error}"
            );
            assert!(error.contains("https://host/v1"), "{error}");
        }
    }
}
