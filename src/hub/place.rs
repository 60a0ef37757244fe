//! Where the Hugging Face hub is, what opens its gated repositories, and where its own tools keep what they downloaded.

use std::ffi::OsString;
use std::path::PathBuf;

/// The hub, unless `HF_ENDPOINT` names another.
const HUB: &str = "https://huggingface.co";

/// The hub's address.
#[must_use]
pub fn endpoint() -> String {
    std::env::var("HF_ENDPOINT").unwrap_or_else(|_| HUB.into())
}

/// `HF_TOKEN`, if it is set.
#[must_use]
pub fn token() -> Option<String> {
    std::env::var("HF_TOKEN").ok().filter(|t| !t.is_empty())
}

/// The folder that the hub's own tools keep repositories in: `HF_HUB_CACHE`, or `hub` in `HF_HOME`.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    let set = |name: &str| -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    };
    if let Some(cache) = set("HF_HUB_CACHE") {
        return Some(cache.into());
    }
    let home = match set("HF_HOME") {
        Some(home) => PathBuf::from(home),
        None => set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?
            .join("huggingface"),
    };
    Some(home.join("hub"))
}
