//! PostgreSQL.

use std::{borrow::Cow, error::Error as _, time::Duration};

use madang_domain::Timestamp;
use madang_kit::{
    clock::Clock,
    doctor::{self, Finding},
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow};
use tokio::time::timeout;

use super::{
    migrated::{self, SchemaRights},
    subject::{Examined, bad_url},
};
use crate::{Connect as _, PostgresConnector};

/// How long a connection may take to be made, and each statement.
const DEADLINE: Duration = Duration::from_secs(5);

/// The oldest version on which the tests run.
const VERSION_MIN: i32 = 150_000;

const FACTS: &str = "\
    SELECT current_setting('server_version_num')::int4 AS number, current_setting('server_version') AS version, \
           current_setting('server_encoding') AS encoding, \
           (SELECT datctype::text FROM pg_database WHERE datname = current_database()) AS ctype, \
           pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only, \
           current_setting('fsync') AS fsync, \
           current_setting('max_connections')::int4 AS connections_max, \
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections, \
           current_user::text AS account, current_schema()::text AS schema, \
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create";

/// What the server does with letters, whichever provider says what they are. It fails where the encoding has no such
/// letter.
const LETTERS: &str = "SELECT lower(U&'\\00C9') = U&'\\00E9' AS usable";

const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS micros";

/// Whether this account owns those of these tables that are there.
const OWNS: &str = "\
    SELECT coalesce(bool_and(pg_has_role(relowner, 'USAGE')), true) AS owns \
    FROM unnest($1::text[]) AS wanted (name) JOIN pg_class ON pg_class.oid = to_regclass(name)";

/// The tables of these that are there and that this account may not read and change.
const FORBIDDEN: &str = "\
    SELECT name FROM unnest($1::text[]) AS wanted (name), to_regclass(name) AS found \
    WHERE found IS NOT NULL AND NOT (has_table_privilege(found, 'SELECT') AND has_table_privilege(found, 'INSERT') \
        AND has_table_privilege(found, 'UPDATE') AND has_table_privilege(found, 'DELETE'))";

pub(super) async fn examine(database: &Examined<'_>, url: &str, clock: &dyn Clock) -> Vec<Finding> {
    let about = database.about;
    let connector = match PostgresConnector::new(url, "madang-doctor", DEADLINE) {
        Ok(connector) => connector,
        Err(error) => return vec![bad_url(about, &error)],
    };
    let mut connection = match timeout(DEADLINE, connector.connect()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return vec![unreachable(about, &error)],
        Err(_) => {
            let says = format!("does not answer within {} s", DEADLINE.as_secs());
            return vec![Finding::error("database.reachable", about, says, NETWORK)];
        }
    };
    let looked = async {
        let mut findings = vec![];
        let facts = sqlx::query(FACTS).fetch_one(&mut connection).await?;
        findings.extend(of_server(database, &facts)?);
        findings.push(locale(about, &facts, &mut connection).await?);
        findings.extend(rights(database, &facts, &mut connection).await?);
        findings.push(time(about, clock, &mut connection).await?);
        Ok::<_, sqlx::Error>(findings)
    };
    match timeout(DEADLINE * 4, looked).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => vec![unreachable(about, &error)],
        Err(_) => vec![Finding::error("database.reachable", about, "answers too slowly", NETWORK)],
    }
}

/// What to do where nobody answers.
const NETWORK: &str = "check that the server runs, that its address is right and that this host may reach it \
    (listen_addresses, firewalls, network policies)";

fn unreachable(about: &'static str, error: &sqlx::Error) -> Finding {
    let code = match error {
        sqlx::Error::Database(database) => database.code().map(Cow::into_owned),
        _ => None,
    };
    let advice = match code.as_deref() {
        Some("28P01" | "28000") => {
            "correct the user and the password of MADANG_DATABASE_URL, percent-encoded, or pg_hba.conf"
        }
        Some("3D000") => {
            "create it: CREATE DATABASE name ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0"
        }
        Some("53300") => {
            "raise max_connections, or lower the connections of the services (docs/operations.md)"
        }
        Some("42501") => "grant the right to the account of MADANG_DATABASE_URL",
        Some("57P03") => "wait: it starts or recovers; its log says how far it is",
        Some(_) => "see the log of the server",
        None => NETWORK,
    };
    let cause = match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        other => other.source().map_or_else(|| other.to_string(), ToString::to_string),
    };
    Finding::error("database.reachable", about, format!("cannot be used: {cause}"), advice)
}

