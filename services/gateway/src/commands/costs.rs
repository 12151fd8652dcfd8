//! What each command costs. This is the one table of it: `docs/protocol.md` repeats it, and a test compares the two.

use madang_domain::{Result, RoomId, RoomRef};

use super::Commands;
use crate::admission::{Actor, Cost, PARTS_OF_A_MESSAGE, PROFILE_TOPICS_MAX, Spent};

/// Parts of a message.
const MESSAGE: u32 = PARTS_OF_A_MESSAGE;
const NOTHING: Cost = Cost { sends: 0, room: 0, room_creations: 0, member_additions: 0, profile_topics: 0 };
/// A change of a room or of its members is an event for all, and a transaction that locks the room.
const CHANGE: Cost = Cost { sends: 4 * MESSAGE, room: MESSAGE, ..NOTHING };

/// Makes the actions, what they cost, and a list of them all.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $in_the_documents:literal, $cost:expr;)*) => {
        /// What a user does that others hear of, or that is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// What it costs.
            const fn cost(self) -> Cost {
                match self {
                    $(Self::$name => $cost,)*
                }
            }

            /// Every action, with what the documents call it.
            #[cfg(test)]
            const ALL: &[(Self, &str)] = &[$((Self::$name, $in_the_documents),)*];
        }
    };
}

actions! {
    /// Says something in a room.
    Send = "send a message", Cost { sends: MESSAGE, room: MESSAGE, ..NOTHING };
    /// Uploads a file to a room.
    Upload = "upload a file", Cost { sends: 4 * MESSAGE, ..NOTHING };
    /// Types, or stops.
    Type = "begin or stop to type", Cost { sends: MESSAGE, room: MESSAGE / 4, ..NOTHING };
    /// Moves a read mark. A well-made client does so often; moves of a moment are told to the room together.
    MarkRead = "move a read mark", Cost { sends: MESSAGE / 4, ..NOTHING };
    /// Acknowledges what a device has received. Acknowledgements of a moment are noted together.
    Acknowledge = "acknowledge what a device has received", Cost { sends: MESSAGE / 4, ..NOTHING };
    /// Creates a room.
    CreateRoom = "create a room", Cost { sends: 4 * MESSAGE, room_creations: 1, ..NOTHING };
    /// Changes a room's name or slug.
    UpdateRoom = "change a room", CHANGE;
    /// Deletes a room.
    DeleteRoom = "delete a room", Cost { room: 0, ..CHANGE };
    /// Joins a room.
    Join = "join a room", CHANGE;
    /// Leaves a room.
    Leave = "leave a room", CHANGE;
    /// Adds a user to a room, or gives a member a role.
    PutMember = "add a member, give a role", Cost { member_additions: 1, ..CHANGE };
    /// Removes a member.
    RemoveMember = "remove a member", CHANGE;
    /// Bans a user, or ends that.
    Ban = "ban a user, end a ban", CHANGE;
    /// Mutes a member, or ends that.
    Mute = "mute a member, end that", CHANGE;
    /// Makes or revokes an invitation link.
    ManageInvitations = "make or revoke an invitation link", Cost { room: 0, ..CHANGE };
    /// Changes a message's text.
    EditMessage = "edit a message", CHANGE;
    /// Deletes a message.
    DeleteMessage = "delete a message", CHANGE;
    /// Reacts to a message, or ends that.
    React = "add or remove a reaction", Cost { sends: MESSAGE, room: MESSAGE, ..NOTHING };
    /// Follows a thread, or follows it no more.
    FollowThread = "follow or unfollow a thread", Cost { sends: MESSAGE, ..NOTHING };
    /// Pins a message, or unpins it.
    SetPin = "pin or unpin a message", CHANGE;
    /// Reports a message to the moderators.
    Report = "report a message", Cost { room: 0, ..CHANGE };
    /// Settles a report.
    SettleReport = "settle a report", Cost { room: 0, ..CHANGE };
    /// Sets the words that are not accepted in a room.
    PutWords = "set a room's word list", Cost { room: 0, ..CHANGE };
    /// Changes the own profile. Every room that the user is in hears of it.
    UpdateProfile = "change the profile", Cost { sends: 10 * MESSAGE, profile_topics: PROFILE_TOPICS_MAX, ..NOTHING };
    /// Sets the own status. Every room that the user is in hears of it.
    PutStatus = "set the status", Cost { sends: 10 * MESSAGE, profile_topics: PROFILE_TOPICS_MAX, ..NOTHING };
    /// Changes what others see of the own. The gateways of every room that the user is in hear of it.
    PutShown = "show or hide the presence or the typing", Cost { sends: 10 * MESSAGE, profile_topics: PROFILE_TOPICS_MAX, ..NOTHING };
    /// Changes the own settings, or those for a room.
    PutSettings = "change the settings", Cost { sends: MESSAGE, ..NOTHING };
    /// Changes the own password.
    ChangePassword = "change the password", Cost { sends: 4 * MESSAGE, ..NOTHING };
    /// Erases the own account.
    EraseAccount = "erase the account", Cost { sends: 4 * MESSAGE, ..NOTHING };
    /// Begins an export of what is the user's.
    BeginExport = "begin an export", Cost { sends: 4 * MESSAGE, ..NOTHING };
    /// Dismisses a notice of the own inbox.
    Dismiss = "dismiss a notice", Cost { sends: MESSAGE, ..NOTHING };
    /// Blocks a user, or ends that.
    Block = "block or unblock a user", Cost { sends: MESSAGE, ..NOTHING };
    /// Takes a ticket for a socket.
    IssueTicket = "take a ticket", Cost { sends: MESSAGE, ..NOTHING };
    /// Ends a session of the own.
    EndSession = "end a session", Cost { sends: MESSAGE, ..NOTHING };
}

