//! Reasoning that a model writes into its text, and the answer that is outside it.
//!
//! What counts as reasoning, first that applies:
//!
//! 1. The channels of gpt-oss, with their control tokens or with what is left when a server strips those ([`harmony`]).
//! 2. Granite's headings in words: "Here is my thought process:" … "Here is my response:".
//! 3. A block between tags ([`tags`]) that the text opens with, whose tags are on lines of their own, or that splits a word.
//! 4. What is before a closing tag that nothing opened: the chat template did.
//!
//! A tag that is quoted, in code, or in the middle of a sentence is one that the answer talks about. A block that never ends leaves no
//! answer. Text outside the blocks is kept to the byte, apart from white space before it.

mod code;
mod harmony;
mod tags;

use std::collections::BTreeSet;
use std::ops::Range;

use tags::{Place, Tag};

/// Splits a text into reasoning and answer.
pub(super) fn split(text: &str) -> (Option<String>, String) {
    harmony::split(text)
        .or_else(|| headings(text))
        .unwrap_or_else(|| between_tags(text, false))
}

/// The same for a text whose prompt [opened](opens_at_end) the reasoning: it is reasoning up to the closing tag, and all of it where the
/// token limit came first.
pub(super) fn split_opened(text: &str) -> (Option<String>, String) {
    between_tags(text, true)
}

/// Whether the reasoning that the prompt opened has ended: whatever follows is the answer.
pub(super) fn is_closed(text: &str) -> bool {
    let (_, answer) = split_opened(&format!("{text}\n{{"));
    !answer.is_empty()
}

/// Whether a prompt ends by opening reasoning, as chat templates do.
pub(super) fn opens_at_end(prompt: &str) -> bool {
    tags::opens_at_end(prompt)
}

/// Granite's form, only where both headings are there: the first alone may be anybody's.
fn headings(text: &str) -> Option<(Option<String>, String)> {
    const THOUGHT: [&str; 2] = ["here is my thought process:", "here's my thought process:"];
    const RESPONSE: [&str; 2] = ["here is my response:", "here's my response:"];
    let body = text.trim_start();
    // Lower-casing ASCII keeps every byte in its place.
    let lower = body.to_ascii_lowercase();
    let begins = THOUGHT.iter().find(|h| lower.starts_with(**h))?.len();
    let (at, heading) = RESPONSE
        .iter()
        .filter_map(|h| Some((lower[begins..].find(h)? + begins, h)))
        .min()?;
    let thought = body[begins..at].trim().to_owned();
    Some((
        Some(thought),
        body[at + heading.len()..].trim_start().to_owned(),
    ))
}

/// Takes the blocks between tags out of a text; with `opened`, the first began before it.
fn between_tags(text: &str, opened: bool) -> (Option<String>, String) {
    let tags = tags::find(text);
    let blocks = blocks(text, &tags, opened);
    if blocks.is_empty() {
        return (None, text.to_owned());
    }
    let mut thoughts: Vec<&str> = Vec::new();
    let mut answer = String::new();
    let mut at = 0;
    for Block { outer, inner } in blocks {
        answer.push_str(&text[at..outer.start]);
        thoughts.push(without_summary(text[inner].trim()));
        at = outer.end;
    }
    answer.push_str(&text[at..]);
    thoughts.retain(|t| !t.is_empty());
    let answer = tags::unwrap_answer(answer.trim_start());
    (Some(thoughts.join("\n\n")), answer.to_owned())
}

/// A thought without the line that `Open WebUI` shows in its place.
fn without_summary(thought: &str) -> &str {
    let summary = thought.strip_prefix("<summary>");
    let rest = summary.and_then(|s| s.split_once("</summary>"));
    rest.map_or(thought, |(_, rest)| rest.trim())
}

/// A block of reasoning, with its tags and without.
struct Block {
    outer: Range<usize>,
    inner: Range<usize>,
}

