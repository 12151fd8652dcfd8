//! `/v1/search`: messages by what they say.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract::rest::{SearchPage, SearchQuery, routes::search as table};

use super::{
    Routes,
    caller::Caller,
    extract::{Query, page_query},
    view::found_message,
};
use crate::{
    commands::{Commands, SearchFor},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::SEARCH, search)
}

async fn search(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(query): Query<SearchQuery>,
) -> Result<Response, Problem> {
    let SearchQuery { q, room, from, before, after, limit, cursor } = query;
    let what = SearchFor { text: q, room, from, before, after };
    let found = commands.search(&caller.actor(), what, page_query(limit, cursor)?).await?;
    let page = SearchPage {
        items: found.items.iter().filter_map(found_message).collect(),
        next_cursor: found.next.clone(),
        complete: found.complete,
    };
    Ok(axum::Json(page).into_response())
}
