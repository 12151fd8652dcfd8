//! What is recorded of a room: the acts of its moderators and owners, and of the embedding site.

/// An act that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A user was made a member by the site.
    MemberAdded,
    /// A member was removed.
    MemberRemoved,
    /// A user was banned.
    Banned,
    /// A ban was ended.
    Unbanned,
    /// A member was muted.
    Muted,
    /// A mute was ended.
    Unmuted,
    /// A member was given a role.
    RoleGiven,
    /// The name, the slug or the flags were changed.
    RoomChanged,
    /// A message of another was deleted.
    MessageDeleted,
    /// A message was edited by the site.
    MessageEdited,
    /// An invitation link was made.
    InvitationMade,
    /// An invitation link was revoked.
    InvitationRevoked,
    /// A report was settled, or opened again.
    ReportSettled,
    /// The words that are not accepted were set.
    WordsSet,
}

impl AuditAction {
    /// All there are.
    pub const ALL: [Self; 14] = [
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::Banned,
        Self::Unbanned,
        Self::Muted,
        Self::Unmuted,
        Self::RoleGiven,
        Self::RoomChanged,
        Self::MessageDeleted,
        Self::MessageEdited,
        Self::InvitationMade,
        Self::InvitationRevoked,
        Self::ReportSettled,
        Self::WordsSet,
    ];

    /// The name in the store and in JSON, which never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MemberAdded => "member_added",
            Self::MemberRemoved => "member_removed",
            Self::Banned => "banned",
            Self::Unbanned => "unbanned",
            Self::Muted => "muted",
            Self::Unmuted => "unmuted",
            Self::RoleGiven => "role_given",
            Self::RoomChanged => "room_changed",
            Self::MessageDeleted => "message_deleted",
            Self::MessageEdited => "message_edited",
            Self::InvitationMade => "invitation_made",
            Self::InvitationRevoked => "invitation_revoked",
            Self::ReportSettled => "report_settled",
            Self::WordsSet => "words_set",
        }
    }
}
