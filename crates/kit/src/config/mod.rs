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

mod error;
mod explain;
mod file;
mod invocation;
mod known;
mod names;
mod parse;
pub(crate) mod print;
mod secret;
mod tasks;
mod value;

pub use error::ConfigError;
pub(crate) use explain::{Explained, Explanation, Origin};
pub(crate) use invocation::{Invocation, parse};
pub use known::variable_of;
pub use parse::try_parse_from;
pub use secret::Secret;
pub(crate) use tasks::Task;
pub use value::Environment;
pub(crate) use value::Renamed;
