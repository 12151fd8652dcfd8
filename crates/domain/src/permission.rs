//! Who may do what in a room: the one table of it. The store decides by it, `docs/protocol.md` repeats it, and tests
//! compare the two.

use crate::{Role, RoomFlags};

/// By what right something is done in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authority {
    /// By the actor's own role in the room.
    User,
    /// By the embedding site's, which stands above roles: the actor is whom the event names, and need not be
    /// a member.
    Site,
    /// By the actor's own role, by the hand of the embedding site's backend: it acts as the actor, and may what the actor
    /// may. It is recorded as done by the site.
    SiteAsUser,
}

impl Authority {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::User, Self::Site, Self::SiteAsUser];

    /// Whether the actor's role decides, and what else binds users: consent, blocks, names that rest.
    #[must_use]
    pub const fn is_by_role(self) -> bool {
        match self {
            Self::User | Self::SiteAsUser => true,
            Self::Site => false,
        }
    }

    /// Whether the embedding site's backend does it, which is recorded.
    #[must_use]
    pub const fn is_by_site(self) -> bool {
        match self {
            Self::User => false,
            Self::Site | Self::SiteAsUser => true,
        }
    }
}

/// What an action in a room needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The least role that may, but for guests.
    pub least: Role,
    /// Whether members may, too.
    pub members: Members,
    /// Whether guests may.
    pub guests: Guests,
    /// Whom it may be done to.
    pub target: Target,
    /// Whether both members of a direct room may.
    pub direct: bool,
    /// Whether the embedding site may, for whomever. Where it is false, the store has no such call for the site.
    pub site: bool,
}

/// Whether guests may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// They may not.
    No,
    /// They may where the room lets them: by its flag `guests_send`.
    WhereLet,
    /// They may.
    Yes,
}

/// Whether a room may let its members do what else takes a higher role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// Their role decides.
    ByRole,
    /// They may where the room has the flag `members_add`.
    Add,
    /// They may where the room has the flag `members_pin`.
    Pin,
    /// They may where the room has the flag `members_mention_all`.
    MentionAll,
}

impl Members {
    const fn are_let(self, flags: RoomFlags) -> bool {
        match self {
            Self::ByRole => false,
            Self::Add => flags.members_add,
            Self::Pin => flags.members_pin,
            Self::MentionAll => flags.members_mention_all,
        }
    }
}

/// Whom an action may be done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Anybody, or nobody at all.
    Any,
    /// A user who is no member, or a member of a lesser role than the actor's.
    Lesser,
}

/// What the columns of the table say.
const YES: bool = true;
const NO: bool = false;

