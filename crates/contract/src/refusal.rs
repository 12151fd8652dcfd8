//! What is wrong with JSON that a client sends, in words of the contract instead of the parser's.

/// The field that a sentence of the parser names, if any, and what is said of it in words of the contract. A refusal never
/// repeats a value: it may be a password in the wrong field, or as long as the body.
#[must_use]
pub fn in_words(text: &str) -> (Option<&str>, String) {
    let text = without_place(text);
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return (Some(name), "is missing".to_owned());
    }
    if let Some(rest) = text.strip_prefix("unknown field `") {
        // What is expected stands last: a name that a client gives may hold anything.
        let name = rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are no fields"));
        return (name.map(|(name, _)| name), "is not known here".to_owned());
    }
    if let Some(name) = text.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
        return (Some(name), "stands twice".to_owned());
    }
    let of_kind = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected "));
    if let Some((is, expected)) = of_kind("invalid type: ") {
        return (None, format!("is {}; expected {}", kind(is), expectation(expected)));
    }
    if let Some((_, expected)) = of_kind("invalid value: ") {
        return (None, format!("is out of range; expected {}", expectation(expected)));
    }
    if let Some((_, expected)) = of_kind("unknown variant `") {
        return (None, format!("is not known here; expected {expected}"));
    }
    (None, text.to_owned())
}

/// What JSON calls a value of which the parser says the kind and the content.
fn kind(is: &str) -> &'static str {
    match is.split(' ').next() {
        Some("null" | "unit") => "null",
        Some("boolean") => "a boolean",
        Some("integer" | "floating") => "a number",
        Some("string" | "character") => "a string",
        Some("sequence") => "a list",
        Some("map") => "an object",
        _ => "of another type",
    }
}

/// What JSON calls a type of this program.
fn expectation(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "variant identifier" => "a string",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// Where in the text something stands is of no use to who sees a form.
fn without_place(text: &str) -> &str {
    text.rsplit_once(" at line ").map_or(text, |(said, _)| said)
}
