//! Who served an answer: what gateways say of the upstream that they chose, in the body and in headers.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::excerpt::excerpt;
use crate::model::Served;
use crate::model::spec::without_secrets;

/// Headers that name an upstream: `LiteLLM`'s address of it, and those of gateways like it.
const HEADERS: &[&str] = &[
    "x-litellm-model-api-base",
    "x-openrouter-provider",
    "x-upstream-provider",
];
/// Fields of a body that name it: `OpenRouter`'s, and those of gateways like it.
const FIELDS: &[&str] = &["provider", "served_by", "upstream_provider"];

/// The upstream that headers name.
pub(super) fn route_of(headers: &HeaderMap) -> Option<String> {
    let named = HEADERS
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok());
    let route = without_secrets(named?.trim().trim_end_matches('/'));
    (!route.is_empty()).then(|| excerpt(&route))
}

/// What a body says, and its headers where it does not.
pub(super) fn served(body: &Value, of_headers: Option<String>) -> Served {
    let said = |name: &str| {
        let text = body.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| excerpt(text))
    };
    Served {
        route: FIELDS.iter().find_map(|name| said(name)).or(of_headers),
        model: said("model").or_else(|| said("modelVersion")),
        fingerprint: said("system_fingerprint"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gateways_name_their_upstream_in_bodies_and_headers() {
        let mut headers = HeaderMap::new();
        let base = "https://user:pa55word@upstream.example/v1/?key=AIzaSECRET";
        headers.insert("x-litellm-model-api-base", base.parse().unwrap());
        let of_headers = route_of(&headers);
        assert_eq!(of_headers.as_deref(), Some("https://upstream.example/v1/"));
        let body =
            json!({"provider": "Cerebras", "model": "z-ai/glm-4.7", "system_fingerprint": "fp_1"});
        let told = served(&body, of_headers.clone());
        assert_eq!(told.route.as_deref(), Some("Cerebras"));
        assert_eq!(told.fingerprint.as_deref(), Some("fp_1"));
        assert_eq!(
            served(&json!({"provider": {"a": 1}}), of_headers.clone()).route,
            of_headers
        );
        assert_eq!(served(&json!([]), None), Served::default());
    }
}
