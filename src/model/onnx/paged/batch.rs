//! The running batch: which texts are read on at each step, which wait, and who makes room when the memory is full.

use std::collections::VecDeque;
use std::sync::Arc;

use super::operator::Part;
use super::pages::{PAGE, PageId};
use super::prefix::{PrefixTree, common};
use super::sequence::Sequence;
use super::step::{PagedGraph, Step};
use crate::model::onnx::job::Job;
use crate::model::onnx::tokenizer::Tokenizer;
use crate::model::{Activity, ErrorClass, ModelError, SharedTokens};

/// Most tokens of a step.
const MAX_TOKENS: usize = 256;
/// Most logits of a step.
const MAX_LOGITS: usize = 1 << 25;
/// Most texts in a batch.
const MAX_TEXTS: usize = 128;

/// What is kept of texts that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model::onnx) enum Keeping {
    /// Keys and values of beginnings, for texts that begin in the same way.
    Prefixes,
    Nothing,
}

/// Texts that run through one graph together.
pub(in crate::model::onnx) struct Batch {
    graph: PagedGraph,
    tokenizer: Arc<Tokenizer>,
    end_tokens: Vec<u32>,
    /// In the order in which they joined: the last make room for the first.
    running: Vec<Sequence>,
    waiting: VecDeque<Sequence>,
    prefixes: Option<PrefixTree>,
    /// Tokens that went through the graph.
    read: u64,
    shared: SharedTokens,
}

impl Batch {
    pub(in crate::model::onnx) fn new(
        graph: PagedGraph,
        tokenizer: Arc<Tokenizer>,
        end_tokens: Vec<u32>,
        keeping: Keeping,
    ) -> Self {
        Self {
            graph,
            tokenizer,
            end_tokens,
            running: Vec::new(),
            waiting: VecDeque::new(),
            prefixes: (keeping == Keeping::Prefixes).then(PrefixTree::default),
            read: 0,
            shared: SharedTokens::default(),
        }
    }

    pub(in crate::model::onnx) fn threads(&self) -> usize {
        self.graph.threads
    }

    /// What it is at between two steps.
    pub(in crate::model::onnx) fn activity(&self) -> Activity {
        Activity {
            running: self.running.len(),
            waiting: self.waiting.len(),
            read: self.read,
            shared: self.shared,
        }
    }

    pub(in crate::model::onnx) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    pub(in crate::model::onnx) fn add(&mut self, job: Job) {
        let sequence = Sequence::new(job, self.graph.steady);
        self.waiting.push_back(sequence);
    }

    /// Reads on: one step of all that run.
    pub(in crate::model::onnx) fn step(&mut self) {
        self.drop_cancelled();
        let mut parts = self.share_out();
        self.admit(&mut parts);
        self.make_room(&mut parts);
        if parts.iter().sum::<usize>() == 0 {
            return;
        }
        let (step, rows) = self.compose(&parts);
        self.read += step.tokens.len() as u64;
        let mut ends: Vec<Option<Result<(), ModelError>>> = Vec::new();
        ends.resize_with(self.running.len(), || None);
        let Self {
            graph,
            running,
            tokenizer,
            end_tokens,
            ..
        } = self;
        let ran = graph.run(step, |row, logits| {
            let (text, token) = rows[row];
            if ends[text].is_some() {
                return;
            }
            match running[text].take(token, logits, tokenizer, end_tokens) {
                Ok(false) => {}
                Ok(true) => ends[text] = Some(Ok(())),
                Err(error) => ends[text] = Some(Err(error)),
            }
        });
        for (text, tokens) in parts.iter().enumerate() {
            self.running[text].read += tokens;
            if let (Err(error), 1..) = (&ran, *tokens) {
                ends[text] = Some(Err(error.clone()));
            }
        }
        if ran.is_ok() {
            self.keep_prefixes();
        }
        self.finish(ends);
    }

