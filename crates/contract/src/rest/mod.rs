//! The REST routes: the types of their requests and answers, and the table of all routes.

mod account;
mod auth;
mod documents;
mod files;
mod inbox;
mod invitations;
mod limits;
mod members;
mod messages;
mod moderation;
mod page;
mod present;
mod problem;
mod reads;
mod reports;
mod rooms;
mod route;
mod search;
mod server;
mod settings;
mod sync;
mod table;
mod threads;
mod users;

pub use account::{Export, ExportLine, PasswordChange};
pub use auth::{AuthSession, JwkSet, Login, RefreshToken, Register, Ticket, Tokens};
pub use files::{FileBytes, ThumbnailSize, UploadQuery};
pub use inbox::InboxPage;
pub use invitations::{Invitation, NewInvitation};
pub use limits::{Bounds, CallerLimit, CallerLimits, LimitOf, LimitRate, LimitUnit};
pub use members::{Member, PutMember};
pub use messages::{
    EditMessage, MarkRead, MessagesPage, RangeQuery, ReadMark, Revision, SendMessage, SentMessage,
};
pub use moderation::{BannedUser, Restriction};
pub use page::{Page, PageQuery};
pub use problem::{FieldProblem, Problem};
pub use reads::Reads;
pub use reports::{AuditEntry, NewReport, Report, ReportChange, ReportsQuery, WordList};
pub use rooms::{NewRoom, Room, RoomChanges, RoomScope, RoomsQuery};
pub use route::{Access, Answer, Method, Route, Type};
pub use search::{FoundMessage, SearchPage, SearchQuery, TextRange};
pub use server::{NewSiteRoom, NoticeData, PutSiteMember, SendAs, SentNotice, SiteRoom, SiteUserChanges};
pub use settings::RoomSettingsChanges;
pub use sync::{InboxStanding, Sync, SyncCursor, SyncedRoom};
pub use table::{Group, ROUTES, all_routes};
pub use threads::{FollowedThread, ThreadPage, ThreadPlace};
pub use users::{BlockedUser, ProfileChanges, SetStatus, StatusChange, UserSettingsChanges};

/// The routes by name, for the gateway: `routes::rooms::CREATE`.
pub mod routes {
    pub use super::{
        account::routes as account, auth::routes as auth, documents::routes as documents,
        files::routes as files, inbox::routes as inbox, invitations::routes as invitations,
        limits::routes as limits, members::routes as members, messages::routes as messages,
        moderation::routes as moderation, reads::routes as reads, reports::routes as reports,
        rooms::routes as rooms, search::routes as search, server::routes as server,
        settings::routes as settings, sync::routes as sync, threads::routes as threads,
        users::routes as users,
    };
}
