//! `/v1/users/me`: the user's own password, end and export.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::{StatusCode, header};
use madang_contract::rest::{Export, ExportLine, PasswordChange, routes::account as table};
use madang_domain::{Error, Result};
use madang_rpc::{
    Auth,
    auth::{ChangePassword, Password},
    store::ExportPage,
};

use super::{
    Routes,
    caller::{Caller, SignedIn},
    extract::{Client, Json, Path},
    view::{person, room, room_message},
};
use crate::{
    admission::Actor,
    commands::{Action, Commands},
    formats::native,
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::CHANGE_PASSWORD, change_password)
        .at(&table::ERASE, erase)
        .at(&table::BEGIN_EXPORT, begin_export)
        .at(&table::READ_EXPORT, read_export)
}

async fn change_password(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    SignedIn { caller, .. }: SignedIn,
    Client(client): Client,
    Json(body): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    commands.spend(&caller.actor(), Action::ChangePassword, None).await?.keep();
    let PasswordChange { current_password, new_password } = body;
    let change = ChangePassword {
        user: caller.me.id,
        current: Password::new(current_password),
        new: Password::new(new_password),
        client,
        presented: caller.presented(),
    };
    accounts.change_password(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn erase(State(commands): State<Arc<Commands>>, caller: Caller) -> Result<StatusCode, Problem> {
    commands.erase(&caller.actor()).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn begin_export(State(commands): State<Arc<Commands>>, caller: Caller) -> Result<Response, Problem> {
    let export = commands.begin_export(&caller.actor()).await?;
    let export = Export { id: export.id.into(), expires_at: export.expires_at };
    Ok((StatusCode::CREATED, axum::Json(export)).into_response())
}

/// Where a download is.
enum Download {
    /// This page is to be sent.
    Page(ExportPage),
    /// The page of this cursor is to be read.
    Next(String),
    /// All was sent.
    Ended,
}

async fn read_export(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let actor = caller.actor();
    // What can be refused is refused before the answer begins.
    let first = commands.first_export_page(&actor, &id).await?;
    let (profile, seen) = commands.read_person(&actor, actor.profile.id).await?;
    let head = line(&ExportLine::Profile { profile: person(&profile, seen.as_ref()) })?;
    let rest = stream::try_unfold(Download::Page(first), move |download| {
        let (commands, actor, id) = (Arc::clone(&commands), actor.clone(), id.clone());
        async move { next_lines(&commands, &actor, &id, download).await }
    });
    let lines = stream::once(async move { Ok::<_, Error>(Bytes::from(head)) });
    let body = Body::from_stream(futures_util::StreamExt::chain(lines, rest));
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"madang-export.jsonl\""),
    ];
    Ok((headers, body).into_response())
}

/// The lines of a page. One page at a time is in memory, and the next one is read when this one was sent.
async fn next_lines(
    commands: &Commands,
    actor: &Actor,
    id: &str,
    download: Download,
) -> Result<Option<(Bytes, Download)>> {
    let page = match download {
        Download::Page(page) => page,
        Download::Next(cursor) => commands.next_export_page(actor, id, cursor).await?,
        Download::Ended => return Ok(None),
    };
    let mut lines = Vec::new();
    for view in &page.rooms {
        lines.extend(line(&ExportLine::Room { room: room(view) })?);
    }
    for message in page.messages.iter().filter_map(room_message) {
        lines.extend(line(&ExportLine::Message { message })?);
    }
    for notice in page.notices.iter().filter_map(native::notice) {
        lines.extend(line(&ExportLine::Notice { notice })?);
    }
    let next = match page.next {
        Some(cursor) => Download::Next(cursor),
        None => {
            lines.extend(line(&ExportLine::End {})?);
            Download::Ended
        }
    };
    Ok(Some((Bytes::from(lines), next)))
}

fn line(line: &ExportLine<'_>) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec(line).map_err(Error::internal)?;
    json.push(b'\n');
    Ok(json)
}
