//! Settings of the Channels dialect.

use clap::Args;
use jiff::tz::TimeZone;
use madang_domain::Slug;

/// The dialect for the front ends of the chat system that Madang replaces.
#[derive(Debug, Clone, Args)]
pub struct ChannelsSettings {
    /// Serve the Channels dialect beside `/v1/ws`: the sockets that front ends of Django Channels know. They accept
    /// `?token=`, and URLs end up in the logs of proxies. [default: false; of the all-in-one: true]
    #[arg(long = "channels-edge", alias = "reference-edge", env = "MADANG_CHANNELS_EDGE", num_args = 0..=1, default_missing_value = "true")]
    pub channels_edge: Option<bool>,

    /// The path under which they are, below the base path: with `/ws`, `/ws/chat/7/`; with `/`, `/chat/7/`.
    #[arg(long = "channels-path", alias = "reference-path", env = "MADANG_CHANNELS_PATH", default_value = "/ws", value_parser = super::path::base_path)]
    pub path: String,

    /// The zone in which they say what time it is.
    #[arg(long = "channels-time-zone", alias = "reference-time-zone", env = "MADANG_CHANNELS_TIME_ZONE", default_value = "Asia/Seoul", value_parser = time_zone)]
    pub time_zone: TimeZone,

    /// The slug of the public room of their simple variant; made when it is first asked for.
    #[arg(
        long = "channels-default-room",
        alias = "reference-default-room",
        env = "MADANG_CHANNELS_DEFAULT_ROOM",
        default_value = "lobby"
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
