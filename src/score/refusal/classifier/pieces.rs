//! What the classifier reads: at most 64 tokens of the question, and of the answer the first 128, the next 64 and the last 64. As
//! `models/labeller/pieces.py` cuts them.

use tokenizers::Tokenizer;

const QUESTION: usize = 64;
const OPENING: usize = 128;
const MIDDLE: usize = 64;
const CLOSING: usize = 64;
/// Characters that are tokenized at most, from either end of an answer.
const FROM_START: usize = 2000;
const FROM_END: usize = 700;
/// The tokens that begin and end a piece.
const BEGIN: i64 = 0;
const END: i64 = 2;

/// One sequence of the pieces of a question and its answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Token numbers.
    pub ids: Vec<i64>,
    /// Places within the piece.
    pub places: Vec<i64>,
    /// The piece a token is of, 1 to 4.
    pub segments: Vec<i64>,
    /// The place of the language that a token's piece is in.
    pub languages: Vec<i64>,
}

/// Cuts question and answer, which are in languages at these places. `None` where the tokenizer fails.
pub(super) fn sequence(
    tokenizer: &Tokenizer,
    question: &str,
    answer: &str,
    [asked, answered]: [i64; 2],
) -> Option<Sequence> {
    let numbers = |text: &str| -> Option<Vec<i64>> {
        let encoding = tokenizer.encode_fast(text, false).ok()?;
        Some(encoding.get_ids().iter().map(|id| i64::from(*id)).collect())
    };
    let answer = answer.trim();
    let length = answer.chars().count();
    let at = |character: usize| {
        answer
            .char_indices()
            .nth(character)
            .map_or(answer.len(), |(at, _)| at)
    };
    let start = numbers(&answer[..at(FROM_START)])?;
    let part = |from: usize, most: usize| {
        let from = from.min(start.len());
        &start[from..(from + most).min(start.len())]
    };
    let end = if length > FROM_START {
        numbers(&answer[at(length - FROM_END)..])?
    } else {
        start[(OPENING + MIDDLE).min(start.len())..].to_vec()
    };
    let question = numbers(question.trim())?;
    let mut sequence = Sequence::default();
    let pieces = [
        (&question[..QUESTION.min(question.len())], asked),
        (part(0, OPENING), answered),
        (part(OPENING, MIDDLE), answered),
        (&end[end.len().saturating_sub(CLOSING)..], answered),
    ];
    let pieces = (1..).zip(pieces).filter(|(_, (p, _))| !p.is_empty());
    for (segment, (piece, language)) in pieces {
        let framed = std::iter::once(BEGIN)
            .chain(piece.iter().copied())
            .chain([END]);
        for (place, id) in (0..).zip(framed) {
            sequence.ids.push(id);
            sequence.places.push(place);
            sequence.segments.push(segment);
            sequence.languages.push(language);
        }
    }
    Some(sequence)
}
