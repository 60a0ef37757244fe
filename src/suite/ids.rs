//! Whether ids are unique, with a few bytes for each.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;

/// The ids that were seen, in their order: their hashes, since texts would fill the memory.
#[derive(Default)]
pub(super) struct Ids {
    hashes: Vec<u64>,
}

impl Ids {
    /// Sees an id.
    pub(super) fn add(&mut self, id: &str) {
        self.hashes.push(FixedState::default().hash_one(id));
    }

    /// The place of the first id that was seen before; `id` gives the one at a place, since two may have one hash.
    pub(super) fn twice(&self, id: impl Fn(usize) -> String) -> Option<usize> {
        let mut order: Vec<usize> = (0..self.hashes.len()).collect();
        order.sort_unstable_by_key(|place| (self.hashes[*place], *place));
        let alike = order.chunk_by(|a, b| self.hashes[*a] == self.hashes[*b]);
        let again = alike
            .filter(|places| places.len() > 1)
            .filter_map(|places| {
                let own: Vec<String> = places.iter().map(|place| id(*place)).collect();
                let is_again = |at: &usize| own[..*at].contains(&own[*at]);
                (1..places.len()).find(is_again).map(|at| places[at])
            });
        again.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(ids: &[&str]) -> Option<usize> {
        let mut seen = Ids::default();
        for id in ids {
            seen.add(id);
        }
        seen.twice(|place| ids[place].to_owned())
    }

    #[test]
    fn the_first_that_was_there_before_is_found() {
        assert_eq!(twice(&["a", "b", "c"]), None);
        assert_eq!(twice(&["c", "b", "a", "b", "c", "b"]), Some(3));
        assert_eq!(twice(&[]), None);
    }

    #[test]
    fn two_ids_of_one_hash_are_two() {
        let ids = ["a", "b", "c", "b"];
        let seen = Ids { hashes: vec![7; 4] };
        assert_eq!(seen.twice(|place| ids[place].to_owned()), Some(3));
        assert_eq!(
            Ids { hashes: vec![7; 3] }.twice(|place| ids[place].to_owned()),
            None
        );
    }
}
