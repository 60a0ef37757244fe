//! Sentences as Punkt distinguishes them (Kiss & Strunk 2006), with its English abbreviations, collocations and sentence starters.
//!
//! What is left out is Punkt's table of the cases that twenty thousand words were seen in. It decides only after an abbreviation, an ellipsis
//! or an initial; in its place stands whether the answer itself has the word in lower case.

use std::collections::HashSet;
use std::sync::LazyLock;

use fancy_regex::Regex;

const ABBREVIATIONS: &str = "\
    a.a a.c a.d a.g a.h a.m a.m.e a.s a.t adm ala ariz aug ave b.f b.v bros c c.i.t c.o.m.b c.v calif chg cie co col \
    colo conn corp cos ct d d.c d.h d.w dec dr e e.f e.h e.l e.m f f.g f.j feb fla fri ft g g.d g.f g.k ga gen h h.c \
    h.f h.m i.m.s ill inc j.b j.c j.j j.k j.p j.r jan jr k kan ky l l.a l.f l.p lt ltd m m.b.a m.d.c m.j maj messrs mg \
    mich minn mr mrs ms n n.c n.d n.h n.j n.m n.v n.y nev nov oct ok okla ore p p.a.m p.m pa ph.d prof r r.a r.h r.i \
    r.j r.k r.t rep reps s s.a s.a.y s.c s.g s.p.a s.s sen sep sept sr st sw t t.j tenn tues u.k u.n u.s u.s.a u.s.s.r \
    v va vs vt w w.c w.r w.va w.w wash wed wis yr";

const STARTERS: &str = "\
    according although among both but despite even he however i if in indeed instead it many meanwhile moreover most \
    nevertheless nonetheless nor sales separately similarly since so some the there these they this though thus under \
    when while yet";

/// Pairs that belong together across a period; a number stands as `#`.
const COLLOCATIONS: &str = "\
    #_abreast #_aes #_business #_cbot #_colgate #_commodities #_cooper #_corrections #_credit #_dividend #_financing \
    #_genentech #_henley #_insider #_international #_leisure #_letters #_notable #_pay-fone #_pegasus #_pepper #_review \
    #_rj #_wedgestone #_who #_zimmer b_edelman b_levine b_smith b_stewart b_wigton i_magnin i_toussie j_aron j_fialka \
    j_walter o_ludcke";

/// The patterns of the tokenizer.
struct Patterns {
    /// A mark that may end a sentence, with what follows.
    ending: Regex,
    token: Regex,
    closing: Regex,
    number: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let of = |pattern: &str| Regex::new(pattern).ok();
    let non_word = r#"(?:[)";}\]\*:@'\({\[‘’“”«»?!])"#;
    let several = r"(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)";
    Some(Patterns {
        ending: of(&format!(r"[.?!](?=(?P<after>{non_word}|\s+(?P<next>\S+)))"))?,
        token: of(&format!(
            r#"(?:{several}|(?=[^\("`{{\[:;&\#\*@\)}}\]\-,])\S+?(?=\s|$|{non_word}|{several}|,(?=$|\s|{non_word}|{several}))|\S)"#
        ))?,
        closing: of(r#"^["')\]}‘’“”«»]+?(?:\s+|(?=--)|$)"#)?,
        number: of(r"^-?[.,]?\d[\d,.-]*\.?$")?,
    })
});

/// The sentences of a text.
pub(super) fn split(text: &str) -> Vec<&str> {
    let Some(patterns) = PATTERNS.as_ref() else {
        return Vec::new();
    };
    let lower: HashSet<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.starts_with(char::is_lowercase))
        .collect();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    for ending in endings(patterns, text) {
        if ends_sentence(patterns, &ending.context, &lower) {
            spans.push((from, ending.end));
            from = ending.next;
        }
    }
    spans.push((from, text.trim_end().len()));
    realigned(patterns, text, &spans)
}

/// A mark that may end a sentence.
struct Ending {
    /// The word before it, the mark, and the token after it.
    context: String,
    end: usize,
    /// Where the next sentence would begin.
    next: usize,
}

/// The marks that may end sentences, of those in one word the last alone.
fn endings(patterns: &Patterns, text: &str) -> Vec<Ending> {
    let mut endings: Vec<Ending> = Vec::new();
    let mut word = 0..0;
    for captures in patterns.ending.captures_iter(text).map_while(Result::ok) {
        let (Some(mark), Some(after)) = (captures.get(0), captures.name("after")) else {
            continue;
        };
        let before = text.get(word.end..mark.start()).unwrap_or_default();
        let space = before.rfind(|c: char| c.is_ascii_whitespace());
        let begin = match space {
            Some(at) if at > 0 => word.end + at + 1,
            _ => word.start,
        };
        if begin < word.end {
            endings.pop();
        }
        word = begin..mark.start();
        endings.push(Ending {
            context: format!("{}{}{}", &text[word.clone()], mark.as_str(), after.as_str()),
            end: mark.end(),
            next: captures
                .name("next")
                .map_or(mark.end(), |next| next.start()),
        });
    }
    endings
}

