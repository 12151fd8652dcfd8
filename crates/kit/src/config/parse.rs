//! One set of settings from all sources: what is given elsewhere becomes flags in front of the command line's own.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    ConfigError, file,
    known::{self, CONFIG, Known, Setting},
    value::{Environment, Renamed, Value},
};

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
/// On any mistake, as the [module](super) says.
pub fn try_parse_from<T: clap::Parser>(
    args: impl IntoIterator<Item = impl Into<OsString>>,
    environment: &Environment,
) -> Result<T, ConfigError> {
    read(args.into_iter().map(Into::into).collect(), environment).map(|(settings, _)| settings)
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
