//! Who is in which room, and where.
//!
//! First come the clients, who are in busy rooms and go to any gateway. Then those who listen in quiet rooms, each at one
//! gateway alone; then those who whisper there, one at each gateway, in the rooms that are listened to at the next one;
//! then the cast, who come, go, are removed and signed out, each in one busy room.

use rand::{rngs::StdRng, seq::SliceRandom as _};

use crate::{history::RoomIndex, settings::Settings};

/// Who listens to each quiet room.
const LISTENERS_A_GATEWAY: usize = 2;

/// The members of all rooms.
#[derive(Debug)]
pub(super) struct Seats {
    /// The members of each room, who makes it first: the busy rooms, then the quiet ones.
    pub(super) rooms: Vec<Vec<usize>>,
    clients: usize,
    gateways: usize,
    cast: usize,
}

impl Seats {
    pub(super) fn new(settings: &Settings, gateways: usize, cast: usize, random: &mut StdRng) -> Self {
        let mut seats =
            Self { rooms: busy_rooms(settings, random), clients: settings.clients, gateways, cast };
        for number in 0..settings.quiet_rooms {
            let here = number % gateways.max(1);
            let next = (number + 1) % gateways.max(1);
            let whisperer = seats.listening() + next;
            let listeners = (0..LISTENERS_A_GATEWAY).map(|one| seats.clients + one * gateways + here);
            seats.rooms.push(std::iter::once(whisperer).chain(listeners).collect());
        }
        for number in 0..cast {
            let person = seats.cast_from() + number;
            if let Some(members) = seats.rooms.get_mut(number % settings.rooms.max(1)) {
                members.push(person);
            }
        }
        seats
    }

    /// How many people there are.
    pub(super) const fn people(&self) -> usize {
        self.cast_from() + self.cast
    }

    /// The first of the cast.
    pub(super) const fn cast_from(&self) -> usize {
        self.listening() + self.gateways
    }

    /// How many of them listen: the first so many.
    pub(super) const fn listening(&self) -> usize {
        self.clients + LISTENERS_A_GATEWAY * self.gateways
    }

    /// The gateway of somebody who knows one alone.
    pub(super) const fn only_gateway_of(&self, person: usize) -> Option<usize> {
        match person.checked_sub(self.clients) {
            Some(beyond) if self.gateways > 0 && person < self.cast_from() => Some(beyond % self.gateways),
            _ => None,
        }
    }

    /// The rooms of somebody.
    pub(super) fn rooms_of(&self, person: usize) -> Vec<RoomIndex> {
        let rooms = self.rooms.iter().enumerate();
        rooms.filter(|(_, members)| members.contains(&person)).map(|(room, _)| room).collect()
    }
}

/// Each client in one room after the other, so that none is empty, and in others by chance.
fn busy_rooms(settings: &Settings, random: &mut StdRng) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); settings.rooms];
    let mut others: Vec<RoomIndex> = (0..settings.rooms).collect();
    for client in 0..settings.clients {
        let first = client % settings.rooms.max(1);
        others.shuffle(random);
        let more = others.iter().copied().filter(|room| *room != first);
        for room in std::iter::once(first).chain(more).take(settings.rooms_each) {
            if let Some(members) = members.get_mut(room) {
                members.push(client);
            }
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;
    use crate::settings::Length;

    fn seats() -> Seats {
        let settings = Settings {
            clients: 30,
            rooms: 7,
            rooms_each: 3,
            quiet_rooms: 4,
            ..Settings::new(1, Length::Rounds(0))
        };
        Seats::new(&settings, 2, 8, &mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn everybody_is_in_as_many_rooms_and_no_room_is_empty() {
        let seats = seats();
        assert!(seats.rooms[..7].iter().all(|members| members.len() >= 4), "{:?}", seats.rooms);
        assert!((0..30).all(|client| seats.rooms_of(client).len() == 3));
    }

    #[test]
    fn quiet_rooms_are_listened_to_at_one_gateway_and_spoken_in_from_the_other() {
        let seats = seats();
        for members in &seats.rooms[7..] {
            let (speaker, listeners) = members.split_first().unwrap();
            assert!(*speaker >= seats.listening() && *speaker < seats.cast_from());
            assert_eq!(listeners.len(), LISTENERS_A_GATEWAY);
            for listener in listeners {
                assert!((30..seats.listening()).contains(listener));
                assert_ne!(seats.only_gateway_of(*listener), seats.only_gateway_of(*speaker));
            }
        }
        assert_eq!(seats.only_gateway_of(29), None);
    }

    #[test]
    fn each_of_the_cast_is_in_one_busy_room_and_goes_to_any_gateway() {
        let seats = seats();
        for person in seats.cast_from()..seats.people() {
            assert!(matches!(seats.rooms_of(person)[..], [room] if room < 7));
            assert_eq!(seats.only_gateway_of(person), None);
        }
    }
}
