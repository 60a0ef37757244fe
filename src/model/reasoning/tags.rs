//! The tags that families of models put around their reasoning.

use std::ops::Range;

use super::code;

/// Names that are in angle brackets, `<name>` … `</name>`, in any case and with any attributes.
const NAMES: &[&str] = &[
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "scratchpad",
    "seed:think",
    "antthinking",
    "longcat_think",
    "inner_monologue",
];

/// Pairs of another form, in any case: Kimi, Magistral, `OpenThinker`, Command A, Gemma, Apertus, `MedGemma`. Those that end alike are one family.
const PAIRS: &[(&str, &str)] = &[
    ("◁think▷", "◁/think▷"),
    ("[think]", "[/think]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>thought", "<unused95>"),
    ("<unused94>", "<unused95>"),
];

/// Control tokens that some of them put around the answer.
const AROUND_ANSWER: &[(&str, &str)] = &[
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
];

/// Longer tags, attributes included, are none.
const MAX_TAG_BYTES: usize = 120;

/// Where a tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing else is before it (an opening one) or after it (a closing one) on its line.
    OwnLine,
    /// Between words.
    Joined,
    /// In a sentence that continues after it: the sentence may be about it.
    Sentence,
}

/// A tag that is not quoted.
#[derive(Debug)]
pub(super) struct Tag {
    pub span: Range<usize>,
    pub opens: bool,
    /// The same for the tags that belong together.
    pub family: usize,
    pub place: Place,
}

/// Every tag of a text outside code and quotation marks, in order. Where nothing else ends the last block, a tag between quotation marks
/// does: the thought ended with one, and the answer begins with one.
pub(super) fn find(text: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut last_quoted_end: Option<Tag> = None;
    let mut code = None;
    // How deep in `<details>` the text is since one of them began reasoning.
    let mut details = 0_usize;
    for (at, c) in text.char_indices() {
        if !matches!(c, '<' | '[' | '◁') || tags.last().is_some_and(|t: &Tag| t.span.end > at) {
            continue;
        }
        let Some((length, opens, family)) = tag_at(&text[at..]) else {
            continue;
        };
        let span = at..at + length;
        let code = code.get_or_insert_with(|| code::spans(text));
        let i = code.partition_point(|s| s.end <= at);
        let in_code = code.get(i).is_some_and(|s| s.start <= at);
        if in_code {
            continue;
        }
        if quoted(text, &span) {
            if !opens && tags.last().is_some_and(|t| t.opens && t.family == family) {
                let place = Place::OwnLine;
                last_quoted_end = Some(Tag {
                    span,
                    opens,
                    family,
                    place,
                });
            }
            continue;
        }
        if family == DETAILS && !within_details(&mut details, &text[span.clone()], opens) {
            continue;
        }
        let place = tag_place(text, &span, opens);
        tags.push(Tag {
            span,
            opens,
            family,
            place,
        });
    }
    tags.extend(last_quoted_end.filter(|end| {
        let open = tags.last().filter(|t| t.opens && t.family == end.family);
        open.is_some_and(|t| t.span.end <= end.span.start)
    }));
    tags
}

/// Whether a prompt ends by opening reasoning.
pub(super) fn opens_at_end(prompt: &str) -> bool {
    let prompt = prompt.trim_end();
    let last = prompt.rfind(['<', '[', '◁']).map(|at| &prompt[at..]);
    last.is_some_and(|tag| {
        tag_at(tag).is_some_and(|(length, opens, _)| opens && length == tag.len())
    })
}

/// The answer without the control tokens that its family puts around it.
pub(super) fn unwrap_answer(answer: &str) -> &str {
    let wrapped = AROUND_ANSWER.iter().find_map(|(begin, end)| {
        let inner = answer.strip_prefix(begin)?;
        Some(inner.trim_end().strip_suffix(end).unwrap_or(inner).trim())
    });
    wrapped.unwrap_or(answer)
}