    /// Takes out what nobody waits for any more.
    fn drop_cancelled(&mut self) {
        self.waiting.retain(|text| !text.is_cancelled());
        let (gone, running) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(Sequence::is_cancelled);
        self.running = running;
        let gone: Vec<Sequence> = gone;
        for mut text in gone {
            self.release(&mut text);
        }
    }

    /// How many tokens of each running text the next step has: those that write continue first, then those that read, the oldest first.
    fn share_out(&self) -> Vec<usize> {
        let mut parts = vec![0; self.running.len()];
        let mut left = Left::new(self.graph.vocabulary);
        for writing in [true, false] {
            for (text, part) in self.running.iter().zip(&mut parts) {
                if (text.left() == 1) == writing {
                    *part = left.take(text);
                }
            }
        }
        parts
    }

    /// Lets texts join while there is room in the step and in the memory. Who shares a beginning that another is about to read waits until it is read.
    fn admit(&mut self, parts: &mut Vec<usize>) {
        let mut left = Left::new(self.graph.vocabulary);
        for (text, part) in self.running.iter().zip(parts.iter()) {
            left.spend(text, *part);
        }
        let mut next = 0;
        while left.tokens > 0 && self.running.len() < MAX_TEXTS && next < self.waiting.len() {
            if self.should_wait(next) {
                next += 1;
                continue;
            }
            if !self.has_memory_for(next) {
                break;
            }
            let Some(mut text) = self.waiting.remove(next) else {
                break;
            };
            text.begin();
            self.find_beginning(&mut text);
            parts.push(left.take(&text));
            self.running.push(text);
        }
    }

    /// Whether a running text is about to read a page's worth that a waiting one begins with too, and that nobody has read.
    fn should_wait(&mut self, waiting: usize) -> bool {
        let Some(prefixes) = &mut self.prefixes else {
            return false;
        };
        let own = self.waiting[waiting].sharing();
        let known = prefixes.longest(own).tokens();
        self.running.iter().any(|other| {
            let coming = &other.tokens[..other.shareable];
            other.shared < coming.len() && common(own, coming) >= known + PAGE
        })
    }

    /// Whether the memory holds a waiting text, with a page more for each that runs. An only text is let in whatever it needs.
    fn has_memory_for(&self, waiting: usize) -> bool {
        if self.running.is_empty() {
            return true;
        }
        let needed = Sequence::pages_for(self.waiting[waiting].tokens.len());
        let needed = needed + self.running.len() + 1;
        self.graph.with_pages(|pages| {
            let prefixes = self.prefixes.iter().flat_map(PrefixTree::pages);
            let spare = || prefixes.filter(|page| pages.users(*page) == 1).count();
            pages.left() >= needed || pages.left() + spare() >= needed
        })
    }

    /// Takes over what others have read of a text's beginning.
    fn find_beginning(&mut self, text: &mut Sequence) {
        self.shared.tokens += text.tokens.len() as u64;
        let Some(prefixes) = &mut self.prefixes else {
            return;
        };
        let found = prefixes.longest(text.sharing());
        self.graph.with_pages(|pages| {
            for page in &found.pages {
                pages.share(*page);
            }
            text.table.extend(&found.pages);
            text.read = found.pages.len() * PAGE;
            if let Some((page, tokens)) = found.part {
                pages.share(page);
                if let Some(own) = pages.take() {
                    pages.copy(page, own);
                    text.table.push(own);
                    text.read += tokens;
                }
                pages.release(page);
            }
        });
        text.shared = text.read;
        self.shared.shared += text.read as u64;
    }

    /// Gives each text the pages that its part needs. Where there are none left, beginnings that nobody uses go first, then the texts that joined last
    /// go back to those that wait.
    fn make_room(&mut self, parts: &mut Vec<usize>) {
        let mut text = 0;
        while text < self.running.len() {
            let own = &self.running[text];
            let needed = Sequence::pages_for(own.read + parts[text]);
            if own.table.len() >= needed {
                text += 1;
            } else if let Some(page) = self.take_page() {
                self.running[text].table.push(page);
            } else if let Some(mut last) = self.running.pop() {
                parts.pop();
                self.release(&mut last);
                if self.running.is_empty() {
                    last.fail(self.too_long());
                } else {
                    self.waiting.push_front(last);
                }
            }
        }
    }

