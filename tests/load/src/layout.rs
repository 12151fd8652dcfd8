//! Who sits where: accounts in rooms, clients on servers.

use crate::fleet::Seat;

/// The shape of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rooms.
    pub rooms: usize,
    /// Clients in each room.
    pub clients_per_room: usize,
    /// Accounts that are members of each room; where there are fewer than clients, an account has several.
    pub members_per_room: usize,
}

impl Shape {
    /// All clients.
    #[must_use]
    pub const fn clients(&self) -> usize {
        self.rooms * self.clients_per_room
    }

    /// The accounts in each room: consecutive ones, so that the rooms together take all of them alike.
    #[must_use]
    pub fn members(&self, accounts: usize) -> Vec<Vec<usize>> {
        let members = self.members_per_room.min(accounts);
        (0..self.rooms)
            .map(|room| (0..members).map(|member| (room * members + member) % accounts).collect())
            .collect()
    }

    /// The clients, room by room in turn: those of a room alternate between the servers, and so do those of an
    /// account.
    #[must_use]
    pub fn seats(&self, accounts: usize, servers: usize) -> Vec<Seat> {
        let members = self.members(accounts);
        let mut seats = Vec::with_capacity(self.clients());
        for client in 0..self.clients_per_room {
            for (room, members) in members.iter().enumerate() {
                let account = members[client % members.len()];
                let server = (client + client / members.len() + room) % servers;
                seats.push(Seat { server, account, room });
            }
        }
        seats
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ACCOUNTS: usize = 200;

    #[test]
    fn clients_are_half_and_half_on_two_servers_in_every_room() {
        for shape in [
            Shape { rooms: 10, clients_per_room: 100, members_per_room: 20 },
            Shape { rooms: 500, clients_per_room: 2, members_per_room: 2 },
            Shape { rooms: 500, clients_per_room: 10, members_per_room: 10 },
        ] {
            let seats = shape.seats(ACCOUNTS, 2);
            assert_eq!(seats.len(), shape.clients());
            for room in 0..shape.rooms {
                let of_room: Vec<_> = seats.iter().filter(|seat| seat.room == room).collect();
                let on_first = of_room.iter().filter(|seat| seat.server == 0).count();
                assert_eq!((of_room.len(), on_first * 2), (shape.clients_per_room, shape.clients_per_room));
            }
        }
    }

    #[test]
    fn a_pair_is_two_accounts_on_two_servers() {
        let shape = Shape { rooms: 500, clients_per_room: 2, members_per_room: 2 };
        let seats = shape.seats(ACCOUNTS, 2);
        let (first, second) = seats.split_at(500);
        for (one, other) in first.iter().zip(second) {
            assert_eq!(one.room, other.room);
            assert_ne!(one.account, other.account);
            assert_ne!(one.server, other.server);
        }
    }

    #[test]
    fn every_client_is_a_member_of_its_room_and_all_accounts_are_used() {
        let shape = Shape { rooms: 10, clients_per_room: 1_000, members_per_room: 20 };
        let members = shape.members(ACCOUNTS);
        let seats = shape.seats(ACCOUNTS, 2);
        assert!(seats.iter().all(|seat| members[seat.room].contains(&seat.account)));
        assert_eq!(seats.iter().map(|seat| seat.account).collect::<HashSet<_>>().len(), ACCOUNTS);
    }
}