fn blocks(text: &str, tags: &[Tag], opened: bool) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = tags;
    // Where the answer's first word stands, as far as the text is read: before it are only blocks and white space.
    let mut first_word = word_from(text, 0);
    if let Some(first) = implied(text, tags, opened) {
        first_word = word_from(text, first.outer.end);
        rest = tags_from(tags, first.outer.end);
        found.push(first);
    }
    let mut endless = BTreeSet::new();
    while let [tag, tail @ ..] = rest {
        rest = tail;
        let leads = tag.span.start == first_word;
        let begins = tag.opens && (leads || tag.place != Place::Sentence);
        if !begins || endless.contains(&tag.family) {
            // A closing tag that is left over is not part of the answer.
            if !tag.opens && !found.is_empty() && tag.place != Place::Sentence {
                found.push(Block {
                    outer: tag.span.clone(),
                    inner: tag.span.end..tag.span.end,
                });
            }
            continue;
        }
        match end_of(text, tag, tail, leads) {
            Some(close) => {
                found.push(Block {
                    outer: tag.span.start..close.span.end,
                    inner: tag.span.end..close.span.start,
                });
                if leads {
                    first_word = word_from(text, close.span.end);
                }
                rest = tags_from(tags, close.span.end);
            }
            // What begins as reasoning and never ends is all reasoning.
            None if leads || !found.is_empty() => {
                found.push(Block {
                    outer: tag.span.start..text.len(),
                    inner: tag.span.end..text.len(),
                });
                break;
            }
            None => {
                endless.insert(tag.family);
            }
        }
    }
    found
}

/// The first place from `at` on that is not white space.
fn word_from(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// The block that the template opened: known from the prompt, or told by a closing tag that nothing in the text opens.
fn implied(text: &str, tags: &[Tag], opened: bool) -> Option<Block> {
    let first_open = tags.iter().position(|t| t.opens);
    let before_any_open = &tags[..first_open.unwrap_or(tags.len())];
    let close = if opened {
        // The model may repeat the tag that the template wrote.
        let repeats = first_open == Some(0) && tags[0].span.start == word_from(text, 0);
        if repeats {
            return None;
        }
        tags.iter().find(|t| !t.opens)
    } else {
        let ends = |t: &&Tag| !t.opens && t.place != Place::Sentence;
        Some(before_any_open.iter().find(ends)?)
    };
    let Some(close) = close else {
        let all = 0..text.len();
        return Some(Block {
            outer: all.clone(),
            inner: all,
        });
    };
    Some(Block {
        outer: 0..end_of_run(text, tags, close),
        inner: 0..close.span.start,
    })
}

/// The closing tag that ends a block opened by `open`: the first of its family, or a later one that no opening tag explains.
///
/// A model that writes about its own tag while it reasons closes too early; what is left over is then reasoning too.
fn end_of<'t>(text: &str, open: &Tag, tail: &'t [Tag], leads: bool) -> Option<&'t Tag> {
    let mut own = tail.iter().filter(|t| t.family == open.family);
    let first = own.find(|t| !t.opens && (leads || t.place != Place::Sentence))?;
    let unexplained = own
        .take_while(|t| !t.opens)
        .filter(|t| t.place != Place::Sentence && word_from(text, t.span.end) < text.len());
    Some(unexplained.last().unwrap_or(first))
}

/// Where a run of closing tags with nothing but white space between them ends.
fn end_of_run(text: &str, tags: &[Tag], first: &Tag) -> usize {
    let mut end = first.span.end;
    for tag in tags_from(tags, end) {
        if tag.opens || word_from(text, end) != tag.span.start {
            break;
        }
        end = tag.span.end;
    }
    end
}

fn tags_from(tags: &[Tag], at: usize) -> &[Tag] {
    &tags[tags.partition_point(|t| t.span.start < at)..]
}

#[cfg(test)]
mod tests {
    use super::{opens_at_end, split, split_opened};

    fn parts(text: &str) -> (Option<String>, String) {
        split(text)
    }