impl Commands {
    /// Pays for a command of a user, in a room where it is in one. `rate_limited`: a budget has less than it costs.
    pub(crate) async fn spend(&self, actor: &Actor, action: Action, room: Option<RoomId>) -> Result<Spent> {
        self.budgets.take(actor, action.cost(), room).await
    }

    /// Pays for the creation of a room, and for the members who are named with it.
    pub(super) async fn spend_for_room(&self, actor: &Actor, members: usize) -> Result<Spent> {
        let member_additions = u32::try_from(members).unwrap_or(u32::MAX);
        self.budgets.take(actor, Cost { member_additions, ..Action::CreateRoom.cost() }, None).await
    }

    /// Pays for a command of a user in a room, and answers the room by its id: it has one budget, however it is named.
    pub(super) async fn spend_in(
        &self,
        actor: &Actor,
        action: Action,
        room: &RoomRef,
    ) -> Result<(Spent, RoomRef)> {
        let room = self.room_id(actor, room).await?;
        Ok((self.spend(actor, action, Some(room)).await?, room.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use clap::Parser;
    use madang_domain::{Counted, Limit};

    use super::*;
    use crate::settings::GatewaySettings;

    /// So many parts of a message, as the documents write it.
    fn messages(parts: u32) -> String {
        match (parts / MESSAGE, parts % MESSAGE) {
            (0, 0) => String::new(),
            (whole, 0) => whole.to_string(),
            (0, part) => format!("{part}/{MESSAGE}"),
            (whole, part) => format!("{whole} {part}/{MESSAGE}"),
        }
    }

    fn row(action: Action, name: &str) -> String {
        let Cost { sends, room, room_creations, member_additions, profile_topics } = action.cost();
        let mut besides = Vec::new();
        if room_creations > 0 {
            besides.push(format!("`room_creations` {room_creations}"));
        }
        if action == Action::CreateRoom {
            besides.push("`member_additions` 1 for each member who is named".to_owned());
        } else if member_additions > 0 {
            besides.push(format!("`member_additions` {member_additions}"));
        }
        if profile_topics > 0 {
            besides.push(
                "`profile_changes` 1 for each room in which it is told, and 1 for the inbox".to_owned(),
            );
        }
        format!("| {name} | {} | {} | {} |", messages(sends), messages(room), besides.join(", "))
            .replace("|  |", "| |")
            .replace("|  |", "| |")
    }

    #[test]
    fn the_documented_costs_are_those_that_are_taken() {
        let document = include_str!("../../../../docs/protocol.md");
        let table = document.split("<!-- costs -->").nth(1).expect("the table of the costs");
        let documented: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).skip(2).collect();
        let taken: Vec<String> = Action::ALL.iter().map(|(action, name)| row(*action, name)).collect();
        assert_eq!(documented, taken);
    }

    /// A rate as the documents write it.
    fn rate(count: u32, unit: &str) -> String {
        format!("{}/{unit}", thousands(count))
    }

    fn thousands(number: u32) -> String {
        if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
    }

    /// The rate, the burst and the settings of a limit that this service has settings for.
    fn settings_of(limit: Limit, settings: &GatewaySettings) -> Option<[String; 3]> {
        let row = |rate: String, burst: u32, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| format!("`MADANG_{name}`")).collect();
            Some([rate, thousands(burst), names.join(", ")])
        };
        let none = String::new;
        let of = settings;
        match limit {
            Limit::UserSends => {
                row(rate(of.sends_per_second, "s"), of.sends_burst, &["SENDS_PER_SECOND", "SENDS_BURST"])
            }
            Limit::AddressSends => {
                let a_second = of.address_sends_per_second;
                row(rate(a_second, "s"), 2 * a_second, &["ADDRESS_SENDS_PER_SECOND"])
            }
            Limit::RoomSends => {
                let a_second = of.room_sends_per_second;
                row(rate(a_second, "s"), 2 * a_second, &["ROOM_SENDS_PER_SECOND"])
            }
            Limit::RoomCreations => {
                let a_minute = of.room_creations_per_minute;
                row(rate(a_minute, "min"), 4 * a_minute, &["ROOM_CREATIONS_PER_MINUTE"])
            }
            Limit::MemberAdditions => {
                let a_minute = of.member_additions_per_minute;
                row(rate(a_minute, "min"), 4 * a_minute, &["MEMBER_ADDITIONS_PER_MINUTE"])
            }
            Limit::ServerCalls => {
                let a_second = of.server_calls_per_second;
                row(rate(a_second, "s"), a_second, &["SERVER_CALLS_PER_SECOND"])
            }
            Limit::UserReads => {
                row(rate(of.reads_per_second, "s"), of.reads_burst, &["READS_PER_SECOND", "READS_BURST"])
            }
            Limit::AddressReads => {
                let a_second = of.address_reads_per_second;
                row(rate(a_second, "s"), 10 * a_second, &["ADDRESS_READS_PER_SECOND"])
            }
            Limit::UserUploads => row(none(), of.files.max_user_uploads, &["MAX_USER_UPLOADS"]),
            Limit::UserSockets => row(none(), of.max_user_sockets, &["MAX_USER_SOCKETS"]),
            Limit::AddressConnections => {
                row(none(), of.max_address_connections, &["MAX_ADDRESS_CONNECTIONS"])
            }
            Limit::AddressHandshakes => {
                let (a_second, burst) = (of.handshakes_per_second, of.handshakes_burst);
                row(rate(a_second, "s"), burst, &["HANDSHAKES_PER_SECOND", "HANDSHAKES_BURST"])
            }
            // Told in more words than a number, or settings of the other services.
            Limit::ProfileChanges
            | Limit::RefusedSubscriptions
            | Limit::UnknownApiKeys
            | Limit::SlowMode
            | Limit::Exports
            | Limit::AddressSignIns
            | Limit::AccountSignIns
            | Limit::AddressRegistrations
            | Limit::WaitingPasswords
            | Limit::SessionRefreshes
            | Limit::AddressUnknownCredentials => None,
        }
    }

