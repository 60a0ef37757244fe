//! Which pages hold which beginnings of texts: a radix tree keyed by token ids, with a page at each node.
//!
//! An inner node has a full page; a leaf may have a few tokens only. The tree is one of its pages' users, and gives up those that nobody else uses,
//! the longest unused first.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::pages::{PAGE, PageId};

/// A node, by its number.
type NodeId = usize;

/// The nodes below a node, by their tokens. No two begin with the same token unless they then differ.
type Children = BTreeMap<Box<[u32]>, NodeId>;

#[derive(Default)]
pub(super) struct PrefixTree {
    roots: Children,
    nodes: Vec<Option<Node>>,
    free: Vec<NodeId>,
    /// Counts uses.
    clock: u64,
}

struct Node {
    parent: Option<NodeId>,
    tokens: Box<[u32]>,
    page: PageId,
    children: Children,
    /// When it was last of use.
    used: u64,
}

/// The longest beginning of a text that the tree knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Match {
    /// Full pages.
    pub pages: Vec<PageId>,
    /// A page whose first few tokens come next.
    pub part: Option<(PageId, usize)>,
}

impl Match {
    /// Tokens that it covers.
    pub(super) fn tokens(&self) -> usize {
        self.pages.len() * PAGE + self.part.map_or(0, |(_, tokens)| tokens)
    }
}

impl PrefixTree {
    /// The longest beginning of `tokens` that is known.
    pub(super) fn longest(&mut self, tokens: &[u32]) -> Match {
        let mut found = Match::default();
        for (node, common) in self.walk(tokens) {
            self.touch(node);
            let page = self.node(node).page;
            if common == PAGE {
                found.pages.push(page);
            } else {
                found.part = Some((page, common));
            }
        }
        found
    }

    /// Remembers a text's tokens and their pages. Pages of what was known before stay as they were. Gives the pages that the tree uses from now on, and
    /// those that it uses no more.
    pub(super) fn insert(
        &mut self,
        tokens: &[u32],
        pages: &[PageId],
    ) -> (Vec<PageId>, Vec<PageId>) {
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        let mut parent = None;
        for (tokens, page) in tokens.chunks(PAGE).zip(pages) {
            let node = match self.nearest(parent, tokens) {
                Some((node, common)) if common == tokens.len() => node,
                Some((node, common)) if common == self.node(node).tokens.len() => {
                    // A leaf that ended earlier: this one goes further.
                    taken.push(*page);
                    left.push(self.remove(node));
                    self.add(parent, tokens, *page)
                }
                _ => {
                    taken.push(*page);
                    self.add(parent, tokens, *page)
                }
            };
            self.touch(node);
            parent = Some(node);
        }
        (taken, left)
    }

    /// Gives up the page that was unused for the longest time, of those for which `unused` holds and on which no others rest.
    pub(super) fn evict(&mut self, unused: impl Fn(PageId) -> bool) -> Option<PageId> {
        let nodes = self.nodes.iter().enumerate();
        let leaves = nodes.filter_map(|(id, node)| {
            let node = node.as_ref()?;
            (node.children.is_empty() && unused(node.page)).then_some((node.used, id))
        });
        let (_, oldest) = leaves.min()?;
        Some(self.remove(oldest))
    }

    /// The pages that the tree uses.
    pub(super) fn pages(&self) -> impl Iterator<Item = PageId> + '_ {
        self.nodes.iter().flatten().map(|node| node.page)
    }

    /// The nodes along a text, with how many tokens of each it has: all of them, but for the last.
    fn walk(&self, tokens: &[u32]) -> Vec<(NodeId, usize)> {
        let mut path = Vec::new();
        let mut parent = None;
        for tokens in tokens.chunks(PAGE) {
            let Some((node, common)) = self.nearest(parent, tokens) else {
                break;
            };
            path.push((node, common));
            if common < PAGE {
                break;
            }
            parent = Some(node);
        }
        path
    }

    /// The child that has the most of some tokens, if one has any: of ordered ones it is beside their place.
    fn nearest(&self, parent: Option<NodeId>, tokens: &[u32]) -> Option<(NodeId, usize)> {
        let children = self.children(parent);
        let mut before = children.range::<[u32], _>((Bound::Unbounded, Bound::Included(tokens)));
        let behind = children.range::<[u32], _>((Bound::Excluded(tokens), Bound::Unbounded));
        let beside = before.next_back().into_iter().chain(behind.take(1));
        beside
            .map(|(own, node)| (*node, common(own, tokens)))
            .filter(|(_, common)| *common > 0)
            .max_by_key(|(_, common)| *common)
    }

    fn children(&self, parent: Option<NodeId>) -> &Children {
        parent.map_or(&self.roots, |parent| &self.node(parent).children)
    }

    fn children_mut(&mut self, parent: Option<NodeId>) -> &mut Children {
        match parent {
            None => &mut self.roots,
            Some(parent) => &mut self.node_mut(parent).children,
        }
    }

    fn add(&mut self, parent: Option<NodeId>, tokens: &[u32], page: PageId) -> NodeId {
        let node = Node {
            parent,
            tokens: tokens.into(),
            page,
            children: Children::new(),
            used: self.clock,
        };
        let id = self.free.pop().unwrap_or(self.nodes.len());
        if id == self.nodes.len() {
            self.nodes.push(Some(node));
        } else {
            self.nodes[id] = Some(node);
        }
        self.children_mut(parent).insert(tokens.into(), id);
        id
    }

    /// Takes a leaf away.
    fn remove(&mut self, id: NodeId) -> PageId {
        let Some(node) = self.nodes[id].take() else {
            unreachable!("only nodes of the tree are removed")
        };
        self.children_mut(node.parent).remove(&node.tokens);
        self.free.push(id);
        node.page
    }

    fn touch(&mut self, id: NodeId) {
        self.clock += 1;
        self.node_mut(id).used = self.clock;
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes[id]
            .as_ref()
            .expect("numbers of nodes that were removed are in no map")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id]
            .as_mut()
            .expect("numbers of nodes that were removed are in no map")
    }
}

