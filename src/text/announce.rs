//! Words that announce an answer, "The answer is …", "Antwort: …", "答案是…", and where what they announce begins.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tokens::is_cjk;

/// How an answer follows the word that announces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// After a colon, an equals sign, a dash, an arrow or a closing bracket.
    Colon,
    /// After "is" in whatever language.
    Copula,
    /// On the line below: the word is a heading.
    Heading,
    /// Right after the word.
    Bare,
}

/// A place in a text where an answer is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// Where the word begins.
    pub at: usize,
    /// Where what it announces begins, dress and white space included.
    pub content: usize,
    /// How it follows.
    pub form: Form,
    /// The word is of a language that writes decimals with a comma.
    pub decimal_comma: bool,
}

/// Words for "answer" and "solution", by whether their language writes decimals with a comma. A word ends in `*` where endings may follow.
const WORDS: &[(bool, &str)] = &[
    (
        false,
        "answer ans conclusion verdict उत्तर जवाब উত্তর উত্তরঃ பதில் விடை సమాధానం జవాబు ઉત્તર જવાબ ಉತ್ತರ ഉത്തരം जवाफ \
        jibu idahun ìdáhùn sagot 정답* 답은 답 답안* 답변* الإجابة* الاجابة* إجابة* اجابة* الجواب* جواب* والإجابة فالإجابة \
        والجواب پاسخ* תשובה התשובה",
    ),
    (
        true,
        "antwort lösung endergebnis ergebnis réponse reponse respuesta resposta gabarito risposta antwoord svar svaret \
        vastaus* odpowiedź odpowiedz odpověď odpoveď válasz răspuns* raspuns* ответ* відповідь отговор* одговор \
        odgovor απάντηση cevap cevab* yanıt* jawaban* jawapan* vastus",
    ),
];

/// The same in scripts without spaces, and in Vietnamese, whose words have them.
const PHRASES: &[(&str, bool)] = &[
    ("答案", false),
    ("答え", false),
    ("答：", false),
    ("答:", false),
    ("解答", false),
    ("回答", false),
    ("正解", false),
    ("故选", false),
    ("故選", false),
    ("应选", false),
    ("應選", false),
    ("结论", false),
    ("結論", false),
    ("คำตอบ", false),
    ("ตอบ", false),
    ("ຄໍາຕອບ", false),
    ("ចម្លើយ", false),
    ("အဖြေ", false),
];
const VIETNAMESE: &[&str] = &["đáp án", "câu trả lời", "trả lời"];

/// Words that join an answer to the word before it.
const COPULAS: &str = "is are was be equals being ist lautet wäre war est serait sera es sería será era é seria è sarebbe er är on jest \
    brzmi to je este e είναι adalah ialah là ni ay idir הוא היא هو هي تكون است ہے है হল হলো হচ্ছে ఆనేది является это є \
    це";

/// The same where words are not parted by spaces.
const JOINED_COPULAS: &[&str] = &["是", "为", "為", "は", "คือ", "เป็น", "即", "选", "選"];

/// After these the word announces nothing: a clause begins, or what follows is denied.
const BARRIERS: &str = "because since when if that which and but or not cannot can't isn't wasn't never would've weil nicht parce n'est \
    pas porque no não non не niet inte ikke ei nie bukan không değil ليس ليست नहीं choices options key sheet";
const JOINED_BARRIERS: &[char] = &['不', '非', '错', '錯', '没', '沒', '因', '，', '。', '、'];

/// Words that may be between the word and what joins its answer to it: "the answer to question 5 is".
const MAX_WORDS_BETWEEN: usize = 8;

/// Every announcement of a text, in order.
pub(crate) fn announcements(text: &str) -> Vec<Announcement> {
    let mut found: Vec<Announcement> = Vec::new();
    for word in words(text) {
        let slice = &text[word.clone()];
        let mut add = |start: usize, end: usize, decimal_comma: bool| {
            if let Some((content, form)) = content(text, end) {
                found.push(Announcement {
                    at: start,
                    content,
                    form,
                    decimal_comma,
                });
            }
        };
        if slice.chars().next().is_some_and(unspaced) {
            for (offset, _) in slice.char_indices() {
                let start = word.start + offset;
                let phrase = PHRASES.iter().find(|(p, _)| text[start..].starts_with(p));
                if let Some((phrase, comma)) = phrase {
                    // The mark that some phrases end in joins the answer to them.
                    let length = phrase.trim_end_matches([':', '：']).len();
                    add(start, start + length, *comma);
                }
            }
        } else if let Some(comma) = announces(slice) {
            add(word.start, word.end, comma);
        } else if let Some(phrase) = vietnamese(&text[word.start..]) {
            add(word.start, word.start + phrase, true);
        }
    }
    found
}

