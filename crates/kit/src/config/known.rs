//! The settings that a command knows, and what the environment and the file say of them.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Command};

use super::{
    ConfigError, Secret,
    names::nearest,
    value::{Environment, Renamed, Value, read_secret, text_of},
};

/// The flag, and by it the variable, that names the file.
pub(super) const CONFIG: &str = "config";

/// What every variable's name begins with.
const PREFIX: &str = "MADANG_";

/// What a secret's variable ends with when it names a file.
const FILE_VARIABLE: &str = "_FILE";
/// The same for a key.
const FILE_KEY: &str = "_file";

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) id: String,
    /// Without the dashes in front.
    pub(super) flag: String,
    pub(super) variable: String,
    pub(super) key: String,
    /// The flags that the setting had in earlier versions.
    pub(super) former_flags: Vec<String>,
    /// On or off, without a value.
    pub(super) switch: bool,
    /// Takes a list.
    pub(super) many: bool,
    pub(super) secret: bool,
}

/// All settings of a command, with the names of its subcommands' variables.
pub(super) struct Known {
    settings: Vec<Setting>,
    of_subcommands: BTreeSet<String>,
}

/// The variable of a setting: the one that it names, or its flag's. None of `--help` and `--version`.
#[must_use]
pub fn variable_of(arg: &Arg) -> Option<String> {
    if matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    ) {
        return None;
    }
    if let Some(name) = arg.get_env().and_then(|name| name.to_str()) {
        return Some(name.to_owned());
    }
    Some(variable_of_flag(arg.get_long()?))
}

fn variable_of_flag(flag: &str) -> String {
    format!("{PREFIX}{}", flag.to_ascii_uppercase().replace('-', "_"))
}

fn key_of(flag: &str) -> String {
    flag.replace('-', "_")
}

impl Setting {
    /// Whether the setting had this variable in an earlier version.
    fn had_variable(&self, name: &str) -> bool {
        self.former_flags.iter().any(|flag| variable_of_flag(flag) == name)
    }

    /// Whether the setting had this key in an earlier version.
    fn had_key(&self, name: &str) -> bool {
        self.former_flags.iter().any(|flag| key_of(flag) == name)
    }

    /// Whether an argument of the command line is a flag that the setting had in an earlier version.
    fn had_flag(&self, argument: &str) -> bool {
        let name = argument.strip_prefix("--").and_then(|rest| rest.split('=').next());
        self.former_flags.iter().any(|flag| name == Some(flag))
    }
}

/// Whether a setting's value is a [`Secret`].
pub(super) fn is_secret(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<Secret>()
}

impl Known {
    pub(super) fn of(command: &Command) -> Self {
        let setting = |arg: &Arg| {
            let flag = arg.get_long()?.to_owned();
            Some(Setting {
                id: arg.get_id().to_string(),
                variable: variable_of(arg)?,
                key: key_of(&flag),
                former_flags: arg
                    .get_all_aliases()
                    .unwrap_or_default()
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                switch: matches!(arg.get_action(), ArgAction::SetTrue),
                many: is_list(arg),
                secret: is_secret(arg),
                flag,
            })
        };
        let settings = command.get_arguments().filter_map(setting).collect();
        let mut of_subcommands = BTreeSet::new();
        for subcommand in command.get_subcommands() {
            collect_variables(subcommand, &mut of_subcommands);
        }
        Self { settings, of_subcommands }
    }

    pub(super) fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// The names of earlier versions among those that are given: each with the name to use now.
    pub(super) fn renamed(
        &self,
        args: &[OsString],
        environment: &Environment,
        keys: &[(String, Value)],
    ) -> Vec<Renamed> {
        let args = args.iter().filter_map(|arg| arg.to_str());
        let variables = environment.iter().filter(|(_, value)| !value.is_empty());
        let variables: Vec<&str> = variables.filter_map(|(name, _)| name.to_str()).collect();
        let keys: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        let mut renamed = Vec::new();
        for argument in args {
            let given = argument.split('=').next().unwrap_or(argument);
            let now = self.settings.iter().find(|setting| setting.had_flag(argument));
            renamed.extend(now.map(|setting| Renamed::new(given, format!("--{}", setting.flag))));
        }
        for name in variables {
            let now = self.settings.iter().find(|setting| setting.had_variable(name));
            renamed.extend(now.map(|setting| Renamed::new(name, setting.variable.clone())));
        }
        for name in keys {
            let now = self.settings.iter().find(|setting| setting.had_key(name));
            renamed.extend(now.map(|setting| Renamed::new(name, setting.key.clone())));
        }
        renamed
    }

