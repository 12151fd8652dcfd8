//! The service's settings. Each flag is also a variable: `--auth-ticket-seconds` is
//! `MADANG_AUTH_TICKET_SECONDS`. All begin with `auth`, so that the all-in-one can have them beside the
//! other services'.

use std::{num::NonZeroUsize, time::Duration};

use argon2::Params;
use clap::Args;
use madang_flow_control::RateLimit;
use madang_kit::{Registration, Secret, StartError};

use crate::{
    attempts::AttemptPolicy,
    encryption::KeyEncryption,
    hashing::HashingPolicy,
    keys::{CLOCK_SKEW_MAX, KeyPolicy},
};

/// The longest lifetime of an access token.
const TOKEN_LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// The longest time in which a refresh is repeated. A stolen token may go unnoticed for as long.
const REPEAT_LONGEST: Duration = Duration::from_secs(300);

/// A year. A longer time is more likely a mistake of the unit.
const SECONDS_MAX: u64 = 366 * 24 * 3_600;

/// The error for a burst of zero. Zero once meant "unlimited", which nobody expects.
const NO_BURST: &str = "must be 1 or more; MADANG_REGISTRATION=closed allows no registration";

/// The settings of the auth service.
#[derive(Debug, Clone, Args)]
#[group(id = "auth")]
pub struct Settings {
    /// The most connections to the auth service's database
    #[arg(long = "auth-database-connections", id = "auth_database_connections", default_value_t = 10)]
    pub database_connections: u32,

    /// The lifetime of an access token, in seconds
    #[arg(long = "auth-access-token-seconds", id = "auth_access_token_seconds", default_value = "900", value_parser = token_seconds)]
    pub access_token: Duration,

    /// The lifetime of a session without a refresh, in seconds (30 days)
    #[arg(long = "auth-session-idle-seconds", id = "auth_session_idle_seconds", default_value = "2592000", value_parser = seconds)]
    pub session_idle: Duration,

    /// The maximum lifetime of a session, in seconds (90 days)
    #[arg(long = "auth-session-max-seconds", id = "auth_session_max_seconds", default_value = "7776000", value_parser = seconds)]
    pub session_max: Duration,

    /// The time, in seconds, within which the same device may repeat a refresh and gets the same token again, unless
    /// that token was used; 0 disables it
    #[arg(long = "auth-refresh-repeat-seconds", id = "auth_refresh_repeat_seconds", default_value = "30", value_parser = repeat_seconds)]
    pub refresh_repeat: Duration,

    /// The most live sessions of one user. A further sign-in ends the least recently used session
    #[arg(long = "auth-sessions-per-user", id = "auth_sessions_per_user", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub sessions_per_user: u32,

    /// The lifetime of a WebSocket ticket, in seconds
    #[arg(long = "auth-ticket-seconds", id = "auth_ticket_seconds", default_value = "30", value_parser = seconds)]
    pub ticket: Duration,

    /// How long a signing key signs before the next one replaces it, in seconds (30 days)
    #[arg(long = "auth-key-rotation-seconds", id = "auth_key_rotation_seconds", default_value = "2592000", value_parser = seconds)]
    pub key_rotation: Duration,

    /// How long a signing key is published before it signs, in seconds. Verifiers may cache keys for half of this
    /// time
    #[arg(long = "auth-key-overlap-seconds", id = "auth_key_overlap_seconds", default_value = "3600", value_parser = seconds)]
    pub key_overlap: Duration,

    /// The key that encrypts the private keys in the database: 32 bytes in base64, such as `openssl rand -base64 32`
    /// prints
    #[arg(long = "auth-key-encryption-key", id = "auth_key_encryption_key")]
    pub key_encryption_key: Option<Secret>,

    /// The memory of one password hash, in KiB
    #[arg(long = "auth-argon2-memory-kib", id = "auth_argon2_memory_kib", default_value_t = Params::DEFAULT_M_COST)]
    pub argon2_memory_kib: u32,

    /// The passes of one password hash over its memory
    #[arg(long = "auth-argon2-passes", id = "auth_argon2_passes", default_value_t = Params::DEFAULT_T_COST)]
    pub argon2_passes: u32,

    /// The lanes of one password hash
    #[arg(long = "auth-argon2-lanes", id = "auth_argon2_lanes", default_value_t = Params::DEFAULT_P_COST)]
    pub argon2_lanes: u32,

    /// The most concurrent password hashes. [default: one per core]
    #[arg(long = "auth-hashing-concurrency", id = "auth_hashing_concurrency")]
    pub hashing_concurrency: Option<NonZeroUsize>,

    /// The most passwords that wait to be hashed; further ones are refused at once
    #[arg(long = "auth-hashing-queue", id = "auth_hashing_queue", default_value_t = 256)]
    pub hashing_queue: usize,

    /// The most failed sign-ins in a burst, of one account from one address
    #[arg(long = "auth-login-burst-per-device", id = "auth_login_burst_per_device", default_value_t = 10)]
    pub login_burst_per_device: u32,

