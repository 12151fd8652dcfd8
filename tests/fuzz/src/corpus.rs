//! The checked-in inputs and words of each target.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The directory of a target's corpus.
#[must_use]
pub fn directory(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The file of a target's dictionary.
#[must_use]
pub fn dictionary(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries").join(format!("{target}.dict"))
}

/// The inputs of a target, by the names of their files, in order.
///
/// # Errors
/// When a file cannot be read.
pub fn inputs(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(directory(target))? {
        let entry = entry?;
        inputs.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
    }
    inputs.sort();
    Ok(inputs)
}

/// The words of a target's dictionary.
///
/// # Errors
/// When the file cannot be read, or has a line of another form.
pub fn words(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let text = fs::read_to_string(dictionary(target))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            word(line).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{target}: not a word: {line}"))
            })
        })
        .collect()
}

/// A line of a dictionary as libFuzzer has it: a word in quotes, with `\\`, `\"` and `\xAB` in it.
fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut word = Vec::new();
    loop {
        match rest {
            [] => return (!word.is_empty()).then_some(word),
            [b'\\', b'x', high, low, after @ ..] => {
                let digits = [*high, *low];
                word.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                rest = after;
            }
            [b'\\', escaped @ (b'\\' | b'"'), after @ ..] => {
                word.push(*escaped);
                rest = after;
            }
            [b'\\' | b'"', ..] => return None,
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_as_libfuzzer_reads_them() {
        assert_eq!(word(r#""a\"b\\\xff""#).as_deref(), Some(&b"a\"b\\\xff"[..]));
        for wrong in ["a", "\"", "\"\"", r#""a"b""#, r#""\n""#, r#""\x4""#] {
            assert_eq!(word(wrong), None, "{wrong}");
        }
    }
}