/// Length, whether it opens, and family of the tag that a text begins with.
fn tag_at(text: &str) -> Option<(usize, bool, usize)> {
    let starts = |tag: &str| {
        let head = text.as_bytes().get(..tag.len());
        head.is_some_and(|h| h.eq_ignore_ascii_case(tag.as_bytes()))
    };
    if let Some((length, opens)) = details(text) {
        return Some((length, opens, DETAILS));
    }
    for (i, (begin, end)) in PAIRS.iter().enumerate() {
        for (tag, opens) in [(begin, true), (end, false)] {
            if starts(tag) {
                let family = PAIRS.iter().position(|(_, e)| e == end).unwrap_or(i);
                return Some((tag.len(), opens, NAMES.len() + family));
            }
        }
    }
    let inner = text.strip_prefix('<')?;
    let name = inner.strip_prefix('/').unwrap_or(inner);
    let letters = name
        .bytes()
        .take(MAX_TAG_BYTES)
        .take_while(|b| b.is_ascii_alphabetic() || matches!(b, b':' | b'_'))
        .count();
    let family = NAMES
        .iter()
        .position(|n| n.eq_ignore_ascii_case(&name[..letters]))?;
    let rest = &name.as_bytes()[letters..];
    let close = rest
        .iter()
        .take(MAX_TAG_BYTES)
        .position(|b| matches!(b, b'>' | b'<' | b'\n'))
        .filter(|i| rest[*i] == b'>')?;
    let bare = rest[..close].first().is_none_or(u8::is_ascii_whitespace);
    let length = text.len() - name.len() + letters + close + 1;
    bare.then_some((length, !inner.starts_with('/'), family))
}

/// The family of `Open WebUI`'s `<details type="reasoning">`, an element of HTML that answers use as well.
const DETAILS: usize = usize::MAX;

/// Length of the `<details …>` or `</details>` that a text begins with, and whether it opens.
fn details(text: &str) -> Option<(usize, bool)> {
    if text
        .get(..10)
        .is_some_and(|t| t.eq_ignore_ascii_case("</details>"))
    {
        return Some((10, false));
    }
    let attributes = text
        .get(..8)
        .filter(|t| t.eq_ignore_ascii_case("<details"))
        .map(|t| &text[t.len()..])?;
    let close = attributes
        .bytes()
        .take(MAX_TAG_BYTES)
        .position(|b| matches!(b, b'>' | b'<' | b'\n'))?;
    let bare = attributes.starts_with(['>', ' ']) && attributes[close..].starts_with('>');
    bare.then_some((8 + close + 1, true))
}

/// Whether a tag of such an element begins or ends reasoning.
fn within_details(depth: &mut usize, tag: &str, opens: bool) -> bool {
    if !opens {
        let ends = *depth == 1;
        *depth = depth.saturating_sub(1);
        return ends;
    }
    let begins = *depth == 0 && tag.contains("\"reasoning\"");
    *depth += usize::from(begins || *depth > 0);
    begins
}

/// Directly between a pair of quotation marks.
fn quoted(text: &str, span: &Range<usize>) -> bool {
    let before = text[..span.start].chars().next_back();
    let after = text[span.end..].chars().next();
    before.zip(after).is_some_and(|pair| {
        matches!(
            pair,
            ('"', '"')
                | ('\'', '\'')
                | ('`', '`')
                | ('“' | '„' | '”', '”' | '“')
                | ('‘' | '‚' | '’', '’' | '‘')
                | ('«', '»')
                | ('»', '«')
                | ('「', '」')
        )
    })
}

fn tag_place(text: &str, span: &Range<usize>, opens: bool) -> Place {
    let blank = |c: char| c.is_whitespace() && c != '\n';
    let before = text[..span.start].trim_end_matches(blank);
    let after = text[span.end..].trim_start_matches(blank);
    let starts_line = before.is_empty() || before.ends_with(['\n', '>', '▷', ']']);
    let ends_line = after.is_empty() || after.starts_with('\n');
    // "Use this form:" and then the form: it is shown, not used.
    let announced = before.trim_end().ends_with([':', '：']);
    if starts_line && !announced && (opens || ends_line) {
        return Place::OwnLine;
    }
    if !opens && (starts_line || ends_line) {
        return Place::OwnLine;
    }
    // No word is joined to a tag that a sentence is about.
    let splits_word = text[..span.start].ends_with(char::is_alphanumeric);
    if opens && splits_word {
        return Place::Joined;
    }
    let spaced = before.len() < span.start && text[span.end..].starts_with(blank);
    let goes_on = after.chars().next().is_some_and(char::is_lowercase);
    if opens || spaced && goes_on {
        Place::Sentence
    } else {
        Place::Joined
    }
}
