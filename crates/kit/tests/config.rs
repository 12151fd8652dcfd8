//! Sources of settings, their precedence, and what is said of mistakes.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::{ffi::OsString, fs, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use madang_kit::{
    CommonSettings, LogFormat, OpsSettings, Secret,
    config::{ConfigError, Environment, try_parse_from},
};
use tempfile::TempDir;

/// Serves the test.
#[derive(Debug, Parser)]
#[command(name = "madang-test", version)]
struct Settings {
    #[command(flatten)]
    common: CommonSettings,
    #[command(flatten)]
    ops: OpsSettings,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080")]
    http_addr: SocketAddr,
    /// Where the data is
    #[arg(long, env = "MADANG_DATABASE_URL")]
    database_url: Option<Secret>,
    /// Who may open a socket
    #[arg(long, value_delimiter = ',')]
    allowed_origins: Vec<String>,
    /// Accept tokens in URLs
    #[arg(long, alias = "allow-url-token")]
    allow_query_token: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrates
    Migrate {
        /// How far
        #[arg(long, env = "MADANG_MIGRATE_TO")]
        to: Option<u32>,
    },
}

/// Settings of which one is needed.
#[derive(Debug, Parser)]
struct Needy {
    /// The keys
    #[arg(long)]
    signing_key: Secret,
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

fn parse(args: &[&str], variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    try_parse_from(std::iter::once(&"madang-test").chain(args), &environment(variables))
}

/// What is said of a mistake.
fn mistake(args: &[&str], variables: &[(&str, &str)]) -> String {
    parse(args, variables).unwrap_err().to_string()
}

struct File(TempDir);

impl File {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("madang.toml"), text).unwrap();
        Self(directory)
    }

    fn path(&self) -> String {
        self.0.path().join("madang.toml").display().to_string()
    }

    fn beside(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    let settings = parse(&[], &[("PATH", "/bin"), ("HOME", "/root")]).unwrap();
    assert_eq!(settings.http_addr.port(), 8080);
    assert_eq!(settings.ops.ops_addr.port(), 9090);
    assert_eq!(settings.common.log, "info");
    assert_eq!(settings.common.drain, Duration::from_secs(30));
    assert!(settings.common.log_format.is_none() && settings.database_url.is_none());
    assert!(!settings.allow_query_token && settings.allowed_origins.is_empty() && settings.command.is_none());
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let file = File::new("http_addr = '127.0.0.1:3'\n[log]\nformat = 'json'");
    let path = file.path();
    let port = |args: &[&str], variables: &[(&str, &str)]| parse(args, variables).unwrap().http_addr.port();
    let variable = ("MADANG_HTTP_ADDR", "127.0.0.1:2");
    let config = ("MADANG_CONFIG", path.as_str());
    assert_eq!(port(&["--http-addr", "127.0.0.1:1"], &[variable, config]), 1);
    assert_eq!(port(&[], &[variable, config]), 2);
    assert_eq!(port(&[], &[config]), 3);
    assert_eq!(port(&["--config", &path], &[]), 3);
    assert_eq!(port(&[], &[("MADANG_HTTP_ADDR", "")]), 8080, "empty is not set");
    assert_eq!(
        parse(&[], &[config]).unwrap().common.log_format,
        Some(LogFormat::Json),
        "tables are flattened"
    );
}

#[test]
fn lists_and_switches_come_from_everywhere() {
    let file = File::new("allowed_origins = ['https://a', 'https://b']\nallow_query_token = true");
    let settings = parse(&["--config", &file.path()], &[]).unwrap();
    assert_eq!(settings.allowed_origins, ["https://a", "https://b"]);
    assert!(settings.allow_query_token);
    let settings = parse(
        &["--config", &file.path()],
        &[("MADANG_ALLOWED_ORIGINS", "https://c,https://d"), ("MADANG_ALLOW_QUERY_TOKEN", "off")],
    )
    .unwrap();
    assert_eq!(
        settings.allowed_origins,
        ["https://c", "https://d"],
        "it replaces the file's, it does not add"
    );
    assert!(!settings.allow_query_token);
    let settings =
        parse(&["--allowed-origins", "https://e"], &[("MADANG_ALLOWED_ORIGINS", "https://c")]).unwrap();
    assert_eq!(settings.allowed_origins, ["https://e"]);
}

