//! The auth service's part.

use std::time::Duration;

use async_trait::async_trait;
use madang_domain::{Profile, Result, Timestamp, UserId};
use madang_rpc::auth::{
    ApiKey, AuthDouble, ChangePassword, ClientInfo, CredentialIssuer, Disconnect, EraseUser, FindUsers,
    FinishErasure, GetKeys, GetUsers, Grant, Identity, IssueTicket, IssueUserTicket, ListRevocations,
    ListSessions, Login, Logout, RecognizeUser, Recognized, RedeemTicket, Refresh, Register, Revocations,
    RevokeSession, Scope, Session, TakeErasures, Ticket, UpdateProfile, VerifyApiKey,
};

use super::{Script, profile, session_id, user_id};

fn grant() -> Grant {
    Grant {
        access_token: "access".into(),
        refresh_token: "refresh".into(),
        expires_in: Duration::from_secs(300),
        user: Profile::clone(&profile(1)),
    }
}

#[async_trait]
impl AuthDouble for Script {
    async fn register(&self, request: Register) -> Result<Grant> {
        self.called("register", &(&request, request.password.expose())).map(|()| grant())
    }

    async fn login(&self, request: Login) -> Result<Grant> {
        self.called("login", &(&request, request.password.expose())).map(|()| grant())
    }

    async fn refresh(&self, request: Refresh) -> Result<Grant> {
        self.called("refresh", &(&request, request.refresh_token.expose())).map(|()| grant())
    }

    async fn logout(&self, request: Logout) -> Result<()> {
        self.called("logout", &(&request, request.refresh_token.expose()))
    }

    async fn issue_ticket(&self, request: IssueTicket) -> Result<Ticket> {
        self.called("issue_ticket", &request)?;
        Ok(Ticket { ticket: "ticket".into(), expires_in: Duration::from_secs(30) })
    }

    async fn redeem_ticket(&self, request: RedeemTicket) -> Result<Identity> {
        self.called("redeem_ticket", &(&request, request.ticket.expose()))?;
        let profile = Profile::clone(&profile(2));
        Ok(Identity {
            profile,
            session: session_id(9),
            expires_at: Timestamp::from_micros(77),
            issued_at: Timestamp::from_micros(7),
            issuer: CredentialIssuer::Site,
        })
    }

    async fn list_sessions(&self, request: ListSessions) -> Result<Vec<Session>> {
        self.called("list_sessions", &request)?;
        let session = |id, client| Session {
            id: session_id(id),
            created_at: Timestamp::from_micros(1),
            used_at: Timestamp::from_micros(2),
            client,
        };
        let client = ClientInfo { ip: Some("2001:db8::1".parse().unwrap()), user_agent: Some("앱".into()) };
        Ok(vec![session(1, client), session(2, ClientInfo::default())])
    }

    async fn revoke_session(&self, request: RevokeSession) -> Result<()> {
        self.called("revoke_session", &request)
    }

    async fn list_revocations(&self, request: ListRevocations) -> Result<Revocations> {
        self.called("list_revocations", &request)?;
        Ok(Revocations {
            sessions: vec![session_id(1), session_id(2)],
            users: vec![(user_id(3), Timestamp::from_micros(44))],
            cursor: -5,
        })
    }

    async fn get_keys(&self, request: GetKeys) -> Result<String> {
        self.called("get_keys", &request)?;
        self.pass().await;
        Ok("{\"keys\":[]}".into())
    }

    async fn get_users(&self, request: GetUsers) -> Result<Vec<Profile>> {
        self.called("get_users", &request)?;
        Ok(vec![Profile::clone(&profile(1)), Profile::clone(&profile(2))])
    }

    async fn update_profile(&self, request: UpdateProfile) -> Result<Profile> {
        self.called("update_profile", &request).map(|()| Profile::clone(&profile(3)))
    }

    async fn recognize_user(&self, request: RecognizeUser) -> Result<Recognized> {
        self.called("recognize_user", &request)?;
        let disconnected_at = Some(Timestamp::from_micros(5));
        Ok(Recognized { profile: Profile::clone(&profile(4)), disconnected_at })
    }

    async fn find_users(&self, request: FindUsers) -> Result<Vec<Profile>> {
        self.called("find_users", &request).map(|()| vec![Profile::clone(&profile(4))])
    }

    async fn disconnect(&self, request: Disconnect) -> Result<()> {
        self.called("disconnect", &request)
    }

    async fn issue_user_ticket(&self, request: IssueUserTicket) -> Result<Ticket> {
        self.called("issue_user_ticket", &request)?;
        Ok(Ticket { ticket: "of the site".into(), expires_in: Duration::from_secs(30) })
    }

    async fn verify_api_key(&self, request: VerifyApiKey) -> Result<ApiKey> {
        self.called("verify_api_key", &(&request, request.key.expose()))?;
        Ok(ApiKey { id: "id".into(), name: "사이트".into(), scopes: Scope::ALL.to_vec() })
    }

    async fn change_password(&self, request: ChangePassword) -> Result<()> {
        self.called("change_password", &(&request, request.current.expose(), request.new.expose()))
    }

    async fn erase_user(&self, request: EraseUser) -> Result<()> {
        self.called("erase_user", &request)
    }

    async fn take_erasures(&self, request: TakeErasures) -> Result<Vec<UserId>> {
        self.called("take_erasures", &request).map(|()| vec![user_id(4), user_id(5)])
    }

    async fn finish_erasure(&self, request: FinishErasure) -> Result<()> {
        self.called("finish_erasure", &request)
    }
}
