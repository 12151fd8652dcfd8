//! Each setting with its value and where that came from, and all mistakes instead of the first one.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{ArgMatches, Command};
use serde::Serialize;

use super::{
    ConfigError, file,
    known::{CONFIG, Known, Setting},
    parse::{as_flags, describe, given, name_missing, relaxed, without_environment},
    tasks::with_tasks,
    value::{Environment, Value},
};
use crate::url::login_is_cut;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// A variable of the environment: its name, which of a secret may be that of the file's.
    Variable(String),
    /// A key of the settings file, with the file.
    File(String),
    /// Nobody has said anything.
    Default,
}

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Explained {
    /// The heading of `--help` under which it stands.
    pub(crate) heading: String,
    /// The variable.
    pub(crate) variable: String,
    /// The value. Of a secret only what is not secret; none where there is neither a value nor a default.
    pub(crate) value: Option<String>,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// All settings of a program.
#[derive(Debug)]
pub(crate) struct Explanation<T> {
    /// Each setting.
    pub(crate) settings: Vec<Explained>,
    /// What is wrong. The settings are as if it had not been said.
    pub(crate) mistakes: Vec<ConfigError>,
    /// The settings, typed; none where one is missing that is needed.
    pub(crate) parsed: Option<T>,
}

/// What a secret is shown as.
const REDACTED: &str = "[redacted]";

/// Explains the settings that `args` (the program's name first) and `environment` give.
///
/// # Errors
/// When the flags themselves cannot be understood.
pub(crate) fn explain<T: clap::Parser>(
    args: &[OsString],
    environment: &Environment,
) -> Result<Explanation<T>, ConfigError> {
    let command = describe(T::command());
    let known = Known::of(&command);
    let flags = relaxed(with_tasks(command.clone())).try_get_matches_from(args)?;
    let mut mistakes = Vec::new();
    let mut variables = BTreeMap::new();
    for (name, value) in environment {
        let one = Environment::from([(name.clone(), value.clone())]);
        take(known.read_environment(&one), &mut variables, &mut mistakes);
    }
    let mut keys = BTreeMap::new();
    if let Some(path) = file_of(&flags, &variables) {
        match file::read(&path) {
            Ok(entries) => {
                for entry in entries {
                    take(known.read_file(&[entry], &path), &mut keys, &mut mistakes);
                }
            }
            Err(error) => mistakes.push(error),
        }
    }

    let mut settings = Vec::new();
    let mut all: Vec<OsString> = vec![args.first().cloned().unwrap_or_else(|| "madang".into())];
    for setting in known.settings() {
        let (variable, key) = (variables.get(&setting.id), keys.get(&setting.id));
        let (value, origin) = if given(&flags, &setting.id) {
            (on_command_line(&flags, setting), Origin::Flag)
        } else if let Some(value) = variable {
            (Some(value.clone()), Origin::Variable(value.name.clone()))
        } else if let Some(value) = key {
            (Some(value.clone()), Origin::File(value.name.clone()))
        } else {
            (None, Origin::Default)
        };
        let flags = value.as_ref().map(|value| as_flags(&command, setting, value)).transpose();
        let (texts, origin) = match flags {
            Ok(Some(flags)) => {
                all.extend(flags);
                (value.map(|value| value.texts.join(",")), origin)
            }
            Ok(None) => (default_of(&command, setting), Origin::Default),
            Err(error) => {
                mistakes.push(error);
                (default_of(&command, setting), Origin::Default)
            }
        };
        let shown = texts.map(|text| if setting.secret { redacted(setting, &text) } else { text });
        settings.push(Explained {
            heading: heading_of(&command, setting),
            variable: setting.variable.clone(),
            value: shown,
            origin,
        });
    }
    let parsed = without_environment(command)
        .try_get_matches_from(all)
        .and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    let parsed = parsed.map_err(|error| mistakes.push(name_missing(error, &known))).ok();
    Ok(Explanation { settings, mistakes, parsed })
}

/// Keeps what was read, or the mistake.
fn take(
    read: Result<BTreeMap<String, Value>, ConfigError>,
    values: &mut BTreeMap<String, Value>,
    mistakes: &mut Vec<ConfigError>,
) {
    for (id, value) in read.unwrap_or_else(|error| {
        mistakes.push(error);
        BTreeMap::new()
    }) {
        let other = value.name.clone();
        if let Some(before) = values.insert(id, value) {
            mistakes.push(ConfigError::Twice { one: before.name, other });
        }
    }
}

fn file_of(flags: &ArgMatches, variables: &BTreeMap<String, Value>) -> Option<PathBuf> {
    let flag = given(flags, CONFIG).then(|| flags.get_one::<PathBuf>(CONFIG).cloned()).flatten();
    flag.or_else(|| variables.get(CONFIG)?.texts.first().map(PathBuf::from))
}

fn on_command_line(flags: &ArgMatches, setting: &Setting) -> Option<Value> {
    let texts = if setting.switch {
        vec!["true".to_owned()]
    } else {
        flags.get_raw(&setting.id)?.map(|value| value.to_string_lossy().into_owned()).collect()
    };
    Some(Value { name: format!("--{}", setting.flag), texts })
}

fn default_of(command: &Command, setting: &Setting) -> Option<String> {
    if setting.switch {
        return Some("false".to_owned());
    }
    let arg = command.get_arguments().find(|arg| arg.get_id() == setting.id.as_str())?;
    let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn heading_of(command: &Command, setting: &Setting) -> String {
    let arg = command.get_arguments().find(|arg| arg.get_id() == setting.id.as_str());
    arg.and_then(|arg| arg.get_help_heading()).unwrap_or("Options").to_owned()
}

/// What of a secret may be shown: of a URL the host and the path, of others nothing. A URL whose login may end elsewhere
/// than was meant is not shown at all.
fn redacted(setting: &Setting, text: &str) -> String {
    let url = text.split_once("://").filter(|_| setting.flag.ends_with("-url") && !login_is_cut(text));
    let Some((scheme, rest)) = url else { return REDACTED.to_owned() };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (login, host) = match authority.rsplit_once('@') {
        Some((_, host)) => ("[redacted]@", host),
        None => ("", authority),
    };
    let (path, query) = match tail.split_once(['?', '#']) {
        Some((path, _)) => (path, "?[redacted]"),
        None => (tail, ""),
    };
    format!("{scheme}://{login}{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Secret;

    /// Serves the test.
    #[derive(Debug, Parser)]
    #[command(name = "madang-test")]
    struct Settings {
        /// The port
        #[arg(long, default_value_t = 80)]
        port: u16,
        /// The hosts
        #[arg(long, value_delimiter = ',')]
        hosts: Vec<String>,
        /// The database
        #[arg(long, help_heading = "Data")]
        database_url: Secret,
        /// A switch
        #[arg(long)]
        quiet: bool,
    }

    fn explained(args: &[&str], variables: &[(&str, &str)]) -> Explanation<Settings> {
        let args: Vec<OsString> = std::iter::once(&"madang-test").chain(args).map(Into::into).collect();
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        explain(&args, &variables.collect()).unwrap()
    }

    fn of<'a>(explanation: &'a Explanation<Settings>, variable: &str) -> (&'a Origin, Option<&'a str>) {
        let setting = explanation.settings.iter().find(|setting| setting.variable == variable).unwrap();
        (&setting.origin, setting.value.as_deref())
    }

    #[test]
    fn each_setting_says_where_it_came_from() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("madang.toml");
        std::fs::write(&file, "hosts = ['a', 'b']\nport = 1").unwrap();
        let variables =
            [("MADANG_CONFIG", file.to_str().unwrap()), ("MADANG_DATABASE_URL", "postgres://u:p@h:1/d?x=y")];
        let all = explained(&["--port", "7", "--quiet", "doctor", "--json"], &variables);
        assert!(all.mistakes.is_empty(), "{:?}", all.mistakes);
        assert_eq!(of(&all, "MADANG_PORT"), (&Origin::Flag, Some("7")));
        assert_eq!(of(&all, "MADANG_QUIET"), (&Origin::Flag, Some("true")));
        let url =
            (&Origin::Variable("MADANG_DATABASE_URL".to_owned()), "postgres://[redacted]@h:1/d?[redacted]");
        assert_eq!(of(&all, "MADANG_DATABASE_URL"), (url.0, Some(url.1)));
        let (origin, hosts) = of(&all, "MADANG_HOSTS");
        assert_eq!(hosts, Some("a,b"));
        assert!(matches!(origin, Origin::File(key) if key.starts_with("hosts (in ")), "{origin:?}");
        let parsed = all.parsed.unwrap();
        assert_eq!((parsed.port, parsed.hosts.len(), parsed.quiet), (7, 2, true));
        assert_eq!(parsed.database_url.expose(), "postgres://u:p@h:1/d?x=y");
    }

    #[test]
    fn all_mistakes_are_named_and_the_rest_is_read() {
        let all = explained(
            &[],
            &[("MADANG_PORT", "x"), ("MADANG_PROT", "1"), ("MADANG_DATABASE_URL", "postgres://u:a/b@h")],
        );
        let said: Vec<String> = all.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said.iter().any(|said| said.contains("MADANG_PORT") && said.contains("whole number")),
            "{said:?}"
        );
        assert!(said.iter().any(|said| said.contains("MADANG_PROT")), "{said:?}");
        assert_eq!(of(&all, "MADANG_PORT"), (&Origin::Default, Some("80")));
        assert_eq!(of(&all, "MADANG_DATABASE_URL").1, Some(REDACTED), "the login may end elsewhere");
        assert_eq!(all.parsed.unwrap().port, 80);
        let none = explained(&[], &[]);
        assert!(none.parsed.is_none());
        assert!(matches!(&none.mistakes[..], [ConfigError::Missing { .. }]), "{:?}", none.mistakes);
    }
}