    /// What the environment says, by the setting's id.
    pub(super) fn read_environment(
        &self,
        environment: &Environment,
    ) -> Result<BTreeMap<String, Value>, ConfigError> {
        let mut values = BTreeMap::new();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            if value.is_empty() || self.of_subcommands.contains(name) {
                continue;
            }
            if let Some(setting) = self.find(|setting| setting.variable == name || setting.had_variable(name))
            {
                let text = text_of(name, value)?;
                self.put(&mut values, setting, Value { name: name.to_owned(), texts: vec![text] })?;
            } else if let Some(setting) = self.named_by_file(name, FILE_VARIABLE, |setting| &setting.variable)
            {
                let path = PathBuf::from(value);
                let text = read_secret(name, &path)?;
                self.put(&mut values, setting, Value { name: name.to_owned(), texts: vec![text] })?;
            } else if !is_service_link(name, &value.to_string_lossy()) {
                return Err(self.unknown(name, |setting| &setting.variable));
            }
        }
        Ok(values)
    }

    /// What the file says, by the setting's id. Files that it names are relative to its own place.
    pub(super) fn read_file(
        &self,
        keys: &[(String, Value)],
        path: &Path,
    ) -> Result<BTreeMap<String, Value>, ConfigError> {
        let mut values = BTreeMap::new();
        for (key, value) in keys {
            let name = || format!("{key} (in {})", path.display());
            if key == CONFIG {
                let reason = "a settings file cannot name another settings file".to_owned();
                return Err(ConfigError::Malformed { name: name(), reason });
            } else if let Some(setting) = self.find(|setting| setting.key == *key || setting.had_key(key)) {
                self.put(&mut values, setting, Value { name: name(), texts: value.texts.clone() })?;
            } else if let Some(setting) = self.named_by_file(key, FILE_KEY, |setting| &setting.key) {
                let named = value.texts.first().map(Path::new).unwrap_or(Path::new(""));
                let text = read_secret(key, &path.parent().unwrap_or(Path::new("")).join(named))?;
                self.put(&mut values, setting, Value { name: name(), texts: vec![text] })?;
            } else {
                return Err(self.unknown(key, |setting| &setting.key));
            }
        }
        Ok(values)
    }

    fn find(&self, is_it: impl Fn(&Setting) -> bool) -> Option<&Setting> {
        self.settings.iter().find(|setting| is_it(setting))
    }

    /// The secret whose file `name` names.
    fn named_by_file(&self, name: &str, suffix: &str, of: fn(&Setting) -> &String) -> Option<&Setting> {
        let stem = name.strip_suffix(suffix)?;
        self.settings.iter().find(|setting| setting.secret && of(setting) == stem)
    }

    fn put(
        &self,
        values: &mut BTreeMap<String, Value>,
        setting: &Setting,
        value: Value,
    ) -> Result<(), ConfigError> {
        let other = value.name.clone();
        match values.insert(setting.id.clone(), value) {
            Some(Value { name: one, .. }) => Err(ConfigError::Twice { one, other }),
            None => Ok(()),
        }
    }

    fn unknown(&self, name: &str, of: fn(&Setting) -> &String) -> ConfigError {
        let suggestion = nearest(name, self.settings.iter().map(|setting| of(setting).as_str()));
        ConfigError::Unknown { name: name.to_owned(), suggestion: suggestion.map(str::to_owned) }
    }
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

fn collect_variables(command: &Command, variables: &mut BTreeSet<String>) {
    variables.extend(command.get_arguments().filter_map(variable_of));
    for subcommand in command.get_subcommands() {
        collect_variables(subcommand, variables);
    }
}

/// Whether this is one of the variables by which Kubernetes tells each pod of the Services in its
/// namespace (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
/// A Service named `madang-gateway` makes `MADANG_GATEWAY_SERVICE_HOST`, `MADANG_GATEWAY_SERVICE_PORT_HTTP`,
/// `MADANG_GATEWAY_PORT=tcp://10.0.0.1:80`, `MADANG_GATEWAY_PORT_80_TCP_ADDR` and more, in our own name
/// space and without anybody having set them: to refuse them would refuse to start beside ourselves.
fn is_service_link(name: &str, value: &str) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    // `..._PORT_80_TCP`, alone or with one of three endings.
    let of_port = |rest: &str| {
        let mut parts = rest.split('_');
        parts.next().is_some_and(|number| number.parse::<u16>().is_ok())
            && parts.next().is_some_and(|protocol| PROTOCOLS.contains(&protocol))
            && matches!(parts.next(), None | Some("ADDR" | "PORT" | "PROTO"))
            && parts.next().is_none()
    };
    name.match_indices("_PORT_").any(|(at, separator)| of_port(&name[at + separator.len()..]))
        || name.ends_with("_PORT")
            && value
                .split_once("://")
                .is_some_and(|(scheme, _)| PROTOCOLS.contains(&scheme.to_uppercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_told_from_settings() {
        for (name, value) in [
            ("MADANG_GATEWAY_SERVICE_HOST", "10.0.0.1"),
            ("MADANG_GATEWAY_SERVICE_PORT", "80"),
            ("MADANG_GATEWAY_SERVICE_PORT_HTTP", "80"),
            ("MADANG_X_PORT", "tcp://10.0.0.1:80"),
            ("MADANG_X_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("MADANG_X_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("MADANG_X_PORT_8080_TCP_PORT", "8080"),
            ("MADANG_X_PORT_8080_UDP_PROTO", "udp"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        for (name, value) in
            [("MADANG_HTTP_PORT", "8080"), ("MADANG_PORT_RANGE", "1"), ("MADANG_LOGG", "info")]
        {
            assert!(!is_service_link(name, value), "{name}");
        }
    }
}
