//! Paths of URLs in settings.

/// Reads a path without its last slash; the root is an empty text.
pub(super) fn base_path(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    if !trimmed.is_empty() && (!trimmed.starts_with('/') || trimmed.contains(['?', '#', '{', '}'])) {
        return Err("must be a path such as /chat".to_owned());
    }
    Ok(trimmed.to_owned())
}