    fn too_long(&self) -> ModelError {
        let most = self.graph.with_pages(|pages| pages.most()) * PAGE;
        let what = format!(
            "the memory for keys and values holds {most} tokens, and the text has more; raise its ceiling with ?kv_cache_gb=N"
        );
        ModelError::new(ErrorClass::BadRequest, what)
    }

    fn take_page(&mut self) -> Option<PageId> {
        self.graph.with_pages(|pages| {
            loop {
                if let Some(page) = pages.take() {
                    return Some(page);
                }
                let prefixes = self.prefixes.as_mut()?;
                pages.release(prefixes.evict(|page| pages.users(page) == 1)?);
            }
        })
    }

    /// The step, and which token of which text each of its rows of logits is of.
    fn compose(&self, parts: &[usize]) -> (Step, Vec<(usize, usize)>) {
        let (mut step, mut rows) = (Step::default(), Vec::new());
        for (number, (text, part)) in self.running.iter().zip(parts).enumerate() {
            if *part == 0 {
                continue;
            }
            let positions = text.read..text.read + part;
            for token in positions.clone() {
                if token >= text.wanted {
                    step.wanted.push(step.tokens.len());
                    rows.push((number, token));
                }
                step.tokens.push(text.tokens[token]);
                step.text_lengths.push(text.length_at(token));
            }
            step.positions.extend(positions);
            step.parts.push(Part {
                tokens: *part,
                position: text.read,
                table: text.table.clone(),
            });
        }
        (step, rows)
    }

    /// Lets others share what was read of beginnings.
    fn keep_prefixes(&mut self) {
        let Some(prefixes) = &mut self.prefixes else {
            return;
        };
        self.graph.with_pages(|pages| {
            for text in &mut self.running {
                let read = text.read.min(text.shareable);
                // The end of a page that is not full is kept where the beginning ends.
                let whole = if read == text.shareable {
                    read
                } else {
                    read - read % PAGE
                };
                if whole <= text.shared {
                    continue;
                }
                let (taken, left) = prefixes.insert(&text.tokens[..whole], &text.table);
                text.shared = whole;
                for page in taken {
                    pages.share(page);
                }
                for page in left {
                    pages.release(page);
                }
            }
        });
    }

    /// Answers the texts that have ended, and lets them go.
    fn finish(&mut self, ends: Vec<Option<Result<(), ModelError>>>) {
        let texts = std::mem::take(&mut self.running);
        for (mut text, end) in texts.into_iter().zip(ends) {
            let Some(end) = end else {
                self.running.push(text);
                continue;
            };
            self.release(&mut text);
            match end {
                Ok(()) => text.answer(&self.tokenizer),
                Err(error) => text.fail(error),
            }
        }
    }

    /// Gives a text's pages back; it can be read anew.
    fn release(&mut self, text: &mut Sequence) {
        self.graph.with_pages(|pages| {
            for page in text.table.drain(..) {
                pages.release(page);
            }
        });
        (text.read, text.shared) = (0, 0);
    }
}

/// What is left of a step.
struct Left {
    tokens: usize,
    rows: usize,
}

impl Left {
    fn new(vocabulary: usize) -> Self {
        Self {
            tokens: MAX_TOKENS,
            rows: (MAX_LOGITS / vocabulary.max(1)).max(1),
        }
    }

    /// As many of a text's next tokens as there is room for.
    fn take(&mut self, text: &Sequence) -> usize {
        let without_rows = text.wanted.saturating_sub(text.read);
        let tokens = text.left().min(self.tokens).min(without_rows + self.rows);
        self.spend(text, tokens);
        tokens
    }

    fn spend(&mut self, text: &Sequence, tokens: usize) {
        self.tokens -= tokens;
        self.rows -= (text.read + tokens).saturating_sub(text.wanted.max(text.read));
    }
}
