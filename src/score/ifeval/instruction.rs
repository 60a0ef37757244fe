//! The 25 kinds of instructions, with what each is told.

use fancy_regex::Regex;
use serde_json::Value;

use super::{format, keywords, length, wording};

/// One instruction.
#[derive(Debug)]
pub(super) enum Instruction {
    KeywordsExist(Vec<Regex>),
    KeywordFrequency(Regex, Bound),
    ForbiddenWords(Vec<Regex>),
    LetterFrequency(char, Bound),
    Language(String),
    Sentences(Bound),
    /// Paragraphs between `***`.
    Paragraphs(u64),
    Words(Bound),
    NthParagraph {
        paragraphs: u64,
        nth: u64,
        first_word: String,
    },
    Placeholders(u64),
    Postscript(String),
    Bullets(u64),
    OneOfThree,
    Highlights(u64),
    Sections(Regex, u64),
    Json,
    Title,
    TwoResponses,
    RepeatPrompt(String),
    EndsWith(String),
    CapitalWords(Bound),
    Capitals,
    LowerCase,
    NoComma,
    Quotation,
}

/// How many of something an answer has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    LessThan(u64),
    AtLeast(u64),
}

impl Bound {
    pub(super) fn holds(self, count: usize) -> bool {
        let count = count as u64;
        match self {
            Self::LessThan(n) => count < n,
            Self::AtLeast(n) => count >= n,
        }
    }
}

impl Instruction {
    /// An instruction by its name and its settings; those that are null say nothing.
    ///
    /// # Errors
    /// What is not known or not given.
    pub(super) fn read(id: &str, settings: &Value) -> Result<Self, String> {
        let of = Settings(settings);
        Ok(match id {
            "keywords:existence" => Self::KeywordsExist(of.patterns("keywords", "")?),
            "keywords:frequency" => Self::KeywordFrequency(
                keywords::pattern(of.text("keyword")?.trim(), "")?,
                of.bound("relation", "frequency")?,
            ),
            "keywords:forbidden_words" => {
                Self::ForbiddenWords(of.patterns("forbidden_words", r"\b")?)
            }
            "keywords:letter_frequency" => {
                let letter = of.text("letter")?.to_lowercase().chars().next();
                Self::LetterFrequency(
                    letter.ok_or("its letter is empty")?,
                    of.bound("let_relation", "let_frequency")?,
                )
            }
            "language:response_language" => Self::Language(of.text("language")?.to_owned()),
            "length_constraints:number_sentences" => {
                Self::Sentences(of.bound("relation", "num_sentences")?)
            }
            "length_constraints:number_paragraphs" => {
                Self::Paragraphs(of.number("num_paragraphs")?)
            }
            "length_constraints:number_words" => Self::Words(of.bound("relation", "num_words")?),
            "length_constraints:nth_paragraph_first_word" => Self::NthParagraph {
                paragraphs: of.number("num_paragraphs")?,
                nth: of.number("nth_paragraph")?,
                first_word: of.text("first_word")?.to_lowercase(),
            },
            "detectable_content:number_placeholders" => {
                Self::Placeholders(of.number("num_placeholders")?)
            }
            "detectable_content:postscript" => {
                Self::Postscript(of.text("postscript_marker")?.trim().to_owned())
            }
            "detectable_format:number_bullet_lists" => Self::Bullets(of.number("num_bullets")?),
            "detectable_format:constrained_response" => Self::OneOfThree,
            "detectable_format:number_highlighted_sections" => {
                Self::Highlights(of.number("num_highlights")?)
            }
            "detectable_format:multiple_sections" => {
                let splitter = of.text("section_spliter")?.trim();
                Self::Sections(format::section(splitter)?, of.number("num_sections")?)
            }
            "detectable_format:json_format" => Self::Json,
            "detectable_format:title" => Self::Title,
            "combination:two_responses" => Self::TwoResponses,
            "combination:repeat_prompt" => {
                Self::RepeatPrompt(of.text("prompt_to_repeat")?.trim().to_lowercase())
            }
            "startend:end_checker" => Self::EndsWith(of.text("end_phrase")?.trim().to_lowercase()),
            "change_case:capital_word_frequency" => {
                Self::CapitalWords(of.bound("capital_relation", "capital_frequency")?)
            }
            "change_case:english_capital" => Self::Capitals,
            "change_case:english_lowercase" => Self::LowerCase,
            "punctuation:no_comma" => Self::NoComma,
            "startend:quotation" => Self::Quotation,
            _ => return Err("there is no such instruction".into()),
        })
    }

