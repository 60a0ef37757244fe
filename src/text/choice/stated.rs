//! What announcements and boxes state.

use super::labels::Case;
use super::tokens::Kind;
use super::words::{
    AND, BUT, CONTINUES, HEARSAY, NAMED, NOT, OPTION, OR, PICK, RIGHT, SO, Words, is_wrong,
};
use super::{
    Answer, MAX_ANNOUNCEMENTS, PRONOUN, REACH, Statement, is_also_word, is_consonant, is_copula,
    is_joined,
};
use crate::text::announce::{Form, announcements, unspaced};

impl Answer<'_> {
    /// What announcements and boxes state, in order.
    pub(super) fn stated(&self) -> Vec<Statement> {
        let announcements = announcements(self.text);
        let last = &announcements[announcements.len().saturating_sub(MAX_ANNOUNCEMENTS)..];
        let own = last.iter().filter(|a| !self.hearsay(self.token_from(a.at)));
        let mut places: Vec<(usize, Form)> = own.map(|a| (a.content, a.form)).collect();
        let right_ones = self.right_ones();
        places.extend(&right_ones[right_ones.len().saturating_sub(MAX_ANNOUNCEMENTS)..]);
        places.sort_by_key(|(content, _)| *content);
        let announced = places
            .iter()
            .filter_map(|(content, form)| self.announced(*content, *form));
        let boxed = self.tokens.iter().filter_map(|t| match t.kind {
            Kind::Boxed(own) => self.in_box(own).map(|choice| Statement {
                at: t.span.start,
                choice: Some(choice),
            }),
            _ => None,
        });
        let mut stated: Vec<Statement> = announced.chain(boxed).collect();
        // What takes back a statement is one itself.
        if !stated.is_empty() {
            stated.extend(self.amendments());
        }
        stated.sort_by_key(|s| s.at);
        stated
    }

    /// Whether a sentence reports, before its token `i`, what others say or what is wrong.
    pub(super) fn hearsay(&self, i: usize) -> bool {
        // What is called wrong is the letter before it, if there is one: "A değil C".
        let wrong = i.checked_sub(1).is_some_and(|before| {
            is_wrong(self.word(before))
                && self.word(before).len() > 3
                && !(before.saturating_sub(2)..before).any(|k| self.label(k).is_some())
        });
        let before = (0..i).rev().take(8).take_while(|j| !self.ends(*j));
        wrong || before.map(|j| self.word(j)).any(|w| HEARSAY.has(w))
    }

    /// Where "the correct option is" and its like begin what they announce.
    fn right_ones(&self) -> Vec<(usize, Form)> {
        let mut found = Vec::new();
        for i in 0..self.tokens.len() {
            let word = self.word(i);
            if self.kind(i) != Some(Kind::Word)
                || !(RIGHT.has(word) || PICK.has(word))
                || self.hearsay(i)
                || self.denies(i)
            {
                continue;
            }
            // In scripts without spaces the copula is part of the word: 正确的是
            let mut j = i + 1;
            while matches!(self.kind(j), Some(Kind::Word))
                && j < i + 4
                && !is_copula(self.word(j))
                && !is_wrong(self.word(j))
                && !BUT.has(self.word(j))
            {
                j += 1;
            }
            let joined = word.starts_with(unspaced)
                && (word.ends_with('是') || word.ends_with('为') || word.ends_with('は'));
            let content = match self.kind(j) {
                Some(Kind::Mark(':' | '：' | '=')) => Some((self.tokens[j].span.end, Form::Colon)),
                Some(Kind::Word) if is_copula(self.word(j)) => {
                    Some((self.tokens[j].span.end, Form::Copula))
                }
                Some(Kind::Label { .. }) if joined && j == i + 1 => {
                    Some((self.tokens[j].span.start, Form::Copula))
                }
                _ => None,
            };
            found.extend(content);
        }
        found
    }

    /// Whether a word right before a token denies it.
    pub(super) fn denies(&self, i: usize) -> bool {
        i.checked_sub(1).is_some_and(|before| {
            NOT.has(self.word(before)) && self.kind(before) == Some(Kind::Word)
        })
    }

    /// What is announced at a place; none where nothing is.
    fn announced(&self, content: usize, form: Form) -> Option<Statement> {
        let start = self.token_from(content);
        let stated = |choice| {
            Some(Statement {
                at: content,
                choice,
            })
        };
        let line = &self.text[content..];
        if let Some(choice) = self.named.leading(line) {
            return stated(Some(choice));
        }
        let direct = start + usize::from(self.kind(start) == Some(Kind::Open));
        let reach = match form {
            Form::Copula | Form::Colon => REACH,
            Form::Heading | Form::Bare => 2,
        };
        let mut i = start;
        // "The answer is A man", with a capital that is an article all the same where another letter follows.
        let mut weak = None;
        while i < start + reach && !self.ends(i) {
            if let Some(Kind::Boxed(own)) = self.kind(i) {
                return self.in_box(own).and_then(|choice| stated(Some(choice)));
            }
            if let Some((index, _)) = self.label(i)
                && !self.denied[i]
                && self.accepts(i, i == direct || self.articles(direct, i))
            {
                return stated(Some(index).filter(|_| !self.among_others(i)));
            }
            if i == direct
                && form == Form::Copula
                && !self.denied[i]
                && self.word(i) == "A"
                && self.word(i + 1).starts_with(char::is_lowercase)
            {
                weak = self.label(i).map(|(index, _)| index);
            }
            i += 1;
        }
        if weak.is_some() {
            return stated(weak);
        }
        // The sentence may name its choice further on.
        let end = self
            .tokens
            .get(i)
            .map_or(self.text.len(), |t| t.span.start)
            .max(content);
        if matches!(form, Form::Copula | Form::Colon) && i > start {
            return self
                .named
                .only(&self.text[content..end])
                .and_then(|choice| stated(Some(choice)));
        }
        None
    }

    /// Whether a label names a choice here; `direct` where it is the first word of what is announced.
    pub(super) fn accepts(&self, i: usize, direct: bool) -> bool {
        let Some((index, case)) = self.label(i) else {
            return false;
        };
        let previous = i.checked_sub(1).map_or("", |p| self.word(p));
        if NAMED.has(previous) {
            return false;
        }
        let optional = OPTION.has(previous);
        let next = self.word(i + 1);
        let closed = self.closed(i);
        let followed =
            |words: &Words| !next.is_empty() && !next.starts_with(unspaced) && words.has(next);
        let text_follows = || {
            self.named
                .follows(self.text, self.tokens[i].span.end, index)
        };
        if self.tokens[i].marked {
            return true;
        }
        match case {
            Case::Foreign => (direct || optional) && (closed || next.chars().count() > 1),
            Case::Lower => {
                (direct || optional) && (closed || is_consonant(index) || text_follows())
            }
            Case::Upper if optional => true,
            Case::Upper if closed => direct || index != PRONOUN || text_follows(),
            Case::Upper if is_joined(next) || !is_also_word(index) || self.joined[i].is_some() => {
                true
            }
            Case::Upper if followed(&CONTINUES) => {
                index != PRONOUN || followed(&SO) || matches!(next, "because" | "since" | "is")
            }
            Case::Upper => text_follows(),
        }
    }

    /// Whether only articles are between two tokens.
    fn articles(&self, from: usize, to: usize) -> bool {
        to <= from + 2
            && (from..to)
                .all(|j| self.kind(j) == Some(Kind::Word) && self.word(j).chars().count() <= 2)
    }

    /// Whether a label is one of several that stand together: "A or B", "both A and B", "A, C".
    pub(super) fn among_others(&self, i: usize) -> bool {
        let Some((index, _)) = self.label(i) else {
            return false;
        };
        let mut j = i + 1;
        let (mut either, mut both, mut listed) = (false, false, false);
        while j < i + 4 {
            match self.kind(j) {
                Some(Kind::Mark(',' | '，' | '、' | '،')) => listed = true,
                Some(Kind::Mark('/' | '|')) => either = true,
                Some(Kind::Mark('&' | '+')) => both = true,
                Some(Kind::Word) if OR.has(self.word(j)) => either = true,
                Some(Kind::Word) if AND.has(self.word(j)) => both = true,
                Some(Kind::Word) if OPTION.is(self.word(j)) => {}
                _ => break,
            }
            j += 1;
        }
        // "a" and "o" join labels in some languages, and are lower-case letters themselves.
        if self.label(j).is_none() && j > i + 1 && self.label(j - 1).is_some() {
            j -= 1;
        }
        let Some((other, case)) = self.label(j) else {
            return false;
        };
        if other == index
            || self.denied[j]
            || case == Case::Lower && !self.tokens[j].marked && !self.closed(j)
        {
            return false;
        }
        let ends = self.closed(j)
            && !matches!(self.kind(j + 1), Some(Kind::Mark(':' | ')') | Kind::Close));
        either || both && (ends || self.tokens[j].marked) || listed && ends
    }
}
