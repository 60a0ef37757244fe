//! What a person named: the hosts that may be asked, and the keys that may be sent to them.
//!
//! A suite or a run directory may come from anyone. The specifications in them are data: they cannot choose an environment variable
//! whose value is sent, nor a host that gets the questions and answers, unless a person named it on the command line or in candor.toml.

use reqwest::Url;

use super::ModelSpec;
use crate::net;
use crate::text::visible_line;

/// The environment variable whose value goes to a bare endpoint.
pub(crate) const BARE_KEY_ENV: &str = "CANDOR_API_KEY";

/// Whether there is a key that would be sent to a bare endpoint.
pub(crate) fn bare_key_is_set() -> bool {
    std::env::var_os(BARE_KEY_ENV).is_some_and(|key| !key.is_empty())
}

const KEY_ENV: &str = "key_env";

/// Specifications that a person wrote.
#[derive(Debug, Clone, Default)]
pub struct Named(Vec<ModelSpec>);

/// A specification in a file that only a person could agree to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{whence} '{}' {reason}", visible_line(.spec))]
#[diagnostic(help("{help}"))]
#[non_exhaustive]
pub struct NotNamed {
    /// What it is, and which file names it.
    whence: &'static str,
    spec: String,
    reason: String,
    help: String,
}

impl Named {
    /// Adds what a person wrote.
    pub fn extend(&mut self, specs: impl IntoIterator<Item = ModelSpec>) {
        self.0.extend(specs);
    }

    /// A judge that a suite names, as it may be opened: with the options that a person gave it, where somebody did.
    ///
    /// # Errors
    /// [`NotNamed`] if it chooses the variable of its key, or is an endpoint, a folder or a file that nobody named. A server that a
    /// person named for any other model may judge too: what is asked goes there already.
    pub fn judge(&self, written: &ModelSpec) -> Result<ModelSpec, NotNamed> {
        if let Some(own) = self.find(written) {
            let mut judge = written.clone();
            judge.options.remove(KEY_ENV);
            judge.options.extend(own.options.clone());
            return Ok(judge);
        }
        let refused = |reason: String| NotNamed {
            whence: "the suite's judge",
            spec: written.to_string(),
            reason,
            help: format!(
                "to allow it, name the judge yourself: --judge '{0}', or judges = [\"{0}\"] under [run] in candor.toml",
                visible_line(&written.to_string())
            ),
        };
        if let Some(variable) = written.options.get(KEY_ENV) {
            return Err(refused(chooses(variable, "a suite")));
        }
        let known = |url: &str| {
            let origin = origin(url);
            origin.is_some()
                && self
                    .0
                    .iter()
                    .any(|own| own.is_bare() && self::origin(&own.target) == origin)
        };
        match written.scheme.as_str() {
            "http" | "https" if known(&written.target) => Ok(written.clone()),
            "http" | "https" => Err(refused(
                "would receive the questions and answers; a suite cannot choose where they are sent"
                    .into(),
            )),
            "onnx" | "replay" => Err(refused(
                "is outside the suite; a suite cannot choose which files are read".into(),
            )),
            _ => Ok(written.clone()),
        }
    }