    /// Whether an answer follows it.
    pub(super) fn is_followed_by(&self, answer: &str) -> bool {
        match self {
            Self::KeywordsExist(words) => words.iter().all(|w| keywords::count(w, answer) > 0),
            Self::KeywordFrequency(word, bound) => bound.holds(keywords::count(word, answer)),
            Self::ForbiddenWords(words) => words.iter().all(|w| keywords::count(w, answer) == 0),
            Self::LetterFrequency(letter, bound) => bound.holds(keywords::letters(*letter, answer)),
            Self::Language(code) => wording::is_in(code, answer),
            Self::Sentences(bound) => bound.holds(length::sentences(answer)),
            Self::Paragraphs(n) => length::has_paragraphs(answer, *n),
            Self::Words(bound) => bound.holds(length::words(answer)),
            Self::NthParagraph {
                paragraphs,
                nth,
                first_word,
            } => length::nth_begins_with(answer, *paragraphs, *nth, first_word),
            Self::Placeholders(n) => format::placeholders(answer) >= *n,
            Self::Postscript(marker) => format::has_postscript(answer, marker),
            Self::Bullets(n) => format::bullets(answer) == *n,
            Self::OneOfThree => format::is_one_of_three(answer),
            Self::Highlights(n) => format::highlights(answer) >= *n,
            Self::Sections(splitter, n) => keywords::count(splitter, answer) as u64 >= *n,
            Self::Json => format::is_json(answer),
            Self::Title => format::has_title(answer),
            Self::TwoResponses => wording::are_two(answer),
            Self::RepeatPrompt(prompt) => answer.trim().to_lowercase().starts_with(prompt),
            Self::EndsWith(phrase) => wording::ends_with(answer, phrase),
            Self::CapitalWords(bound) => bound.holds(wording::capital_words(answer)),
            Self::Capitals => wording::is_upper(answer) && wording::is_in("en", answer),
            Self::LowerCase => wording::is_lower(answer) && wording::is_in("en", answer),
            Self::NoComma => !answer.contains(','),
            Self::Quotation => wording::is_quoted(answer),
        }
    }
}

/// The settings of one instruction.
struct Settings<'a>(&'a Value);

impl<'a> Settings<'a> {
    fn value(&self, name: &str) -> Result<&'a Value, String> {
        let value = self.0.get(name).filter(|v| !v.is_null());
        value.ok_or_else(|| format!("its kwargs have no {name}"))
    }

    fn text(&self, name: &str) -> Result<&'a str, String> {
        let text = self.value(name)?.as_str();
        text.ok_or_else(|| format!("its {name} is not a text"))
    }

    /// A whole number; data frames write it as 3.0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn number(&self, name: &str) -> Result<u64, String> {
        let value = self.value(name)?;
        let whole = |x: &f64| x.fract() == 0.0 && *x >= 0.0 && *x < 1e9;
        let float = || value.as_f64().filter(whole).map(|x| x as u64);
        let number = value.as_u64().or_else(float);
        number.ok_or_else(|| format!("its {name} is not a whole number"))
    }

    fn bound(&self, relation: &str, number: &str) -> Result<Bound, String> {
        let n = self.number(number)?;
        match self.text(relation)? {
            "less than" => Ok(Bound::LessThan(n)),
            "at least" => Ok(Bound::AtLeast(n)),
            other => Err(format!(
                "its {relation} is '{other}', not 'less than' or 'at least'"
            )),
        }
    }

    /// Words as patterns, which the reference takes them for.
    fn patterns(&self, name: &str, edge: &str) -> Result<Vec<Regex>, String> {
        let words = self.value(name)?.as_array();
        let words = words.ok_or_else(|| format!("its {name} is not a list"))?;
        let words = words.iter().filter_map(Value::as_str);
        words.map(|word| keywords::pattern(word, edge)).collect()
    }
}
