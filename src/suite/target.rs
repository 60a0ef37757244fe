//! Which choice a target means: an index is an index, and what could be two choices is refused.

use serde_json::Value;

use super::Sample;
use super::sample::letter;
use crate::text::excerpt;

/// The index that a row's target is, where the row gives a whole number: data frames write 2 as 2.0 if a column has gaps.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn number(target: &Value) -> Option<i64> {
    target.as_i64().or_else(|| {
        let float = target.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 1e9).then_some(float as i64)
    })
}

/// The text of the choice that a number means. `numeric` says that the choices are numbers in the row too.
///
/// # Errors
/// Why it matches no choice, or two.
pub(super) fn numbered(target: i64, choices: &[String], numeric: bool) -> Result<String, String> {
    let own = target.to_string();
    let by_index = usize::try_from(target).ok().and_then(|i| choices.get(i));
    let by_text = choices.iter().find(|c| c.trim() == own);
    match (by_index, by_text) {
        (Some(choice), Some(text)) if numeric && choice != text => {
            Err(ambiguous_target(&own, choices))
        }
        (Some(choice), _) | (None, Some(choice)) => Ok(choice.clone()),
        (None, None) => Err(format!(
            "its target {target} is neither one of its choices nor the index of one (0 to {})",
            choices.len() - 1
        )),
    }
}

/// What a target that is a whole number written as text, as templates and CSV give them, can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readings {
    /// The index of a choice.
    Index(usize),
    /// A choice's own text.
    Text,
    /// Either.
    Both { index: usize, text: usize },
}

impl Readings {
    /// What a sample's target can mean; none where it is no number, or neither.
    pub(super) fn of(sample: &Sample) -> Option<Self> {
        let [target] = sample.targets.as_slice() else {
            return None;
        };
        let target = target.trim();
        if target.is_empty() || !target.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let index = target.parse().ok().filter(|i| *i < sample.choices.len());
        let text = sample.choices.iter().position(|c| c.trim() == target);
        match (index, text) {
            (Some(index), Some(text)) => Some(Self::Both { index, text }),
            (Some(index), None) => Some(Self::Index(index)),
            (None, Some(_)) => Some(Self::Text),
            (None, None) => None,
        }
    }
}

/// What such targets of a suite mean together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The choices' own texts: none can only be an index.
    Texts,
    /// Indices: some can be nothing else.
    Indices,
    /// Some can only be indices and some only texts, so that one that could be both is refused.
    Mixed,
}

impl Meaning {
    pub(super) fn of<'a>(all: impl Iterator<Item = &'a Readings>) -> Self {
        let (mut index, mut text) = (false, false);
        for one in all {
            index |= matches!(one, Readings::Index(_));
            text |= matches!(one, Readings::Text);
        }
        match (index, text) {
            (false, _) => Self::Texts,
            (true, false) => Self::Indices,
            (true, true) => Self::Mixed,
        }
    }

    /// Makes a sample's target the text of the choice that it means.
    ///
    /// # Errors
    /// It could be two choices.
    pub(super) fn settle(self, sample: &mut Sample, readings: &Readings) -> Result<(), String> {
        match (self, *readings) {
            (Self::Texts, _) | (_, Readings::Text) => {}
            (Self::Mixed, Readings::Both { index, text }) if index != text => {
                return Err(ambiguous_target(&sample.targets[0], &sample.choices));
            }
            (_, Readings::Index(index) | Readings::Both { index, .. }) => {
                sample.targets[0].clone_from(&sample.choices[index]);
            }
        }
        Ok(())
    }
}

