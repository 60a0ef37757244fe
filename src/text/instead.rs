//! What a name that nothing has was probably meant to be.

use super::normalise::fold;

/// Likely names that are offered, at most.
const MAX_OFFERED: usize = 3;
/// A longer list of known names is left out where a likely one is offered.
const MAX_LISTED: usize = 12;
/// How alike two names must be, by Jaro and Winkler: a letter wrong, missing, doubled or out of place in a name of five.
const MIN_LIKENESS: f64 = 0.85;
/// A shorter name is in too many others for that to mean anything.
const MIN_PART: usize = 3;

/// For an error about a name that is not among the known ones: "did you mean 'x'?" where one is like it, and the known ones after the
/// words `list` where they are few or none is.
#[must_use]
pub fn instead<N: AsRef<str>>(
    name: &str,
    list: &str,
    known: impl IntoIterator<Item = N>,
) -> String {
    let known: Vec<N> = known.into_iter().collect();
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let all = || match known.as_slice() {
        [] => format!("{list}: none"),
        some => format!("{list}: {}", some.join(", ")),
    };
    let likely: Vec<String> = likely(name, &known)
        .iter()
        .map(|n| format!("'{n}'"))
        .collect();
    if likely.is_empty() {
        return all();
    }
    let question = format!("did you mean {}?", likely.join(" or "));
    if known.len() > MAX_LISTED {
        return question;
    }
    format!("{question} {}", all())
}

/// The names most like one, the likeliest first.
fn likely<'n>(name: &str, known: &[&'n str]) -> Vec<&'n str> {
    let wanted = fold(name);
    let mut alike: Vec<(f64, &str)> = known
        .iter()
        .map(|known| (likeness(&wanted, &fold(known)), *known))
        .filter(|(likeness, _)| *likeness >= MIN_LIKENESS)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    // One that is as good as certain stands alone.
    let best = alike.first().map_or(0.0, |(likeness, _)| *likeness);
    alike.retain(|(likeness, _)| best - likeness < 0.05);
    alike.truncate(MAX_OFFERED);
    alike.into_iter().map(|(_, name)| name).collect()
}

/// From 0 to 1, of two folded names. What follows a name's last slash or colon counts as the name does, and so does a name that the other is a part of.
fn likeness(wanted: &str, known: &str) -> f64 {
    let last = known.rsplit(['/', ':']).next().unwrap_or(known);
    let alike = strsim::jaro_winkler(wanted, known).max(strsim::jaro_winkler(wanted, last));
    let part = wanted.chars().count() >= MIN_PART && known.contains(wanted);
    if part { alike.max(MIN_LIKENESS) } else { alike }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_likely_name_is_offered_and_the_others_are_listed() {
        let suites = [
            "arithmetic",
            "audit/over-refusal",
            "bias/name-swap",
            "gsm8k",
        ];
        let said = |name| instead(name, "known", suites);
        assert_eq!(
            said("gsm9k"),
            "did you mean 'gsm8k'? known: arithmetic, audit/over-refusal, bias/name-swap, gsm8k"
        );
        assert!(said("over-refusals").starts_with("did you mean 'audit/over-refusal'?"));
        assert!(said("Arithmetics").starts_with("did you mean 'arithmetic'?"));
        assert!(said("mmlu").starts_with("known: arithmetic, "));
        assert!(said("").starts_with("known: "));
    }

    #[test]
    fn a_long_list_is_left_out_where_a_name_is_likely() {
        let models: Vec<String> = (0..40)
            .map(|n| format!("maker/model-{n}"))
            .chain(["openai/gpt-4o-2024-11-20".to_owned()])
            .collect();
        let said = instead("gpt-4o", "its models", &models);
        assert_eq!(said, "did you mean 'openai/gpt-4o-2024-11-20'?");
        assert!(instead("claude", "its models", &models).contains("maker/model-39"));
    }
}