/// A token of the words around a mark.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Marks {
    breaks: bool,
    abbreviation: bool,
    ellipsis: bool,
}

/// Whether a sentence ends within a context, before its last token.
fn ends_sentence(patterns: &Patterns, context: &str, lower: &HashSet<&str>) -> bool {
    let tokens: Vec<&str> = context
        .split('\n')
        .flat_map(|line| patterns.token.find_iter(line).map_while(Result::ok))
        .map(|token| token.as_str())
        .collect();
    let marks: Vec<Marks> = tokens.iter().map(|token| first_pass(token)).collect();
    let pairs = tokens.windows(2).zip(marks.windows(2));
    let mut breaks = pairs.map(|(tokens, marks)| {
        second_pass(patterns, tokens[0], tokens[1], [marks[0], marks[1]], lower)
    });
    breaks.any(|breaks| breaks)
}

fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|one| one == word)
}

/// What a token tells by itself.
fn first_pass(token: &str) -> Marks {
    let mut marks = Marks::default();
    if matches!(token, "." | "?" | "!") {
        marks.breaks = true;
    } else if token.starts_with("..") && token.bytes().all(|b| b == b'.') {
        marks.ellipsis = true;
    } else if let Some(stem) = token.strip_suffix('.')
        && !stem.ends_with('.')
    {
        let stem = stem.to_lowercase();
        let last = stem.rsplit('-').next().unwrap_or(&stem);
        marks.abbreviation = has(ABBREVIATIONS, &stem) || has(ABBREVIATIONS, last);
        marks.breaks = !marks.abbreviation;
    }
    marks
}

/// Whether a sentence ends after a token, in view of the next one.
fn second_pass(
    patterns: &Patterns,
    token: &str,
    next: &str,
    [marks, next_marks]: [Marks; 2],
    lower: &HashSet<&str>,
) -> bool {
    if !token.ends_with('.') {
        return marks.breaks;
    }
    let kind = |token: &str| {
        let token = token.to_lowercase();
        let number = patterns.number.is_match(&token).unwrap_or(false);
        if number { "#".to_owned() } else { token }
    };
    let without_period = |kind: String| match kind.strip_suffix('.') {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => kind,
    };
    let this = without_period(kind(token));
    let next_kind = if next_marks.breaks {
        without_period(kind(next))
    } else {
        kind(next)
    };
    if has(COLLOCATIONS, &format!("{this}_{next_kind}")) {
        return false;
    }
    let initial = {
        let mut chars = token.chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.as_str() == "."
    };
    let first_upper = next.starts_with(char::is_uppercase);
    let seen_lower = lower.contains(next_kind.as_str());
    let begins = begins_sentence(next, seen_lower);
    let mut breaks = marks.breaks;
    let starts = begins == Some(true) || first_upper && has(STARTERS, &next_kind);
    if (marks.abbreviation || marks.ellipsis) && !initial && starts {
        return true;
    }
    let goes_on =
        begins == Some(false) || begins.is_none() && initial && first_upper && !seen_lower;
    if (initial || this == "#") && goes_on {
        breaks = false;
    }
    breaks
}

/// Whether a token's case says that it begins a sentence; none where it does not tell.
fn begins_sentence(token: &str, seen_lower: bool) -> Option<bool> {
    if matches!(token, ";" | ":" | "," | "." | "!" | "?") {
        return Some(false);
    }
    if token.starts_with(char::is_uppercase) && seen_lower {
        return Some(true);
    }
    token.starts_with(char::is_lowercase).then_some(false)
}

/// The sentences, with quotes and brackets that close one given to it.
fn realigned<'a>(patterns: &Patterns, text: &'a str, spans: &[(usize, usize)]) -> Vec<&'a str> {
    let mut sentences = Vec::new();
    let mut moved = 0;
    for (i, (start, end)) in spans.iter().enumerate() {
        let start = start + moved;
        moved = 0;
        let mut end = *end;
        if let Some((next, next_end)) = spans.get(i + 1)
            && let Some(after) = text.get(*next..*next_end)
            && let Ok(Some(closing)) = patterns.closing.find(after)
        {
            end = next + closing.as_str().trim_end().len();
            moved = closing.end();
        }
        if let Some(sentence) = text.get(start..end).filter(|s| !s.is_empty()) {
            sentences.push(sentence);
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn abbreviations_initials_and_quotes_end_no_sentence_by_themselves() {
        for (text, sentences) in [
            ("One. Two? Three! Four", 4),
            (
                "Mr. Smith met Dr. Jones at 5 p.m. in Washington. He left.",
                2,
            ),
            ("It was J. R. Smith. The end.", 2),
            ("He said \"Go.\" Then he went.", 2),
            ("Wait... what? Yes.", 2),
            ("It costs 3.50 dollars.", 1),
            ("", 0),
        ] {
            assert_eq!(split(text).len(), sentences, "{text}: {:?}", split(text));
        }
    }
}
