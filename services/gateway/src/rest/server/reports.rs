//! Reports of all rooms, and the words that are accepted in none.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract::rest::{ReportChange, ReportsQuery, WordList, routes::server as table};
use madang_rpc::store::WordList as WordListOf;

use super::extract::{Messages, SiteBackend};
use crate::{
    commands::Commands,
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Path, Query},
        reports::{asked, shown},
        view::{page, report},
    },
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::REPORTS, list)
        .at(&table::SETTLE_REPORT, settle)
        .at(&table::WORDS, words)
        .at(&table::PUT_WORDS, put_words)
}

async fn list(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
    Query(query): Query<ReportsQuery>,
) -> Result<Response, Problem> {
    let reports = commands.reports_as_site(asked(query)?).await?;
    Ok(axum::Json(page(&reports, report)).into_response())
}

async fn settle(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
    Path(id): Path<String>,
    Json(ReportChange { status }): Json<ReportChange>,
) -> Result<Response, Problem> {
    Ok(axum::Json(report(&commands.settle_report_as_site(&id, status).await?)).into_response())
}

async fn words(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
) -> Result<axum::Json<WordList>, Problem> {
    Ok(axum::Json(shown(commands.words_of_site().await?)))
}

async fn put_words(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
    Json(WordList { words, action }): Json<WordList>,
) -> Result<axum::Json<WordList>, Problem> {
    Ok(axum::Json(shown(commands.put_words_of_site(WordListOf { words, action }).await?)))
}
