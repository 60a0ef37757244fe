//! Every question and answer in lower case, searched from end to end: what a search finds is what a reader would.

use std::io;

use memchr::memmem::Finder;
use rayon::prelude::*;

use super::text_file::TextFile;

/// Bytes that one thread searches at a time.
const BLOCK: u64 = 4 << 20;
/// Stands between texts. UTF-8 has no such byte, so that nothing is found across two texts.
const BETWEEN: u8 = 0xff;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Question(u32),
    Trial(u32),
}

/// Texts one after another, and whose they are.
#[derive(Debug)]
pub(super) struct Haystack {
    file: TextFile,
    starts: Vec<u64>,
    owners: Vec<Owner>,
    /// Threads of its own: a report that is computed meanwhile keeps no search waiting.
    threads: rayon::ThreadPool,
}

impl Haystack {
    pub(super) fn new() -> io::Result<Self> {
        let threads = rayon::ThreadPoolBuilder::new()
            .thread_name(|n| format!("candor-search-{n}"))
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            file: TextFile::new()?,
            starts: Vec::new(),
            owners: Vec::new(),
            threads,
        })
    }

    /// Adds texts, in lower case.
    pub(super) fn extend(&mut self, texts: &[(Owner, &str)]) -> io::Result<()> {
        let mut block = Vec::with_capacity(texts.iter().map(|(_, text)| text.len() + 1).sum());
        for (owner, text) in texts {
            self.starts.push(self.file.end() + block.len() as u64);
            self.owners.push(*owner);
            block.extend_from_slice(text.as_bytes());
            block.push(BETWEEN);
        }
        self.file.append(&block).map(drop)
    }

    /// Whose texts hold these words, in lower case.
    pub(super) fn search(&self, wanted: &str) -> io::Result<Vec<Owner>> {
        let finder = Finder::new(wanted.as_bytes());
        let blocks = self.blocks();
        let found: io::Result<Vec<Vec<Owner>>> = self.threads.install(|| {
            let own = |block: &(usize, usize)| self.search_block(&finder, *block);
            blocks.par_iter().map(own).collect()
        });
        Ok(found?.concat())
    }

    /// Numbers of the texts of each block: the first, and the one behind the last.
    fn blocks(&self) -> Vec<(usize, usize)> {
        let (mut blocks, mut first) = (Vec::new(), 0);
        while first < self.starts.len() {
            let limit = self.starts[first] + BLOCK;
            let within = self.starts[first..].partition_point(|start| *start < limit);
            let next = first + within.max(1);
            blocks.push((first, next));
            first = next;
        }
        blocks
    }

    fn search_block(
        &self,
        finder: &Finder<'_>,
        (first, next): (usize, usize),
    ) -> io::Result<Vec<Owner>> {
        let start = self.starts[first];
        let end = self.starts.get(next).copied().unwrap_or(self.file.end());
        let bytes = usize::try_from(end - start).map_err(io::Error::other)?;
        let block = self.file.read(start, bytes)?;
        let behind = |text: usize| {
            let end = self.starts.get(text + 1).copied().unwrap_or(end);
            usize::try_from(end - start).unwrap_or(bytes).min(bytes)
        };
        let (mut found, mut at, mut text) = (Vec::new(), 0, first);
        while let Some(hit) = finder.find(&block[at..]) {
            while behind(text) <= at + hit {
                text += 1;
            }
            found.push(self.owners[text]);
            // One place is enough of each text.
            at = behind(text);
        }
        Ok(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_text_with_the_words_is_found_once_and_none_across_two() {
        let mut haystack = Haystack::new().unwrap();
        let long = "x".repeat(usize::try_from(BLOCK).unwrap());
        let texts = [
            "red fox",
            "fox fox",
            "",
            "re",
            "d fox",
            &long,
            "a fox's den",
        ];
        let owned: Vec<(Owner, &str)> = (0..).map(Owner::Trial).zip(texts).collect();
        haystack.extend(&owned[..3]).unwrap();
        haystack.extend(&owned[3..]).unwrap();
        let found = |words: &str| haystack.search(words).unwrap();
        assert_eq!(found("fox"), [0, 1, 4, 6].map(Owner::Trial));
        assert_eq!(found("red"), [Owner::Trial(0)]);
        assert_eq!(found("xx"), [Owner::Trial(5)]);
        assert_eq!(found("wolf"), []);
        assert!(haystack.blocks().len() > 1);
    }
}
