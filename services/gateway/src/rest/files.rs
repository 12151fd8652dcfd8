//! `/v1/files`: uploading files, and giving them out.

use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use madang_contract::rest::{ThumbnailSize, UploadQuery, routes::files as table};
use madang_domain::{Attachment, Code, Error, FileId, Result, RoomRef};
use madang_media::ThumbnailSize as Size;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Routes,
    caller::Caller,
    extract::{Path, Query},
};
use crate::{
    commands::{Commands, Upload},
    files::{Kept, Part, is_shown_inline},
    http::{Problem, etag::is_known},
};

/// What a browser may do with a file that it opens by itself: show it, and nothing more. No script of it runs, and it is no
/// page of this server's origin.
const NO_RIGHTS: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// Pages of other origins do not draw these files. Those that may call the API read them.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
/// The browser asks each time whether the file is still for this user; what it has already is not sent again.
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("private, no-cache");
/// The names of this header, which `http` does not have.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// What `filename*` leaves as it is (RFC 8187, section 3.2.1).
const ATTR_CHARS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::UPLOAD, upload).at(&table::GET, get).at(&table::THUMBNAIL, thumbnail)
}

async fn upload(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(UploadQuery { name }): Query<UploadQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let size_bytes = length.and_then(|length| length.parse().ok());
    let upload = Upload { room, name, size_bytes, body: request.into_body() };
    match commands.upload(&caller.actor(), upload).await {
        Ok(file) => Ok((StatusCode::CREATED, axum::Json(file)).into_response()),
        // Of a body that took too long the rest is not waited for.
        Err(error) if error.code == Code::DeadlineExceeded => {
            Err(Problem::with_status(StatusCode::REQUEST_TIMEOUT, error))
        }
        Err(error) => Err(error.into()),
    }
}

async fn get(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(id): Path<FileId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (file, files) = commands.file(&caller.actor(), id).await?;
    let etag = etag(id, "")?;
    if is_known(&etag, &headers) {
        return Ok(not_modified(etag));
    }
    let range = match wanted_range(&headers, &etag, file.size_bytes) {
        Wanted::All => None,
        Wanted::Range(range) => Some(range),
        Wanted::Unsatisfiable => return Ok(unsatisfiable(file.size_bytes)),
    };
    let is_part = range.is_some();
    let kept = files.kept(id, Part::Whole, range).await?.ok_or_else(|| lost(id))?;
    let disposition = disposition(&file)?;
    let content_type = HeaderValue::try_from(file.content_type.as_str()).map_err(Error::internal)?;
    Ok(give(kept, is_part, content_type, disposition, etag))
}

async fn thumbnail(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((id, size)): Path<(FileId, ThumbnailSize)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (file, files) = commands.file(&caller.actor(), id).await?;
    if file.image.is_none() {
        return Err(Error::new(Code::NotFound, "there is no thumbnail of this file").into());
    }
    let (size, name) = match size {
        ThumbnailSize::Small => (Size::Small, ".small"),
        ThumbnailSize::Large => (Size::Large, ".large"),
    };
    let etag = etag(id, name)?;
    if is_known(&etag, &headers) {
        return Ok(not_modified(etag));
    }
    let mut kept = files.kept(id, Part::Thumbnail(size), None).await?.ok_or_else(|| lost(id))?;
    // Thumbnails are of two types, which their first bytes tell apart.
    let first = kept.bytes.next().await.transpose().map_err(Error::internal)?.unwrap_or_default();
    let content_type = if first.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    let kept = Kept { bytes: stream::iter([Ok(first)]).chain(kept.bytes).boxed(), ..kept };
    let inline = HeaderValue::from_static("inline");
    Ok(give(kept, false, HeaderValue::from_static(content_type), inline, etag))
}

