//! Bounded maps that evict the entry that was used least recently.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hashlink::LruCache;

/// The parts of a large map that threads share.
const SHARDS: usize = 64;
/// A part has so many entries at least: a small map stays whole, so that it evicts what was used least recently of all.
const SHARD_MIN: usize = 256;

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

/// A bounded map that threads share. A large one is kept in parts by key, each behind a lock of its own, so that threads
/// seldom wait for each other; each part evicts the entry of it that was used least recently.
#[derive(Debug)]
pub struct SharedLruMap<K, V> {
    shards: Box<[Mutex<LruMap<K, V>>]>,
    hasher: RandomState,
}

impl<K: Eq + Hash, V> SharedLruMap<K, V> {
    /// An empty map that holds at most `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let shards = (capacity / SHARD_MIN).clamp(1, SHARDS);
        let shard = || Mutex::new(lru_map(capacity / shards));
        Self { shards: std::iter::repeat_with(shard).take(shards).collect(), hasher: RandomState::new() }
    }

    /// The part in which a key is or would be. Nothing is to be awaited with it, and no other part to be taken.
    pub fn part_of(&self, key: &K) -> MutexGuard<'_, LruMap<K, V>> {
        let at = self.hasher.hash_one(key) % self.shards.len() as u64;
        // Each change is one insertion or assignment: a panic elsewhere cannot leave half of one.
        self.shards[at as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries there are, as the parts are counted one after the other.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_map_is_kept_in_parts_and_bounded() {
        for capacity in [1, 100, 1_000, 100_000] {
            let map = SharedLruMap::new(capacity);
            for number in 0..3 * capacity {
                map.part_of(&number).insert(number, number);
                assert_eq!(map.part_of(&number).get(&number), Some(&number));
            }
            assert!(map.count() <= capacity, "{} of {capacity}", map.count());
            assert!(map.count() > capacity / 2, "{} of {capacity}", map.count());
        }
        assert_eq!(SharedLruMap::<u32, u32>::new(100).shards.len(), 1);
        assert_eq!(SharedLruMap::<u32, u32>::new(100_000).shards.len(), SHARDS);
    }

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