#[test]
fn an_unknown_name_is_told_with_the_nearest() {
    let text = mistake(&[], &[("MADANG_HTTP_ADR", "127.0.0.1:1")]);
    assert_eq!(text, "unknown setting MADANG_HTTP_ADR; did you mean MADANG_HTTP_ADDR?");
    assert_eq!(mistake(&[], &[("MADANG_ZZZZZZZZZZ", "1")]), "unknown setting MADANG_ZZZZZZZZZZ");
    let file = File::new("http_adr = '127.0.0.1:1'");
    let text = mistake(&["--config", &file.path()], &[]);
    assert_eq!(text, "unknown setting http_adr; did you mean http_addr?");
    assert!(mistake(&["--http-adr", "1"], &[]).contains("'--http-addr'"));
}

#[test]
fn a_malformed_value_is_told_by_the_name_it_was_given_under() {
    let text = mistake(&[], &[("MADANG_HTTP_ADDR", "everywhere")]);
    assert_eq!(
        text,
        r#"MADANG_HTTP_ADDR is malformed: "everywhere": expected an IP address and a port, such as 127.0.0.1:8080"#
    );
    let text = mistake(&[], &[("MADANG_LOG_FORMAT", "xml")]);
    assert_eq!(text, r#"MADANG_LOG_FORMAT is malformed: "xml": expected one of text, json"#);
    assert!(
        mistake(&[], &[("MADANG_ALLOW_QUERY_TOKEN", "maybe")])
            .starts_with("MADANG_ALLOW_QUERY_TOKEN is malformed")
    );
    assert!(mistake(&[], &[("MADANG_DRAIN_SECONDS", "-1")]).starts_with("MADANG_DRAIN_SECONDS is malformed"));
    let text = mistake(&[], &[("MADANG_WORKER_THREADS", "0")]);
    assert_eq!(text, r#"MADANG_WORKER_THREADS is malformed: "0": expected a number from 1 to 1024"#);
    let text = mistake(&[], &[("MADANG_WORKER_THREADS", "many")]);
    assert_eq!(text, r#"MADANG_WORKER_THREADS is malformed: "many": expected a whole number"#);
    let text = mistake(&[], &[("MADANG_LOG", "inof")]);
    assert!(text.starts_with("MADANG_LOG is malformed") && text.contains("debug"), "{text}");
    assert!(parse(&[], &[("MADANG_LOG", "info,madang_bus=debug")]).is_ok());

    let file = File::new("drain_seconds = 'soon'");
    let text = mistake(&["--config", &file.path()], &[]);
    assert!(text.contains("drain_seconds") && text.contains("madang.toml"), "{text}");
    let file = File::new("http_addr = ['127.0.0.1:1', '127.0.0.1:2']");
    assert!(mistake(&["--config", &file.path()], &[]).contains("expected one value"));
}

#[test]
fn a_file_that_is_absent_or_broken_is_told_without_its_content() {
    let text = mistake(&["--config", "/no/such/file"], &[]);
    assert!(text.contains("MADANG_CONFIG") && text.contains("/no/such/file"), "{text}");
    let file = File::new("log = 'info'\ndatabase_url = hunter2");
    let text = mistake(&["--config", &file.path()], &[]);
    assert!(text.contains("line 2") && !text.contains("hunter2"), "{text}");
    let file = File::new("config = 'other.toml'");
    assert!(mistake(&["--config", &file.path()], &[]).contains("cannot name another"));
    let file = File::new("log_format = 'json'\n[log]\nformat = 'text'");
    assert!(mistake(&["--config", &file.path()], &[]).contains("both set"));
}

#[test]
fn a_secret_can_come_from_a_file_and_is_never_shown() {
    let file = File::new("database_url_file = 'url'");
    let url = file.beside("url", "postgres://u:hunter2@db/m\n");
    let url = url.to_str().unwrap();
    let expected = Some(Secret::from("postgres://u:hunter2@db/m"));

    let settings = parse(&[], &[("MADANG_DATABASE_URL_FILE", url)]).unwrap();
    assert_eq!(settings.database_url, expected);
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(
        parse(&["--config", &file.path()], &[]).unwrap().database_url,
        expected,
        "relative to the file"
    );

    let both = [("MADANG_DATABASE_URL_FILE", url), ("MADANG_DATABASE_URL", "x")];
    let text = mistake(&[], &both);
    assert!(text.contains("MADANG_DATABASE_URL and MADANG_DATABASE_URL_FILE are both set"), "{text}");
    let text = mistake(&[], &[("MADANG_DATABASE_URL_FILE", "/no/such/secret")]);
    assert!(text.contains("MADANG_DATABASE_URL_FILE") && text.contains("/no/such/secret"), "{text}");
    let text = mistake(&[], &[("MADANG_HTTP_ADDR_FILE", url)]);
    assert!(
        text.starts_with("unknown setting MADANG_HTTP_ADDR_FILE"),
        "only secrets come from files: {text}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let missing = try_parse_from::<Needy>(["madang-test"], &Environment::new()).unwrap_err();
    assert_eq!(missing.to_string(), "MADANG_SIGNING_KEY (--signing-key) is required but not set");
    let variables = environment(&[("MADANG_SIGNING_KEY", "k")]);
    assert_eq!(try_parse_from::<Needy>(["madang-test"], &variables).unwrap().signing_key.expose(), "k");
}

#[test]
fn variables_of_kubernetes_are_passed_over() {
    let links = [
        ("MADANG_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("MADANG_GATEWAY_PORT", "tcp://10.0.0.1:80"),
        ("MADANG_GATEWAY_PORT_80_TCP_PORT", "80"),
    ];
    assert!(parse(&[], &links).is_ok());
    assert!(parse(&[], &[("MADANG_GATEWAY_PORT", "80")]).is_err());
}

#[test]
fn subcommands_keep_their_flags() {
    let file = File::new("log = 'debug'");
    let settings = parse(&["--config", &file.path(), "migrate", "--to", "3"], &[]).unwrap();
    assert!(matches!(settings.command, Some(Command::Migrate { to: Some(3) })));
    assert_eq!(settings.common.log, "debug");
    assert!(parse(&["migrate"], &[("MADANG_MIGRATE_TO", "3")]).is_ok(), "a subcommand's variable is known");
}

#[test]
fn help_lists_each_setting_with_variable_and_default_and_no_value() {
    let Err(ConfigError::Flags(help)) = parse(&["--help"], &[("MADANG_DATABASE_URL", "hunter2")]) else {
        panic!("help is shown")
    };
    let help = help.to_string();
    for part in [
        "[env: MADANG_HTTP_ADDR]",
        "[default: 127.0.0.1:8080]",
        "[env: MADANG_CONFIG]",
        "[env: MADANG_LOG_FORMAT]",
        "- json: One JSON object per line",
        "MADANG_DATABASE_URL_FILE",
        "[env: MADANG_OPS_ADDR]",
        "--http-addr <IP:PORT>",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
    assert!(!help.contains("hunter2"));
}

#[test]
fn a_name_of_an_earlier_version_is_accepted_everywhere() {
    assert!(parse(&["--allow-url-token"], &[]).unwrap().allow_query_token);
    assert!(parse(&[], &[("MADANG_ALLOW_URL_TOKEN", "true")]).unwrap().allow_query_token);
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("madang.toml");
    fs::write(&file, "allow_url_token = true").unwrap();
    assert!(parse(&["--config", file.to_str().unwrap()], &[]).unwrap().allow_query_token);
}

#[test]
fn a_setting_by_its_former_and_its_new_name_is_given_twice() {
    let variables = [("MADANG_ALLOW_URL_TOKEN", "true"), ("MADANG_ALLOW_QUERY_TOKEN", "false")];
    let error = parse(&[], &variables).unwrap_err().to_string();
    assert_eq!(error, "MADANG_ALLOW_QUERY_TOKEN and MADANG_ALLOW_URL_TOKEN are both set; keep one of them");
}
