//! Which letters are denied, and which are joined with others.

use super::labels::Case;
use super::tokens::Kind;
use super::words::{
    AND, BUT, NOT, OPTION, OR, PAIRED_NOT, POSTPOSED_NOT, RIGHT, is_instead_of, is_not_wrong,
    is_wrong,
};
use super::{Answer, is_copula};
use crate::text::announce::unspaced;

impl Answer<'_> {
    /// Which labels are denied, by what is before or after them.
    pub(super) fn denials(&self) -> Vec<bool> {
        let mut denied: Vec<bool> = (0..self.tokens.len())
            .map(|i| self.label(i).is_some() && (self.denied_before(i) || self.denied_after(i)))
            .collect();
        // "not A or B", forward; "A and B are wrong", backward.
        for i in 0..denied.len() {
            if denied[i]
                && self.denied_before(i)
                && let Some(j) = self.next_joined(i, !self.ends_a_pair(i))
            {
                denied[j] = true;
            }
        }
        for i in (0..denied.len()).rev() {
            let Some(j) = self.label(i).and_then(|_| self.joined[i]) else {
                continue;
            };
            denied[i] |= denied[j] && self.denied_after_chain(j);
        }
        denied
    }

    fn denied_before(&self, i: usize) -> bool {
        for j in (0..i).rev().take(5) {
            match self.kind(j) {
                Some(Kind::Word) => {
                    let word = self.word(j);
                    // "A değil C": it has denied what is before it.
                    if POSTPOSED_NOT.has(word)
                        && (j.saturating_sub(2)..j).any(|k| self.label(k).is_some())
                    {
                        return false;
                    }
                    if NOT.has(word) {
                        return true;
                    }
                    if is_instead_of(word, self.word(j + 1)) || self.is_paired_not(j, i) {
                        return true;
                    }
                    // "no es B", "non è B", but "No, B".
                    if matches!(word, "no" | "No") && is_copula(self.word(j + 1)) {
                        return true;
                    }
                    if BUT.has(word) {
                        return false;
                    }
                }
                Some(Kind::Open | Kind::Close) => {}
                _ => return false,
            }
        }
        false
    }

    /// Whether a label is the second of a pair that is denied: "ne A ne de B, C" continues to another.
    fn ends_a_pair(&self, i: usize) -> bool {
        (i.saturating_sub(2)..i).any(|j| {
            (PAIRED_NOT.has(self.word(j)) || matches!(self.word(j), "nor" | "noch"))
                && (j.saturating_sub(4)..j).any(|k| self.label(k).is_some())
        })
    }

    /// Whether word `j` denies label `i` as one of a pair: "ni A ni B", "no A ni B".
    fn is_paired_not(&self, j: usize, i: usize) -> bool {
        let paired = |k: usize| PAIRED_NOT.has(self.word(k));
        paired(j)
            && ((i + 1..i + 4).any(paired)
                || (j.saturating_sub(4)..j)
                    .any(|k| paired(k) || matches!(self.word(k), "no" | "No")))
    }

    /// Whether the words from `j` on deny that something is wrong.
    pub(super) fn is_not_wrong(&self, j: usize) -> bool {
        is_not_wrong(self.word(j), [self.word(j + 1), self.word(j + 2)])
    }

    /// Whether what follows a label says that it takes another's place: "C instead of A", "C en lugar de A", "选C而不是A".
    pub(super) fn stands_instead(&self, i: usize) -> bool {
        let next = self.word(i + 1);
        is_instead_of(next, self.word(i + 2))
            || is_instead_of(self.word(i + 2), self.word(i + 3))
            || next.starts_with("而不")
            || next.starts_with("而非")
    }

    pub(super) fn denied_after(&self, i: usize) -> bool {
        // "C. Can't be determined" is a choice with its text.
        let follows = |(index, _)| {
            self.named
                .follows(self.text, self.tokens[i].span.end, index)
        };
        if self.begins_line(i) && self.label(i).is_some_and(follows) {
            return false;
        }
        if self.stands_instead(i) {
            return false;
        }
        let mut j = i + 1;
        while matches!(self.kind(j), Some(Kind::Close))
            || self.begins_line(i)
                && matches!(self.kind(j), Some(Kind::Mark(':' | '.' | '-' | '–' | '—')))
        {
            j += 1;
        }
        for j in j..j + 5 {
            match self.kind(j) {
                Some(Kind::Word) => {
                    let word = self.word(j);
                    if POSTPOSED_NOT.has(word) {
                        return true;
                    }
                    if BUT.has(word) && !word.starts_with(unspaced) {
                        return false;
                    }
                    if is_wrong(word) {
                        if self.is_not_wrong(j) {
                            return false;
                        }
                        // "B not A" denies A.
                        let next = j + 1 + usize::from(OPTION.has(self.word(j + 1)));
                        return self.label(next).is_none() || word.starts_with(unspaced);
                    }
                    if RIGHT.has(word) {
                        // "A doğru değil"
                        return POSTPOSED_NOT.has(self.word(j + 1));
                    }
                }
                Some(Kind::Label {
                    case: Case::Lower | Case::Foreign,
                    ..
                }) if !self.tokens[j].marked => {}
                _ => return false,
            }
        }
        false
    }

    /// Finds the coordinations, from the last label back: a comma belongs to one that ends in "and".
    pub(super) fn join(&mut self) {
        for i in (0..self.tokens.len())
            .rev()
            .filter(|i| self.tokens[*i].label().is_some())
            .collect::<Vec<_>>()
        {
            self.joined[i] = self.next_joined(i, false);
        }
    }

    /// The next label that words or marks join to this one; with `comma`, a comma alone joins.
    pub(super) fn next_joined(&self, i: usize, comma: bool) -> Option<usize> {
        let mut j = i + 1;
        let mut joined = false;
        while j < i + 4 {
            match self.kind(j)? {
                Kind::Mark('/' | '、' | '&') => joined = true,
                Kind::Mark(',' | '，') => {
                    joined |= comma
                        || AND.has(self.word(j + 1))
                        || self.joined.get(j + 1).is_some_and(Option::is_some);
                }
                Kind::Word
                    if AND.has(self.word(j))
                        || OR.has(self.word(j))
                        || matches!(
                            self.word(j),
                            "nor" | "noch" | "ni" | "ne" | "nem" | "né" | "도" | "でも"
                        ) =>
                {
                    joined = true;
                }
                Kind::Word if OPTION.is(self.word(j)) => {}
                Kind::Label { .. } => return joined.then_some(j),
                _ => return None,
            }
            j += 1;
        }
        self.label(j).filter(|_| joined).map(|_| j)
    }

    /// Whether a label is denied by what follows it or those it is joined with.
    fn denied_after_chain(&self, mut i: usize) -> bool {
        for _ in 0..8 {
            if self.denied_after(i) {
                return true;
            }
            match self.joined[i] {
                Some(j) => i = j,
                None => return false,
            }
        }
        false
    }
}
