//! `/v1/rooms/{room}/reads`: how far the members of a room have read it.

use std::sync::Arc;

use axum::extract::State;
use madang_contract::rest::{Reads, routes::reads as table};
use madang_domain::RoomRef;
use madang_rpc::store::RoomReads;

use super::{Routes, caller::Caller, extract::Path};
use crate::{commands::Commands, formats::native::marks, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::GET, get)
}

async fn get(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(name): Path<RoomRef>,
) -> Result<axum::Json<Reads>, Problem> {
    let read = commands.reads(&caller.actor(), name).await?;
    let RoomReads { room, receipts, members, from, reads, delivered } = read;
    let delivered = (!delivered.is_empty()).then(|| marks(&delivered));
    Ok(axum::Json(Reads { room, receipts, members, from, marks: marks(&reads), delivered }))
}
