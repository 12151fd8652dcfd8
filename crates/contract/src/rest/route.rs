//! Descriptions of routes, from which the documents are generated.

use madang_domain::Code;
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method as it stands in the request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The callers whom a route accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Any caller, without a credential.
    Public,
    /// A user with an access token; or the embedding site's backend as the user, with an API key of the scope
    /// `impersonate` and the header `Madang-User`.
    User,
    /// A user with an access token, for the user's own sessions and password. The site's backend has neither.
    OwnSession,
    /// The embedding site's backend, with an API key of this scope.
    ApiKey(&'static str),
    /// A user with one of the credentials of a WebSocket.
    WebSocket,
}

impl Access {
    /// Whether a user calls it with an access token.
    #[must_use]
    pub const fn is_of_users(self) -> bool {
        matches!(self, Self::User | Self::OwnSession)
    }
}

/// The schema of a Rust type.
#[derive(Debug, Clone, Copy)]
pub struct Type(fn(&mut SchemaGenerator) -> Schema);

impl Type {
    const fn of<T: JsonSchema>() -> Self {
        Self(SchemaGenerator::subschema_for::<T>)
    }

    /// Generates the schema, or a reference to it among the generator's definitions.
    pub(crate) fn schema(self, generator: &mut SchemaGenerator) -> Schema {
        (self.0)(generator)
    }
}

/// A successful answer of a route.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The description of the answer.
    pub description: &'static str,
    /// The media type and the schema of the body; none if there is no body.
    pub body: Option<(&'static str, Type)>,
}

/// A route: its request and its answers.
#[derive(Debug, Clone)]
pub struct Route {
    /// The `operationId` in the OpenAPI document.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The summary of the operation, in the imperative.
    pub summary: &'static str,
    /// The callers whom the route accepts.
    pub access: Access,
    /// The query parameters, as the fields of one type.
    pub query: Option<Type>,
    /// Whether the route accepts the header `Idempotency-Key`.
    pub idempotency_key: bool,
    /// The schema of the body of the request.
    pub request: Option<Type>,
    /// The media type of the body of the request.
    pub request_media_type: &'static str,
    /// The answer of a successful request.
    pub answer: Answer,
    /// A second successful answer, if there is one.
    pub also: Option<Answer>,
    /// The codes of refusals besides those that follow from the request's form and from the service's state.
    pub refusals: &'static [Code],
}

const NO_CONTENT: Answer = Answer { status: 204, description: "The request was executed.", body: None };

impl Route {
    const fn new(id: &'static str, method: Method, path: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            method,
            path,
            summary,
            access: Access::User,
            query: None,
            idempotency_key: false,
            request: None,
            request_media_type: "application/json",
            answer: NO_CONTENT,
            also: None,
            refusals: &[],
        }
    }

    pub(super) const fn get(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(id, Method::Get, path, summary)
    }

    pub(super) const fn post(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(id, Method::Post, path, summary)
    }

    pub(super) const fn put(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(id, Method::Put, path, summary)
    }

    pub(super) const fn patch(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(id, Method::Patch, path, summary)
    }

    pub(super) const fn delete(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(id, Method::Delete, path, summary)
    }

    pub(super) const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    pub(super) const fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(Type::of::<T>());
        self
    }

    pub(super) const fn takes<T: JsonSchema>(mut self) -> Self {
        self.request = Some(Type::of::<T>());
        self
    }

    pub(super) const fn takes_bytes<T: JsonSchema>(mut self) -> Self {
        self.request_media_type = "application/octet-stream";
        self.takes::<T>()
    }

    pub(super) const fn idempotency_key(mut self) -> Self {
        self.idempotency_key = true;
        self
    }

    pub(super) const fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers_as::<T>(status, description, "application/json")
    }

    pub(super) const fn answers_as<T: JsonSchema>(
        mut self,
        status: u16,
        description: &'static str,
        media_type: &'static str,
    ) -> Self {
        self.answer = Answer { status, description, body: Some((media_type, Type::of::<T>())) };
        self
    }

    pub(super) const fn answers_empty(mut self, status: u16, description: &'static str) -> Self {
        self.answer = Answer { status, description, body: None };
        self
    }

    pub(super) const fn or_answers<T: JsonSchema>(mut self, status: u16, description: &'static str) -> Self {
        self.also = Some(Answer { status, description, body: Some(("application/json", Type::of::<T>())) });
        self
    }

    pub(super) const fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.refusals = codes;
        self
    }

    /// All codes with which this route may refuse a request, in the order of [`Code::ALL`]. They are the route's own
    /// codes, those that follow from the request's form, and those of an unavailable or failing service.
    #[must_use]
    pub fn codes(&self) -> Vec<Code> {
        let is_parsed = self.request.is_some() || self.query.is_some() || self.path.contains('{');
        Code::ALL
            .into_iter()
            .filter(|code| {
                self.refusals.contains(code)
                    || match code {
                        // Whom the site's backend acts as, or that nobody does, is said by a header.
                        Code::InvalidArgument => {
                            is_parsed
                                || self.idempotency_key
                                || matches!(self.access, Access::User | Access::OwnSession)
                        }
                        Code::Unauthenticated => {
                            matches!(self.access, Access::User | Access::OwnSession | Access::ApiKey(_))
                        }
                        Code::PermissionDenied => {
                            matches!(self.access, Access::User | Access::OwnSession | Access::ApiKey(_))
                        }
                        Code::NotFound => self.access == Access::User,
                        // Whatever a user writes or reads is paid from a budget.
                        Code::RateLimited => match self.access {
                            Access::ApiKey(_) | Access::User | Access::OwnSession => true,
                            Access::Public | Access::WebSocket => false,
                        },
                        Code::TooLarge => self.request.is_some(),
                        Code::DeadlineExceeded | Code::Unavailable | Code::Internal => {
                            self.access != Access::WebSocket
                        }
                        Code::AlreadyExists | Code::FailedPrecondition => false,
                    }
            })
            .collect()
    }
}

/// Defines the routes of a group and a list of them, so that the table cannot omit one.
macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $route:expr;)*) => {
        $($(#[$doc])* pub static $name: Route = $route;)*

        /// All routes of this group.
        pub static ALL: &[&Route] = &[$(&$name),*];
    };
}
pub(super) use table;
