//! The tables of settings in `docs/operations.md` say what the programs do: which settings there are, in which program,
//! and with which default.

use std::collections::{BTreeMap, BTreeSet};

use clap::{CommandFactory as _, ValueEnum as _};
use madang_bus::redis::RedisSettings;

/// The head of a table of settings.
const HEAD: &str = "| variable | default | in | meaning |";

/// The letters of the programs in the document, in its order.
const PROGRAMS: [char; 4] = ['A', 'G', 'U', 'S'];

/// A setting in one program.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Default {
    /// Without it the program does not start.
    Needed,
    /// It may be absent, and what that means is in words.
    Absent,
    /// This value.
    Value(String),
}

/// One setting, by the letters of the programs that have it.
type Setting = BTreeMap<char, Default>;

/// What the programs say.
fn settings() -> BTreeMap<String, Setting> {
    let commands = [
        madang::Cli::command(),
        madang_gateway::Cli::command(),
        madang_auth::Cli::command(),
        madang_message_store::Cli::command(),
    ];
    let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
    for (program, command) in PROGRAMS.into_iter().zip(commands) {
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let Some(variable) = madang_kit::config::variable_of(argument) else { continue };
            let values: Vec<_> =
                argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let default = match values.as_slice() {
                [] if argument.is_required_set() => Default::Needed,
                [] => Default::Absent,
                values => Default::Value(values.join(",")),
            };
            settings.entry(variable).or_default().insert(program, default);
        }
        // Every program has it, from the kit.
        settings.entry("MADANG_CONFIG".to_owned()).or_default().insert(program, Default::Absent);
    }
    settings
}

/// A row of a table: the default and the programs, as they are written.
#[derive(Debug)]
struct Row {
    variable: String,
    default: String,
    programs: String,
}

/// The rows of all tables of settings. A row that a blank line parts from its table is not shown as one, and not read.
fn rows(document: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut lines = document.lines();
    while lines.any(|line| line == HEAD) {
        for line in lines.by_ref().skip(1).take_while(|line| line.starts_with('|')) {
            let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            let [_, variable, default, programs, ..] = cells.as_slice() else {
                panic!("too few cells: {line}")
            };
            rows.push(Row {
                variable: variable.clone(),
                default: default.clone(),
                programs: programs.clone(),
            });
        }
    }
    rows
}

/// Whether people make accounts by themselves at a gateway with these flags.
fn registration(flags: &[&str]) -> String {
    #[derive(clap::Parser)]
    struct Flags {
        #[command(flatten)]
        gateway: madang_gateway::GatewaySettings,
    }
    let flags = <Flags as clap::Parser>::parse_from(["gateway"].iter().chain(flags));
    let state = flags.gateway.registration().to_possible_value();
    state.map(|state| state.get_name().to_owned()).unwrap_or_default()
}

/// The default as the document must say it; none where words say what happens without a value.
fn written(variable: &str, setting: &Setting) -> Option<String> {
    // Chosen when the program starts, since the default depends on more than the setting itself.
    match variable {
        "MADANG_REDIS_SHARDS" => {
            let shards = |url: &str| RedisSettings::new(url).shards;
            let (one, cluster) = (shards("redis://localhost"), shards("redis+cluster://localhost"));
            return Some(format!("{one}; of a cluster {cluster}"));
        }
        "MADANG_REGISTRATION" => {
            let (without, with) = (registration(&[]), registration(&["--issuer-algorithms", "RS256"]));
            return Some(format!("{without}; of A and G {with} where MADANG_ISSUER_ALGORITHMS is set"));
        }
        // The help says "false; in the all-in-one: true".
        "MADANG_ALLOW_QUERY_TOKEN" | "MADANG_CHANNELS_EDGE" => return Some("A true, G false".to_owned()),
        _ => {}
    }
    let needed: Vec<String> = PROGRAMS
        .into_iter()
        .filter(|program| setting.get(program) == Some(&Default::Needed))
        .map(String::from)
        .collect();
    if !needed.is_empty() {
        return Some(format!("{}: needed", needed.join(", ")));
    }
    let of = |program: char| match setting.get(&program) {
        Some(Default::Value(value)) => Some((program, value)),
        _ => None,
    };
    let values: Vec<(char, &String)> = PROGRAMS.into_iter().filter_map(of).collect();
    match values.as_slice() {
        [] => None,
        [(_, first), others @ ..] if others.iter().all(|(_, value)| value == first) => Some((*first).clone()),
        values => {
            let values: Vec<String> =
                values.iter().map(|(program, value)| format!("{program} {value}")).collect();
            Some(values.join(", "))
        }
    }
}