/// Tokens that two texts begin with.
pub(super) fn common(one: &[u32], other: &[u32]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use proptest::prelude::*;

    use super::super::pages::Pages;
    use super::*;
    use crate::model::onnx::paged_operator::LayerShape;

    fn pages() -> Pages {
        Pages::new(vec![LayerShape { heads: 1, width: 1 }], 1 << 20)
    }

    fn table(pages: &mut Pages, tokens: usize) -> Vec<PageId> {
        (0..tokens.div_ceil(PAGE))
            .map(|_| pages.take().expect("a page"))
            .collect()
    }

    #[test]
    fn a_text_finds_the_pages_of_its_beginning_and_the_part_of_the_next() {
        let (mut tree, mut pages) = (PrefixTree::default(), pages());
        let text: Vec<u32> = (0..40).collect();
        let own = table(&mut pages, 40);
        assert_eq!(tree.insert(&text, &own), (own.clone(), vec![]));
        let mut other = text[..20].to_vec();
        other.extend([99; 30]);
        let found = tree.longest(&other);
        assert_eq!((found.tokens(), found.pages.as_slice()), (20, &own[..1]));
        assert_eq!(found.part, Some((own[1], 4)));
        // The end of a text that goes further replaces the leaf that ended earlier.
        let longer: Vec<u32> = (0..45).collect();
        let mut further = own[..2].to_vec();
        further.extend(table(&mut pages, 1));
        assert_eq!(
            tree.insert(&longer, &further),
            (vec![further[2]], vec![own[2]])
        );
        assert_eq!(tree.longest(&longer).tokens(), 45);
    }

    #[test]
    fn the_longest_unused_end_goes_first_and_nothing_that_others_rest_on() {
        let (mut tree, mut pages) = (PrefixTree::default(), pages());
        let (one, two): (Vec<u32>, Vec<u32>) = ((0..32).collect(), (100..132).collect());
        let (first, second) = (table(&mut pages, 32), table(&mut pages, 32));
        tree.insert(&one, &first);
        tree.insert(&two, &second);
        tree.longest(&one);
        let all = |_| true;
        assert_eq!(tree.evict(all), Some(second[1]));
        assert_eq!(tree.evict(|page| page != second[0]), Some(first[1]));
        assert_eq!(tree.evict(all), Some(second[0]));
        assert_eq!(tree.evict(all), Some(first[0]));
        assert_eq!(tree.evict(all), None);
        assert_eq!(tree.longest(&one), Match::default());
    }

    proptest! {
        /// Against a plain map of every beginning that was inserted, among few tokens so that texts share much.
        #[test]
        fn what_is_found_is_what_a_plain_map_has(
            texts in proptest::collection::vec(proptest::collection::vec(0u32..2, 1..50), 1..24)
        ) {
            let (mut tree, mut pages) = (PrefixTree::default(), pages());
            let mut beginnings: BTreeSet<Vec<u32>> = BTreeSet::new();
            let mut holds: HashMap<PageId, Vec<u32>> = HashMap::new();
            for text in &texts {
                let longest = (0..=text.len()).rev().find(|n| *n == 0 || beginnings.contains(&text[..*n]));
                let found = tree.longest(text);
                prop_assert_eq!(Some(found.tokens()), longest);
                for (page, tokens) in found.pages.iter().zip(text.chunks(PAGE)) {
                    prop_assert_eq!(&holds[page], tokens);
                }
                if let Some((page, count)) = found.part {
                    let start = found.pages.len() * PAGE;
                    prop_assert_eq!(&holds[&page][..count], &text[start..start + count]);
                }
                let own = table(&mut pages, text.len());
                for (page, tokens) in own.iter().zip(text.chunks(PAGE)) {
                    holds.insert(*page, tokens.to_vec());
                }
                let (taken, left) = tree.insert(text, &own);
                for page in own.iter().filter(|page| !taken.contains(page)) {
                    pages.release(*page);
                }
                for page in left {
                    pages.release(page);
                }
                beginnings.extend((1..=text.len()).map(|n| text[..n].to_vec()));
            }
            let kept: BTreeSet<_> = tree.pages().collect();
            prop_assert_eq!(kept.len(), pages.most() - pages.left());
            for _ in 0..kept.len() {
                let page = tree.evict(|_| true);
                prop_assert!(page.is_some_and(|page| kept.contains(&page)));
            }
            prop_assert_eq!(tree.pages().count(), 0);
        }
    }
}
