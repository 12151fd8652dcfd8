//! Embeds the web client as `npm run build` has left it in `clients/web/dist`, or nothing if it was not built.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Beside a file, the same file compressed with brotli.
const BROTLI: &str = "br";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../clients/web/dist");
    let mut paths = Vec::new();
    // The directory is in the repository, so that cargo sees when the client is built. An absent path would be built
    // again each time.
    if root.is_dir() {
        println!("cargo::rerun-if-changed={}", root.display());
        find(&root, &mut paths)?;
    }
    paths.sort();
    let mut source = String::from("&[\n");
    for path in paths {
        let name = path.strip_prefix(&root)?.to_str().ok_or("a file of the client has no name in UTF-8")?;
        let mut compressed = path.clone().into_os_string();
        compressed.push(format!(".{BROTLI}"));
        let brotli = match Path::new(&compressed).is_file() {
            true => format!("Some(include_bytes!({compressed:?}))"),
            false => "None".to_owned(),
        };
        let name = name.replace('\\', "/");
        writeln!(source, "File {{ path: {name:?}, identity: include_bytes!({path:?}), brotli: {brotli} }},")?;
    }
    source.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("files.rs"), source)?;
    Ok(())
}

/// All files below a directory, without hidden and compressed ones.
fn find(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            find(&path, found)?;
        } else if !is_hidden && path.extension().is_none_or(|extension| extension != BROTLI) {
            found.push(path);
        }
    }
    Ok(())
}
