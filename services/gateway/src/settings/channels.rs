//! Settings of the Channels dialect.

use clap::Args;
use jiff::tz::TimeZone;
use madang_domain::Slug;

/// The dialect for existing front ends of Django Channels sites.
#[derive(Debug, Clone, Args)]
pub struct ChannelsSettings {
    /// Whether to serve the Channels dialect beside `/v1/ws`, for front ends of Django Channels sites. Its sockets
    /// accept `?token=`, and proxies write URLs into their logs. [default: false; in the all-in-one: true]
    #[arg(long = "channels-edge", alias = "reference-edge", env = "MADANG_CHANNELS_EDGE", num_args = 0..=1, default_missing_value = "true")]
    pub channels_edge: Option<bool>,

    /// The path of the Channels dialect, below the base path: `/ws` gives `/ws/chat/7/`, `/` gives
    /// `/chat/7/`.
    #[arg(long = "channels-path", alias = "reference-path", env = "MADANG_CHANNELS_PATH", default_value = "/ws", value_parser = super::path::base_path, value_name = "PATH")]
    pub path: String,

    /// The time zone of the times in the Channels dialect.
    #[arg(long = "channels-time-zone", alias = "reference-time-zone", env = "MADANG_CHANNELS_TIME_ZONE", default_value = "Asia/Seoul", value_parser = time_zone, value_name = "ZONE")]
    pub time_zone: TimeZone,

    /// The slug of the public room for sockets that name no room. The gateway creates the room at its first use.
    #[arg(
        long = "channels-default-room",
        alias = "reference-default-room",
        env = "MADANG_CHANNELS_DEFAULT_ROOM",
        default_value = "lobby",
        value_name = "SLUG"
    )]
    pub default_room: Slug,
}

impl ChannelsSettings {
    /// Whether the dialect is served.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.channels_edge == Some(true)
    }
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "must be a name of the time zone database, such as Asia/Seoul".to_owned())
}
