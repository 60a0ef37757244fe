//! What a fact is read from: the sentences of an answer that mention it, with those around them.

use std::ops::Range;

use crate::text::Passage;

/// Bytes of an answer that are read for one fact at most: where it is mentioned more often, the first places count.
const READ: usize = 2400;

/// What a word is to the fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// What names it.
    Mention = 1,
    Denial = 2,
    Negation = 4,
    Attribution = 8,
}

/// Sentences of an answer, one behind the other, and the words in them that tell how a fact is spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    pub text: String,
    /// Places in it.
    pub marks: Vec<(Range<usize>, Mark)>,
}

impl Context {
    /// The sentences that are numbered so, first to last, with the one before and the one behind, of a passage of `text` with `marks`.
    pub(super) fn new(
        text: &str,
        passage: &Passage,
        sentences: impl Iterator<Item = (usize, usize)>,
        marks: &[(Range<usize>, Mark)],
    ) -> Self {
        let spans = passage.sentences();
        let mut wanted: Vec<usize> = sentences
            .flat_map(|(first, last)| first.saturating_sub(1)..=last + 1)
            .filter(|n| *n < spans.len())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut context = Self {
            text: String::new(),
            marks: Vec::new(),
        };
        for number in wanted {
            let span = spans[number].clone();
            let Some(sentence) = text.get(span.clone()) else {
                continue;
            };
            if !context.text.is_empty() && context.text.len() + sentence.len() > READ {
                break;
            }
            let begin = context.text.len();
            let inside = |at: &Range<usize>| span.start <= at.start && at.end <= span.end;
            let moved =
                |at: &Range<usize>| at.start - span.start + begin..at.end - span.start + begin;
            let own = marks.iter().filter(|(at, _)| inside(at));
            context
                .marks
                .extend(own.map(|(at, mark)| (moved(at), *mark)));
            context.text.push_str(sentence);
        }
        context
    }
}