/// What is wrong with the tables.
fn wrong(document: &str, settings: &BTreeMap<String, Setting>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut documented = BTreeSet::new();
    for Row { variable, default, programs } in rows(document) {
        let Some(setting) = settings.get(&variable) else {
            wrong.push(format!("{variable}: no program has it"));
            continue;
        };
        if !documented.insert(variable.clone()) {
            wrong.push(format!("{variable}: two rows"));
        }
        let expected: Vec<String> =
            PROGRAMS.into_iter().filter(|program| setting.contains_key(program)).map(String::from).collect();
        if programs != expected.join(" ") {
            wrong.push(format!("{variable}: in {}, and the document says {programs}", expected.join(" ")));
        }
        match written(&variable, setting) {
            Some(expected) if expected != default => {
                wrong.push(format!(
                    "{variable}: the default is {expected:?}, and the document says {default:?}"
                ));
            }
            None if default.contains(|letter: char| letter.is_ascii_digit()) => {
                wrong.push(format!("{variable}: there is no default, and the document says {default:?}"));
            }
            Some(_) | None => {}
        }
    }
    let missing = settings.keys().filter(|variable| !documented.contains(*variable));
    wrong.extend(missing.map(|variable| format!("{variable}: in no table")));
    wrong
}

#[test]
fn the_document_has_each_setting_with_its_default_and_programs() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let document = std::fs::read_to_string(document).unwrap();
    assert_eq!(wrong(&document, &settings()), Vec::<String>::new());
}

#[test]
fn each_kind_of_mistake_in_the_document_is_named() {
    let value = |value: &str| Default::Value(value.to_owned());
    let settings = BTreeMap::from([
        ("MADANG_A".to_owned(), Setting::from([('A', value("7")), ('S', value("7"))])),
        ("MADANG_B".to_owned(), Setting::from([('U', value("1")), ('S', value("2"))])),
        ("MADANG_C".to_owned(), Setting::from([('A', Default::Absent), ('U', Default::Needed)])),
        ("MADANG_D".to_owned(), Setting::from([('G', Default::Absent)])),
    ]);
    let table = |rows: &[&str]| {
        wrong(&format!("{HEAD}\n| --- | --- | --- | --- |\n{}\n", rows.join("\n")), &settings)
    };
    let (a, b) = ("| `MADANG_A` | 7 | A S | … |", "| `MADANG_B` | U 1, S 2 | U S | … |");
    let (c, d) = ("| `MADANG_C` | U: needed | A U | … |", "| `MADANG_D` | none | G | … |");
    assert_eq!(table(&[a, b, c, d]), Vec::<String>::new());
    for (rows, mistake) in [
        (
            [a.replace(" 7 ", " 8 ").as_str(), b, c, d],
            "MADANG_A: the default is \"7\", and the document says \"8\"",
        ),
        (
            [a, b.replace("S 2", "S 1").as_str(), c, d],
            "MADANG_B: the default is \"U 1, S 2\", and the document says \"U 1, S 1\"",
        ),
        (
            [a, b, c.replace("U: needed", "").as_str(), d],
            "MADANG_C: the default is \"U: needed\", and the document says \"\"",
        ),
        (
            [a, b, c, d.replace("none", "5").as_str()],
            "MADANG_D: there is no default, and the document says \"5\"",
        ),
        ([a, b, c, d.replace("| G |", "| A G |").as_str()], "MADANG_D: in G, and the document says A G"),
        ([a, b, c, d.replace("_D", "_E").as_str()], "MADANG_E: no program has it"),
        ([a, b, c, &format!("{d}\n{d}")], "MADANG_D: two rows"),
        ([a, b, c, ""], "MADANG_D: in no table"),
        ([a, b, c, &format!("\n{d}")], "MADANG_D: in no table"),
    ] {
        let wrong = table(&rows);
        assert!(wrong.iter().any(|wrong| wrong == mistake), "{rows:?}: {wrong:?}");
    }
}
