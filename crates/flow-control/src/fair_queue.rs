//! A bounded queue in which no group waits for another group's crowd.
//!
//! Each item belongs to a member of a group. The queue takes one item of each group in turn and, in a group, one item of
//! each member in turn (round robin on both levels). Who comes first in a group thus waits for at most one item of each
//! other group, however many those have.
//!
//! The room is shared in the same way. Where the queue is full, a newcomer takes the place of the last item of the group
//! that holds the most, if that group holds more than the newcomer's group would.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// A bounded queue that takes turns between groups, and in a group between members.
#[derive(Debug)]
pub struct FairQueue<G, M, T> {
    capacity: usize,
    len: usize,
    groups: HashMap<G, Group<M, T>>,
    /// The groups that have items, in the order of their turns.
    turns: VecDeque<G>,
}

#[derive(Debug)]
struct Group<M, T> {
    len: usize,
    members: HashMap<M, VecDeque<T>>,
    /// The members that have items, in the order of their turns.
    turns: VecDeque<M>,
}

/// What became of an item that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed<T> {
    /// It waits.
    Waits,
    /// It waits in the place of this one, whose group had the most items.
    InPlaceOf(T),
    /// The queue is full, and no group has more items than the newcomer's would.
    Refused(T),
}

impl<G: Eq + Hash + Clone, M: Eq + Hash + Clone, T> FairQueue<G, M, T> {
    /// An empty queue that holds at most `capacity` items.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, len: 0, groups: HashMap::new(), turns: VecDeque::new() }
    }

    /// How many items wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no item waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an item.
    pub fn push(&mut self, group: G, member: M, item: T) -> Pushed<T> {
        if self.len < self.capacity {
            self.add(group, member, item);
            return Pushed::Waits;
        }
        let own = self.groups.get(&group).map_or(0, |group| group.len);
        let largest = self.groups.iter().max_by_key(|(_, group)| group.len);
        let Some((largest, _)) = largest.filter(|(_, largest)| largest.len > own + 1) else {
            return Pushed::Refused(item);
        };
        let largest = largest.clone();
        let Some(evicted) = self.evict(&largest) else { return Pushed::Refused(item) };
        self.add(group, member, item);
        Pushed::InPlaceOf(evicted)
    }

    /// Takes the next item.
    pub fn pop(&mut self) -> Option<T> {
        let name = self.turns.pop_front()?;
        let group = self.groups.get_mut(&name)?;
        let item = group.pop()?;
        self.len -= 1;
        if group.len == 0 {
            self.groups.remove(&name);
        } else {
            self.turns.push_back(name);
        }
        Some(item)
    }

    /// Takes the first item of a member for which `is_wanted` holds.
    pub fn remove(&mut self, group: &G, member: &M, is_wanted: impl Fn(&T) -> bool) -> Option<T> {
        let found = self.groups.get_mut(group)?;
        let items = found.members.get_mut(member)?;
        let at = items.iter().position(is_wanted)?;
        let item = items.remove(at)?;
        let is_last = items.is_empty();
        found.len -= 1;
        self.len -= 1;
        if is_last {
            found.forget(member);
        }
        self.forget_if_empty(group);
        Some(item)
    }

    fn add(&mut self, name: G, member: M, item: T) {
        let group = self.groups.entry(name.clone()).or_insert_with(|| {
            self.turns.push_back(name);
            Group { len: 0, members: HashMap::new(), turns: VecDeque::new() }
        });
        group.push(member, item);
        self.len += 1;
    }

    /// Takes the last item of the member who has the most of a group.
    fn evict(&mut self, name: &G) -> Option<T> {
        let group = self.groups.get_mut(name)?;
        let (member, _) = group.members.iter().max_by_key(|(_, items)| items.len())?;
        let member = member.clone();
        let items = group.members.get_mut(&member)?;
        let item = items.pop_back()?;
        let is_last = items.is_empty();
        group.len -= 1;
        self.len -= 1;
        if is_last {
            group.forget(&member);
        }
        self.forget_if_empty(name);
        Some(item)
    }

    fn forget_if_empty(&mut self, name: &G) {
        if self.groups.get(name).is_some_and(|group| group.len == 0) {
            self.groups.remove(name);
            self.turns.retain(|turn| turn != name);
        }
    }
}

impl<M: Eq + Hash + Clone, T> Group<M, T> {
    fn push(&mut self, member: M, item: T) {
        let turns = &mut self.turns;
        let items = self.members.entry(member.clone()).or_insert_with(|| {
            turns.push_back(member);
            VecDeque::new()
        });
        items.push_back(item);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<T> {
        let member = self.turns.pop_front()?;
        let items = self.members.get_mut(&member)?;
        let item = items.pop_front()?;
        self.len -= 1;
        if items.is_empty() {
            self.members.remove(&member);
        } else {
            self.turns.push_back(member);
        }
        Some(item)
    }

    fn forget(&mut self, member: &M) {
        self.members.remove(member);
        self.turns.retain(|turn| turn != member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut FairQueue<&str, &str, u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn groups_and_their_members_take_turns() {
        let mut queue = FairQueue::new(100);
        for n in 0..4 {
            assert_eq!(queue.push("crowd", "loud", n), Pushed::Waits);
        }
        queue.push("crowd", "quiet", 10);
        queue.push("alone", "mina", 20);
        queue.push("alone", "mina", 21);
        assert_eq!(queue.len(), 7);
        assert_eq!(drain(&mut queue), [0, 20, 10, 21, 1, 2, 3]);
        assert!(queue.is_empty() && queue.groups.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_largest_group_s_last() {
        let mut queue = FairQueue::new(6);
        for n in 0..4 {
            queue.push("crowd", "loud", n);
        }
        queue.push("crowd", "quiet", 10);
        queue.push("pair", "a", 20);
        assert_eq!(queue.push("crowd", "loud", 4), Pushed::Refused(4), "nobody has more");
        assert_eq!(queue.push("alone", "mina", 30), Pushed::InPlaceOf(3));
        assert_eq!(queue.push("pair", "b", 21), Pushed::InPlaceOf(2));
        assert_eq!(queue.push("alone", "mina", 31), Pushed::InPlaceOf(1));
        // Now each group has two: nobody gives way to anybody.
        for group in ["crowd", "pair", "alone", "new"] {
            let pushed = queue.push(group, "x", 99);
            assert_eq!(pushed == Pushed::Refused(99), group != "new", "{group}");
        }
        assert_eq!(queue.len(), 6);
    }

    #[test]
    fn what_is_removed_leaves_nothing_behind() {
        let mut queue = FairQueue::new(10);
        for n in 0..3 {
            queue.push("a", "x", n);
        }
        queue.push("b", "y", 9);
        assert_eq!(queue.remove(&"a", &"x", |n| *n == 1), Some(1));
        assert_eq!(queue.remove(&"a", &"x", |n| *n == 1), None);
        assert_eq!(queue.remove(&"b", &"y", |_| true), Some(9));
        assert_eq!(queue.remove(&"b", &"y", |_| true), None);
        assert_eq!(drain(&mut queue), [0, 2]);
        assert!(queue.groups.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn a_queue_without_room_refuses() {
        let mut queue = FairQueue::new(0);
        assert_eq!(queue.push("a", "x", 1), Pushed::Refused(1));
        assert_eq!(queue.pop(), None);
    }
}