/// Whole words and stems of a table by what they represent.
struct Table {
    whole: HashMap<&'static str, bool>,
    stems: Vec<(&'static str, bool)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let each = WORDS
        .iter()
        .flat_map(|(comma, words)| words.split(' ').map(|w| (w, *comma)));
    let (stems, whole): (Vec<_>, Vec<_>) = each.partition(|(w, _)| w.ends_with('*'));
    Table {
        whole: whole.into_iter().collect(),
        stems: stems
            .into_iter()
            .map(|(s, c)| (s.trim_end_matches('*'), c))
            .collect(),
    }
});

/// Whether a word announces, and whether its language writes decimals with a comma.
fn announces(word: &str) -> Option<bool> {
    let word = lower(word)?;
    let stem = || TABLE.stems.iter().find(|(s, _)| word.starts_with(s));
    TABLE
        .whole
        .get(word.as_str())
        .copied()
        .or_else(|| stem().map(|(_, comma)| *comma))
}

/// The length of the Vietnamese phrase that a text begins with.
fn vietnamese(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if !matches!(first, 'đ' | 'Đ' | 'c' | 'C' | 't' | 'T') {
        return None;
    }
    VIETNAMESE.iter().find_map(|phrase| {
        let head: String = text.chars().take(phrase.chars().count()).collect();
        (head.to_lowercase() == *phrase).then_some(head.len())
    })
}

/// A word in lower case; none if it is longer than any that is looked for.
pub(crate) fn lower(word: &str) -> Option<String> {
    (word.len() <= 48).then(|| word.to_lowercase())
}

/// Where what a word announces begins, the word ending at `end`.
fn content(text: &str, end: usize) -> Option<(usize, Form)> {
    let mut at = end;
    let mut between = 0;
    let mut unspaced_run = 0;
    let mut closed = false;
    loop {
        let rest = &text[at..];
        let c = rest.chars().next()?;
        let next = at + c.len_utf8();
        match c {
            '\n' if between == 0 => {
                return heading(text, next).map(|content| (content, Form::Heading));
            }
            '\n' => return None,
            ':' | '：' | '=' | '＝' | '→' | '⇒' | '➜' | '＞' => {
                return after_mark(text, next);
            }
            '>' | ']' | '】' | '〉' | '》' | '」' | '』' => (closed, at) = (true, next),
            '.' if text[..at].to_ascii_lowercase_tail("ans") => at = next,
            _ if is_dress(c) || c.is_whitespace() => at = next,
            '-' | '–' | '—' | '―' if text[next..].starts_with([' ', '*']) => {
                return after_mark(text, next);
            }
            '(' | '（' if between < MAX_WORDS_BETWEEN => match parenthesis(rest) {
                // "Answer (in dollars): 18", but "Answer (B)".
                Some(inner) if inner.chars().count() > 3 => {
                    at += inner.len() + 2 * c.len_utf8();
                    between += 1;
                }
                _ => return Some((at, Form::Bare)).filter(|_| between == 0),
            },
            _ if closed => return Some((at, Form::Colon)),
            _ if unspaced(c) => {
                if JOINED_BARRIERS.contains(&c) {
                    return None;
                }
                if let Some(copula) = JOINED_COPULAS.iter().find(|k| rest.starts_with(**k)) {
                    return after_copula(text, at + copula.len());
                }
                // A letter of such a script that stands alone is what is announced.
                if between == 0
                    && unspaced_run == 0
                    && !text[next..]
                        .chars()
                        .next()
                        .is_some_and(|c| is_word(c) || unspaced(c))
                {
                    return Some((at, Form::Bare));
                }
                unspaced_run += 1;
                at = next;
            }
            _ if is_word(c) => {
                let word = word_at(text, at);
                // A suffix may be joined to a letter: "Cevap B'dir".
                let length = word
                    .chars()
                    .take_while(|c| !matches!(c, '\'' | '’'))
                    .count();
                let lowered = lower(word)?;
                if is_copula(&lowered) {
                    return after_copula(text, at + word.len());
                }
                // "The answer is18"
                let letters = lowered.trim_end_matches(|c: char| c.is_ascii_digit());
                if letters.len() < lowered.len() && is_copula(letters) {
                    return after_copula(text, at + letters.len());
                }
                if BARRIERS.split(' ').any(|w| w == lowered) {
                    return None;
                }
                // A letter or a number right after the word is what it announces, unless it only counts the answers.
                let counts = word.chars().all(char::is_numeric)
                    && text[at + word.len()..].trim_start().starts_with(':');
                if between == 0 && !counts && (length == 1 || c.is_numeric()) {
                    return Some((at, Form::Bare));
                }
                between += 1;
                at += word.len();
            }
            _ if between == 0 => return Some((at, Form::Bare)),
            _ => return None,
        }
        if between > MAX_WORDS_BETWEEN || unspaced_run > 2 * MAX_WORDS_BETWEEN {
            return None;
        }
    }
}

