//! A private PostgreSQL.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use crate::certificates::IssuedCertificate;
use crate::database::TestDatabase;
use crate::database_admin::create_database;
use crate::disk::require_disk;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::network::Host;
use crate::port::{free_port, is_free};
use crate::process::{Process, ProcessSpec};
use crate::programs::{Account, postgres_directory};
use crate::random::random_hex;
use crate::small_disk::SmallDisk;

/// A start recovers from a crash first where there was one; on a busy machine that takes a while.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// `initdb` writes some 1,000 files; three seconds on a slow disk.
const INITDB_DEADLINE: Duration = Duration::from_secs(120);

/// A fast shutdown writes a checkpoint.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// Attempts to start on a port that another process took after it was chosen.
const PORT_ATTEMPTS: u32 = 3;

const SUPERUSER: &str = "madang";

/// The server's certificate and its key, in the server's directory.
const CERTIFICATE_FILE: &str = "server.crt";
const KEY_FILE: &str = "server.key";

/// Where the data is, in the server's directory; `--pgdata` of `initdb` says the same.
const DATA_DIRECTORY: &str = "data";

/// Whether a commit survives the loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// PostgreSQL's own defaults, `fsync` and `synchronous_commit` on: for benchmarks and for tests of durability. Such a
    /// server refuses to start with its data in memory.
    Real,
    /// `fsync` and `full_page_writes` off: for tests of behaviour. A killed server still loses nothing, a machine
    /// that loses power loses everything.
    #[default]
    Fast,
}

/// How a server is started; the default is [`PostgresServer::start`] with [`Durability::Fast`].
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// Whether a commit survives the loss of power.
    pub durability: Durability,
    /// Where the log goes, if not into the server's own directory.
    pub log: Option<PathBuf>,
    /// The size of a disk of its own for the data, which [`PostgresServer::disk`] can fill. Needs root.
    pub disk_bytes: Option<u64>,
    /// The host it runs on and serves from; none for 127.0.0.1.
    pub host: Option<Host>,
    /// The certificate that the server shows to who asks for TLS.
    pub certificate: Option<IssuedCertificate>,
}

/// A PostgreSQL server in a directory of its own. It ends with this value, or with this process.
#[derive(Debug)]
pub struct PostgresServer {
    process: Process,
    address: SocketAddr,
    password: String,
    /// After the process: fields are dropped in this order.
    disk: Option<SmallDisk>,
    _home: Home,
}

impl PostgresServer {
    /// Makes a cluster of databases with UTF-8 text (`LC_CTYPE` too, which the search for Korean needs), starts the
    /// server on a free port of 127.0.0.1 and waits until it answers.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start; the message holds the end of its log.
    pub async fn start(durability: Durability) -> Result<Self> {
        Self::start_with(durability, None).await
    }

