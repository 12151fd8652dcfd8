//! The handlers of the contract's routes.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use madang_contract::rest::{Method, Route};

use crate::state::GatewayState;

/// Routes with their handlers. A route's path and method stand in the contract's table alone, from which its
/// description is made too: what is served is what is described.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<GatewayState>,
    #[cfg(test)]
    served: Vec<&'static Route>,
}

impl Routes {
    /// The same routes and one more.
    pub(crate) fn at<H, T>(self, route: &'static Route, handler: H) -> Self
    where
        H: Handler<T, GatewayState>,
        T: 'static,
    {
        let method = match route.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Patch => MethodFilter::PATCH,
            Method::Delete => MethodFilter::DELETE,
        };
        Self {
            router: self.router.route(route.path, on(method, handler)),
            #[cfg(test)]
            served: [self.served, vec![route]].concat(),
        }
    }

    /// The routes of both.
    pub(crate) fn merge(self, other: Self) -> Self {
        Self {
            router: self.router.merge(other.router),
            #[cfg(test)]
            served: [self.served, other.served].concat(),
        }
    }

    /// The router of the routes.
    pub(crate) fn into_router(self) -> Router<GatewayState> {
        self.router
    }

    /// The routes.
    #[cfg(test)]
    pub(crate) fn served(&self) -> &[&'static Route] {
        &self.served
    }
}