fn of_server(database: &Examined<'_>, facts: &PgRow) -> Result<Vec<Finding>, sqlx::Error> {
    let about = database.about;
    let (number, version): (i32, String) = (facts.try_get("number")?, facts.try_get("version")?);
    let says = format!("PostgreSQL {version} answers");
    let mut findings = vec![if number < VERSION_MIN {
        let advice = "use PostgreSQL 15 or later, which the tests use";
        Finding::warning("database.version", about, format!("{says}, which is older than 15"), advice)
    } else {
        Finding::ok("database.version", about, says)
    }];
    if facts.try_get::<bool, _>("read_only")? {
        let advice = "name the primary: behind one address that follows a failover, or with target_session_attrs at a proxy";
        findings.push(Finding::error(
            "database.primary",
            about,
            "is a standby or read-only: nothing can be written",
            advice,
        ));
    }
    if facts.try_get::<String, _>("fsync")? == "off" {
        findings.push(Finding::warning(
            "database.fsync",
            about,
            "fsync is off: a crash of the machine loses acknowledged messages, or the database",
            "set fsync = on, except for tests",
        ));
    }
    let (most, used): (i32, i64) = (facts.try_get("connections_max")?, facts.try_get("connections")?);
    let (needed, left) = (i64::from(database.connections) + 1, i64::from(most) - used);
    let says =
        format!("{used} of {most} connections are used; a replica of this service takes up to {needed}");
    findings.push(if left < needed {
        let advice = "raise max_connections above the sum of all replicas, or lower the connections of each";
        Finding::warning("database.connections", about, says, advice)
    } else {
        Finding::ok("database.connections", about, says)
    });
    Ok(findings)
}

async fn locale(
    about: &'static str,
    facts: &PgRow,
    connection: &mut PgConnection,
) -> Result<Finding, sqlx::Error> {
    let (encoding, ctype): (String, String) = (facts.try_get("encoding")?, facts.try_get("ctype")?);
    let usable = encoding == "UTF8" && sqlx::query(LETTERS).fetch_one(connection).await?.try_get("usable")?;
    let says = format!("encoding {encoding}, LC_CTYPE {ctype}");
    Ok(if usable {
        Finding::ok("database.locale", about, says)
    } else {
        Finding::error(
            "database.locale",
            about,
            format!("{says}, which is not UTF-8: text can be neither stored nor compared in every language"),
            "create another: CREATE DATABASE name ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0",
        )
    })
}

async fn rights(
    database: &Examined<'_>,
    facts: &PgRow,
    connection: &mut PgConnection,
) -> Result<Vec<Finding>, sqlx::Error> {
    let (about, migrations) = (database.about, &database.postgres);
    let account: String = facts.try_get("account")?;
    let Some(schema) = facts.try_get::<Option<String>, _>("schema")? else {
        let says = format!("{account} has no schema: the search_path names none that is there");
        let advice = "create the schema, or set the search_path of the account";
        return Ok(vec![Finding::error("database.rights", about, says, advice)]);
    };
    let forbidden = sqlx::query(FORBIDDEN).bind(migrations.tables()).fetch_all(&mut *connection).await?;
    let forbidden: Vec<String> = forbidden.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?;
    let mut findings = vec![if forbidden.is_empty() {
        let says = format!("{account} may read and change the tables of the schema {schema}");
        Finding::ok("database.rights", about, says)
    } else {
        let says = format!("{account} may not read and change {}", forbidden.join(", "));
        let advice =
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {account}");
        Finding::error("database.rights", about, says, advice)
    }];
    // Where this account may not read the list of migrations, that is said above.
    let table = migrations.table();
    if !forbidden.iter().any(|name| name == table) {
        let there = "SELECT to_regclass($1) IS NOT NULL AS there";
        let there: bool =
            sqlx::query(there).bind(table).fetch_one(&mut *connection).await?.try_get("there")?;
        let mut applied: Vec<i64> = Vec::new();
        if there {
            let list = AssertSqlSafe(format!("SELECT version FROM {table}"));
            let rows = sqlx::query(list).fetch_all(&mut *connection).await?;
            applied = rows.iter().map(|row| row.try_get("version")).collect::<Result<_, _>>()?;
        }
        let owns = sqlx::query(OWNS).bind(migrations.tables()).fetch_one(&mut *connection).await?;
        let rights = SchemaRights { create: facts.try_get("may_create")?, own: owns.try_get("owns")? };
        findings.push(migrated::finding(about, migrations, &applied, rights, database.migrate));
    }
    Ok(findings)
}

async fn time(
    about: &'static str,
    clock: &dyn Clock,
    connection: &mut PgConnection,
) -> Result<Finding, sqlx::Error> {
    let asked = clock.now();
    let micros: i64 = sqlx::query(NOW).fetch_one(connection).await?.try_get("micros")?;
    Ok(doctor::clock("database.clock", about, asked, clock.now(), Timestamp::from_micros(micros)))
}