    /// A model of a run that is resumed. `key_is_set` says whether there is a key that would go to a bare endpoint.
    ///
    /// # Errors
    /// [`NotNamed`] if it chooses the variable of its key, or is an endpoint that nobody named, unless that is on this machine and
    /// gets no key.
    pub fn resumed(&self, written: &ModelSpec, key_is_set: bool) -> Result<ModelSpec, NotNamed> {
        if let Some(own) = self.find(written) {
            let mut model = written.clone();
            model.options.remove(KEY_ENV);
            model.options.extend(
                own.options
                    .get_key_value(KEY_ENV)
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
            return Ok(model);
        }
        let refused = |reason: String| NotNamed {
            whence: "run.json's model",
            spec: written.to_string(),
            reason,
            help: format!(
                "to allow it, name the model again: candor run --resume DIR -m '{}'",
                visible_line(&written.to_string())
            ),
        };
        if let Some(variable) = written.options.get(KEY_ENV) {
            return Err(refused(chooses(variable, "a run directory")));
        }
        if written.is_bare() && key_is_set {
            return Err(refused(format!(
                "would receive the key in the environment variable {BARE_KEY_ENV}; a run directory cannot choose where it is sent"
            )));
        }
        if written.is_bare() && !is_on_this_machine(&written.target) {
            return Err(refused(
                "would receive the questions; a run directory cannot choose where they are sent"
                    .into(),
            ));
        }
        Ok(written.clone())
    }

    fn find(&self, written: &ModelSpec) -> Option<&ModelSpec> {
        self.0.iter().find(|own| own.is_same(written))
    }
}

fn chooses(variable: &str, who: &str) -> String {
    format!(
        "wants the value of the environment variable {} sent as its key; {who} cannot choose one",
        visible_line(variable)
    )
}

/// Scheme, host and port; of a unix socket, its path.
fn origin(url: &str) -> Option<String> {
    if let Some((socket, _)) = net::unix_socket(url) {
        return Some(format!("unix:{}", socket.display()));
    }
    Some(Url::parse(url).ok()?.origin().ascii_serialization()).filter(|o| o != "null")
}

fn is_on_this_machine(url: &str) -> bool {
    net::unix_socket(url).is_some() || Url::parse(url).is_ok_and(|url| net::is_this_machine(&url))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn spec(text: &str) -> ModelSpec {
        text.parse().unwrap()
    }

    fn named(specs: &[&str]) -> Named {
        Named(specs.iter().map(|s| spec(s)).collect())
    }

    #[test]
    fn a_suites_judge_gets_no_variable_of_its_choice() {
        for written in [
            "http://127.0.0.1:1/v1#j?key_env=AWS_SECRET_ACCESS_KEY",
            "openai:gpt-4o?key_env=AWS_SECRET_ACCESS_KEY",
        ] {
            let error = named(&["http://127.0.0.1:1/v1#m"]).judge(&spec(written));
            let said = error.unwrap_err().to_string();
            assert!(said.contains("AWS_SECRET_ACCESS_KEY"), "{said}");
        }
    }

    #[test]
    fn a_judge_is_asked_where_a_person_named_it_or_its_server() {
        let written = spec("https://host/v1#j");
        assert!(named(&[]).judge(&written).is_err());
        assert!(named(&["https://host.evil/v1#m"]).judge(&written).is_err());
        assert!(named(&["http://host/v1#m"]).judge(&written).is_err());
        assert!(named(&["https://host:8443/v1#m"]).judge(&written).is_err());
        assert!(named(&["https://host/other#m"]).judge(&written).is_ok());
        let own = named(&["https://host/v1#j?key_env=JUDGE_KEY"])
            .judge(&written)
            .unwrap();
        assert_eq!(own.options["key_env"], "JUDGE_KEY");
        assert!(named(&[]).judge(&spec("openai:gpt-4o")).is_ok());
        assert!(named(&[]).judge(&spec("replay:/etc/secrets.json")).is_err());
        assert!(named(&["onnx:judge"]).judge(&spec("onnx:judge")).is_ok());
    }

    #[test]
    fn a_run_directory_sends_nothing_anywhere_by_itself() {
        let resumed = |own: &[&str], written: &str, key| named(own).resumed(&spec(written), key);
        assert!(resumed(&[], "http://127.0.0.1:1/v1#m?key_env=AWS_SECRET", false).is_err());
        assert!(resumed(&[], "openai:gpt-4o?key_env=AWS_SECRET", false).is_err());
        assert!(resumed(&[], "https://evil/v1#m", false).is_err());
        assert!(resumed(&[], "http://127.0.0.1:1/v1#m", true).is_err());
        for fine in [
            "http://127.0.0.1:1/v1#m",
            "http://localhost:1/v1#m",
            "http://[::1]:1/v1#m",
            "openai:gpt-4o",
            "demo:open",
        ] {
            assert!(resumed(&[], fine, false).is_ok(), "{fine}");
        }
        for tricky in [
            "http://localhost.evil/v1#m",
            "http://127.0.0.1@evil/v1#m",
            "http://127.0.0.1.evil/v1#m",
        ] {
            assert!(resumed(&[], tricky, false).is_err(), "{tricky}");
        }
    }

    #[test]
    fn what_a_person_names_again_is_asked_with_the_key_that_the_person_chose() {
        let named = named(&["https://host/v1#m?key_env=MINE"]);
        let model = named
            .resumed(
                &spec("https://host/v1#m?key_env=THEIRS&max_connections=2"),
                true,
            )
            .unwrap();
        assert_eq!(
            model.to_string(),
            "https://host/v1#m?key_env=MINE&max_connections=2"
        );
    }
}