    /// [`Self::start`], with a log elsewhere than in the server's own directory.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with(durability: Durability, log: Option<PathBuf>) -> Result<Self> {
        Self::start_configured(PostgresOptions { durability, log, ..PostgresOptions::default() }).await
    }

    /// [`Self::start`], with all that can be chosen.
    ///
    /// # Errors
    /// The same; and [`Error::NoDisk`] where a disk is asked for and cannot be made.
    pub async fn start_configured(options: PostgresOptions) -> Result<Self> {
        let PostgresOptions { durability, log, disk_bytes, host, certificate } = options;
        let programs = postgres_directory()?;
        let account = Account::unprivileged()?;
        let home = Home::create("postgres", account)?;
        // A small disk of its own lies in memory, whatever the home does: it is there to be filled.
        if durability == Durability::Real && disk_bytes.is_none() {
            require_disk(home.path())?;
        }
        // The port is open to every user of the machine, and a superuser's session can run programs.
        let password = random_hex();
        let disk = disk_bytes
            .map(|bytes| SmallDisk::mount(home.join(DATA_DIRECTORY), bytes, account))
            .transpose()?;
        initialise(&programs, &home, account, &password).await?;
        if let Some(certificate) = &certificate {
            write_private(&home.join(CERTIFICATE_FILE), &certificate.certificate, account)?;
            write_private(&home.join(KEY_FILE), &certificate.key, account)?;
        }
        let ip = host.as_ref().map_or(IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from);
        if host.is_some() {
            admit_hosts(&home)?;
        }

        let log = log.unwrap_or_else(|| home.join("postgres.log"));
        let mut attempt = 1;
        let (process, address) = loop {
            let address = SocketAddr::new(ip, free_port()?);
            let spec = ProcessSpec {
                log: log.clone(),
                ..server_spec(
                    &programs,
                    &home,
                    account,
                    address,
                    durability,
                    disk_bytes.is_some(),
                    certificate.is_some(),
                )
            };
            let process = Process::spawn(match &host {
                Some(host) => host.place(spec),
                None => spec,
            })?;
            match ready(&process, address, &password).await {
                Err(Error::Exited { .. }) if attempt < PORT_ATTEMPTS && !is_free(address.port()) => {
                    attempt += 1;
                }
                outcome => {
                    outcome?;
                    break (process, address);
                }
            }
        };
        Ok(Self { process, address, password, disk, _home: home })
    }

    /// The URL of one of its databases, for its superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}:{}@{}/{database}", self.password, self.address)
    }

    /// Where it serves: of this process's own host `127.0.0.1:port`, for a [`BreakableProxy`](crate::BreakableProxy) in
    /// front of it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A fresh database for one test, dropped with the value.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn database(&self) -> Result<TestDatabase> {
        TestDatabase::create(&self.url("postgres")).await
    }

    /// A database that lives as long as the server; returns its URL.
    ///
    /// # Errors
    /// When the server does not answer, or has a database of that name.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        create_database(&self.url("postgres"), name).await?;
        Ok(self.url(name))
    }

    /// SIGKILL: every connection is lost, no commit is.
    ///
    /// # Errors
    /// When the process does not go.
    pub async fn kill9(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// SIGQUIT, an "immediate shutdown", and a start: backends leave what they do at once, and the start recovers.
    ///
    /// # Errors
    /// When it does not end, or does not come up again.
    pub async fn restart_immediately(&self) -> Result<()> {
        self.process.signal(Signal::QUIT);
        self.process.exited(STOP_DEADLINE).await?;
        self.restart().await
    }

    /// Ends all connections but this call's own (`pg_terminate_backend`); returns how many there were.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn terminate_connections(&self) -> Result<u64> {
        const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let terminate = async {
            let mut connection = PgConnection::connect(&self.url("postgres")).await?;
            let ended = connection.execute(TERMINATE).await?.rows_affected();
            connection.close().await?;
            Ok(ended)
        };
        terminate.await.map_err(Error::postgres("end all connections"))
    }

    /// Waits until it answers, for a server that restarts its backends by itself.
    ///
    /// # Errors
    /// When it has ended, or does not answer in time.
    pub async fn ready(&self) -> Result<()> {
        ready(&self.process, self.address, &self.password).await
    }

    /// The disk of its own, where it was started with one.
    #[must_use]
    pub fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    /// Stops in good order, disconnecting everybody.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await.map(drop)
    }

    /// Starts again on the same port with the same data, after a kill if it runs.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn restart(&self) -> Result<()> {
        self.process.restart().await?;
        ready(&self.process, self.address, &self.password).await
    }

    /// Stops the server and its backends from running; connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused server run on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// The process: its log, process id, usage.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// Writes a file that the server's account alone may read, as PostgreSQL demands of keys.
fn write_private(path: &Path, text: &str, account: Option<Account>) -> Result<()> {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    let failed = || Error::io(format!("write {}", path.display()));
    std::fs::write(path, text).map_err(failed())?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed())?;
    if let Some(account) = account {
        chown(path, Some(account.user_id), Some(account.group_id)).map_err(failed())?;
    }
    Ok(())
}

