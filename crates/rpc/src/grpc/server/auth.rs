//! The auth service.

use std::sync::Arc;

use async_trait::async_trait;
use madang_domain::{AvatarUrl, DisplayName, UserId, Username};
use madang_proto::auth::v1::{self as wire, auth_service_server::AuthService};
use tonic::{Request, Response, Status};

use super::answer;
use crate::{
    Auth,
    auth::Password,
    grpc::convert::{
        WireId,
        auth::{
            decode_client, decode_external, decode_user_ref, decode_user_session, encode_api_key,
            encode_grant, encode_identity, encode_recognized, encode_revocations, encode_session,
            encode_ticket, encode_user_ticket,
        },
        bounded, bounded_option, change, decode_ids,
        event::encode_profile,
        time,
    },
};

pub(super) struct Adapter(pub(super) Arc<dyn Auth>);

#[async_trait]
impl AuthService for Adapter {
    async fn register(
        &self,
        request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterResponse>, Status> {
        let work = async {
            let wire::RegisterRequest { username, password, name, client } = request.into_inner();
            let username = bounded("username", username, Username::new)?;
            let name = bounded_option("name", name, DisplayName::new)?;
            let client = decode_client(client)?;
            let grant = self.0.register(username, Password::new(password), name, client).await?;
            Ok(wire::RegisterResponse { grant: Some(encode_grant(grant)) })
        };
        answer("Register", work).await
    }

    async fn login(
        &self,
        request: Request<wire::LoginRequest>,
    ) -> Result<Response<wire::LoginResponse>, Status> {
        let work = async {
            let wire::LoginRequest { username, password, client } = request.into_inner();
            let username = bounded("username", username, Username::new)?;
            let client = decode_client(client)?;
            let grant = self.0.login(username, Password::new(password), client).await?;
            Ok(wire::LoginResponse { grant: Some(encode_grant(grant)) })
        };
        answer("Login", work).await
    }

    async fn refresh(
        &self,
        request: Request<wire::RefreshRequest>,
    ) -> Result<Response<wire::RefreshResponse>, Status> {
        let work = async {
            let wire::RefreshRequest { refresh_token, client } = request.into_inner();
            let grant = self.0.refresh(&refresh_token, decode_client(client)?).await?;
            Ok(wire::RefreshResponse { grant: Some(encode_grant(grant)) })
        };
        answer("Refresh", work).await
    }

    async fn logout(
        &self,
        request: Request<wire::LogoutRequest>,
    ) -> Result<Response<wire::LogoutResponse>, Status> {
        let work = async {
            self.0.logout(&request.into_inner().refresh_token).await?;
            Ok(wire::LogoutResponse {})
        };
        answer("Logout", work).await
    }

    async fn issue_ticket(
        &self,
        request: Request<wire::IssueTicketRequest>,
    ) -> Result<Response<wire::IssueTicketResponse>, Status> {
        let work = async {
            let request = request.into_inner();
            let (user, session) = decode_user_session(&request.user, &request.session)?;
            Ok(encode_ticket(self.0.issue_ticket(user, session).await?))
        };
        answer("IssueTicket", work).await
    }

    async fn redeem_ticket(
        &self,
        request: Request<wire::RedeemTicketRequest>,
    ) -> Result<Response<wire::RedeemTicketResponse>, Status> {
        let work = async { Ok(encode_identity(&self.0.redeem_ticket(&request.into_inner().ticket).await?)) };
        answer("RedeemTicket", work).await
    }

    async fn list_sessions(
        &self,
        request: Request<wire::ListSessionsRequest>,
    ) -> Result<Response<wire::ListSessionsResponse>, Status> {
        let work = async {
            let user = UserId::decode("user", &request.into_inner().user)?;
            let sessions = self.0.sessions(user).await?;
            Ok(wire::ListSessionsResponse { sessions: sessions.iter().map(encode_session).collect() })
        };
        answer("ListSessions", work).await
    }

    async fn revoke_session(
        &self,
        request: Request<wire::RevokeSessionRequest>,
    ) -> Result<Response<wire::RevokeSessionResponse>, Status> {
        let work = async {
            let request = request.into_inner();
            let (user, session) = decode_user_session(&request.user, &request.session)?;
            self.0.revoke_session(user, session).await?;
            Ok(wire::RevokeSessionResponse {})
        };
        answer("RevokeSession", work).await
    }

    async fn list_revocations(
        &self,
        request: Request<wire::ListRevocationsRequest>,
    ) -> Result<Response<wire::ListRevocationsResponse>, Status> {
        let work = async { Ok(encode_revocations(&self.0.revocations(request.into_inner().cursor).await?)) };
        answer("ListRevocations", work).await
    }

    async fn get_keys(
        &self,
        _request: Request<wire::GetKeysRequest>,
    ) -> Result<Response<wire::GetKeysResponse>, Status> {
        let work = async { Ok(wire::GetKeysResponse { jwks: self.0.keys().await? }) };
        answer("GetKeys", work).await
    }

    async fn get_users(
        &self,
        request: Request<wire::GetUsersRequest>,
    ) -> Result<Response<wire::GetUsersResponse>, Status> {
        let work = async {
            let ids = decode_ids("ids", &request.into_inner().ids)?;
            let users = self.0.users(&ids).await?;
            Ok(wire::GetUsersResponse { users: users.iter().map(encode_profile).collect() })
        };
        answer("GetUsers", work).await
    }

    async fn update_profile(
        &self,
        request: Request<wire::UpdateProfileRequest>,
    ) -> Result<Response<wire::UpdateProfileResponse>, Status> {
        let work = async {
            let wire::UpdateProfileRequest { user, name, avatar_url } = request.into_inner();
            let user = UserId::decode("user", &user)?;
            let name = bounded_option("name", name, DisplayName::new)?;
            let avatar_url = change("avatar_url", avatar_url, AvatarUrl::new)?;
            let profile = self.0.update_profile(user, name, avatar_url).await?;
            Ok(wire::UpdateProfileResponse { user: Some(encode_profile(&profile)) })
        };
        answer("UpdateProfile", work).await
    }

    async fn recognize_user(
        &self,
        request: Request<wire::RecognizeUserRequest>,
    ) -> Result<Response<wire::RecognizeUserResponse>, Status> {
        let work = async {
            let user = decode_external(request.into_inner())?;
            Ok(encode_recognized(&self.0.external_user(user).await?))
        };
        answer("RecognizeUser", work).await
    }

    async fn find_users(
        &self,
        request: Request<wire::FindUsersRequest>,
    ) -> Result<Response<wire::FindUsersResponse>, Status> {
        let work = async {
            let users = request.into_inner().users.into_iter().map(decode_user_ref);
            let users = self.0.find_users(&users.collect::<Result<Vec<_>, _>>()?).await?;
            Ok(wire::FindUsersResponse { users: users.iter().map(encode_profile).collect() })
        };
        answer("FindUsers", work).await
    }

    async fn disconnect(
        &self,
        request: Request<wire::DisconnectRequest>,
    ) -> Result<Response<wire::DisconnectResponse>, Status> {
        let work = async {
            self.0.disconnect(UserId::decode("user", &request.into_inner().user)?).await?;
            Ok(wire::DisconnectResponse {})
        };
        answer("Disconnect", work).await
    }

    async fn issue_user_ticket(
        &self,
        request: Request<wire::IssueUserTicketRequest>,
    ) -> Result<Response<wire::IssueUserTicketResponse>, Status> {
        let work = async {
            let wire::IssueUserTicketRequest { user, until_micros } = request.into_inner();
            let user = UserId::decode("user", &user)?;
            Ok(encode_user_ticket(self.0.issue_user_ticket(user, until_micros.map(time)).await?))
        };
        answer("IssueUserTicket", work).await
    }

    async fn verify_api_key(
        &self,
        request: Request<wire::VerifyApiKeyRequest>,
    ) -> Result<Response<wire::VerifyApiKeyResponse>, Status> {
        let work = async { Ok(encode_api_key(&self.0.verify_api_key(&request.into_inner().key).await?)) };
        answer("VerifyApiKey", work).await
    }
}
