//! The key of an endpoint: read from an environment variable, and named in errors by that variable alone.

use secrecy::SecretString;

use super::aws::{ACCESS_KEY, Signer};
use crate::model::{ErrorClass, ModelError};

/// A key, or the variable in which none was found.
pub(super) struct Key {
    /// The environment variable.
    variable: String,
    value: Option<SecretString>,
    /// What signs requests, in place of a key that goes with them.
    signer: Option<Signer>,
}

impl Key {
    /// Reads the variable. White space around a key is not part of it: files and secret stores end in a line feed.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] if the key holds a character that no HTTP header can carry.
    pub(super) fn read(variable: String) -> Result<Self, ModelError> {
        let found = std::env::var_os(&variable).unwrap_or_default();
        let found = found.to_str().map(str::trim);
        let sendable = |key: &str| key.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        let Some(key) = found.filter(|k| sendable(k)) else {
            return Err(ModelError::new(
                ErrorClass::Auth,
                format!(
                    "the key in the environment variable {variable} cannot be sent: it contains a line break or a character that is not printable ASCII. Set the variable to the key alone"
                ),
            ));
        };
        let value = (!key.is_empty()).then(|| SecretString::from(key));
        Ok(Self {
            variable,
            value,
            signer: None,
        })
    }

    /// The key itself; where there is none, access keys that sign requests to a service of AWS, if the environment has them.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] if the access keys are incomplete.
    pub(super) fn or_signed(self, service: &'static str) -> Result<Self, ModelError> {
        if self.value.is_some() {
            return Ok(self);
        }
        Ok(match Signer::from_environment(service)? {
            None => self,
            Some(signer) => Self {
                variable: ACCESS_KEY.to_owned(),
                value: Some(signer.access_key()),
                signer: Some(signer),
            },
        })
    }

    pub(super) fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// The key; where requests are signed, its public half.
    pub(super) fn value(&self) -> Option<&SecretString> {
        self.value.as_ref()
    }

    pub(super) fn variable(&self) -> &str {
        &self.variable
    }
}