async fn initialise(programs: &Path, home: &Home, account: Option<Account>, password: &str) -> Result<()> {
    let password_file = home.join("password");
    std::fs::write(&password_file, password).map_err(Error::io("write a password file"))?;
    if let Some(account) = account {
        std::os::unix::fs::chown(&password_file, Some(account.user_id), Some(account.group_id))
            .map_err(Error::io("hand over a password file"))?;
    }
    let arguments: Vec<OsString> = [
        "--pgdata=data",
        "--encoding=UTF8",
        "--locale=C",
        "--lc-ctype=C.UTF-8",
        // Plain passwords on the loopback interface: as safe there as SCRAM, whose 4,096 rounds of hashing cost an
        // unoptimised client a tenth of a second for each connection.
        "--auth=password",
        "--pwfile=password",
        "--username",
        SUPERUSER,
        // What it would sync is thrown away with the test; the server syncs what it writes itself.
        "--no-sync",
        "--no-instructions",
    ]
    .map(OsString::from)
    .to_vec();
    let initdb = Process::spawn(ProcessSpec {
        name: "initdb".to_owned(),
        program: programs.join("initdb"),
        arguments,
        environment: environment(programs),
        directory: home.path().to_owned(),
        log: home.join("initdb.log"),
        account,
        stop_signal: Signal::TERM,
    })?;
    let status = initdb.exited(INITDB_DEADLINE).await?;
    if status.success() {
        return Ok(());
    }
    let log_tail = crate::log_tail::log_tail(initdb.log());
    Err(Error::Exited { name: "initdb".to_owned(), status, log_tail })
}

/// Lets the other hosts of the network in; `initdb` has allowed 127.0.0.1 alone.
fn admit_hosts(home: &Home) -> Result<()> {
    let path = home.join(DATA_DIRECTORY).join("pg_hba.conf");
    let append = |mut file: std::fs::File| file.write_all(b"host all all samenet password\n");
    let opened = std::fs::OpenOptions::new().append(true).open(&path);
    opened.and_then(append).map_err(Error::io("admit the other hosts to PostgreSQL"))
}

fn server_spec(
    programs: &Path,
    home: &Home,
    account: Option<Account>,
    address: SocketAddr,
    durability: Durability,
    small_disk: bool,
    with_tls: bool,
) -> ProcessSpec {
    let port_setting = format!("port={}", address.port());
    let listen_setting = format!("listen_addresses={}", address.ip());
    let mut settings = vec![
        port_setting.as_str(),
        listen_setting.as_str(),
        "unix_socket_directories=",
        // Pools of several replicas and of tests in parallel.
        "max_connections=300",
        "shared_buffers=256MB",
        // Checkpoints by time, not in the middle of a benchmark; where the disk is small, as it needs them.
        if small_disk { "max_wal_size=128MB" } else { "max_wal_size=2GB" },
        "log_line_prefix=%m [%p] %d ",
    ];
    if durability == Durability::Fast {
        settings.extend(["fsync=off", "full_page_writes=off"]);
    }
    let (certificate, key) = (home.join(CERTIFICATE_FILE), home.join(KEY_FILE));
    let tls = [format!("ssl_cert_file={}", certificate.display()), format!("ssl_key_file={}", key.display())];
    if with_tls {
        settings.push("ssl=on");
        settings.extend(tls.iter().map(String::as_str));
    }
    let mut arguments: Vec<OsString> = vec!["-D".into(), home.join(DATA_DIRECTORY).into()];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting.into()]));
    ProcessSpec {
        name: "postgres".to_owned(),
        program: programs.join("postgres"),
        arguments,
        environment: environment(programs),
        directory: home.path().to_owned(),
        log: home.join("postgres.log"),
        account,
        // A "fast shutdown": sessions are ended, a checkpoint is written.
        stop_signal: Signal::INT,
    }
}

/// `initdb` looks for `postgres` beside itself, and runs a shell for it.
fn environment(programs: &Path) -> Vec<(String, String)> {
    let mut path: Vec<PathBuf> = vec![programs.to_owned()];
    path.extend(["/usr/bin", "/bin"].map(PathBuf::from));
    let path = std::env::join_paths(path).unwrap_or_default().to_string_lossy().into_owned();
    vec![
        ("PATH".to_owned(), path),
        ("LC_ALL".to_owned(), "C".to_owned()),
        ("TZ".to_owned(), "UTC".to_owned()),
    ]
}

async fn ready(process: &Process, address: SocketAddr, password: &str) -> Result<()> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&address.ip().to_string())
        .port(address.port())
        .username(SUPERUSER)
        .password(password)
        .database("postgres");
    process
        .ready(START_DEADLINE, || async {
            let mut connection = PgConnection::connect_with(&options).await?;
            connection.ping().await?;
            connection.close().await
        })
        .await
}
