//! Requests to Amazon Web Services that are signed with access keys (Signature Version 4).

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::Request;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;

use crate::model::{ErrorClass, ModelError};

/// The variable of the key's public half, which errors name.
pub(super) const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION: &str = "AWS_SESSION_TOKEN";
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Access keys with the region and the service that they sign for.
pub(super) struct Signer {
    credentials: Credentials,
    region: String,
    service: &'static str,
}

impl Signer {
    /// The keys in the variables that AWS's own tools read; none where there is no access key.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] if there is an access key, and no secret key or region.
    pub(super) fn from_environment(service: &'static str) -> Result<Option<Self>, ModelError> {
        let Some(access) = variable(ACCESS_KEY) else {
            return Ok(None);
        };
        let needed = |found: Option<String>, name: &str| {
            found.ok_or_else(|| {
                failure(format!(
                    "{ACCESS_KEY} is set, and {name} is not: requests cannot be signed. Set it (`aws configure export-credentials --format env` prints what a profile has)"
                ))
            })
        };
        let secret = needed(variable(SECRET_KEY), SECRET_KEY)?;
        let region = needed(REGIONS.iter().find_map(|name| variable(name)), REGIONS[0])?;
        Ok(Some(Self {
            credentials: Credentials::new(access, secret, variable(SESSION), None, "environment"),
            region,
            service,
        }))
    }

    pub(super) fn access_key(&self) -> SecretString {
        self.credentials.access_key_id().into()
    }

    /// What may never be shown.
    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let session = self.credentials.session_token().map(SecretString::from);
        std::iter::once(self.credentials.secret_access_key().into()).chain(session)
    }

    /// Adds the headers that sign a request, whose body is at hand, as of some time.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] if it cannot be signed.
    pub(super) fn sign(&self, request: &mut Request, at: SystemTime) -> Result<(), ModelError> {
        let unsigned = |e: &dyn std::fmt::Display| failure(format!("cannot sign a request: {e}"));
        let identity = self.credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| unsigned(&e))?
            .into();
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.url().as_str(),
            headers,
            SignableBody::Bytes(body.unwrap_or_default()),
        )
        .map_err(|e| unsigned(&e))?;
        let (signature, _) = sign(signable, &parameters)
            .map_err(|e| unsigned(&e))?
            .into_parts();
        let (headers, _) = signature.into_parts();
        for header in headers {
            let mut value = HeaderValue::from_str(header.value()).map_err(|e| unsigned(&e))?;
            value.set_sensitive(true);
            request
                .headers_mut()
                .insert(HeaderName::from_static(header.name()), value);
        }
        Ok(())
    }
}

fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    Some(value.trim().to_owned()).filter(|v| !v.is_empty())
}

fn failure(why: String) -> ModelError {
    ModelError::new(ErrorClass::Auth, why)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Made by botocore's `SigV4Auth` for the same request, keys and time.
    #[test]
    fn a_request_is_signed_as_botocore_signs_it() {
        let signer = Signer {
            credentials: Credentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                Some("a-session".into()),
                None,
                "test",
            ),
            region: "eu-west-1".into(),
            service: "bedrock",
        };
        let url = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse";
        let mut request = Request::new(reqwest::Method::POST, url.parse().unwrap());
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", json);
        *request.body_mut() = Some(r#"{"messages":[]}"#.into());
        signer
            .sign(
                &mut request,
                SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            )
            .unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-amz-date"), "20231114T221320Z");
        assert_eq!(header("x-amz-security-token"), "a-session");
        assert_eq!(
            header("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=87fce9e3eea65642efea6573b981498362f9d81565a1e999462b6c8b36ba9cc6"
        );
    }
}
