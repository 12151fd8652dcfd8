//! The auth service.

use async_trait::async_trait;
use madang_domain::{AvatarUrl, DisplayName, Result, SessionId, Timestamp, UserId, UserRef, Username};
use madang_proto::auth::v1::{self as wire, auth_service_client::AuthServiceClient};
use tonic::transport::Channel;

use super::{Transport, malformed, rpc};
use crate::{
    Auth,
    auth::{
        ApiKey, ClientInfo, ExternalUser, Grant, Identity, Password, Recognized, Revocations, Session, Ticket,
    },
    event::Profile,
    grpc::{
        CallSettings, REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES,
        call::Caller,
        convert::{
            WireId,
            auth::{
                decode_api_key, decode_grant, decode_identity, decode_recognized, decode_revocations,
                decode_session, decode_ticket, encode_client, encode_external, encode_user_ref,
            },
            encode_change, encode_ids,
            event::decode_profile,
        },
        method::auth as method,
    },
};

/// An auth service behind gRPC.
#[derive(Debug)]
pub struct AuthClient<T = Channel> {
    rpc: AuthServiceClient<T>,
    caller: Caller,
}

impl<T: Transport> AuthClient<T> {
    /// A client that calls over `channel`, with the default settings.
    pub fn new(channel: T) -> Self {
        Self::with_settings(channel, CallSettings::default())
    }

    /// A client that calls over `channel`.
    pub fn with_settings(channel: T, settings: CallSettings) -> Self {
        Self {
            rpc: AuthServiceClient::new(channel)
                .max_encoding_message_size(REQUEST_MAX_BYTES)
                .max_decoding_message_size(RESPONSE_MAX_BYTES),
            caller: Caller::new(settings),
        }
    }
}

#[async_trait]
impl<T: Transport> Auth for AuthClient<T> {
    async fn register(
        &self,
        username: Username,
        password: Password,
        name: Option<DisplayName>,
        client: ClientInfo,
    ) -> Result<Grant> {
        let request = || wire::RegisterRequest {
            username: username.to_string(),
            password: password.expose().to_owned(),
            name: name.as_ref().map(DisplayName::to_string),
            client: Some(encode_client(&client)),
        };
        decode_grant(rpc!(self.register(method::REGISTER, request()))?.grant).map_err(malformed)
    }

    async fn login(&self, username: Username, password: Password, client: ClientInfo) -> Result<Grant> {
        let request = || wire::LoginRequest {
            username: username.to_string(),
            password: password.expose().to_owned(),
            client: Some(encode_client(&client)),
        };
        decode_grant(rpc!(self.login(method::LOGIN, request()))?.grant).map_err(malformed)
    }

    async fn refresh(&self, refresh_token: &str, client: ClientInfo) -> Result<Grant> {
        let request = || wire::RefreshRequest {
            refresh_token: refresh_token.to_owned(),
            client: Some(encode_client(&client)),
        };
        decode_grant(rpc!(self.refresh(method::REFRESH, request()))?.grant).map_err(malformed)
    }

    async fn logout(&self, refresh_token: &str) -> Result<()> {
        let request = || wire::LogoutRequest { refresh_token: refresh_token.to_owned() };
        rpc!(self.logout(method::LOGOUT, request())).map(|_| ())
    }

    async fn issue_ticket(&self, user: UserId, session: SessionId) -> Result<Ticket> {
        let request = || wire::IssueTicketRequest { user: user.encode(), session: session.encode() };
        let answer = rpc!(self.issue_ticket(method::ISSUE_TICKET, request()))?;
        Ok(decode_ticket(answer.ticket, answer.expires_in_seconds))
    }

    async fn redeem_ticket(&self, ticket: &str) -> Result<Identity> {
        let request = || wire::RedeemTicketRequest { ticket: ticket.to_owned() };
        decode_identity(rpc!(self.redeem_ticket(method::REDEEM_TICKET, request()))?).map_err(malformed)
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        let request = || wire::ListSessionsRequest { user: user.encode() };
        let answer = rpc!(self.list_sessions(method::SESSIONS, request()))?;
        answer.sessions.into_iter().map(decode_session).collect::<Result<_, _>>().map_err(malformed)
    }

    async fn revoke_session(&self, user: UserId, session: SessionId) -> Result<()> {
        let request = || wire::RevokeSessionRequest { user: user.encode(), session: session.encode() };
        rpc!(self.revoke_session(method::REVOKE_SESSION, request())).map(|_| ())
    }

    async fn revocations(&self, cursor: Option<i64>) -> Result<Revocations> {
        let request = || wire::ListRevocationsRequest { cursor };
        let answer = rpc!(self.list_revocations(method::REVOCATIONS, request()))?;
        decode_revocations(&answer).map_err(malformed)
    }

    async fn keys(&self) -> Result<String> {
        rpc!(self.get_keys(method::KEYS, wire::GetKeysRequest {})).map(|answer| answer.jwks)
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Profile>> {
        let request = || wire::GetUsersRequest { ids: encode_ids(ids) };
        let answer = rpc!(self.get_users(method::USERS, request()))?;
        let users = answer.users.into_iter().map(|user| decode_profile("users", Some(user)));
        users.collect::<Result<_, _>>().map_err(malformed)
    }

    async fn update_profile(
        &self,
        user: UserId,
        name: Option<DisplayName>,
        avatar_url: Option<Option<AvatarUrl>>,
    ) -> Result<Profile> {
        let request = || wire::UpdateProfileRequest {
            user: user.encode(),
            name: name.as_ref().map(DisplayName::to_string),
            avatar_url: encode_change(avatar_url.as_ref().map(Option::as_ref)),
        };
        let answer = rpc!(self.update_profile(method::UPDATE_PROFILE, request()))?;
        decode_profile("user", answer.user).map_err(malformed)
    }

    async fn external_user(&self, user: ExternalUser) -> Result<Recognized> {
        let request = || encode_external(&user);
        decode_recognized(rpc!(self.recognize_user(method::RECOGNIZE_USER, request()))?).map_err(malformed)
    }

    async fn find_users(&self, users: &[UserRef]) -> Result<Vec<Profile>> {
        let request = || wire::FindUsersRequest { users: users.iter().map(encode_user_ref).collect() };
        let answer = rpc!(self.find_users(method::FIND_USERS, request()))?;
        let users = answer.users.into_iter().map(|user| decode_profile("users", Some(user)));
        users.collect::<Result<_, _>>().map_err(malformed)
    }

    async fn disconnect(&self, user: UserId) -> Result<()> {
        let request = || wire::DisconnectRequest { user: user.encode() };
        rpc!(self.disconnect(method::DISCONNECT, request())).map(|_| ())
    }

    async fn issue_user_ticket(&self, user: UserId, until: Option<Timestamp>) -> Result<Ticket> {
        let until_micros = until.map(Timestamp::as_micros);
        let request = || wire::IssueUserTicketRequest { user: user.encode(), until_micros };
        let answer = rpc!(self.issue_user_ticket(method::ISSUE_USER_TICKET, request()))?;
        Ok(decode_ticket(answer.ticket, answer.expires_in_seconds))
    }

    async fn verify_api_key(&self, key: &str) -> Result<ApiKey> {
        let request = || wire::VerifyApiKeyRequest { key: key.to_owned() };
        rpc!(self.verify_api_key(method::VERIFY_API_KEY, request())).map(decode_api_key)
    }
}
