//! Which page of a list or of a log is asked for. The lines of an input are a cursor and a query.

use http::Request;
use madang_domain::limits::PAGE_MAX_ITEMS;
use madang_gateway::fuzzing::{list_page, log_page};
use madang_message_store::fuzzing::read_cursor;

use super::now;

pub(crate) fn check(input: &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    if let Some(Ok(text)) = lines.next().map(std::str::from_utf8) {
        cursor(text);
    }
    if let Some(query) = lines.next() {
        page(query);
    }
}

/// A cursor is of one list, and comes back as that list writes it.
fn cursor(text: &str) {
    let of = read_cursor(text);
    assert!(of.len() <= 1, "of several lists: {of:?}");
    for written in of {
        assert_eq!(read_cursor(&written.1), [written]);
    }
}

/// A page has its bounds, or is refused.
fn page(query: &[u8]) {
    let uri = [&b"/v1/rooms?"[..], query].concat();
    let Ok(request) = Request::get(uri.as_slice()).body(()) else { return };
    let (mut parts, ()) = request.into_parts();
    match now(list_page(&mut parts)) {
        Ok(page) => {
            assert!((1..=PAGE_MAX_ITEMS).contains(&page.limit));
            if let Some(text) = page.cursor {
                cursor(&text);
            }
        }
        Err(status) => assert_eq!(status, 400),
    }
    match now(log_page(&mut parts)) {
        Ok((_, limit)) => assert!((1..=PAGE_MAX_ITEMS).contains(&limit)),
        Err(status) => assert_eq!(status, 400),
    }
}
