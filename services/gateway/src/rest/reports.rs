//! `/v1/reports`, `/v1/rooms/{room}/audit` and `/words`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{
    NewReport, PageQuery, ReportChange, ReportsQuery, WordList, routes::reports as table,
};
use madang_domain::{MessageId, ReportStatus, RoomRef};
use madang_rpc::store::WordList as WordListOf;

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path, Query, page_query},
    view::{audit_entry, page, report},
};
use crate::{
    commands::{Commands, ReportsAsked},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::REPORT, report_message)
        .at(&table::LIST, list)
        .at(&table::SETTLE, settle)
        .at(&table::AUDIT, audit)
        .at(&table::WORDS, words)
        .at(&table::PUT_WORDS, put_words)
}

async fn report_message(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message)): Path<(RoomRef, MessageId)>,
    Json(NewReport { reason }): Json<NewReport>,
) -> Result<Response, Problem> {
    let made = commands.report_message(&caller.actor(), &room, message, reason).await?;
    Ok((StatusCode::CREATED, axum::Json(report(&made))).into_response())
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(query): Query<ReportsQuery>,
) -> Result<Response, Problem> {
    let reports = commands.reports(&caller.actor(), asked(query)?).await?;
    Ok(axum::Json(page(&reports, report)).into_response())
}

async fn settle(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(ReportChange { status }): Json<ReportChange>,
) -> Result<Response, Problem> {
    Ok(axum::Json(report(&commands.settle_report(&caller.actor(), &id, status).await?)).into_response())
}

async fn audit(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let entries = commands.audit(&caller.actor(), room, page_query(query.limit, query.cursor)?).await?;
    Ok(axum::Json(page(&entries, audit_entry)).into_response())
}

async fn words(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<axum::Json<WordList>, Problem> {
    Ok(axum::Json(shown(commands.words(&caller.actor(), room).await?)))
}

async fn put_words(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(WordList { words, action }): Json<WordList>,
) -> Result<axum::Json<WordList>, Problem> {
    let list = commands.put_words(&caller.actor(), &room, WordListOf { words, action }).await?;
    Ok(axum::Json(shown(list)))
}

/// Which reports a query asks for.
pub(super) fn asked(query: ReportsQuery) -> Result<ReportsAsked, Problem> {
    let ReportsQuery { room, status, limit, cursor } = query;
    let status = status.unwrap_or(ReportStatus::Open);
    Ok(ReportsAsked { room, status, page: page_query(limit, cursor)? })
}

/// A list as the contract shows it.
pub(super) fn shown(WordListOf { words, action }: WordListOf) -> WordList {
    WordList { words, action }
}