    #[test]
    fn every_familys_tags_part_reasoning_from_answer() {
        for (begin, end) in [
            ("<think>", "</think>"),
            ("<thinking>", "</thinking>"),
            ("<thought>", "</thought>"),
            ("<reasoning>", "</reasoning>"),
            ("<reflection>", "</reflection>"),
            ("<THINK>", "</THINK>"),
            ("<Think>", "</think >"),
            ("<think time=\"3s\">", "</think>"),
            ("<seed:think>", "</seed:think>"),
            ("◁think▷", "◁/think▷"),
            ("[THINK]", "[/THINK]"),
            ("<|begin_of_thought|>", "<|end_of_thought|>"),
            ("<|START_THINKING|>", "<|END_THINKING|>"),
            ("<|channel>thought", "<channel|>"),
            ("<longcat_think>", "</longcat_think>"),
            ("<|inner_prefix|>", "<|inner_suffix|>"),
            ("<unused94>thought", "<unused95>"),
            ("<unused94>", "<unused95>"),
        ] {
            for text in [
                format!("{begin}\nhm\n{end}\n\nYes."),
                format!("{begin}hm{end}Yes."),
                format!("\n\n{begin} hm {end} Yes."),
            ] {
                assert_eq!(parts(&text), (Some("hm".into()), "Yes.".into()), "{text}");
            }
            let cut = format!("{begin}\nhm, perhaps");
            assert_eq!(
                parts(&cut),
                (Some("hm, perhaps".into()), String::new()),
                "{cut}"
            );
            let unopened = format!("hm\n{end}\n\nYes.");
            assert_eq!(
                parts(&unopened),
                (Some("hm".into()), "Yes.".into()),
                "{unopened}"
            );
        }
    }

