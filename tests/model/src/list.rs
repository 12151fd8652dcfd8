//! A short list that is copied with the state it stands in.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

/// At most `N` items. States are copied and hashed millions of times, so nothing in them is on the heap.
#[derive(Clone, Copy)]
pub struct List<T, const N: usize> {
    items: [T; N],
    len: u8,
}

impl<T: Copy + Default, const N: usize> List<T, N> {
    /// Appends an item.
    ///
    /// # Panics
    /// When the list is full: then a bound of the model is larger than its lists were made for.
    pub fn push(&mut self, item: T) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    /// Takes an item out; the others keep their order.
    ///
    /// # Panics
    /// When there is none at that place.
    pub fn remove(&mut self, at: usize) -> T {
        let item = self[at];
        self.items.copy_within(at + 1..usize::from(self.len), at);
        self.len -= 1;
        item
    }

    /// Keeps the items for which that holds, in their order.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let all = *self;
        *self = Self::default();
        all.iter().filter(|item| keep(item)).for_each(|item| self.push(*item));
    }
}

impl<T: Copy + Default + Ord, const N: usize> List<T, N> {
    /// Inserts an item in order, unless it is there: for lists that mean a set.
    pub fn insert(&mut self, item: T) {
        if let Err(at) = self.binary_search(&item) {
            self.push(item);
            self.items[at..usize::from(self.len)].rotate_right(1);
        }
    }
}

impl<T: Copy + Default, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self { items: [T::default(); N], len: 0 }
    }
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }
}

// What lies behind the end is of no meaning.
impl<T: PartialEq, const N: usize> PartialEq for List<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T: Eq, const N: usize> Eq for List<T, N> {}

impl<T: Hash, const N: usize> Hash for List<T, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_the_end_makes_no_difference() {
        let mut list: List<u8, 4> = List::default();
        for item in [3, 1, 2, 1] {
            list.insert(item);
        }
        assert_eq!(list[..], [1, 2, 3]);
        assert_eq!(list.remove(1), 2);
        list.retain(|item| *item < 3);
        let mut other = List::default();
        other.push(1);
        assert_eq!(list, other);
    }
}
