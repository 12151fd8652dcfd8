//! The API key of a request, and its scopes.

use std::{marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use http::{header, request::Parts};
use madang_domain::{Code, Error};
use madang_rpc::auth::{ApiKey, Scope};

use crate::{
    http::{Problem, bearer::bearer},
    rest::extract::Client,
    state::Entrance,
};

/// The site's backend, with an API key that has the scope `S`.
pub(super) struct SiteBackend<S> {
    key: Arc<ApiKey>,
    scope: PhantomData<S>,
}

/// A scope as a type.
pub(super) trait Needed {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($name:ident),*) => {$(
        #[doc = concat!("[`Scope::", stringify!($name), "`]")]
        pub(super) enum $name {}

        impl Needed for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

scopes!(Rooms, Messages, Notices, Users, Tickets);

impl<S> SiteBackend<S> {
    /// Requires that the key also has this scope. `permission_denied`: it does not.
    pub(super) fn also(&self, scope: Scope) -> Result<(), Error> {
        if self.key.may(scope) {
            return Ok(());
        }
        Err(Error::new(Code::PermissionDenied, format!("this API key does not have the scope `{scope}`")))
    }
}

impl<N: Needed, S> FromRequestParts<S> for SiteBackend<N>
where
    Arc<Entrance>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let entrance = Arc::<Entrance>::from_ref(state);
        let text = parts.headers.get(header::AUTHORIZATION).and_then(bearer).ok_or_else(|| {
            Error::new(Code::Unauthenticated, "send an API key: Authorization: Bearer mk_…")
        })?;
        let Client(client) = Client::from_request_parts(parts, state).await?;
        let key = match entrance.site_keys.verify(&text, N::SCOPE, client.ip).await {
            Ok(key) => key,
            Err(error) => {
                entrance.refusals.api_key(&text, client.ip, &error);
                return Err(error.into());
            }
        };
        entrance.counters.server_calls.add(1);
        Ok(Self { key, scope: PhantomData })
    }
}
