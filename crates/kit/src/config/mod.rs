//! Configuration: flags, `MADANG_*` variables, an optional file, defaults; first that is given wins.
//!
//! A service describes its settings once, as a [`clap::Parser`]; this module adds the other sources.
//!
//! - **Names.** The flag `--http-addr` is the variable `MADANG_HTTP_ADDR` and the file's key `http_addr`.
//! - **File.** TOML, named by `--config` or `MADANG_CONFIG`. Keys are flat or in tables, whose names are
//!   joined by `_`: `log_format = "json"` is the same as `format = "json"` under `[log]`. An array is a
//!   list of values.
//! - **Secrets.** A setting of the type [`Secret`] can also come from a file that holds it and nothing
//!   else, white space around it removed: `MADANG_DATABASE_URL_FILE`, or `database_url_file` in the file.
//!   Both forms at once is an error, for nobody could say which was meant.
//! - **Mistakes stop the start**, with a message that names the setting: an unknown variable or key (the
//!   nearest known name is suggested), a malformed value, a secret given twice.
//! - **Former names.** A flag's alias is a name of an earlier version. It is still accepted, as a flag, a variable and a
//!   key, and the process logs a warning that names the new one.
//! - A variable that is set and empty counts as not set, as compose files and manifests produce them.
//!
//! Only the settings of the command itself have these sources; those of its subcommands are flags.

mod file;
mod known;
mod names;
mod secret;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

pub use known::variable_of;
pub use secret::Secret;

use self::known::{Known, Setting};

/// The flag, and by it the variable, that names the file.
const CONFIG: &str = "config";

/// Environment variables, injected.
pub type Environment = BTreeMap<OsString, OsString>;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Flags that cannot be understood; or not an error at all: `--help` and `--version`.
    #[error("{0}")]
    Flags(#[from] clap::Error),
    /// A variable or key that does not exist.
    #[error("unknown setting {name}{}", suggestion.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// As it was given.
        name: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// A value that cannot be understood.
    #[error("{name} is malformed: {reason}")]
    Malformed {
        /// The variable or key.
        name: String,
        /// What is wrong; of a secret, without its value.
        reason: String,
    },
    /// A setting that has no value, and no default either.
    #[error("{name} is needed and not set")]
    Missing {
        /// Its flag and variable.
        name: String,
    },
    /// One setting given twice in one source.
    #[error("{one} and {other} are both set; keep one of them")]
    Twice {
        /// The one name.
        one: String,
        /// The other name.
        other: String,
    },
    /// A file that cannot be read.
    #[error("{name}: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The setting that names it.
        name: String,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The settings of this process. Prints and exits where clap does (`--help`, `--version`), and for every
/// mistake, with code 2.
#[must_use]
pub(crate) fn parse<T: clap::Parser>() -> (T, Vec<Renamed>) {
    let environment = std::env::vars_os().collect();
    match read(std::env::args_os().collect(), &environment) {
        Ok(settings) => settings,
        Err(ConfigError::Flags(error)) => error.exit(),
        Err(error) => T::command().error(ErrorKind::ValueValidation, error).exit(),
    }
}

/// The settings that `args` (the program's name first) and `environment` give, with the file that they name.
///
/// # Errors
///
/// On any mistake, as the module says.
pub fn try_parse_from<T: clap::Parser>(
    args: impl IntoIterator<Item = impl Into<OsString>>,
    environment: &Environment,
) -> Result<T, ConfigError> {
    read(args.into_iter().map(Into::into).collect(), environment).map(|(settings, _)| settings)
}

/// A setting that was given by a name of an earlier version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// The name that was given.
    pub(crate) given: String,
    /// The name to use.
    pub(crate) now: String,
}

impl Renamed {
    fn new(given: &str, now: String) -> Self {
        Self { given: given.to_owned(), now }
    }
}

fn read<T: clap::Parser>(
    args: Vec<OsString>,
    environment: &Environment,
) -> Result<(T, Vec<Renamed>), ConfigError> {
    let command = describe(T::command());
    let known = Known::of(&command);

    // What the flags say, with nothing required of them yet.
    let flags = match relaxed(command.clone()).try_get_matches_from(&args) {
        Ok(matches) => matches,
        // The command as it is words its own mistakes and its help best.
        Err(error) => return Err(command.try_get_matches_from(&args).err().unwrap_or(error).into()),
    };

    let variables = known.read_environment(environment)?;
    let path = given(&flags, CONFIG)
        .then(|| flags.get_one::<PathBuf>(CONFIG).cloned())
        .flatten()
        .or_else(|| variables.get(CONFIG).and_then(|value| value.texts.first()).map(PathBuf::from));
    let (entries, keys) = match path {
        Some(path) => {
            let entries = file::read(&path)?;
            let keys = known.read_file(&entries, &path)?;
            (entries, keys)
        }
        None => Default::default(),
    };
    let renamed = known.renamed(&args, environment, &entries);

    // Settings from elsewhere become flags in front of those that were given, each checked by itself, so
    // that a mistake is told by the name under which it was made.
    let mut all = vec![args.first().cloned().unwrap_or_else(|| "madang".into())];
    for setting in known.settings() {
        let value = variables.get(setting.id.as_str()).or_else(|| keys.get(setting.id.as_str()));
        if let (false, Some(value)) = (given(&flags, &setting.id), value) {
            all.extend(as_flags(&command, setting, value)?);
        }
    }
    all.extend(args.into_iter().skip(1));

    let mut matches = without_environment(command)
        .try_get_matches_from(all)
        .map_err(|error| name_missing(error, &known))?;
    Ok((T::from_arg_matches_mut(&mut matches)?, renamed))
}