    fn counted_by(limit: Limit) -> &'static str {
        match limit.counted() {
            Counted::OverGateways => "all gateways",
            Counted::AtEachGateway => "each gateway",
            Counted::InTheStore => "the store",
            Counted::AtEachAuth => "each auth service",
        }
    }

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        gateway: GatewaySettings,
    }

    #[test]
    fn the_documented_limits_are_those_that_refuse() {
        let settings = Flags::parse_from(["gateway"]).gateway;
        let document = include_str!("../../../../docs/protocol.md");
        let table = document.split("<!-- limits -->").nth(1).expect("the table of the limits");
        let mut documented: HashMap<&str, Vec<&str>> = HashMap::new();
        for line in table.lines().filter(|line| line.starts_with("| `")).skip(1) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, cells @ ..] = cells.as_slice() else { panic!("{line}") };
            documented.insert(name.trim_matches('`'), cells.to_vec());
        }
        for limit in Limit::ALL {
            let name = limit.as_str();
            let row = documented.remove(name).unwrap_or_else(|| panic!("{name} has no row"));
            let [_of, _what, rate, burst, counted, names] = row[..] else { panic!("{name}: {row:?}") };
            assert_eq!(counted, counted_by(limit), "{name}");
            if let Some(expected) = settings_of(limit, &settings) {
                assert_eq!([rate, burst, names], expected, "{name}");
            }
        }
        assert_eq!(documented.into_keys().collect::<Vec<_>>(), ["address_requests"], "limits of nothing");
    }
}
