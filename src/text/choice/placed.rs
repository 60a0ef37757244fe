//! Letters that decide by where they are: alone, on a line, at the beginning or the end.

use super::labels::Case;
use super::tokens::{Kind, Token};
use super::words::{CONTINUES, NAMED, OPTION};
use super::{Answer, PRONOUN, REACH, is_joined, only};

impl Answer<'_> {
    /// The only letter of an answer of a few words, or of its last sentence where that is a letter alone.
    pub(super) fn brief(&self) -> Option<usize> {
        let words = self.tokens.iter().filter(|t| t.kind == Kind::Word).count();
        let own = |i: &usize| {
            let capital = self.label(*i).is_some_and(|(_, case)| case == Case::Upper)
                || self.tokens[*i].marked;
            let named = NAMED.has(i.checked_sub(1).map_or("", |p| self.word(p)));
            capital
                && !named
                && (self.closed(*i) || is_joined(self.word(i + 1)) || self.label(i + 1).is_some())
        };
        let labels: Vec<usize> = (0..self.tokens.len())
            .filter(|i| self.label(*i).is_some())
            .collect();
        let last = *labels.last()?;
        if words <= 3 {
            let all = labels.iter().all(|i| own(i) && !self.denied[*i]);
            let agreed = only(labels.iter().filter_map(|i| self.label(*i)))
                .filter(|_| all && self.tokens.len() < 12);
            if agreed.is_some() {
                return agreed;
            }
        }
        let ends_answer = self.tokens[last + 1..].iter().all(|t| {
            matches!(
                t.kind,
                Kind::Line | Kind::Close | Kind::Mark('.' | '。' | '!')
            )
        });
        let begins = last.checked_sub(1).is_some_and(|before| {
            self.ends(before)
                || self.kind(before) == Some(Kind::Open) && before > 0 && self.ends(before - 1)
        });
        (own(&last) && ends_answer && begins && !self.denied[last])
            .then(|| self.label(last).map(|(index, _)| index))
            .flatten()
    }

    /// The letter that is alone on its line, where every such line holds the same.
    pub(super) fn lines(&self) -> Option<usize> {
        let of_line = |line: &[Token]| {
            let mut content = line.iter().filter(|t| {
                !matches!(
                    t.kind,
                    Kind::Open | Kind::Close | Kind::Mark('.' | '。' | ':' | ',')
                )
            });
            let only = content.next().filter(|_| line.len() <= 4)?;
            let (index, case) = only.label()?;
            (content.next().is_none() && (case == Case::Upper || only.marked))
                .then_some((index, case))
        };
        only(
            self.tokens
                .split(|t| t.kind == Kind::Line)
                .filter_map(of_line),
        )
    }

    /// The letter that the answer begins with.
    pub(super) fn opening(&self) -> Option<usize> {
        let first = self
            .tokens
            .iter()
            .position(|t| !matches!(t.kind, Kind::Line | Kind::Open | Kind::Mark(_)))?;
        let first =
            first + usize::from(OPTION.has(self.word(first)) && self.label(first + 1).is_some());
        let (index, case) = self.label(first)?;
        if self.denied[first] || self.among_others(first) || index == 0 && self.lists_again(first) {
            return None;
        }
        let delimiter = match self.kind(first + 1) {
            None
            | Some(
                Kind::Line
                | Kind::Close
                | Kind::Mark('.' | ':' | '：' | '。' | '、' | '．' | '-' | '–' | '—'),
            ) => true,
            Some(Kind::Mark(',' | '，' | ';')) => index != PRONOUN && case == Case::Upper,
            _ => self.tokens[first].marked,
        };
        let before_text = self
            .named
            .follows(self.text, self.tokens[first].span.end, index);
        let goes_on = case == Case::Upper
            && CONTINUES.has(self.word(first + 1))
            && !self.word(first + 1).is_empty()
            && matches!(
                self.word(first + 1),
                "because" | "since" | "weil" | "car" | "porque" | "perché"
            );
        (delimiter && case != Case::Foreign || before_text || goes_on).then_some(index)
    }

    /// Whether a later line begins with the letter B: the choices are listed again.
    fn lists_again(&self, first: usize) -> bool {
        self.tokens[first..].windows(2).any(|pair| {
            pair[0].kind == Kind::Line && pair[1].label().is_some_and(|(index, _)| index == 1)
        })
    }

    /// The only letter set off by brackets, emphasis or "option", in the last sentence that has any, else in the whole text.
    pub(super) fn marked(&self) -> Option<usize> {
        let set_off = |i: &usize| {
            let optional = OPTION.has(i.checked_sub(1).map_or("", |p| self.word(p)));
            let upper = self.label(*i).is_some_and(|(_, case)| case == Case::Upper);
            self.label(*i).is_some()
                && !self.denied[*i]
                && (self.tokens[*i].marked || optional || upper && self.after_colon(*i))
        };
        let all: Vec<usize> = (0..self.tokens.len()).filter(set_off).collect();
        let last = *all.last()?;
        let begins = (0..last).rev().find(|i| self.ends(*i)).map_or(0, |i| i + 1);
        let mut ends = last;
        while !self.ends(ends) {
            ends += 1;
        }
        // Only the end of an answer settles it.
        let is_end = self.tokens[ends..]
            .iter()
            .filter(|t| t.kind == Kind::Word)
            .count()
            <= REACH
            && !self.lists(begins, ends);
        let in_last = all.iter().filter(|i| (begins..ends).contains(*i));
        let from_last = only(in_last.filter_map(|i| self.label(*i))).filter(|_| {
            is_end
                && !self.text[..self.tokens[begins].span.start]
                    .trim()
                    .is_empty()
        });
        from_last.or_else(|| only(all.iter().filter_map(|i| self.label(*i))))
    }

    /// Whether a sentence begins with a letter, as an item of a list does.
    fn lists(&self, begins: usize, ends: usize) -> bool {
        (begins..ends).next().is_some_and(|i| {
            self.label(i).is_some()
                || self.kind(i) == Some(Kind::Open) && self.label(i + 1).is_some()
        }) && !self.closed(begins)
    }

    /// Whether a letter ends its line after a colon or dash.
    fn after_colon(&self, i: usize) -> bool {
        let before = i.checked_sub(1).and_then(|p| self.kind(p));
        let mut after = i + 1;
        while matches!(
            self.kind(after),
            Some(Kind::Mark('.' | '。' | '!') | Kind::Close)
        ) {
            after += 1;
        }
        matches!(before, Some(Kind::Mark(':' | '：' | '–' | '—' | '=')))
            && matches!(self.kind(after), None | Some(Kind::Line))
    }
}
