//! A text frame of `/v1/ws`.

use madang_contract::{ClientFrame, ErrorFrame, Request, ServerFrame, WireFrame};
use madang_domain::{Code, limits};
use madang_gateway::fuzzing::native_frame;
use serde_json::Value;

/// The longest answer to a frame that is no request, however long that is.
const REFUSAL_MAX_BYTES: usize = 4 * 1024;
const ID_MAX_BYTES: usize = 64;

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if text.len() > limits::FRAME_MAX_BYTES {
        return;
    }
    match native_frame(text) {
        Ok(request) => accepted(text, &request),
        Err(refusal) => refused(text, refusal),
    }
}

/// A request is read again as it was, from the text that a client would write of it.
fn accepted(text: &str, request: &Request) {
    let Ok(written) = request.to_json() else { panic!("a request that cannot be written: {request:?}") };
    match native_frame(&written) {
        Ok(again) => assert_eq!(&again, request, "{written}"),
        Err(refusal) => panic!("written as {written}, which is refused: {refusal:?}"),
    }
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    assert_eq!(value["type"], request.frame.kind());
    assert!(request.id.as_ref().is_none_or(|id| id.as_str().len() <= ID_MAX_BYTES));
    if let ClientFrame::Send { text, .. } | ClientFrame::Edit { text, .. } = &request.frame {
        assert!((1..=limits::MESSAGE_TEXT_MAX_CHARS).contains(&text.chars().count()));
    }
}

/// A refusal is short, has a code of the contract, and repeats the id of the request.
fn refused(text: &str, refusal: ErrorFrame<'static>) {
    assert_eq!(refusal.code, Code::InvalidArgument);
    let frame = WireFrame::json(&ServerFrame::Error(refusal));
    assert!(frame.len() <= REFUSAL_MAX_BYTES, "a refusal of {} bytes", frame.len());
    let said: Value = serde_json::from_slice(frame.payload()).unwrap_or_default();
    assert_eq!(said["type"], "error");
    assert!(Code::ALL.iter().any(|code| said["code"] == code.as_str()), "{said}");
    if let Ok(Value::Object(frame)) = serde_json::from_str(text)
        && let Some(Value::String(id)) = frame.get("id")
        && id.len() <= ID_MAX_BYTES
    {
        assert_eq!(said["re"], id.as_str());
    }
}
