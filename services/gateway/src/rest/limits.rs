//! `/v1/limits`: the caller's limits, and what is left of them.

use std::sync::Arc;

use axum::extract::State;
use madang_contract::rest::{CallerLimits, routes::limits as table};

use super::{Routes, caller::Caller};
use crate::{commands::Commands, http::Problem, state::Entrance};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::GET, get)
}

async fn get(
    State(commands): State<Arc<Commands>>,
    State(entrance): State<Arc<Entrance>>,
    caller: Caller,
) -> Result<axum::Json<CallerLimits<'static>>, Problem> {
    Ok(axum::Json(commands.limits(&caller.actor(), &entrance.handshakes)?))
}
