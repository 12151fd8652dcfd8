//! What the server refuses on the routes of the contract, as the contract has it.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use madang_domain::{Code, Error};

use super::{body::BodyTimeout, places::Refusal, problem::Problem};

/// Answers a request for which there is no place, and one whose body did not come in time.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    if let Some(refusal) = request.extensions().get::<Refusal>() {
        return Problem::from(Error::from(*refusal)).into_response();
    }
    let timeout = request.extensions().get::<BodyTimeout>().cloned();
    let response = next.run(request).await;
    // What a handler made of half a body is no answer to it.
    if timeout.is_some_and(|timeout| timeout.has_passed()) {
        let error =
            Error::new(Code::DeadlineExceeded, "the body did not arrive in time: send the request again");
        return Problem::with_status(StatusCode::REQUEST_TIMEOUT, error).into_response();
    }
    response
}
