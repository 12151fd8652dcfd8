//! Nearest names, for messages about unknown ones.

/// The known name that `name` was most likely meant to be, if any is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|candidate| (distance(name, candidate), candidate)).min()?;
    // A third of the letters may be wrong; beyond that, a suggestion misleads.
    (near.0 * 3 <= name.len()).then_some(near.1)
}

/// Levenshtein's distance: insertions, deletions and replacements from one to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        let known = ["MADANG_HTTP_ADDR", "MADANG_GRPC_ADDR", "MADANG_LOG"];
        assert_eq!(nearest("MADANG_HTTP_ADR", known.into_iter()), Some("MADANG_HTTP_ADDR"));
        assert_eq!(nearest("MADANG_LGO", known.into_iter()), Some("MADANG_LOG"));
        assert_eq!(nearest("x", known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
