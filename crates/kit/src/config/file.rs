//! The settings of a TOML file, tables flattened.

use std::path::Path;

use toml::{Table, Value as Toml};

use super::{ConfigError, value::Value};

/// Reads the file into values by flat key, in its order.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Value)>, ConfigError> {
    let name = || "MADANG_CONFIG (--config)".to_owned();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        name: name(),
        path: path.to_owned(),
        source,
    })?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The error's own text quotes the line, which may hold a secret.
        let line = error.span().map(|span| text[..span.start.min(text.len())].lines().count().max(1));
        let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
        let reason = format!("{}{line}: {}", path.display(), error.message());
        ConfigError::Malformed { name: name(), reason }
    })?;
    let mut values = Vec::new();
    flatten("", table, &mut values)?;
    Ok(values)
}

fn flatten(prefix: &str, table: Table, values: &mut Vec<(String, Value)>) -> Result<(), ConfigError> {
    for (key, value) in table {
        let key = if prefix.is_empty() { key } else { format!("{prefix}_{key}") };
        let texts = match value {
            Toml::Table(inner) => {
                flatten(&key, inner, values)?;
                continue;
            }
            Toml::Array(items) => {
                items.into_iter().map(|item| scalar(&key, item)).collect::<Result<_, _>>()?
            }
            single => vec![scalar(&key, single)?],
        };
        if let Some((_, twice)) = values.iter().find(|(known, _)| *known == key) {
            return Err(ConfigError::Twice { one: twice.name.clone(), other: format!("{key} (in a table)") });
        }
        values.push((key.clone(), Value { name: key, texts }));
    }
    Ok(())
}

fn scalar(key: &str, value: Toml) -> Result<String, ConfigError> {
    Ok(match value {
        Toml::String(text) => text,
        Toml::Integer(number) => number.to_string(),
        Toml::Float(number) => number.to_string(),
        Toml::Boolean(truth) => truth.to_string(),
        Toml::Datetime(at) => at.to_string(),
        Toml::Array(_) | Toml::Table(_) => {
            let reason = "a list may contain values, but no lists or tables".to_owned();
            return Err(ConfigError::Malformed { name: key.to_owned(), reason });
        }
    })
}
