//! Bounded maps that evict the entry that was used least recently.

use std::hash::{Hash, RandomState};

use hashlink::LruCache;

/// A map of a bounded number of entries. `get` and `insert` use an entry, `peek` does not; an insertion past the capacity
/// evicts the entry that was used least recently.
///
/// Keys come from outside (tokens, addresses, user names). The hasher of the standard library keeps them from being chosen
/// to collide.
pub type LruMap<K, V> = LruCache<K, V, RandomState>;

/// An empty map that holds at most `capacity` entries.
#[must_use]
pub fn lru_map<K: Eq + Hash, V>(capacity: usize) -> LruMap<K, V> {
    LruCache::with_hasher(capacity, RandomState::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut map = lru_map(20);
        for number in 0..1_000 {
            map.insert(number, number);
            assert_eq!(map.get(&0), Some(&0), "used each time");
            assert!(map.len() <= 20);
        }
        assert_eq!(map.peek(&981), Some(&981), "one of the last twenty");
        assert_eq!(map.peek(&980), None);
    }
}