    /// The most failed sign-ins in a burst, of one account from all addresses without a session of it
    #[arg(long = "auth-login-burst-per-account", id = "auth_login_burst_per_account", default_value_t = 50)]
    pub login_burst_per_account: u32,

    /// The most failed sign-ins in a burst, from one address
    #[arg(long = "auth-login-burst-per-address", id = "auth_login_burst_per_address", default_value_t = 100)]
    pub login_burst_per_address: u32,

    /// Seconds until one more failed sign-in is allowed after a burst
    #[arg(long = "auth-login-refill-seconds", id = "auth_login_refill_seconds", default_value = "10", value_parser = seconds)]
    pub login_refill: Duration,

    /// The most sign-ins in a burst, from one address, successful or not
    #[arg(long = "auth-sign-ins-burst", id = "auth_sign_ins_burst", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub sign_ins_burst: u32,

    /// The sign-ins per second from one address, after a burst
    #[arg(long = "auth-sign-ins-per-second", id = "auth_sign_ins_per_second", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sign_ins_per_second: u32,

    /// The most successful sign-ins in a burst, of one account; then one per MADANG_AUTH_LOGIN_REFILL_SECONDS
    #[arg(long = "auth-sign-ins-burst-per-account", id = "auth_sign_ins_burst_per_account", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub sign_ins_burst_per_account: u32,

    /// The most registrations in a burst, from one address. To allow none, close registration
    #[arg(long = "auth-register-burst", id = "auth_register_burst", default_value_t = 100, value_parser = register_burst)]
    pub register_burst: u32,

    /// Seconds until one more registration is allowed after a burst
    #[arg(long = "auth-register-refill-seconds", id = "auth_register_refill_seconds", default_value = "2", value_parser = seconds)]
    pub register_refill: Duration,

    /// Whether people may register accounts. This field has no flag. The auth process sets it from
    /// `MADANG_REGISTRATION`, the all-in-one from its gateway's setting.
    #[arg(skip)]
    pub registration: Registration,

    /// Whether the start applies the migrations. This field has no flag. The process sets it from `MADANG_MIGRATE`.
    #[arg(skip = true)]
    pub migrate: bool,
}

impl Default for Settings {
    /// The defaults.
    fn default() -> Self {
        Self {
            database_connections: 10,
            access_token: Duration::from_secs(15 * 60),
            session_idle: Duration::from_secs(30 * 24 * 3_600),
            session_max: Duration::from_secs(90 * 24 * 3_600),
            refresh_repeat: Duration::from_secs(30),
            sessions_per_user: 100,
            ticket: Duration::from_secs(30),
            key_rotation: Duration::from_secs(30 * 24 * 3_600),
            key_overlap: Duration::from_secs(3_600),
            key_encryption_key: None,
            argon2_memory_kib: Params::DEFAULT_M_COST,
            argon2_passes: Params::DEFAULT_T_COST,
            argon2_lanes: Params::DEFAULT_P_COST,
            hashing_concurrency: None,
            hashing_queue: 256,
            login_burst_per_device: 10,
            login_burst_per_account: 50,
            login_burst_per_address: 100,
            login_refill: Duration::from_secs(10),
            sign_ins_burst: 300,
            sign_ins_per_second: 5,
            sign_ins_burst_per_account: 60,
            register_burst: 100,
            register_refill: Duration::from_secs(2),
            registration: Registration::Open,
            migrate: true,
        }
    }
}

/// The lifetimes of tokens, sessions and tickets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    pub(crate) access_token: Duration,
    pub(crate) session_idle: Duration,
    pub(crate) session_max: Duration,
    /// How long an exchange of a refresh token may be repeated; zero: never.
    pub(crate) refresh_repeat: Duration,
    pub(crate) ticket: Duration,
}

impl Lifetimes {
    /// How long a session matters after its end: until its last access token has expired by every clock.
    pub(crate) fn revocation(&self) -> Duration {
        self.access_token + CLOCK_SKEW_MAX
    }
}

/// The settings, checked against each other.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) lifetimes: Lifetimes,
    pub(crate) keys: KeyPolicy,
    pub(crate) hashing: HashingPolicy,
    pub(crate) attempts: AttemptPolicy,
    pub(crate) registration: Registration,
    /// The live sessions of one user, at most.
    pub(crate) sessions_max: u32,
    pub(crate) encryption: Option<KeyEncryption>,
}

