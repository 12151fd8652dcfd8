//! The auth service: who somebody is.

mod accounts;
pub mod claims;
mod client;
mod credentials;
mod ends;
mod sessions;
mod site;

use madang_proto::auth::v1::{
    self as wire,
    auth_service_server::{AuthService, AuthServiceServer},
};

pub use self::{
    accounts::{FindUsers, GetUsers, Login, Register, UpdateProfile},
    client::AuthClient,
    credentials::{ClientInfo, Grant, Password, Token},
    ends::{ChangePassword, EraseUser, FinishErasure, TakeErasures},
    sessions::{
        CredentialIssuer, GetKeys, Identity, IssueTicket, ListRevocations, ListSessions, Logout, Presented,
        RedeemTicket, Refresh, Revocations, RevokeSession, Session, Ticket,
    },
    site::{
        ApiKey, Disconnect, ExternalUser, IssueUserTicket, RecognizeUser, Recognized, Scope, UnknownScope,
        VerifyApiKey,
    },
};
use crate::service::service;
use madang_domain::{Profile, UserId};

service! {
    /// Accounts, sessions, tokens, keys.
    ///
    /// Every method may fail with `unavailable` (the database does not answer), `deadline_exceeded` or
    /// `internal` besides what it names. Where a password is hashed the deadline is longer, since hashing may queue
    /// behind others.
    trait Auth;
    messages: wire;
    client: AuthClient;
    /// The gRPC service of an auth service.
    server: auth_server, AuthServiceServer, AuthService;
    callers: [Gateway];
    double: AuthDouble;

    /// Makes an account and signs it in. `already_exists`: the name is taken; `invalid_argument`: the
    /// password is too short or too long; `rate_limited`.
    fn register(Register as RegisterRequest) -> Grant as RegisterResponse {
        repeat: never, "the repetition would find the name taken, by itself";
        within: 10 s;
    }

    /// Signs in. `unauthenticated`: no such user or wrong password, told apart by nothing;
    /// `rate_limited`.
    fn login(Login as LoginRequest) -> Grant as LoginResponse {
        repeat: never, "each makes a session and counts against the throttle";
        within: 10 s;
    }

    /// Exchanges a refresh token, which is used up. `unauthenticated`: unknown, expired, or used before;
    /// in the last case the whole session ends. For a short while, and until the new token is used, the same
    /// device gets the same answer again.
    fn refresh(Refresh as RefreshRequest) -> Grant as RefreshResponse {
        repeat: never, "where the settings allow no repetition, a token used twice ends its session; the client may";
    }

    /// Ends the session of a refresh token. An unknown token is no error.
    fn logout(Logout as LogoutRequest) -> () as LogoutResponse {
        repeat: always, "the end of a session that has ended is no error";
    }

    /// Makes a one-time ticket. `unauthenticated`: the session has ended.
    fn issue_ticket(IssueTicket as IssueTicketRequest) -> Ticket as IssueTicketResponse {
        repeat: never, "each makes a credential; the user's next try is as good";
    }

    /// Uses a ticket up; of two who try, one wins. `unauthenticated`: unknown, used or expired.
    fn redeem_ticket(RedeemTicket as RedeemTicketRequest) -> Identity as RedeemTicketResponse {
        repeat: never, "a ticket is good for one use";
    }

    /// The user's live sessions, newest first.
    fn list_sessions(ListSessions as ListSessionsRequest) -> Vec<Session> as ListSessionsResponse {
        repeat: always, "it reads";
    }

    /// Ends a session. `not_found`: it is not a live one of this user.
    fn revoke_session(RevokeSession as RevokeSessionRequest) -> () as RevokeSessionResponse {
        repeat: always, "the session stays ended; at worst the answer is `not_found`, which it now is";
    }

    /// The sessions revoked and the users disconnected after `cursor`. With none: all whose access tokens may
    /// still be good. Cheap; gateways ask several times a second. May name one twice, never misses one.
    fn list_revocations(ListRevocations as ListRevocationsRequest) -> Revocations as ListRevocationsResponse {
        repeat: always, "it reads; asked several times a second, so the next one is near";
        within: 2 s;
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517): those that sign now, will sign next, or signed
    /// tokens that are still good.
    fn get_keys(GetKeys as GetKeysRequest) -> String as GetKeysResponse {
        repeat: always, "it reads";
    }

    /// Profiles by id, at most 200; unknown ids are left out.
    fn get_users(GetUsers as GetUsersRequest) -> Vec<Profile> as GetUsersResponse {
        repeat: always, "it reads";
    }

    /// Changes the profile.
    fn update_profile(UpdateProfile as UpdateProfileRequest) -> Profile as UpdateProfileResponse {
        repeat: never, "it would overwrite a change made in between";
    }

    /// The user whom the embedding site calls so: made on first sight, and changed where the site says something
    /// new. `invalid_argument` never: what cannot be had (a username that somebody has) is replaced.
    fn recognize_user(RecognizeUser as RecognizeUserRequest) -> Recognized as RecognizeUserResponse {
        repeat: always, "it says what the profile is to be";
    }

    /// Profiles by id or by what the embedding site calls them, at most 200; unknown ones are left out.
    fn find_users(FindUsers as FindUsersRequest) -> Vec<Profile> as FindUsersResponse {
        repeat: always, "it reads";
    }

    /// Ends all that the user was let in with until now: sessions, tickets, and tokens of the embedding site. For a
    /// user of the site it answers when the second is over, so that a token made after the answer says a later one.
    /// `not_found`: there is no such user.
    fn disconnect(Disconnect as DisconnectRequest) -> () as DisconnectResponse {
        repeat: never, "it would end what let the user in meanwhile";
    }

    /// Makes a one-time ticket for a user whom the embedding site vouches for, at most until then. `not_found`: no
    /// such user.
    fn issue_user_ticket(IssueUserTicket as IssueUserTicketRequest) -> Ticket as IssueUserTicketResponse {
        repeat: never, "each makes a credential";
    }

    /// Whose an API key is. `unauthenticated`: nobody's, or revoked.
    fn verify_api_key(VerifyApiKey as VerifyApiKeyRequest) -> ApiKey as VerifyApiKeyResponse {
        repeat: always, "it reads";
    }

    /// Changes the password, and ends the user's sessions but the one that asks, with their sockets. `permission_denied`:
    /// the present password is another; `failed_precondition`: the user has none, and signs in at the embedding site;
    /// `invalid_argument`: the new one is not acceptable; `rate_limited`, as for a sign-in.
    fn change_password(ChangePassword as ChangePasswordRequest) -> () as ChangePasswordResponse {
        repeat: never, "the repetition would find another password";
        within: 10 s;
    }

    /// Ends an account for good: its row, its sessions, its tickets, and all that let its user in until now. The username
    /// rests. That the message store has something left of the user is kept, for whoever takes the erasure. For a user of the
    /// site it answers when the second is over, as [`disconnect`](Auth::disconnect) does. An account that was erased already
    /// is no error. `not_found`: there never was such a user.
    fn erase_user(EraseUser as EraseUserRequest) -> () as EraseUserResponse {
        repeat: always, "what is erased stays so";
    }

    /// Erasures that the message store has not carried out, for the caller to go on with. Nobody else gets them for the next
    /// seconds; whoever needs longer takes them again.
    fn take_erasures(TakeErasures as TakeErasuresRequest) -> Vec<UserId> as TakeErasuresResponse {
        repeat: never, "they would wait for the one who did not hear of them; the next take finds them";
    }

    /// Says that the message store has carried an erasure out.
    fn finish_erasure(FinishErasure as FinishErasureRequest) -> () as FinishErasureResponse {
        repeat: always, "what is finished stays so";
    }
}
