//! One set of settings from all sources: what is given elsewhere becomes flags in front of the command line's own.

use std::{
    any::TypeId,
    ffi::OsString,
    net::{AddrParseError, SocketAddr},
    num::{NonZeroUsize, ParseIntError},
    path::PathBuf,
};

use clap::{
    Arg, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    ConfigError, file,
    known::{self, CONFIG, Known, Setting},
    tasks::with_tasks,
    value::{Environment, Renamed, Value},
};

/// The settings that `args` (the program's name first) and `environment` give, with the file that they name.
///
/// # Errors
///
/// On any mistake, as the [module](super) says.
pub fn try_parse_from<T: clap::Parser>(
    args: impl IntoIterator<Item = impl Into<OsString>>,
    environment: &Environment,
) -> Result<T, ConfigError> {
    read(args.into_iter().map(Into::into).collect(), environment).map(|(settings, _)| settings)
}

pub(super) fn read<T: clap::Parser>(
    args: Vec<OsString>,
    environment: &Environment,
) -> Result<(T, Vec<Renamed>), ConfigError> {
    let command = describe(T::command());
    let known = Known::of(&command);
    let command = with_tasks(command);

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

    // Settings from variables and the file become flags before the given ones. Each is checked separately, so
    // that an error names the setting as the operator wrote it.
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

/// The command with `--config`, and every flag with its variable, whose value `--help` does not show.
pub(super) fn describe(command: Command) -> Command {
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .help_heading("Process")
        .value_parser(clap::value_parser!(PathBuf))
        .help("A TOML file with settings. Its keys are the names of the flags, with _ instead of -");
    let command =
        if command.get_arguments().any(|arg| arg.get_id() == CONFIG) { command } else { command.arg(config) };
    command.mut_args(|arg| {
        let Some(variable) = known::variable_of(&arg) else { return arg };
        let secret = known::is_secret(&arg);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let arg = arg.env(variable.clone()).hide_env_values(true);
        let arg = match value_name(&arg) {
            Some(name) => arg.value_name(name),
            None => arg,
        };
        if secret { arg.help(format!("{help}. {variable}_FILE can name a file with the value")) } else { arg }
    })
}

/// A name for the value in `--help`, by its type and unit, for an argument that gives none itself.
fn value_name(arg: &Arg) -> Option<&'static str> {
    const UNITS: [(&str, &str); 3] = [("-seconds", "SECONDS"), ("-bytes", "BYTES"), ("-kib", "KIB")];
    let own = arg
        .get_value_names()
        .is_some_and(|names| names.iter().any(|name| !name.eq_ignore_ascii_case(arg.get_id().as_str())));
    if own || !arg.get_action().takes_values() {
        return None;
    }
    let flag = arg.get_long().unwrap_or_default();
    let unit = UNITS.iter().find(|(suffix, _)| flag.ends_with(suffix)).map(|(_, name)| *name);
    let value = arg.get_value_parser().type_id();
    let numbers = [
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<NonZeroUsize>(),
    ];
    unit.or_else(|| (numbers.iter().any(|number| value == *number)).then_some("NUMBER"))
        .or_else(|| (value == TypeId::of::<bool>()).then_some("BOOL"))
        .or_else(|| (value == TypeId::of::<SocketAddr>()).then_some("IP:PORT"))
        .or_else(|| known::is_secret(arg).then_some("SECRET"))
}

pub(super) fn without_environment(command: Command) -> Command {
    command.mut_args(|arg| arg.env(None::<&'static str>))
}

/// The command with nothing required and no environment: it says which flags were given.
pub(super) fn relaxed(command: Command) -> Command {
    without_environment(command).mut_args(|arg| arg.required(false))
}

pub(super) fn given(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// A setting from elsewhere as flags, after a trial of each value by itself.
pub(super) fn as_flags(
    command: &Command,
    setting: &Setting,
    value: &Value,
) -> Result<Vec<OsString>, ConfigError> {
    let malformed = |reason: String| ConfigError::Malformed { name: value.name.clone(), reason };
    if !setting.many && value.texts.len() != 1 {
        return Err(malformed("expected one value, not a list".to_owned()));
    }
    let mut flags = Vec::new();
    for text in &value.texts {
        if setting.switch {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => flags.push(format!("--{}", setting.flag).into()),
                "false" | "0" | "no" | "off" => {}
                _ => return Err(malformed(format!("{text:?}: expected true or false"))),
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
        return "the secret does not have the expected form".to_owned();
    }
    let given = value.texts.join(",");
    if let Some(cause) = std::error::Error::source(error) {
        return format!("{given:?}: {}", expected(cause));
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
            format!("{given:?}: expected one of {}", valid.join(", "))
        }
        _ => format!("{given:?} is not expected"),
    }
}

/// What a value should be, where the parser's own words are those of a programmer.
fn expected(cause: &(dyn std::error::Error + 'static)) -> String {
    if cause.is::<ParseIntError>() {
        return "expected a whole number".to_owned();
    }
    if cause.is::<AddrParseError>() {
        return "expected an IP address and a port, such as 127.0.0.1:8080".to_owned();
    }
    let text = cause.to_string();
    // Of a range: "0 is not in 1..=100".
    let range = text.split_once(" is not in ").and_then(|(_, range)| range.split_once("..="));
    match range {
        Some((least, most)) if NO_MOST.contains(&most) => format!("expected a number of at least {least}"),
        Some((least, most)) => format!("expected a number from {least} to {most}"),
        None => text,
    }
}

/// The largest numbers of the types of settings: a range up to one has no upper bound of its own.
const NO_MOST: [&str; 3] = ["65535", "4294967295", "18446744073709551615"];

/// Names what is missing by flag and variable: most read this in a container's log.
pub(super) fn name_missing(error: clap::Error, known: &Known) -> ConfigError {
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
