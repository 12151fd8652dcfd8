//! Each fuzz target with its corpus and with mutations of it, and that each target has what it needs.
#![expect(clippy::unwrap_used, reason = "a helper of a test that fails fails the test")]

use std::{collections::BTreeSet, fs, path::Path};

use madang_fuzz::{TARGETS, Target, corpus, short_run};

/// The most bytes of a target's corpus: it is read by people, and runs with every test.
const CORPUS_MAX_BYTES: usize = 16 * 1024;

fn run(target: &str) {
    let target = Target::named(target).unwrap();
    short_run::run(target, Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
}

#[test]
fn access_token() {
    run("access_token");
}

#[test]
fn bus_entry() {
    run("bus_entry");
}

#[test]
fn channels_frame() {
    run("channels_frame");
}

#[test]
fn client_address() {
    run("client_address");
}

#[test]
fn client_frame() {
    run("client_frame");
}

#[test]
fn file() {
    run("file");
}

#[test]
fn paging() {
    run("paging");
}

#[test]
fn search() {
    run("search");
}

#[test]
fn site_token() {
    run("site_token");
}

#[test]
fn stream_entry() {
    run("stream_entry");
}

#[test]
fn text() {
    run("text");
}

#[test]
fn ticket() {
    run("ticket");
}

#[test]
fn web_socket() {
    run("web_socket");
}

/// The names in a directory, without what follows a dot.
fn names(directory: &str) -> BTreeSet<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let names =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_target_has_a_run_a_corpus_a_dictionary_and_a_row() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "a name stands twice");
    let tests = include_str!("short_run.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("    run(\"")?.split('"').next());
    assert_eq!(tests.map(str::to_owned).collect::<BTreeSet<_>>(), targets, "short runs");
    assert_eq!(names("corpus"), targets, "directories in corpus");
    assert_eq!(names("dictionaries"), targets, "files in dictionaries");
    let documented = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rows = documented.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), targets, "rows in README.md");
}

#[test]
fn a_corpus_is_small_and_repeats_nothing() {
    for target in TARGETS {
        let inputs = corpus::inputs(target.name).unwrap();
        assert!(!inputs.is_empty(), "{}", target.name);
        let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
        assert!(bytes <= CORPUS_MAX_BYTES, "{}: {bytes} bytes", target.name);
        let different: BTreeSet<_> = inputs.iter().map(|(_, input)| input).collect();
        assert_eq!(different.len(), inputs.len(), "{}: an input stands twice", target.name);
    }
}
