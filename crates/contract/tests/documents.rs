//! The copies of the documents in `docs/` are those that the code makes. `UPDATE_CONTRACT=1 cargo test -p
//! madang-contract` writes them.

use std::{fs, path::Path};

use serde_json::Value;

#[track_caller]
fn check(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let text = format!("{document:#}\n");
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        let written = fs::write(&path, &text);
        assert!(written.is_ok(), "docs/{name}: {written:?}");
    }
    let present = fs::read_to_string(&path).unwrap_or_default();
    // Of hundreds of lines the first that differs says enough.
    let differs = present.lines().zip(text.lines()).enumerate().find(|(_, (present, made))| present != made);
    assert!(
        present == text,
        "docs/{name} is stale: run UPDATE_CONTRACT=1 cargo test -p madang-contract. First difference: {differs:?}"
    );
}

#[test]
fn the_openapi_document_is_up_to_date() {
    check("openapi.json", &madang_contract::schema::openapi(""));
}

#[test]
fn the_asyncapi_document_is_up_to_date() {
    check("asyncapi.json", &madang_contract::schema::asyncapi(""));
}