    #[test]
    fn blocks_may_be_empty_repeated_nested_or_left_over() {
        for (text, thought, answer) in [
            ("hm</think>Yes.", "hm", "Yes."),
            ("<think>\n\n</think>\n\nYes.", "", "Yes."),
            ("</think> </think> Yes.", "", "Yes."),
            ("<think>a</think><think>c</think>Yes.", "a\n\nc", "Yes."),
            ("<think>a</think>\n\n<think>c", "a\n\nc", ""),
            (
                "<think>a</think>Yes.\n<think>\nc\n</think>\nNo.",
                "a\n\nc",
                "Yes.\n\nNo.",
            ),
            (
                "<think>a<think>b</think>c</think>Yes.",
                "a<think>b</think>c",
                "Yes.",
            ),
            (
                "<think>I could write `</think>` here.</think>Yes.",
                "I could write `</think>` here.",
                "Yes.",
            ),
            ("Sure.\n<think>\nhm\n</think>\nYes.", "hm", "Sure.\n\nYes."),
            (
                "<|begin_of_thought|>\nhm\n<|end_of_thought|>\n<|begin_of_solution|>\nYes.\n<|end_of_solution|>",
                "hm",
                "Yes.",
            ),
            (
                "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>",
                "hm",
                "Yes.",
            ),
            ("<think>hm</think>Yes.</think>", "hm", "Yes."),
            ("<think>a</think>Pa<think>c</think>ris", "a\n\nc", "Paris"),
            ("Pa<think>c</think>ris", "c", "Paris"),
            (
                "<details type=\"reasoning\" done=\"true\" duration=\"3\">\n<summary>Thought for 3 seconds</summary>\nhm\n</details>\nYes.",
                "hm",
                "Yes.",
            ),
            (
                "<details type=\"reasoning\">hm <details>x</details></details>\nSee\n<details>\nmore\n</details>",
                "hm <details>x</details>",
                "See\n<details>\nmore\n</details>",
            ),
            (
                "<think>\n```\n</think>\n```\n</think>\nYes.",
                "```\n</think>\n```",
                "Yes.",
            ),
            (
                "<think>hm</think><answer>Yes.</answer>",
                "hm",
                "<answer>Yes.</answer>",
            ),
            (
                "here is my thought process: hm\n\nHere is my response: Yes.",
                "hm",
                "Yes.",
            ),
        ] {
            assert_eq!(
                parts(text),
                (Some(thought.to_owned()), answer.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn tags_that_an_answer_talks_about_are_its_own_words() {
        for text in [
            "Yes.",
            "",
            "Write <think>like this</think> to show a thought.",
            "Models end it with `</think>` and then answer.",
            "The </think> tag ends a thought.",
            "It sends \"</think>\" first.",
            "```\n<think>\nhm\n</think>\n```\nis its form.",
            "~~~xml\n<think>\nhm\n</think>\n~~~\nis its form.",
            "````\n```\n<think>\n```\n</think>\n````\nis its form.",
            "<details>\n<summary>More</summary>\nmuch\n</details>\nYes.",
            "much\n</details>\nYes.",
            "I use ``<think>`` and ``</think>`` here.",
            "1 < 2 and a <thinker> and [THINKING] and <thinks>.",
            "The reasoning: <reason>x</reason>",
            "Here is my thought process: I add, then I halve.",
        ] {
            assert_eq!(parts(text), (None, text.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_the_template_opened_is_reasoning_up_to_the_closing_tag() {
        assert!(opens_at_end("<|assistant|>\n<think>\n"));
        assert!(opens_at_end("<|assistant|>[THINK]"));
        for closed in [
            "<|assistant|>\n<think>\n\n</think>\n\n",
            "<|assistant|>\n",
            "",
            "1 <",
        ] {
            assert!(!opens_at_end(closed), "{closed}");
        }
        let opened = split_opened;
        assert_eq!(
            opened("hm\n</think>\n\nYes."),
            (Some("hm".into()), "Yes.".into())
        );
        assert_eq!(
            opened("hm, perhaps"),
            (Some("hm, perhaps".into()), String::new())
        );
        assert_eq!(
            opened("<think>hm</think>Yes."),
            (Some("hm".into()), "Yes.".into())
        );
        assert_eq!(
            opened("the </think> tag ends it"),
            (Some("the".into()), "tag ends it".into())
        );
    }

    #[test]
    fn channels_of_gpt_oss_part_with_and_without_their_tokens() {
        for text in [
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            "<|start|>assistant<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
            "analysishmassistantfinalYes.",
        ] {
            assert_eq!(parts(text), (Some("hm".into()), "Yes.".into()), "{text}");
        }
        assert_eq!(
            parts("<|channel|>analysis<|message|>hm, per"),
            (Some("hm, per".into()), String::new())
        );
        assert_eq!(
            parts("<|channel|>final<|message|>Yes."),
            (None, "Yes.".into())
        );
    }

    #[test]
    fn a_thought_may_end_with_a_quotation_mark_and_the_answer_begin_with_one() {
        let said = "<think>They say \"hi\"</think>\"Hello\" is the answer.";
        assert_eq!(
            parts(said),
            (
                Some("They say \"hi\"".into()),
                "\"Hello\" is the answer.".into()
            )
        );
        let shown = "<think>I end with \"</think>\" when done</think>Yes.";
        assert_eq!(
            parts(shown),
            (
                Some("I end with \"</think>\" when done".into()),
                "Yes.".into()
            )
        );
    }

    #[test]
    fn a_text_of_tags_is_split_in_one_pass() {
        for piece in [
            "<think>",
            "</think>",
            "<think>\n",
            "</think>\n",
            "<think>a</think>\n",
            "`<think>",
            "<",
            "[THINK]x",
            "<think></thought>\n",
            "<details>",
            "<details type=\"reasoning\">",
            "a<think>",
            "   \n",
            "```\n<think>\n",
        ] {
            let text = piece.repeat((1 << 18) / piece.len());
            let started = std::time::Instant::now();
            let _ = split(&text);
            assert!(started.elapsed().as_secs() < 3, "{piece:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_stands_outside_the_tags_is_kept_to_the_byte(thought in "[^<\\[◁`]{0,60}", answer in "[^<\\[◁`]{0,60}") {
            let (begin, end) = ("<think>", "</think>");
            let (reasoning, kept) = split(&format!("{begin}{thought}{end}{answer}"));
            proptest::prop_assert_eq!(reasoning.as_deref(), Some(thought.trim()));
            proptest::prop_assert_eq!(kept, answer.trim_start());
            if !answer.starts_with("analysis") {
                proptest::prop_assert_eq!(split(&answer), (None, answer.clone()));
            }
        }

        #[test]
        fn no_text_makes_the_splitter_fail(parts in proptest::collection::vec("<think>|</think>|\\[THINK\\]|◁/think▷|`|```\n|\n| |a|<\\|channel\\|>|final|<\\|message\\|>|.{0,4}", 0..20)) {
            let text = parts.concat();
            let (reasoning, answer) = split(&text);
            proptest::prop_assert!(reasoning.unwrap_or_default().len() + answer.len() <= text.len() + 2 * parts.len());
        }
    }
}