/// That a sample's target, where it has choices and a target, means one of them.
///
/// # Errors
/// What its choices are.
pub(super) fn names_a_choice(sample: &Sample) -> Result<(), String> {
    const MAX_CHOICES_SHOWN: usize = 8;
    let Some(target) = sample
        .targets
        .first()
        .filter(|_| !sample.choices.is_empty())
    else {
        return Ok(());
    };
    if sample.target_choice().is_some() {
        return Ok(());
    }
    let named = |(i, choice): (usize, &String)| format!("{} '{}'", letter(i), excerpt(choice, 40));
    let mut choices: Vec<String> = sample
        .choices
        .iter()
        .enumerate()
        .take(MAX_CHOICES_SHOWN)
        .map(named)
        .collect();
    if sample.choices.len() > MAX_CHOICES_SHOWN {
        choices.push(format!("… {} in total", sample.choices.len()));
    }
    Err(format!(
        "its target '{}' is not one of its choices ({}); write a letter, an index from 0, or a choice's text",
        excerpt(target, 60),
        choices.join(", ")
    ))
}

fn ambiguous_target(target: &str, choices: &[String]) -> String {
    let index = target.trim().parse::<usize>().unwrap_or(usize::MAX);
    let choice = choices.get(index).map_or("", String::as_str);
    format!(
        "its target {target} could be the choice '{target}', or the index of the choice '{choice}'; write the letter instead ({} for the latter)",
        letter(index)
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample(choices: &[&str], target: &str) -> Sample {
        let mut sample = Sample::new("s");
        sample.choices = choices.iter().map(|c| (*c).to_owned()).collect();
        sample.targets = vec![target.to_owned()];
        sample
    }

    fn settled(samples: &[(&[&str], &str)]) -> Result<Vec<String>, String> {
        let samples: Vec<_> = samples.iter().map(|(c, t)| sample(c, t)).collect();
        let readings: Vec<_> = samples.iter().map(Readings::of).collect();
        let mean = Meaning::of(readings.iter().flatten());
        let one = |(mut sample, readings): (Sample, Option<Readings>)| {
            readings.map_or(Ok(()), |r| mean.settle(&mut sample, &r))?;
            Ok(sample.targets[0].clone())
        };
        samples.into_iter().zip(readings).map(one).collect()
    }

    #[test]
    fn a_number_is_an_index() {
        let choices = ["9", "2", "27", "81"].map(String::from);
        assert_eq!(numbered(2, &choices, false).unwrap(), "27");
        assert_eq!(numbered(81, &choices, false).unwrap(), "81");
        assert!(
            numbered(2, &choices, true)
                .unwrap_err()
                .contains("could be")
        );
        assert!(numbered(4, &choices, false).unwrap_err().contains("0 to 3"));
        assert!(numbered(-1, &choices, false).is_err());
    }

    #[test]
    fn written_numbers_are_the_choices_unless_some_can_only_be_indices() {
        let numbers: &[&str] = &["9", "2", "27", "81"];
        let words: &[&str] = &["cat", "dog"];
        assert_eq!(settled(&[(numbers, "2")]).unwrap(), ["2"]);
        assert_eq!(
            settled(&[(numbers, "2"), (words, "1")]).unwrap(),
            ["27", "dog"]
        );
        assert_eq!(
            settled(&[(numbers, "81"), (words, "B")]).unwrap(),
            ["81", "B"]
        );
        let reason = settled(&[(numbers, "2"), (numbers, "81"), (words, "1")]).unwrap_err();
        assert!(reason.contains("write the letter instead (C"), "{reason}");
    }

    #[test]
    fn a_target_is_read_as_answers_are() {
        let words: &[&str] = &["cat", "dog", "Up", "down"];
        for (target, want) in [
            ("B", 1),
            ("(B)", 1),
            ("B.", 1),
            ("Ｂ", 1),
            ("b", 1),
            ("𝐁", 1),
            ("Dog", 1),
            ("up", 2),
            ("DOWN.", 3),
            ("3", 3),
        ] {
            assert_eq!(
                sample(words, target).target_choice(),
                Some(want),
                "{target}"
            );
        }
        assert_eq!(sample(&["True", "False"], "true").target_choice(), Some(0));
        let none = names_a_choice(&sample(words, "E")).unwrap_err();
        assert!(
            none.contains("'E' is not one of its choices (A 'cat', B 'dog', C 'Up', D 'down')"),
            "{none}"
        );
        assert!(names_a_choice(&sample(&["yes", "no"], "true")).is_err());
        assert!(names_a_choice(&sample(&[], "free text")).is_ok());
    }
}
