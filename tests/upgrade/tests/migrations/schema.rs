//! What a schema offers to the statements of a release, and what it demands of them.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _, SqliteConnection};

/// What a row of [`POSTGRES`] or [`SQLITE`] is about: the kind, the table (or the function), and what of it.
type Item = (String, String, String);

/// A schema: each item with its value, such as the type of a column.
#[derive(Debug, Default)]
pub(crate) struct Schema(BTreeMap<Item, String>);

/// What statements of a release use. It must not go, and its value must not change.
const OFFERED: [&str; 5] = ["table", "column", "default", "unique", "function"];

/// What hinders statements that do not know of it. It must not come to a table that the release before has.
const DEMANDED: [&str; 5] = ["required", "unique", "constraint", "restricts", "trigger"];

/// One row for each item. A function has a row for each number of arguments with which it can be called.
const POSTGRES: &str = "\
WITH tables AS (
    SELECT oid, relname::text AS name FROM pg_class
    WHERE relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
), columns AS (
    SELECT t.name AS table_name, a.*, pg_get_expr(d.adbin, d.adrelid) AS filled
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
)
SELECT 'table' AS kind, name AS place, ''::text AS what, ''::text AS value FROM tables
UNION ALL SELECT 'column', table_name, attname, format_type(atttypid, atttypmod) FROM columns
UNION ALL SELECT 'default', table_name, attname, '' FROM columns WHERE filled IS NOT NULL OR attidentity <> ''
UNION ALL SELECT 'required', table_name, attname, '' FROM columns
    WHERE attnotnull AND filled IS NULL AND attidentity = ''
UNION ALL SELECT 'unique', t.name, regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', ''), ''
    FROM pg_index i JOIN tables t ON t.oid = i.indrelid WHERE i.indisunique
UNION ALL SELECT 'constraint', t.name, pg_get_constraintdef(c.oid), ''
    FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid WHERE c.contype IN ('c', 'f', 'x')
UNION ALL SELECT 'restricts', t.name, c.conrelid::regclass::text || ' ' || pg_get_constraintdef(c.oid), ''
    FROM pg_constraint c JOIN tables t ON t.oid = c.confrelid WHERE c.contype = 'f' AND c.confdeltype IN ('a', 'r')
UNION ALL SELECT 'trigger', t.name, pg_get_triggerdef(g.oid), ''
    FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL SELECT 'function', p.proname,
    (SELECT coalesce(string_agg(format_type(p.proargtypes[n - 1], NULL), ', ' ORDER BY n), '') FROM generate_series(1, given) n),
    pg_get_function_result(p.oid)
    FROM pg_proc p CROSS JOIN generate_series((p.pronargs - p.pronargdefaults)::int, p.pronargs::int) AS given
    WHERE p.pronamespace = current_schema()::text::regnamespace";

/// The same. SQLite does not say which checks a table has.
const SQLITE: &str = "\
WITH tables AS (
    SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
), columns AS (
    SELECT t.name AS table_name, c.* FROM tables t, pragma_table_info(t.name) c
)
SELECT 'table' AS kind, name AS place, '' AS what, '' AS value FROM tables
UNION ALL SELECT 'column', table_name, name, type FROM columns
UNION ALL SELECT 'default', table_name, name, '' FROM columns WHERE dflt_value IS NOT NULL
UNION ALL SELECT 'required', table_name, name, '' FROM columns WHERE \"notnull\" AND dflt_value IS NULL
UNION ALL SELECT 'unique', t.name, '(' || (
        SELECT group_concat(coalesce(c.name, '?'), ', ') FROM pragma_index_info(i.name) c
    ) || ')' || CASE WHEN i.partial THEN ' WHERE ' || i.name ELSE '' END, ''
    FROM tables t, pragma_index_list(t.name) i WHERE i.\"unique\"
UNION ALL SELECT 'constraint', t.name, 'FOREIGN KEY (' || f.\"from\" || ') REFERENCES ' || f.\"table\", ''
    FROM tables t, pragma_foreign_key_list(t.name) f
UNION ALL SELECT 'restricts', f.\"table\", t.name || ' FOREIGN KEY (' || f.\"from\" || ')', ''
    FROM tables t, pragma_foreign_key_list(t.name) f WHERE f.on_delete IN ('NO ACTION', 'RESTRICT')
UNION ALL SELECT 'trigger', tbl_name, name, '' FROM sqlite_master WHERE type = 'trigger'";

/// A database on which migrations are tried.
pub(crate) enum Database {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Database {
    /// Executes the statements of a migration.
    pub(crate) async fn migrate(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Postgres(connection) => connection.execute(statements).await.map(drop),
            Self::Sqlite(connection) => connection.execute(statements).await.map(drop),
        }
    }

    /// The present schema.
    pub(crate) async fn schema(&mut self) -> Result<Schema, sqlx::Error> {
        macro_rules! items {
            ($connection:expr, $query:expr) => {{
                let rows = sqlx::query($query).fetch_all($connection).await?;
                let items = rows.iter().map(|row| {
                    let item = (row.try_get("kind")?, row.try_get("place")?, row.try_get("what")?);
                    Ok((item, row.try_get::<Option<String>, _>("value")?.unwrap_or_default()))
                });
                items.collect::<Result<_, sqlx::Error>>()?
            }};
        }
        Ok(Schema(match self {
            Self::Postgres(connection) => items!(connection, POSTGRES),
            Self::Sqlite(connection) => items!(connection, SQLITE),
        }))
    }
}

impl Schema {
    /// What statements that were written for this schema would miss or violate in a later one.
    pub(crate) fn contractions(&self, later: &Self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (item @ (kind, place, what), value) in &self.0 {
            match later.0.get(item) {
                Some(now) if now != value => {
                    found.insert(format!("changes the {kind} {place} {what} from {value} to {now}"));
                }
                None if OFFERED.contains(&kind.as_str()) => {
                    found.insert(format!("removes the {kind} {place} {what}"));
                }
                Some(_) | None => {}
            }
        }
        for item @ (kind, place, what) in later.0.keys() {
            let is_demanded = DEMANDED.contains(&kind.as_str()) && self.has("table", place, "");
            if is_demanded && !self.0.contains_key(item) && !self.is_left_out(later, item) {
                found.insert(format!("adds the {kind} {place} {what}"));
            }
        }
        found
    }

    /// Whether this release keeps what comes without knowing it: it leaves the columns that it does not know at their
    /// defaults, or null.
    fn is_left_out(&self, later: &Self, (kind, place, what): &Item) -> bool {
        let mut names = what.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let is_old = |name: &str| self.has("column", place, name);
        let is_new = |name: &str| later.has("column", place, name) && !is_old(name);
        let is_null = |name: &str| !later.has("default", place, name) && !later.has("required", place, name);
        match kind.as_str() {
            // Nulls are distinct.
            "unique" => {
                !what.contains("NULLS NOT DISTINCT") && names.any(|name| is_new(name) && is_null(name))
            }
            "constraint" => !names.any(is_old),
            _ => false,
        }
    }

    fn has(&self, kind: &str, place: &str, what: &str) -> bool {
        self.0.contains_key(&(kind.to_owned(), place.to_owned(), what.to_owned()))
    }
}
