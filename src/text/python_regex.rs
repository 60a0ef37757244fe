//! Python's dialect, in which other harnesses write their patterns, where ours reads the same characters differently.

use fancy_regex::Regex;

/// A pattern as Python means it.
///
/// # Errors
/// That it does not parse.
pub fn python_regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(&as_python_means(pattern))
        .map_err(|e| format!("the pattern {pattern:?} does not parse: {e}"))
}

/// A pattern in our dialect that means what it means in Python: within a character class `[`, `&&`, `--` and `~~` are characters, and `\<` and `\>` are not word boundaries.
fn as_python_means(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    // Characters read since a class was opened; none outside.
    let mut class: Option<usize> = None;
    while let Some(c) = rest.next() {
        match (c, class) {
            ('\\', _) => {
                match rest.next() {
                    Some(mark @ ('<' | '>')) => out.push(mark),
                    Some(escaped) => out.extend(['\\', escaped]),
                    None => out.push('\\'),
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
            _ => {
                out.push(c);
                class = class.map(|n| n + 1);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::as_python_means;
    use fancy_regex::Regex;

    #[test]
    fn classes_and_escapes_mean_what_they_mean_in_python() {
        // Pattern, text, and what Python 3's re.search finds.
        for (pattern, text, found) in [
            (r"[[(]?B[])]?", "x[B]", "[B]"),
            (r"[&&a]+", "b&a", "&a"),
            (r"[^]]+", "]ab", "ab"),
            (r"[+\-*/]+", "1+-2", "+-"),
            (r"[a-c]+", "xabc-", "abc"),
            (r"\<b\>", "<b>", "<b>"),
            (r"[~~]", "~", "~"),
            (r"(\d+)\[", "4[", "4["),
        ] {
            let regex = Regex::new(&as_python_means(pattern)).expect("it parses");
            let got = regex.find(text).expect("it ends").map(|m| m.as_str());
            assert_eq!(got, Some(found), "{pattern}");
        }
    }
}
