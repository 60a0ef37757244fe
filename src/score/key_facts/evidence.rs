//! What the reader goes by.

use super::context::{Context, Mark};
use super::reading::Reading;

/// What a reader goes by.
#[derive(Debug)]
pub(super) struct Evidence {
    /// None where only a part is mentioned.
    pub by_rules: Option<Reading>,
    /// Whether all that names the fact is there, and not only a part of it.
    pub whole: bool,
    /// Whether the answer denies as a whole.
    pub denies: bool,
    pub statement: Context,
    pub answer: Context,
}

impl Evidence {
    /// What is counted of it: the reading by rules (affirmed, denied, attributed), whether all of the mention is there, whether the answer
    /// denies as a whole, whether the statement itself denies or negates, and whether it attributes.
    pub(super) fn clues(&self) -> [f32; 7] {
        let flag = |yes: bool| f32::from(u8::from(yes));
        let by_rules = |reading| flag(self.by_rules == Some(reading));
        let stated = |mark| self.statement.marks.iter().any(|(_, m)| *m == mark);
        [
            by_rules(Reading::Affirmed),
            by_rules(Reading::Denied),
            by_rules(Reading::Attributed),
            flag(self.whole),
            flag(self.denies),
            flag(stated(Mark::Denial) || stated(Mark::Negation)),
            flag(stated(Mark::Attribution)),
        ]
    }
}
