//! What of an answer is code.

use serde::Deserialize;

/// How code is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Find {
    /// The first fenced block, else the whole answer.
    #[default]
    Block,
    /// The same without its first line and all before: the body that completes a function whose head the prompt gives (openai/simple-evals).
    Body,
    /// The whole answer.
    Whole,
}

impl Find {
    pub(super) fn code(self, answer: &str) -> String {
        match self {
            Self::Whole => answer.to_owned(),
            Self::Block => fenced(answer, &["```python\n", "```py\n", "```\n"])
                .unwrap_or(answer)
                .to_owned(),
            Self::Body => body(fenced(answer, &["```python\n"]).unwrap_or(answer)),
        }
    }
}

/// The first block that one of these fences opens and another closes, the more telling fence first.
fn fenced<'a>(answer: &'a str, fences: &[&str]) -> Option<&'a str> {
    fences.iter().find_map(|fence| {
        let (_, rest) = answer.split_once(fence)?;
        rest.split_once("```").map(|(block, _)| block)
    })
}

/// What follows the colon that ends a function's head; where there is no head, all but the first character, as the reference has it.
fn body(code: &str) -> String {
    match code.find(":\n    ") {
        Some(at) => code[at + 2..].to_owned(),
        None => code.chars().skip(1).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::Find;

    #[test]
    fn a_block_or_the_body_of_its_function_is_found() {
        let answer = "Here:\n```python\ndef f(x):\n    return x\n```\nand\n```python\nno\n```";
        assert_eq!(Find::Block.code(answer), "def f(x):\n    return x\n");
        assert_eq!(Find::Body.code(answer), "    return x\n");
        assert_eq!(Find::Body.code("    return 1"), "   return 1");
        assert_eq!(Find::Block.code("x = 1"), "x = 1");
        assert_eq!(Find::Block.code("```\ny\n```"), "y\n");
        assert_eq!(Find::Whole.code(answer), answer);
    }
}