/// Whether a word in lower case is "is" in some language.
pub(crate) fn is_copula(word: &str) -> bool {
    COPULAS.split(' ').any(|w| w == word)
}

/// After a mark: on the same line, or below where that ends.
fn after_mark(text: &str, at: usize) -> Option<(usize, Form)> {
    let rest =
        text[at..].trim_start_matches(|c: char| c.is_whitespace() && c != '\n' || is_dress(c));
    if rest.starts_with('\n') {
        return heading(text, text.len() - rest.len()).map(|content| (content, Form::Heading));
    }
    (!rest.is_empty()).then_some((at, Form::Colon))
}

/// After "is": a colon may follow.
fn after_copula(text: &str, at: usize) -> Option<(usize, Form)> {
    let rest = text[at..]
        .trim_start_matches(|c: char| c.is_whitespace() && c != '\n' || matches!(c, '*' | '_'));
    match rest.strip_prefix([':', '：']) {
        Some(rest) => after_mark(text, text.len() - rest.len()),
        None if rest.starts_with('\n') => {
            heading(text, text.len() - rest.len()).map(|content| (content, Form::Heading))
        }
        None => (!rest.is_empty()).then_some((at, Form::Copula)),
    }
}

/// The first line from `at` on that is not blank.
fn heading(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].trim_start();
    (!rest.is_empty()).then(|| text.len() - rest.len())
}

/// What is in the parenthesis that a text begins with, if that ends soon.
fn parenthesis(text: &str) -> Option<&str> {
    const MAX_CHARACTERS: usize = 60;
    let (end, _) = text
        .char_indices()
        .skip(1)
        .take(MAX_CHARACTERS)
        .take_while(|(_, c)| *c != '\n')
        .find(|(_, c)| matches!(c, ')' | '）'))?;
    let start = text.chars().next()?.len_utf8();
    Some(&text[start..end])
}

/// The letters that a text ends with, 16 at most.
pub(crate) fn last_word(text: &str) -> &str {
    let length: usize = text
        .chars()
        .rev()
        .take(16)
        .take_while(|c| c.is_alphabetic())
        .map(char::len_utf8)
        .sum();
    &text[text.len() - length..]
}

/// The word that begins at a place.
pub(crate) fn word_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let own = rest.chars().next().map(writing);
    let end = rest
        .char_indices()
        .find(|(_, c)| !(is_word(*c) && Some(writing(*c)) == own || *c == '\'' || *c == '’'))
        .map_or(rest.len(), |(end, _)| end);
    rest[..end].trim_end_matches(['\'', '’'])
}

/// Runs of letters, numbers and marks; a script without spaces makes a run of its own.
pub(crate) fn words(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (start, _) = text[at..].char_indices().find(|(_, c)| is_word(*c))?;
        let start = at + start;
        let word = word_at(text, start);
        at = start + word.len();
        Some(start..at)
    })
}

/// Marks that dress an answer and do not change it.
pub(crate) fn is_dress(c: char) -> bool {
    matches!(
        c,
        '*' | '_'
            | '`'
            | '"'
            | '\''
            | '“'
            | '”'
            | '‘'
            | '’'
            | '«'
            | '»'
            | '$'
            | '#'
            | '~'
            | '\u{200b}'
            | '\u{feff}'
            | '|'
    )
}

/// Scripts written without spaces between words.
pub(crate) fn unspaced(c: char) -> bool {
    is_cjk(c)
        || matches!(c, '\u{0E80}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
}

/// Korean letters, which particles are joined to.
pub(crate) fn hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}')
}

/// What a word may not mix.
#[derive(PartialEq, Eq)]
enum Writing {
    Spaced,
    Unspaced,
    Hangul,
}

fn writing(c: char) -> Writing {
    match c {
        _ if unspaced(c) => Writing::Unspaced,
        _ if hangul(c) => Writing::Hangul,
        _ => Writing::Spaced,
    }
}

/// Letters, numbers, and the marks that words of many scripts hold.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c,
            '\u{0300}'..='\u{036F}' | '\u{05B0}'..='\u{05C7}' | '\u{064B}'..='\u{065F}' | '\u{0E30}'..='\u{0E4E}'
            | '\u{200C}' | '\u{200D}' | '\u{093A}'..='\u{0963}' | '\u{0981}'..='\u{0DFF}' | '\u{102B}'..='\u{103E}' | '\u{17B4}'..='\u{17D3}')
}

trait Tail {
    fn to_ascii_lowercase_tail(&self, tail: &str) -> bool;
}

impl Tail for str {
    /// Whether a text ends so, in any case.
    fn to_ascii_lowercase_tail(&self, tail: &str) -> bool {
        let from = self.len().checked_sub(tail.len());
        from.and_then(|f| self.as_bytes().get(f..))
            .is_some_and(|t| t.eq_ignore_ascii_case(tail.as_bytes()))
    }
}
