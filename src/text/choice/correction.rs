//! Sentences that deny one letter and put another in its place.

use super::labels::Case;
use super::tokens::Kind;
use super::words::{ALSO, AMENDS, AND, BUT, INSTEAD, NOT, REASON, RIGHT, is_instead_of};
use super::{Answer, REACH, Statement, is_copula, is_joined};

impl Answer<'_> {
    /// "not A but B", "A değil, B", "A नहीं, B है", "答案不是A，是B", "B and not A": the one letter that a sentence does not deny, where it denies
    /// another. What follows "because" or "which" argues; "and so is B" denies B as well.
    pub(super) fn corrects(&self, i: usize) -> Option<usize> {
        let (index, _) = self.label(i)?;
        if self.denied[i] || !self.is_answer(i) {
            return None;
        }
        let before = (i.saturating_sub(REACH)..i)
            .rev()
            .take_while(|j| !self.ends(*j));
        let after = (i + 1..(i + REACH).min(self.tokens.len())).take_while(|j| !self.ends(*j));
        let sentence: Vec<usize> = before
            .chain(after)
            .filter(|j| self.set_off(*j, i))
            .collect();
        let others_agree = sentence
            .iter()
            .filter(|j| !self.denied[**j] && self.is_answer(**j))
            .all(|j| self.label(*j).is_some_and(|(other, _)| other == index));
        let denied = sentence.into_iter().find(|j| self.denied[*j])?;
        let mut between = denied.min(i)..denied.max(i);
        let argues = between.any(|j| {
            let joins = j > 0 && is_instead_of(self.word(j - 1), self.word(j));
            REASON.has(self.word(j)) && !joins
        });
        (others_agree && !argues && !self.is_denied_too(i)).then_some(index)
    }

    /// The letters that take back what was said before them, "Sorry, B.", and where.
    pub(super) fn amendments(&self) -> Vec<Statement> {
        let amends = |i: &usize| self.kind(*i) == Some(Kind::Word) && AMENDS.has(self.word(*i));
        let amendment = |i: usize| {
            let label = (i + 1..i + 6)
                .take_while(|j| !self.ends(*j) || matches!(self.kind(*j), Some(Kind::Mark('!'))))
                .find(|j| self.label(*j).is_some())?;
            let (index, case) = self.label(label)?;
            let whole = self.ends(label + 1) && (case == Case::Upper || self.tokens[label].marked);
            (whole && !self.denied[label] && !self.among_others(label)).then_some(Statement {
                at: self.tokens[label].span.start,
                choice: Some(index),
            })
        };
        (0..self.tokens.len())
            .filter(amends)
            .filter_map(amendment)
            .collect()
    }

    /// Whether a label is one as those of a sentence with `like` are.
    fn set_off(&self, j: usize, like: usize) -> bool {
        let case = |i: usize| self.label(i).map(|(_, case)| case);
        match case(j) {
            None => false,
            Some(Case::Upper) => true,
            Some(Case::Foreign) => case(like) == Some(Case::Foreign),
            Some(Case::Lower) => self.tokens[j].marked,
        }
    }

    /// Whether a label represents the answer, and not before a noun.
    fn is_answer(&self, i: usize) -> bool {
        let next = self.word(i + 1);
        let goes_on = is_joined(next)
            || is_copula(next)
            || INSTEAD.has(next)
            || BUT.has(next)
            || RIGHT.has(next) && !next.is_ascii()
            || (AND.has(next) || next.is_empty()) && NOT.has(self.word(i + 2))
            || NOT.has(next)
            || self.stands_instead(i);
        self.set_off(i, i) && (self.closed(i) || self.tokens[i].marked || goes_on)
    }

    /// "and so is B", "B auch".
    fn is_denied_too(&self, i: usize) -> bool {
        let near = (i.saturating_sub(3)..i)
            .rev()
            .take_while(|j| self.kind(*j) == Some(Kind::Word))
            .chain(i + 1..i + 3);
        near.into_iter().any(|j| ALSO.has(self.word(j)))
            || self.word(i.wrapping_sub(2)) == "so" && is_copula(self.word(i.wrapping_sub(1)))
    }
}
