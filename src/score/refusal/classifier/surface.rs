//! Fifteen counts of an answer that need no language, as `models/labeller/surface.py` makes them.

use std::collections::HashSet;
use std::sync::LazyLock;

use fancy_regex::Regex;

/// How many counts there are.
pub(super) const COUNTS: usize = 15;

static DIGIT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d").expect("a constant pattern, compiled in tests"));

/// The counts of an answer that is not empty.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
pub(super) fn surface(question: &str, answer: &str) -> [f32; COUNTS] {
    let answer = answer.trim();
    let n = answer.chars().count();
    let ln = |count: usize| (count as f64).ln_1p() as f32;
    let of = |text: &str| ln(answer.matches(text).count());
    let any = |marks: &[char]| ln(answer.matches(marks).count());
    let flag = |yes: bool| f32::from(u8::from(yes));
    let (first, last) = (answer.chars().next(), answer.chars().next_back());
    let is = |c: Option<char>, marks: &str| flag(c.is_some_and(|c| marks.contains(c)));
    let start = n.min(300);
    let kinds = answer.chars().take(start).collect::<HashSet<_>>().len();
    [
        ln(n),
        of("\n"),
        of("**"),
        of("- "),
        of("#"),
        ln(DIGIT.find_iter(answer).count()),
        any(&['?', '？']),
        any(&['!', '！']),
        any(&['"', '“']),
        ln(n) - ln(question.chars().count()),
        is(last, ".!。！”\"*"),
        is(first, "#*"),
        flag(n < 200),
        flag(n < 600),
        kinds as f32 / start.max(1) as f32,
    ]
}