/// Makes the actions, what each needs, and a list of them all.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $words:literal, $guests:ident, $members:ident, $least:ident, $target:ident, $direct:ident, $site:ident;)*) => {
        /// What is done in a room.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RoomAction {
            $($(#[$doc])* $name,)*
        }

        impl RoomAction {
            /// Every action, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it needs.
            #[must_use]
            pub const fn permission(self) -> Permission {
                match self {
                    $(Self::$name => Permission {
                        least: Role::$least,
                        guests: Guests::$guests,
                        members: Members::$members,
                        target: Target::$target,
                        direct: $direct,
                        site: $site,
                    },)*
                }
            }

            /// What the documents call it.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

permissions! {
    // The action, what the documents call it; whether guests may, whether the room may let members, the least role, whom it may be done to; in a direct room,
    // by the site.
    /// Reads messages, pins and the list of members.
    Read = "read messages, pins and members", Yes, ByRole, Member, Any, YES, YES;
    /// Sends a message.
    Send = "send a message", WhereLet, ByRole, Member, Any, YES, YES;
    /// Sends a message, or edits the own one, where only moderators speak.
    Announce = "send, or edit the own message, in an announcement room", No, ByRole, Moderator, Any, NO, YES;
    /// Sends without the pauses of slow mode.
    SkipSlowMode = "send without the pauses of slow mode", No, ByRole, Moderator, Any, NO, YES;
    /// Reacts to a message.
    React = "react to a message", WhereLet, ByRole, Member, Any, YES, NO;
    /// Edits the own message.
    EditOwn = "edit the own message", WhereLet, ByRole, Member, Any, YES, YES;
    /// Deletes the own message.
    DeleteOwn = "delete the own message", WhereLet, ByRole, Member, Any, YES, YES;
    /// Deletes a message of another.
    DeleteOthers = "delete another's message", No, ByRole, Moderator, Any, NO, YES;
    /// Reads the former texts of a message.
    ReadRevisions = "read former texts", No, ByRole, Moderator, Any, NO, NO;
    /// Reports a message to the moderators.
    Report = "report a message", Yes, ByRole, Member, Any, YES, NO;
    /// Reads reports, and settles them.
    SettleReports = "read and settle reports", No, ByRole, Moderator, Any, NO, YES;
    /// Reads what moderators, owners and the site did.
    ReadAudit = "read the audit log", No, ByRole, Moderator, Any, NO, NO;
    /// Reads and sets the words that are not accepted.
    SetWords = "read and set the room's word list", No, ByRole, Moderator, Any, NO, NO;
    /// Pins a message, or unpins it.
    Pin = "pin or unpin a message", No, Pin, Moderator, Any, YES, NO;
    /// Mentions everybody in the room; a text of who may not is plain.
    MentionAll = "mention everybody by @all or @here", No, MentionAll, Moderator, Any, NO, YES;
    /// Makes a user a member, or invites the user.
    AddMember = "add a member", No, Add, Moderator, Any, NO, YES;
    /// Makes, lists and revokes invitation links.
    ManageInvitations = "make, list and revoke invitation links", No, Add, Moderator, Any, NO, NO;
    /// Removes a member.
    RemoveMember = "remove a member", No, ByRole, Moderator, Lesser, NO, YES;
    /// Bans a user, or ends that.
    Ban = "ban a user, end a ban", No, ByRole, Moderator, Lesser, NO, YES;
    /// Reads who is banned.
    ReadBans = "read who is banned", No, ByRole, Moderator, Any, NO, NO;
    /// Mutes a member, or ends that.
    Mute = "mute a member, end that", No, ByRole, Moderator, Lesser, NO, YES;
    /// Sets the pauses of slow mode.
    SetSlowMode = "set slow mode", No, ByRole, Moderator, Any, NO, YES;
    /// Changes the room's name or slug.
    ChangeRoom = "change name and slug", No, ByRole, Owner, Any, YES, YES;
    /// Changes who may send, whether anybody may, what newcomers see, and what is shown of read marks.
    ChangeFlags = "set all flags but slow mode", No, ByRole, Owner, Any, NO, YES;
    /// Gives a member a role.
    GiveRole = "give a role", No, ByRole, Owner, Any, NO, YES;
    /// Deletes the room; a direct one is hidden.
    DeleteRoom = "delete the room; hide a direct one", No, ByRole, Owner, Any, YES, YES;
}

impl RoomAction {
    /// Whether a role suffices for it in a room of these flags, or the authority of the site.
    #[must_use]
    pub fn is_permitted(self, authority: Authority, role: Role, flags: RoomFlags) -> bool {
        let Permission { least, guests, members, site, .. } = self.permission();
        match (authority, role, guests) {
            (Authority::Site, ..) => site,
            (_, Role::Guest, Guests::No) => false,
            (_, Role::Guest, Guests::WhereLet) => flags.guests_send,
            (_, Role::Guest, Guests::Yes) => true,
            (_, Role::Member | Role::Moderator | Role::Owner, _) => role >= least || members.are_let(flags),
        }
    }

    /// Whether it may be done to a member of a role. By the site's authority it may be done to every member.
    #[must_use]
    pub fn is_permitted_against(self, authority: Authority, role: Role, target: Role) -> bool {
        authority == Authority::Site || self.permission().target == Target::Any || target < role
    }
}

impl RoomFlags {
    /// What one must be permitted to send.
    #[must_use]
    pub const fn send_action(self) -> RoomAction {
        if self.announcement { RoomAction::Announce } else { RoomAction::Send }
    }

    /// Whether a member of a role sends, unless the room is archived or the member is muted.
    #[must_use]
    pub fn lets_send(self, role: Role) -> bool {
        self.send_action().is_permitted(Authority::User, role, self)
    }

    /// The least role that sends, unless the room is archived. Guests do where the room lets them.
    #[must_use]
    pub const fn least_sender(self) -> Role {
        self.send_action().permission().least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the documents' table.
    fn rows() -> Vec<String> {
        let row = |action: &RoomAction| {
            let Permission { least, guests, members, target, direct, site } = action.permission();
            let guest = match guests {
                Guests::No => "no",
                Guests::WhereLet => "where the room lets guests",
                Guests::Yes => "yes",
            };
            let role = |role: Role| match (role >= least, target) {
                (false, _) => "no",
                (true, Target::Any) => "yes",
                (true, Target::Lesser) => "of a lesser role",
            };
            let member =
                if members == Members::ByRole { role(Role::Member) } else { "where the room lets members" };
            let (moderator, owner) = (role(Role::Moderator), role(Role::Owner));
            let (direct, site) = (if direct { "yes" } else { "no" }, if site { "yes" } else { "–" });
            format!("| {} | {guest} | {member} | {moderator} | {owner} | {direct} | {site} |", action.words())
        };
        RoomAction::ALL.iter().map(row).collect()
    }

    #[test]
    fn the_documented_permissions_are_those_of_the_table() {
        let document = include_str!("../../../docs/protocol.md");
        let table = document.split("<!-- permissions -->").nth(1).expect("the table of the permissions");
        let documented: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).skip(2).collect();
        assert_eq!(documented, rows());
    }

    #[test]
    fn a_role_has_the_rights_of_the_roles_before_it() {
        for action in RoomAction::ALL {
            for let_all in [false, true] {
                let flags = RoomFlags {
                    guests_send: let_all,
                    members_add: let_all,
                    members_pin: let_all,
                    members_mention_all: let_all,
                    ..RoomFlags::default()
                };
                let may = |role| action.is_permitted(Authority::User, role, flags);
                assert!(may(Role::Owner), "{action:?}");
                assert!(may(Role::Moderator) || !may(Role::Member), "{action:?}");
                assert!(may(Role::Member) || !may(Role::Guest), "{action:?}");
            }
        }
    }

    #[test]
    fn some_actions_need_a_lesser_role_but_not_by_the_site() {
        let against = |authority, role, target| RoomAction::Ban.is_permitted_against(authority, role, target);
        assert!(against(Authority::User, Role::Owner, Role::Moderator));
        assert!(!against(Authority::User, Role::Moderator, Role::Moderator));
        assert!(against(Authority::Site, Role::Member, Role::Owner));
        assert!(RoomAction::Pin.is_permitted_against(Authority::User, Role::Member, Role::Owner));
    }
}
