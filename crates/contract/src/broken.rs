//! Finds the id of a frame that is not valid JSON, so that the client can match the error to its request.
//!
//! No parser accepts such a text, so the search follows only quotes and brackets. The id is the first string after the
//! key `id` of the outermost object.

/// The JSON string, with its quotes, that is probably the frame's id.
pub(crate) fn id_literal(frame: &str) -> Option<&str> {
    let bytes = frame.as_bytes();
    let mut depth = 0_usize;
    // Whether a key of an object may begin here.
    let mut key_due = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at)?;
                if key_due && depth == 1 && &bytes[at..end] == b"\"id\"" {
                    let value = past_colon(bytes, end).filter(|value| bytes.get(*value) == Some(&b'"'));
                    if let Some(value) = value {
                        return frame.get(value..string_end(bytes, value)?);
                    }
                }
                key_due = false;
                at = end;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                key_due = byte == b'{';
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                key_due = false;
            }
            b',' => key_due = true,
            byte if byte.is_ascii_whitespace() => {}
            _ => key_due = false,
        }
        at += 1;
    }
    None
}

/// The index after the string that begins at `start`; none if the string does not end.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The index of the value after a key; none if no colon follows the key.
fn past_colon(bytes: &[u8], key_end: usize) -> Option<usize> {
    let past_blanks = |from: usize| {
        let rest = bytes.get(from..)?;
        rest.iter().position(|byte| !byte.is_ascii_whitespace()).map(|blanks| from + blanks)
    };
    let colon = past_blanks(key_end).filter(|at| bytes[*at] == b':')?;
    past_blanks(colon + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        for frame in [
            r#"{"type":"send","id":"7","text":"cut \ud83d"}"#,
            r#"{"text":"cut \ud83d","id":"7"}"#,
            r#"{"type":"send","id":"7","text":"no end"#,
            r#"{"type":"send","id":"7","text":oops}"#,
            r#"{"type":"send","id":"7",}"#,
            r#"{"type":"send","id":"7""#,
            r#"{ "x" : [1, {"id":"8"}] , "id" : "7" , "#,
            r#"{"text":"say \"id\":\"8\"","id":"7","#,
            r#"{"text":"say "hi" to","id":"7"}"#,
            "{\"text\":\"a\nb\",\"id\":\"7\"}",
            r#"{"text":"\x","id":"7"}"#,
            r#"{"type":"ping","id":"7"} and more"#,
            r#"{"id":7,"id":"7","#,
        ] {
            assert_eq!(id_literal(frame), Some("\"7\""), "{frame}");
        }
    }

    #[test]
    fn what_is_no_id_is_not_taken_for_one() {
        for frame in [
            "",
            "{",
            "\"id\":\"7\"",
            r#"["id","7"]"#,
            r#"{"room":{"id":"7"},"#,
            r#"{"rooms":[{"id":"7"}],"#,
            r#"{"text":"id","x":"id","#,
            r#"{"text":"\"id\":\"7\"","#,
            r#"{"id":7,"#,
            r#"{"id":null,"#,
            r#"{"id" "7","#,
            r#"{"type":"ping","id":"7"#,
        ] {
            assert_eq!(id_literal(frame), None, "{frame}");
        }
    }
}
