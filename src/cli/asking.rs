//! Helpers of the commands that query models.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::terminal::say;
use crate::model::data_directory;
use crate::run::{LostJudge, Outcome};
use crate::store::{CompletionCache, RunDirectory};

/// A budget in US dollars.
pub(super) fn parse_budget(text: &str) -> Result<f64, String> {
    text.trim_start_matches('$')
        .parse()
        .ok()
        .filter(|b: &f64| b.is_finite() && *b > 0.0)
        .ok_or_else(|| "write an amount in US dollars above 0".into())
}

/// The default directory of a new run.
pub(super) fn default_directory() -> PathBuf {
    let now = Timestamp::now();
    let id = blake3::hash(format!("{now}{}", std::process::id()).as_bytes()).to_hex();
    Path::new("runs").join(format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), &id[..6]))
}

/// The user's completion cache, unless it is bypassed or cannot be used: a run works without it.
pub(super) fn open_cache(bypassed: bool) -> Option<Arc<CompletionCache>> {
    if bypassed {
        return None;
    }
    let path = data_directory().join("completions.sqlite");
    match CompletionCache::open(&path) {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            say(&format!(
                "warning: {error}; the run continues without it. Remove the file, or use --no-cache, if this persists"
            ));
            None
        }
    }
}

/// Reports which judges could not be reached, and how to resume.
pub(super) fn tell_of_judges(outcome: &Outcome, directory: &RunDirectory) {
    for LostJudge {
        name,
        questions,
        reason,
    } in &outcome.lost_judges
    {
        say(&format!(
            "the judge {name} failed {questions} times; most recently: {reason}"
        ));
    }
    if outcome.unjudged > 0 {
        let run = directory.place();
        let run = run.display();
        say(&format!(
            "{} answers were kept but have no judge's verdict. Ask the judge again with: candor run --resume {run}. Or score the answers another way with: candor score {run} -s SCORER",
            outcome.unjudged
        ));
    }
}
