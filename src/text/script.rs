//! The scripts that a text is written in.

use std::collections::HashMap;

use unicode_script::{Script, UnicodeScript};

/// Scripts that write one language together count as one.
fn script(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    match c.script() {
        // Greek letters are symbols everywhere.
        Script::Common | Script::Inherited | Script::Unknown | Script::Greek => None,
        Script::Hiragana | Script::Katakana | Script::Bopomofo => Some(Script::Han),
        other => Some(other),
    }
}

/// The script that most letters of a text are in; none where it has no letters.
#[must_use]
pub fn main_script(text: &str) -> Option<Script> {
    let mut counts: HashMap<Script, usize> = HashMap::new();
    for script in text.chars().filter_map(script) {
        *counts.entry(script).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(script, n)| (*n, script.full_name()))?;
    Some(most.0)
}

/// Where letters of two scripts touch that no language joins. East Asian texts put Latin letters next to their own without a space.
fn collide(one: Script, other: Script) -> bool {
    let joined = |s| matches!(s, Script::Han | Script::Hangul | Script::Latin);
    one != other && !(joined(one) && joined(other))
}

/// How many scripts a text has letters of, and the runs of letters in which scripts collide.
#[must_use]
pub fn collisions(text: &str) -> (usize, Vec<&str>) {
    let mut scripts: Vec<Script> = Vec::new();
    let mut found = Vec::new();
    for run in text.split(|c: char| !c.is_alphabetic()) {
        let own: Vec<Script> = run.chars().filter_map(script).collect();
        if own.windows(2).any(|pair| collide(pair[0], pair[1])) {
            found.push(run);
        }
        for s in own {
            if !scripts.contains(&s) {
                scripts.push(s);
            }
        }
    }
    (scripts.len(), found)
}

#[cfg(test)]
mod tests {
    use unicode_script::Script;

    use super::{collisions, main_script};

    #[test]
    fn scripts_collide_within_words_and_not_beside_each_other() {
        assert_eq!(
            collisions("Guten Tag, 你好, здравствуйте, مرحبا, नमस्ते"),
            (5, vec![])
        );
        assert_eq!(collisions("用AI做的テスト는 PM2.5 μg"), (3, vec![]));
        assert_eq!(main_script("用AI做的テスト"), Some(Script::Han));
        assert_eq!(main_script("12 %"), None);
        let (scripts, found) = collisions("the адресuserKey ومinter ready");
        assert_eq!((scripts, found), (3, vec!["адресuserKey", "ومinter"]));
    }
}