/// The value of a setting, and under which name it was given.
#[derive(Debug, Clone)]
struct Value {
    name: String,
    texts: Vec<String>,
}

/// The command with `--config`, and every flag with its variable, whose value `--help` does not show.
fn describe(command: Command) -> Command {
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("A TOML file with settings; its keys are the flags' names with _ for -");
    let command =
        if command.get_arguments().any(|arg| arg.get_id() == CONFIG) { command } else { command.arg(config) };
    command.mut_args(|arg| {
        let Some(variable) = known::variable_of(&arg) else { return arg };
        let secret = known::is_secret(&arg);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let arg = arg.env(variable.clone()).hide_env_values(true);
        if secret { arg.help(format!("{help} (or the file that {variable}_FILE names)")) } else { arg }
    })
}

fn without_environment(command: Command) -> Command {
    command.mut_args(|arg| arg.env(None::<&'static str>))
}

/// The command with nothing required and no environment: it says which flags were given.
fn relaxed(command: Command) -> Command {
    without_environment(command).mut_args(|arg| arg.required(false))
}

fn given(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// A setting from elsewhere as flags, after a trial of each value by itself.
fn as_flags(command: &Command, setting: &Setting, value: &Value) -> Result<Vec<OsString>, ConfigError> {
    let malformed = |reason: String| ConfigError::Malformed { name: value.name.clone(), reason };
    if !setting.many && value.texts.len() != 1 {
        return Err(malformed("one value is expected, not a list".to_owned()));
    }
    let mut flags = Vec::new();
    for text in &value.texts {
        if setting.switch {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => flags.push(format!("--{}", setting.flag).into()),
                "false" | "0" | "no" | "off" => {}
                _ => return Err(malformed(format!("true or false is expected, not {text:?}"))),
            }
        } else {
            flags.push(format!("--{}={text}", setting.flag).into());
        }
    }
    let alone = std::iter::once(OsString::from("madang")).chain(flags.iter().cloned());
    // Alone it misses what other settings demand of it; only its own form is tried here.
    match relaxed(command.clone()).subcommand_required(false).try_get_matches_from(alone) {
        Err(error) if is_of_form(error.kind()) => Err(malformed(reason(&error, setting, value))),
        Ok(_) | Err(_) => Ok(flags),
    }
}

const fn is_of_form(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::WrongNumberOfValues)
}

/// Why a value does not fit.
fn reason(error: &clap::Error, setting: &Setting, value: &Value) -> String {
    if setting.secret {
        return "the secret has not the form that is expected".to_owned();
    }
    let given = value.texts.join(",");
    if let Some(cause) = std::error::Error::source(error) {
        return format!("{given:?}: {cause}");
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
            format!("{given:?} is none of {}", valid.join(", "))
        }
        _ => format!("{given:?} is not expected"),
    }
}

/// Names what is missing by flag and variable: most read this in a container's log.
fn name_missing(error: clap::Error, known: &Known) -> ConfigError {
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
    {
        let name = |usage: &String| {
            let flag = usage.split([' ', '=']).next().unwrap_or(usage).trim_start_matches("--");
            match known.settings().find(|setting| setting.flag == flag) {
                Some(setting) => format!("{} (--{flag})", setting.variable),
                None => usage.clone(),
            }
        };
        return ConfigError::Missing { name: missing.iter().map(name).collect::<Vec<_>>().join(", ") };
    }
    error.into()
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

fn read_secret(name: &str, path: &Path) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(source) => Err(ConfigError::Unreadable { name: name.to_owned(), path: path.to_owned(), source }),
    }
}

fn text_of(name: &str, value: &OsStr) -> Result<String, ConfigError> {
    let not_text = || ConfigError::Malformed { name: name.to_owned(), reason: "it is not UTF-8".to_owned() };
    value.to_str().map(str::to_owned).ok_or_else(not_text)
}
