//! `docs/scaling.md` shows what the simulation prints, which counts with what the README says was measured.
//! `UPDATE_SCALING=1 cargo test -p madang-scaling` writes the tables anew.

use std::{fs, path::PathBuf};

use madang_scaling::{measured, tables};

fn path(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(of)
}

fn read(of: &str) -> String {
    fs::read_to_string(path(of)).unwrap_or_else(|error| panic!("{of}: {error}"))
}

#[test]
fn the_document_shows_what_the_simulation_prints() {
    const DOCUMENT: &str = "docs/scaling.md";
    let shown = read(DOCUMENT);
    let mut expected = shown.clone();
    for table in tables::all() {
        let begin = format!("<!-- {}: cargo run -p madang-scaling -->\n\n", table.name);
        let from =
            expected.find(&begin).unwrap_or_else(|| panic!("no place for {}", table.name)) + begin.len();
        let to = from + expected[from..].find("\n\n").expect("an end of the table") + 1;
        expected.replace_range(from..to, &table.text);
    }
    if std::env::var_os("UPDATE_SCALING").is_some() {
        fs::write(path(DOCUMENT), &expected).expect("the document");
        return;
    }
    assert!(shown == expected, "UPDATE_SCALING=1 cargo test -p madang-scaling writes:\n{expected}");
}

#[test]
fn the_figures_are_those_of_the_readme() {
    let readme = read("README.md");
    for (figure, row) in measured::README {
        let has = readme.lines().any(|line| line.contains(row) && line.contains(figure));
        assert!(has, "the README has no row with {row:?} and {figure}");
    }
    let number = |figure: &str| -> u64 {
        figure.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number")
    };
    let counted = [
        measured::DELIVERIES_ROOM_100,
        measured::DELIVERIES_ROOM_1000,
        measured::PUBLISH_MICROS,
        measured::APPENDS,
        measured::CONNECTS,
    ];
    assert_eq!(measured::README.map(|(figure, _)| number(figure)), counted);
}

#[test]
fn the_settings_are_those_of_the_manifests() {
    let autoscalers = read("k8s/components/autoscaling/autoscalers.yaml");
    let sockets = format!("averageValue: \"{}\"", measured::SOCKETS_AT_A_GATEWAY);
    let share = format!("averageUtilization: {}", measured::GATEWAY_CPU_PERCENT);
    assert!(autoscalers.contains(&sockets) && autoscalers.contains(&share));
    let threads = format!("MADANG_WORKER_THREADS={}\n", measured::GATEWAY_THREADS);
    assert!(read("k8s/base/kustomization.yaml").contains(&threads));
}
