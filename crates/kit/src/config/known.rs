//! The settings that a command knows, and what the environment and the file say of them.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Command};

use super::{CONFIG, ConfigError, Environment, Secret, Value, is_list, names::nearest, read_secret, text_of};

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

/// The variable of a setting: the one that it names, or its flag's.
pub(super) fn variable_of(arg: &Arg) -> Option<String> {
    if matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    ) {
        return None;
    }
    if let Some(name) = arg.get_env().and_then(|name| name.to_str()) {
        return Some(name.to_owned());
    }
    Some(format!("{PREFIX}{}", arg.get_long()?.to_ascii_uppercase().replace('-', "_")))
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
                key: flag.replace('-', "_"),
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
            if let Some(setting) = self.settings.iter().find(|setting| setting.variable == name) {
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
                let reason = "a file cannot name another".to_owned();
                return Err(ConfigError::Malformed { name: name(), reason });
            } else if let Some(setting) = self.settings.iter().find(|setting| setting.key == *key) {
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
