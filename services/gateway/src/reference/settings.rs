//! What the reference edge can be told.

use clap::{ArgAction, Args};
use jiff::tz::TimeZone;
use madang_domain::Slug;

/// The edge for the front ends of the system that Madang replaces.
#[derive(Debug, Clone, Args)]
pub struct ReferenceSettings {
    /// Serve the sockets of the contract that old front ends know, beside `/v1/ws`. They accept `?token=`.
    #[arg(long = "reference-edge", env = "MADANG_REFERENCE_EDGE", default_value_t = true, action = ArgAction::Set)]
    pub enabled: bool,

    /// The path under which they are, below the base path: with `/ws`, `/ws/chat/7/`; with `/`, `/chat/7/`.
    #[arg(long = "reference-path", env = "MADANG_REFERENCE_PATH", default_value = "/ws", value_parser = crate::settings::base_path)]
    pub path: String,

    /// The zone in which they say what time it is.
    #[arg(long = "reference-time-zone", env = "MADANG_REFERENCE_TIME_ZONE", default_value = "Asia/Seoul", value_parser = time_zone)]
    pub time_zone: TimeZone,

    /// The slug of the public room of their simple variant; made when it is first asked for.
    #[arg(long = "reference-default-room", env = "MADANG_REFERENCE_DEFAULT_ROOM", default_value = "lobby")]
    pub default_room: Slug,
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "must be a name of the time zone database, such as Asia/Seoul".to_owned())
}
