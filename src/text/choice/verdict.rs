//! What sentences decide: "B is correct", "I would choose B", "so it must be B".

use super::labels::Case;
use super::tokens::Kind;
use super::words::{
    BUT, CHOOSE, CHOSEN, CONTINUES, NAMED, NOT, OPTION, POSTPOSED_NOT, RIGHT, SO, is_wrong,
};
use super::{Answer, PRONOUN, REACH, is_also_word, is_consonant, is_copula, only};
use crate::text::announce::unspaced;

impl Answer<'_> {
    /// The letter that the last verdict names.
    pub(super) fn verdict(&self) -> Option<usize> {
        (0..self.tokens.len()).rev().find_map(|i| {
            let choice = match self.kind(i)? {
                Kind::Label { .. } => self.called_right(i).or_else(|| self.corrects(i)),
                Kind::Word => self.chooses(i).or_else(|| self.concludes(i)),
                Kind::Mark('→' | '⇒' | '∴' | '➜') => self.letter_from(i + 1, 1),
                Kind::Mark('✅' | '✓' | '✔' | '☑') => self.only_label_of_line(i),
                _ => None,
            };
            choice.filter(|_| !self.hearsay(i))
        })
    }

    /// "B is the right one", "Bを選びます".
    fn called_right(&self, i: usize) -> Option<usize> {
        let (index, case) = self.label(i)?;
        if self.denied[i]
            || case == Case::Lower && !self.tokens[i].marked && !is_consonant(index)
            || self.next_joined(i, true).is_some()
        {
            return None;
        }
        // An article before its noun: "A correct answer would say …".
        if is_also_word(index)
            && !self.tokens[i].marked
            && RIGHT.has(self.word(i + 1))
            && !self.word(i + 1).starts_with(unspaced)
            && self.word(i + 1).is_ascii()
        {
            return None;
        }
        if NAMED.has(i.checked_sub(1).map_or("", |p| self.word(p))) || i > 0 && self.joins_back(i) {
            return None;
        }
        // "B is." at a sentence's end.
        if is_copula(self.word(i + 1)) && self.word(i + 1).is_ascii() && self.ends(i + 2) {
            return Some(index);
        }
        let mut j = i + 1;
        while matches!(self.kind(j), Some(Kind::Close))
            || self.begins_line(i)
                && matches!(self.kind(j), Some(Kind::Mark(':' | '.' | '-' | '–' | '—')))
        {
            j += 1;
        }
        for j in j..j + 6 {
            if self.kind(j) != Some(Kind::Word) {
                return None;
            }
            let word = self.word(j);
            if is_wrong(word) && self.is_not_wrong(j) {
                return Some(index);
            }
            if RIGHT.has(word) || CHOSEN.has(word) {
                return Some(index).filter(|_| !POSTPOSED_NOT.has(self.word(j + 1)));
            }
            if is_wrong(word) || BUT.has(word) {
                return None;
            }
        }
        None
    }

    /// "I would choose B", "我选B".
    fn chooses(&self, i: usize) -> Option<usize> {
        let word = self.word(i);
        if !CHOOSE.has(word)
            || word.starts_with(unspaced)
                && !word.ends_with(['选', '選', '择', '擇', '是', '项', '項'])
        {
            return None;
        }
        let mut clause = (i.saturating_sub(3)..i)
            .rev()
            .take_while(|j| self.kind(*j) == Some(Kind::Word));
        if NOT.has(word) || clause.any(|j| NOT.has(self.word(j))) {
            return None;
        }
        self.letter_from(i + 1, 5)
    }

    /// "so B", "therefore, it must be (B)".
    fn concludes(&self, i: usize) -> Option<usize> {
        let word = self.word(i);
        let it_is = is_copula(word)
            && matches!(
                i.checked_sub(1).map_or("", |p| self.word(p)),
                "it" | "It" | "es" | "Es" | "c" | "this" | "This"
            );
        // "and so is B" says the same of B.
        let likewise = word == "so" && is_copula(self.word(i + 1));
        if !(SO.has(word) || it_is) || likewise || self.denies(i) {
            return None;
        }
        self.letter_from(i + 1, 5)
    }

    /// The first letter within this many tokens from `i` on that represents itself.
    fn letter_from(&self, i: usize, reach: usize) -> Option<usize> {
        for j in i..i + reach {
            match self.kind(j)? {
                Kind::Label { index, .. } if !self.denied[j] && !self.among_others(j) => {
                    let optional = OPTION.has(j.checked_sub(1).map_or("", |p| self.word(p)));
                    let upper = self.label(j).is_some_and(|(_, case)| case == Case::Upper);
                    let stands = self.closed(j) && upper
                        || self.tokens[j].marked
                        || optional
                        || self.continues(j);
                    let named = NAMED.has(j.checked_sub(1).map_or("", |p| self.word(p)));
                    let pronoun = index == PRONOUN
                        && !self.tokens[j].marked
                        && !optional
                        && (j > i || !self.closed(j));
                    return (stands && !named && !pronoun).then_some(index);
                }
                Kind::Mark(',' | '，' | ':' | '：') | Kind::Open | Kind::Word => {}
                _ => return None,
            }
        }
        None
    }

    /// Whether a capital is followed by a word that continues about it.
    fn continues(&self, j: usize) -> bool {
        let next = self.word(j + 1);
        let upper = self.label(j).is_some_and(|(_, case)| case == Case::Upper);
        upper
            && !next.is_empty()
            && (next.starts_with(unspaced)
                || CONTINUES.has(next)
                || self.label(j).is_some_and(|(i, _)| !is_also_word(i)))
    }

    fn only_label_of_line(&self, i: usize) -> Option<usize> {
        let line = |j: &usize| self.kind(*j) != Some(Kind::Line);
        let before = (i.saturating_sub(REACH)..i).rev().take_while(line);
        let after = (i + 1..(i + REACH).min(self.tokens.len())).take_while(line);
        only(
            before
                .chain(after)
                .filter(|j| self.label(*j).is_some_and(|(_, case)| case == Case::Upper))
                .filter_map(|j| self.label(j)),
        )
    }

    pub(super) fn begins_line(&self, i: usize) -> bool {
        let before = i.checked_sub(1).and_then(|p| self.kind(p));
        matches!(
            before,
            None | Some(Kind::Line | Kind::Open | Kind::Mark('-' | '•'))
        )
    }

    /// Whether a label is joined to one before it.
    fn joins_back(&self, i: usize) -> bool {
        (i.saturating_sub(3)..i)
            .any(|j| self.label(j).is_some() && self.next_joined(j, true) == Some(i))
    }

    /// "The letter is B.", "es la B": the letter that a sentence ends with after "is".
    pub(super) fn equated(&self) -> Option<usize> {
        (0..self.tokens.len()).rev().find_map(|i| {
            let (index, case) = self.label(i)?;
            let previous = i.checked_sub(1)?;
            let article = previous.checked_sub(1).filter(|_| {
                self.word(previous).chars().count() <= 2 && !is_copula(self.word(previous))
            });
            let joined = is_copula(self.word(article.unwrap_or(previous)));
            let ends = self.ends(i + 1) && case == Case::Upper;
            let wrong = (0..i)
                .rev()
                .take(6)
                .take_while(|j| !self.ends(*j))
                .any(|j| is_wrong(self.word(j)));
            (joined && ends && !wrong && !self.denied[i] && !self.hearsay(i)).then_some(index)
        })
    }
}
