//! Python's dialect of regular expressions, in which other harnesses write their patterns.

use fancy_regex::{Captures, Regex};

/// Longest pattern that is compiled, in bytes: a larger one is not an extraction rule.
const MAX_PATTERN: usize = 64 << 10;

/// A pattern that means what Python's `re` means by it. Its search is limited: one that backtracks without end is an error.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// It does not parse, or would compile to too much.
    #[error("the pattern {pattern:?} does not parse: {reason}")]
    Syntax {
        /// As written.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// A search ran out of steps.
    #[error("the pattern gave up on the text: {0}")]
    Steps(String),
}

/// A pattern as Python means it, for a caller that asks more of it than captures.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    let compiled = Pattern::new(pattern).map_err(|e| e.to_string())?;
    Ok(compiled.regex)
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError::Syntax`].
    pub(crate) fn new(pattern: &str) -> Result<Self, PatternError> {
        let wrong = |reason: String| PatternError::Syntax {
            pattern: pattern.chars().take(200).collect(),
            reason,
        };
        if pattern.len() > MAX_PATTERN {
            return Err(wrong(format!("it is longer than {MAX_PATTERN} bytes")));
        }
        let regex = Regex::new(&as_python_means(pattern)).map_err(|e| wrong(e.to_string()))?;
        Ok(Self { regex })
    }

    /// The first match's captures, or the last one's.
    ///
    /// # Errors
    /// [`PatternError::Steps`].
    pub(crate) fn captures<'t>(
        &self,
        text: &'t str,
        last: bool,
    ) -> Result<Option<Captures<'t, str>>, PatternError> {
        let mut all = self.matches(text);
        if last {
            all.try_fold(None, |_, next| next.map(Some))
        } else {
            all.next().transpose()
        }
    }

    /// `re.findall`: of each match its groups, or the whole of it where there are none. A group that takes no part is empty.
    ///
    /// # Errors
    /// [`PatternError::Steps`].
    pub(crate) fn find_all<'t>(&self, text: &'t str) -> Result<Vec<Vec<&'t str>>, PatternError> {
        let groups = self.regex.captures_len() - 1;
        self.matches(text)
            .map(|captures| {
                let captures = captures?;
                let group = |i| captures.get(i).map_or("", |m| m.as_str());
                Ok(if groups == 0 {
                    vec![group(0)]
                } else {
                    (1..=groups).map(group).collect()
                })
            })
            .collect()
    }

    /// `re.sub`: every match, or the first `count` where that is not 0, replaced by Python's template (`\1`, `\g<name>`).
    ///
    /// # Errors
    /// [`PatternError::Steps`].
    pub(crate) fn replace(
        &self,
        text: &str,
        with: &str,
        count: usize,
    ) -> Result<String, PatternError> {
        let most = if count == 0 { usize::MAX } else { count };
        let (mut out, mut end) = (String::with_capacity(text.len()), 0);
        for captures in self.matches(text).take(most) {
            let captures = captures?;
            let Some(whole) = captures.get(0) else { break };
            out.push_str(&text[end..whole.start()]);
            expand(&mut out, with, &captures);
            end = whole.end();
        }
        out.push_str(&text[end..]);
        Ok(out)
    }

    /// The matches as Python finds them: an empty one may follow right after another, and is not found twice in one place.
    fn matches<'t>(
        &self,
        text: &'t str,
    ) -> impl Iterator<Item = Result<Captures<'t, str>, PatternError>> {
        let mut from = Some(0);
        std::iter::from_fn(move || {
            let at = from?;
            match self.regex.captures_from_pos(text, at) {
                Err(error) => {
                    from = None;
                    Some(Err(PatternError::Steps(error.to_string())))
                }
                Ok(None) => {
                    from = None;
                    None
                }
                Ok(Some(captures)) => {
                    let whole = captures.get(0)?;
                    from = if whole.start() == whole.end() {
                        let next = text[whole.end()..].chars().next();
                        next.map(|c| whole.end() + c.len_utf8())
                    } else {
                        Some(whole.end())
                    };
                    Some(Ok(captures))
                }
            }
        })
    }
}

/// Writes a template of `re.sub`.
fn expand(out: &mut String, template: &str, captures: &Captures<'_, str>) {
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            let (number, behind) = rest.split_at(digits.min(2));
            let group = number.parse().ok().and_then(|i| captures.get(i));
            out.push_str(group.map_or("", |m| m.as_str()));
            rest = behind;
        } else if let Some((name, behind)) = rest.strip_prefix("g<").and_then(|r| r.split_once('>'))
        {
            let group = match name.parse() {
                Ok(number) => captures.get(number),
                Err(_) => captures.name(name),
            };
            out.push_str(group.map_or("", |m| m.as_str()));
            rest = behind;
        } else {
            let mut behind = rest.chars();
            match behind.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other) if other != '\\' => out.extend(['\\', other]),
                _ => out.push('\\'),
            }
            rest = behind.as_str();
        }
    }
    out.push_str(rest);
}

/// Word characters as `str.isalnum` has them, and the underscore: no combining marks.
const WORD: &str = r"\p{L}\p{N}_";

/// A pattern as Python means it: within a character class `[`, `&&`, `--` and `~~` are characters, and `\<` and `\>` are not word
/// boundaries; `$` matches before a line feed that ends the text as well, `\Z` at its very end alone; a word has no combining marks.
fn as_python_means(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    let multiline = is_multiline(pattern);
    // Characters read since a class was opened; none outside.
    let mut class: Option<usize> = None;
    while let Some(c) = rest.next() {
        match (c, class) {
            ('\\', _) => {
                match (rest.next(), class) {
                    (Some(mark @ ('<' | '>')), _) => out.push(mark),
                    (Some('Z'), None) => out.push_str("\\z"),
                    (Some('w'), Some(_)) => out.push_str(WORD),
                    (Some('w'), None) => out.extend(["[", WORD, "]"]),
                    (Some('W'), _) => out.extend(["[^", WORD, "]"]),
                    (Some(escaped), _) => out.extend(['\\', escaped]),
                    (None, _) => out.push('\\'),
                }
                class = class.map(|n| n + 1);
            }
            ('[', None) => {
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket that closes right away is a character of the class.
                if rest.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                class = Some(0);
            }
            ('[', Some(n)) => {
                out.push_str("\\[");
                class = Some(n + 1);
            }
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            ('&' | '~', Some(n)) => {
                out.extend(['\\', c]);
                class = Some(n + 1);
            }
            ('-', Some(n)) if rest.peek() == Some(&'-') || out.ends_with('-') => {
                out.push_str("\\-");
                class = Some(n + 1);
            }
            ('$', None) if !multiline => out.push_str(r"(?=\n?\z)"),
            _ => {
                out.push(c);
                class = class.map(|n| n + 1);
            }
        }
    }
    out
}

/// Whether a group of flags turns multi-line mode on.
fn is_multiline(pattern: &str) -> bool {
    pattern.match_indices("(?").any(|(at, _)| {
        let flags = &pattern[at + 2..];
        let end = flags.find(|c: char| !c.is_ascii_alphabetic());
        end.is_some_and(|end| flags[..end].contains('m') && flags[end..].starts_with([')', ':']))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_escapes_mean_what_they_mean_in_python() {
        // Pattern, text, and what Python 3's re.findall finds.
        let found: &[(&str, &str, &[&[&str]])] = &[
            (r"[[(]?B[])]?", "x[B]", &[&["[B]"]]),
            (r"[&&a]+", "b&a", &[&["&a"]]),
            (r"[^]]+", "]ab", &[&["ab"]]),
            (r"[+\-*/]+", "1+-2", &[&["+-"]]),
            (r"[a-c]+", "xabc-", &[&["abc"]]),
            (r"\<b\>", "<b>", &[&["<b>"]]),
            (r"[~~]", "~", &[&["~"]]),
            (r"(\d+)\[", "4[", &[&["4"]]),
            (r"a*", "aab", &[&["aa"], &[""], &[""]]),
            (r"(a)|(b)", "ab", &[&["a", ""], &["", "b"]]),
            (r"\w+$", "one two\n", &[&["two"]]),
            (r"\w+\Z", "one two\n", &[]),
            (r"(?m)^\w+$", "one\ntwo", &[&["one"], &["two"]]),
            (r"(?<=answer is )(.*)(?=.)", "the answer is B.", &[&["B"]]),
            (r"[\w']+", "it's so", &[&["it's"], &["so"]]),
        ];
        for (pattern, text, want) in found {
            assert_eq!(
                Pattern::new(pattern).unwrap().find_all(text).unwrap(),
                *want,
                "{pattern}"
            );
        }
    }

    #[test]
    fn replacements_are_pythons() {
        // Pattern, template, text, count, and the result of Python 3's re.sub.
        for (pattern, with, text, count, want) in [
            (r"(\w+) (\w+)", r"\2 \1", "a b c d", 0, "b a d c"),
            (r"(?P<x>b)", r"<\g<x>>", "abb", 1, "a<b>b"),
            (r"x*", "-", "abxd", 0, "-a-b--d-"),
            (r"\s+", r"\n", "a  b", 0, "a\nb"),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.replace(text, with, count).unwrap(), want);
        }
    }

    #[test]
    fn a_pattern_that_explodes_is_stopped() {
        let pattern = Pattern::new(r"(?:\w+\s*)+(?=!)!\s*(\w)").unwrap();
        let text = format!("{}? yes! B", "word ".repeat(40));
        assert!(matches!(
            pattern.find_all(&text),
            Err(PatternError::Steps(_))
        ));
        assert!(Pattern::new("(?:(?:a{1000}){1000}){1000}").is_err());
        assert!(Pattern::new("(a").is_err());
    }
}