impl Settings {
    /// Checks the settings against each other.
    pub(crate) fn policy(&self) -> Result<Policy, StartError> {
        if self.session_idle < self.access_token || self.session_max < self.session_idle {
            let reason = "must not be shorter than MADANG_AUTH_ACCESS_TOKEN_SECONDS, nor longer than \
                          MADANG_AUTH_SESSION_MAX_SECONDS";
            return Err(StartError::setting("MADANG_AUTH_SESSION_IDLE_SECONDS", reason));
        }
        if self.key_overlap * 2 > self.key_rotation {
            let reason = "must be at most half of MADANG_AUTH_KEY_ROTATION_SECONDS";
            return Err(StartError::setting("MADANG_AUTH_KEY_OVERLAP_SECONDS", reason));
        }
        if self.database_connections == 0 {
            return Err(StartError::setting("MADANG_AUTH_DATABASE_CONNECTIONS", "must be at least 1"));
        }
        if self.register_burst == 0 {
            return Err(StartError::setting("MADANG_AUTH_REGISTER_BURST", NO_BURST));
        }
        let params = Params::new(self.argon2_memory_kib, self.argon2_passes, self.argon2_lanes, None)
            .map_err(|error| {
                StartError::setting("MADANG_AUTH_ARGON2_MEMORY_KIB, _PASSES, _LANES", error.to_string())
            })?;
        let encryption =
            self.key_encryption_key.as_ref().map(|key| KeyEncryption::new(key.expose())).transpose();
        let encryption = encryption
            .map_err(|error| StartError::setting("MADANG_AUTH_KEY_ENCRYPTION_KEY", error.to_string()))?;
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Ok(Policy {
            lifetimes: Lifetimes {
                access_token: self.access_token,
                session_idle: self.session_idle,
                session_max: self.session_max,
                refresh_repeat: self.refresh_repeat,
                ticket: self.ticket,
            },
            keys: KeyPolicy {
                period: self.key_rotation,
                overlap: self.key_overlap,
                access_lifetime: self.access_token,
            },
            hashing: HashingPolicy {
                params,
                concurrency: self.hashing_concurrency.unwrap_or_else(cores).get(),
                queue: self.hashing_queue,
            },
            attempts: AttemptPolicy {
                device: RateLimit { burst: self.login_burst_per_device, interval: self.login_refill },
                account: RateLimit { burst: self.login_burst_per_account, interval: self.login_refill },
                address: RateLimit { burst: self.login_burst_per_address, interval: self.login_refill },
                all_of_address: RateLimit {
                    burst: self.sign_ins_burst,
                    interval: Duration::from_secs(1) / self.sign_ins_per_second.max(1),
                },
                successes: RateLimit { burst: self.sign_ins_burst_per_account, interval: self.login_refill },
                registration: RateLimit { burst: self.register_burst, interval: self.register_refill },
            },
            registration: self.registration,
            sessions_max: self.sessions_per_user,
            encryption,
        })
    }
}

/// Gateways remember a revocation for a day. So no access token may be valid for longer.
fn token_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text) {
        Ok(time) if time > TOKEN_LONGEST => {
            Err("an access token may be valid for at most a day (86400)".to_owned())
        }
        judged => judged,
    }
}

fn repeat_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) if seconds <= REPEAT_LONGEST.as_secs() => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("expected a number of seconds from 0 to {}", REPEAT_LONGEST.as_secs())),
    }
}

fn register_burst(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(0) => Err(NO_BURST.to_owned()),
        Ok(burst) => Ok(burst),
        Err(error) => Err(error.to_string()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) if (1..=SECONDS_MAX).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("expected a number of seconds from 1 to {SECONDS_MAX}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn the_defaults_of_flags_and_of_code_are_the_same() {
        let parsed = Command::parse_from(["auth"]).settings;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Settings::default()));
        assert!(parsed.policy().is_ok());
    }

    #[test]
    fn a_burst_of_no_registrations_is_refused_and_says_what_to_do() {
        let parsed = Command::try_parse_from(["auth", "--auth-register-burst", "0"]);
        let message = parsed.map(|parsed| parsed.settings).unwrap_err().to_string();
        assert!(message.contains("MADANG_REGISTRATION=closed"), "{message}");
        let refused = Settings { register_burst: 0, ..Settings::default() }.policy().unwrap_err().to_string();
        assert!(refused.contains("MADANG_REGISTRATION=closed"), "{refused}");
        let parsed = Command::parse_from(["auth", "--auth-register-burst", "1"]).settings;
        assert_eq!(parsed.register_burst, 1);
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_name() {
        let refused = |settings: Settings| settings.policy().unwrap_err().to_string();
        let hour = Duration::from_secs(3_600);
        let text = refused(Settings { session_idle: hour, session_max: hour / 2, ..Settings::default() });
        assert!(text.starts_with("MADANG_AUTH_SESSION_IDLE_SECONDS"), "{text}");
        let text = refused(Settings { key_rotation: hour, key_overlap: hour, ..Settings::default() });
        assert!(text.starts_with("MADANG_AUTH_KEY_OVERLAP_SECONDS"), "{text}");
        let text = refused(Settings { argon2_passes: 0, ..Settings::default() });
        assert!(text.starts_with("MADANG_AUTH_ARGON2"), "{text}");
        let text = refused(Settings { key_encryption_key: Some("short".into()), ..Settings::default() });
        assert!(text.starts_with("MADANG_AUTH_KEY_ENCRYPTION_KEY") && !text.contains("short"), "{text}");
    }
}
