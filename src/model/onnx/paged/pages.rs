//! Keys and values in pages: each holds those of a few consecutive tokens of a text, of all layers.

use std::ops::Range;

use crate::model::onnx::paged_operator::LayerShape;

/// Tokens of a page.
pub(in crate::model::onnx) const PAGE: usize = 16;

/// Numbers that one head of a page has: keys, then values.
fn of_head(shape: LayerShape) -> usize {
    2 * shape.width * PAGE
}

/// A page, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PageId(usize);

/// Keys and values of one head in one page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// Width × tokens: what the tokens have at one place of their keys lies side by side.
    pub keys: &'a [f32],
    /// Tokens × width.
    pub values: &'a [f32],
}

/// The store of pages. A page is free, or used by one or more: texts that are being read, and the tree of prefixes.
pub(super) struct Pages {
    shapes: Vec<LayerShape>,
    /// Where each layer begins in a page.
    offsets: Vec<usize>,
    /// Numbers of a page.
    size: usize,
    all: Vec<Page>,
    free: Vec<PageId>,
    /// Most pages at once.
    most: usize,
}

struct Page {
    numbers: Box<[f32]>,
    users: usize,
}

impl Pages {
    /// A store of at most this many bytes, though never of less than one page.
    pub(super) fn new(shapes: Vec<LayerShape>, most_bytes: u64) -> Self {
        let mut size = 0;
        let offsets = shapes.iter().map(|shape| {
            size += shape.heads * of_head(*shape);
            size - shape.heads * of_head(*shape)
        });
        let offsets = offsets.collect();
        let bytes = (size * size_of::<f32>()).max(1) as u64;
        Self {
            shapes,
            offsets,
            size,
            all: Vec::new(),
            free: Vec::new(),
            most: usize::try_from(most_bytes / bytes)
                .unwrap_or(usize::MAX)
                .max(1),
        }
    }

    /// Most pages at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Pages that can be taken now.
    pub(super) fn left(&self) -> usize {
        self.most - (self.all.len() - self.free.len())
    }

    /// Takes a page for one user, all zero; none where the ceiling is reached.
    pub(super) fn take(&mut self) -> Option<PageId> {
        if let Some(id) = self.free.pop() {
            // Zeros, so that nothing of another text, be it not a number, is ever multiplied in.
            self.all[id.0].numbers.fill(0.0);
            self.all[id.0].users = 1;
            return Some(id);
        }
        if self.all.len() == self.most {
            return None;
        }
        self.all.push(Page {
            numbers: vec![0.0; self.size].into(),
            users: 1,
        });
        Some(PageId(self.all.len() - 1))
    }

    /// One more uses a page.
    pub(super) fn share(&mut self, id: PageId) {
        self.all[id.0].users += 1;
    }

    /// One uses a page no more.
    pub(super) fn release(&mut self, id: PageId) {
        let users = &mut self.all[id.0].users;
        *users -= 1;
        if *users == 0 {
            self.free.push(id);
        }
    }

    /// How many use a page.
    pub(super) fn users(&self, id: PageId) -> usize {
        self.all[id.0].users
    }

    /// Writes a page's contents over another's.
    pub(super) fn copy(&mut self, from: PageId, to: PageId) {
        if let Ok([from, to]) = self.all.get_disjoint_mut([from.0, to.0]) {
            to.numbers.copy_from_slice(&from.numbers);
        }
    }

    /// Puts a token's keys and values (heads × width) at its place in a page.
    pub(super) fn write(
        &mut self,
        layer: usize,
        (id, place): (PageId, usize),
        keys: &[f32],
        values: &[f32],
    ) {
        let LayerShape { heads, width } = self.shapes[layer];
        for head in 0..heads {
            let own = self.place(layer, head);
            let (all_keys, all_values) = self.all[id.0].numbers[own].split_at_mut(width * PAGE);
            let of_head = head * width..(head + 1) * width;
            let places = all_keys.iter_mut().skip(place).step_by(PAGE);
            for (at, key) in places.zip(&keys[of_head.clone()]) {
                *at = *key;
            }
            all_values[place * width..(place + 1) * width].copy_from_slice(&values[of_head]);
        }
    }

    /// What one head of a layer has in a page.
    pub(super) fn head(&self, layer: usize, id: PageId, head: usize) -> Head<'_> {
        let numbers = &self.all[id.0].numbers[self.place(layer, head)];
        let (keys, values) = numbers.split_at(self.shapes[layer].width * PAGE);
        Head { keys, values }
    }

    fn place(&self, layer: usize, head: usize) -> Range<usize> {
        let of_head = of_head(self.shapes[layer]);
        let start = self.offsets[layer] + head * of_head;
        start..start + of_head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: LayerShape = LayerShape { heads: 2, width: 3 };
    const BYTES: u64 = (2 * 2 * 3 * PAGE * 4 * 2) as u64;

    #[test]
    fn no_more_pages_are_given_than_the_ceiling_holds() {
        let mut pages = Pages::new(vec![SHAPE; 2], 3 * BYTES + BYTES / 2);
        assert_eq!(pages.most(), 3);
        let taken: Vec<_> = std::iter::from_fn(|| pages.take()).collect();
        assert_eq!((taken.len(), pages.left()), (3, 0));
        pages.share(taken[1]);
        pages.release(taken[1]);
        assert_eq!(pages.left(), 0, "another still uses it");
        pages.release(taken[1]);
        assert_eq!((pages.left(), pages.take()), (1, Some(taken[1])));
        assert_eq!(Pages::new(vec![SHAPE], 0).most(), 1);
    }

    #[test]
    fn what_was_written_is_found_where_attention_reads_it() {
        let mut pages = Pages::new(vec![SHAPE; 2], BYTES * 4);
        let id = pages.take().expect("a page");
        let (keys, values) = (
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [7.0, 8.0, 9.0, 10.0, 11.0, 12.0],
        );
        pages.write(1, (id, 5), &keys, &values);
        let head = pages.head(1, id, 1);
        let key: Vec<f32> = (0..3).map(|w| head.keys[w * PAGE + 5]).collect();
        assert_eq!(key, keys[3..]);
        assert_eq!(head.values[5 * 3..6 * 3], values[3..]);
        assert!(pages.head(0, id, 0).keys.iter().all(|n| *n == 0.0));
        let other = pages.take().expect("a page");
        pages.copy(id, other);
        assert_eq!(pages.head(1, other, 1).values[5 * 3], 10.0);
        pages.release(id);
        let again = pages.take().expect("a page");
        assert!(pages.head(1, again, 1).values.iter().all(|n| *n == 0.0));
    }
}
