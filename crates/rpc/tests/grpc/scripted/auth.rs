//! The auth service's part.

use std::time::Duration;

use async_trait::async_trait;
use madang_domain::{AvatarUrl, DisplayName, Result, SessionId, Timestamp, UserId, UserRef, Username};
use madang_rpc::{
    Auth,
    auth::{
        ApiKey, ClientInfo, ExternalUser, Grant, Identity, Password, Recognized, Revocations, Scope, Session,
        Ticket, Voucher,
    },
    event::Profile,
};

use super::{Scripted, profile, session_id, user_id};

fn grant() -> Grant {
    Grant {
        access_token: "access".into(),
        refresh_token: "refresh".into(),
        expires_in: Duration::from_secs(300),
        user: Profile::clone(&profile(1)),
    }
}

#[async_trait]
impl Auth for Scripted {
    async fn register(
        &self,
        username: Username,
        password: Password,
        name: Option<DisplayName>,
        client: ClientInfo,
    ) -> Result<Grant> {
        self.called("register", (username, password.expose(), name, client)).map(|()| grant())
    }

    async fn login(&self, username: Username, password: Password, client: ClientInfo) -> Result<Grant> {
        self.called("login", (username, password.expose(), client)).map(|()| grant())
    }

    async fn refresh(&self, refresh_token: &str, client: ClientInfo) -> Result<Grant> {
        self.called("refresh", (refresh_token, client)).map(|()| grant())
    }

    async fn logout(&self, refresh_token: &str) -> Result<()> {
        self.called("logout", refresh_token)
    }

    async fn issue_ticket(&self, user: UserId, session: SessionId) -> Result<Ticket> {
        self.called("issue_ticket", (user, session))?;
        Ok(Ticket { ticket: "ticket".into(), expires_in: Duration::from_secs(30) })
    }

    async fn redeem_ticket(&self, ticket: &str) -> Result<Identity> {
        self.called("redeem_ticket", ticket)?;
        let profile = Profile::clone(&profile(2));
        Ok(Identity {
            profile,
            session: session_id(9),
            expires_at: Timestamp::from_micros(77),
            issued_at: Timestamp::from_micros(7),
            vouched_by: Voucher::Site,
        })
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        self.called("sessions", user)?;
        let session = |id, client| Session {
            id: session_id(id),
            created_at: Timestamp::from_micros(1),
            used_at: Timestamp::from_micros(2),
            client,
        };
        let client = ClientInfo { ip: Some("2001:db8::1".parse().unwrap()), user_agent: Some("앱".into()) };
        Ok(vec![session(1, client), session(2, ClientInfo::default())])
    }

    async fn revoke_session(&self, user: UserId, session: SessionId) -> Result<()> {
        self.called("revoke_session", (user, session))
    }

    async fn revocations(&self, cursor: Option<i64>) -> Result<Revocations> {
        self.called("revocations", cursor)?;
        Ok(Revocations {
            sessions: vec![session_id(1), session_id(2)],
            users: vec![(user_id(3), Timestamp::from_micros(44))],
            cursor: -5,
        })
    }

    async fn keys(&self) -> Result<String> {
        self.called("keys", ())?;
        self.pass().await;
        Ok("{\"keys\":[]}".into())
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Profile>> {
        self.called("users", ids)?;
        Ok(vec![Profile::clone(&profile(1)), Profile::clone(&profile(2))])
    }

    async fn update_profile(
        &self,
        user: UserId,
        name: Option<DisplayName>,
        avatar_url: Option<Option<AvatarUrl>>,
    ) -> Result<Profile> {
        self.called("update_profile", (user, name, avatar_url)).map(|()| Profile::clone(&profile(3)))
    }

    async fn external_user(&self, user: ExternalUser) -> Result<Recognized> {
        self.called("external_user", user)?;
        let disconnected_at = Some(Timestamp::from_micros(5));
        Ok(Recognized { profile: Profile::clone(&profile(4)), disconnected_at })
    }

    async fn find_users(&self, users: &[UserRef]) -> Result<Vec<Profile>> {
        self.called("find_users", users).map(|()| vec![Profile::clone(&profile(4))])
    }

    async fn disconnect(&self, user: UserId) -> Result<()> {
        self.called("disconnect", user)
    }

    async fn issue_user_ticket(&self, user: UserId, until: Option<Timestamp>) -> Result<Ticket> {
        self.called("issue_user_ticket", (user, until))?;
        Ok(Ticket { ticket: "of the site".into(), expires_in: Duration::from_secs(30) })
    }

    async fn verify_api_key(&self, key: &str) -> Result<ApiKey> {
        self.called("verify_api_key", key)?;
        Ok(ApiKey { id: "id".into(), name: "사이트".into(), scopes: Scope::ALL.to_vec() })
    }
}