/// Gives out what is kept.
fn give(
    kept: Kept,
    is_part: bool,
    content_type: HeaderValue,
    disposition: HeaderValue,
    etag: HeaderValue,
) -> Response {
    let Kept { size_bytes, range, bytes } = kept;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::CONTENT_SECURITY_POLICY, NO_RIGHTS);
    headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
    headers.insert(header::CACHE_CONTROL, ASK_EACH_TIME);
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if is_part {
        let said = format!("bytes {}-{}/{size_bytes}", range.start, range.end.saturating_sub(1));
        if let Ok(said) = HeaderValue::try_from(said) {
            headers.insert(header::CONTENT_RANGE, said);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

fn not_modified(etag: HeaderValue) -> Response {
    let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, ASK_EACH_TIME)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

fn unsatisfiable(size_bytes: u64) -> Response {
    let headers = [(header::CONTENT_RANGE, format!("bytes */{size_bytes}"))];
    (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
}

/// The validator of a file, which never changes.
fn etag(id: FileId, part: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("\"{id}{part}\"")).map_err(Error::internal)
}

/// The message store knows a file whose bytes are not here.
fn lost(id: FileId) -> Error {
    tracing::error!(file = %id, "the bytes of a file are missing: do all gateways have the same MADANG_FILES_URL?");
    Error::unavailable("the file is not there at the moment: try again later")
}

/// How a browser is to take a file (RFC 6266): shown within a page only where it can do nothing there.
fn disposition(file: &Attachment) -> Result<HeaderValue> {
    let way = if is_shown_inline(&file.content_type) { "inline" } else { "attachment" };
    let plain: String = file
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' })
        .collect();
    let exact = utf8_percent_encode(&file.name, ATTR_CHARS);
    HeaderValue::try_from(format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{exact}"))
        .map_err(Error::internal)
}

/// What of a file is asked for (RFC 9110, section 14).
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// All of it: also where the range is of no known form, or of another file than this.
    All,
    /// These bytes.
    Range(Range<u64>),
    /// Bytes behind its end.
    Unsatisfiable,
}

fn wanted_range(headers: &HeaderMap, etag: &HeaderValue, size_bytes: u64) -> Wanted {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Wanted::All;
    };
    if headers.get(header::IF_RANGE).is_some_and(|of| of != etag) {
        return Wanted::All;
    }
    // Several ranges in one answer nobody needs here; all of it is an answer to them, too.
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::All;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|c| c.is_ascii_digit()));
    match (first, last) {
        ("", last) => match number(last) {
            None => Wanted::All,
            Some(0) => Wanted::Unsatisfiable,
            Some(count) => Wanted::Range(size_bytes.saturating_sub(count)..size_bytes),
        },
        (first, last) => {
            let end = if last.is_empty() { Some(u64::MAX) } else { number(last) };
            match (number(first), end) {
                (Some(first), Some(last)) if first > last => Wanted::All,
                (Some(first), Some(_)) if first >= size_bytes => Wanted::Unsatisfiable,
                (Some(first), Some(last)) => Wanted::Range(first..last.saturating_add(1).min(size_bytes)),
                _ => Wanted::All,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(range: &str, if_range: Option<&'static str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(if_range) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_static(if_range));
        }
        wanted_range(&headers, &HeaderValue::from_static("\"a\""), 100)
    }

    #[test]
    fn a_range_is_read_as_http_has_it() {
        for (range, expected) in [
            ("bytes=0-9", Wanted::Range(0..10)),
            ("bytes=90-", Wanted::Range(90..100)),
            ("bytes=90-1000", Wanted::Range(90..100)),
            ("bytes=-10", Wanted::Range(90..100)),
            ("bytes=-1000", Wanted::Range(0..100)),
            ("bytes=99-99", Wanted::Range(99..100)),
            ("bytes=100-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=9-0", Wanted::All),
            ("bytes=0-9,20-29", Wanted::All),
            ("bytes=+1-9", Wanted::All),
            ("bytes=x-", Wanted::All),
            ("bytes=-", Wanted::All),
            ("lines=0-9", Wanted::All),
        ] {
            assert_eq!(wanted(range, None), expected, "{range}");
        }
        assert_eq!(wanted("bytes=0-9", Some("\"a\"")), Wanted::Range(0..10));
        assert_eq!(wanted("bytes=0-9", Some("\"b\"")), Wanted::All);
    }

    #[test]
    fn only_what_can_do_nothing_is_shown_within_a_page() {
        let file = |content_type: &str, name: &str| Attachment {
            url: madang_domain::AttachmentUrl::new("/x").unwrap(),
            name: madang_domain::FileName::new(name).unwrap(),
            content_type: madang_domain::MediaType::new(content_type).unwrap(),
            size_bytes: 1,
            file: None,
            image: None,
        };
        let said =
            |content_type, name| disposition(&file(content_type, name)).unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            said("image/png", "마당 \"a\".png"),
            "inline; filename=\"__ _a_.png\"; filename*=UTF-8''%EB%A7%88%EB%8B%B9%20%22a%22.png"
        );
        for content_type in ["text/html", "image/svg+xml", "text/xml", "application/pdf", "text/plain"] {
            assert!(said(content_type, "a.png").starts_with("attachment; "), "{content_type}");
        }
    }
}
