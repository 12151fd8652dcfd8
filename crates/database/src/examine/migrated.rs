//! Which migrations are applied, and what the next start does about the others.

use madang_kit::doctor::Finding;

use crate::Migrations;

/// What the account of the URL may do to the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct SchemaRights {
    /// Whether it may create tables. A start that migrates asks for this right even where all is applied.
    pub(super) create: bool,
    /// Whether it owns the tables that are there, which a change of them requires.
    pub(super) own: bool,
}

/// Compares the applied migrations with those of this program. `migrate` says whether the start applies the others.
pub(super) fn finding(
    about: &'static str,
    migrations: &Migrations,
    applied: &[i64],
    rights: SchemaRights,
    migrate: bool,
) -> Finding {
    const CHECK: &str = "database.migrations";
    let known = migrations.versions();
    let pending = known.iter().filter(|version| !applied.contains(version)).count();
    let newer = applied.iter().filter(|version| !known.contains(version)).count();
    let may_apply = rights.create && rights.own;
    let count = known.len();
    match (migrate, pending) {
        (true, 0) if !rights.create => Finding::error(
            CHECK,
            about,
            format!(
                "all {count} migrations are applied, and the next start fails all the same: it asks for the right to create \
                 tables, which this account does not have"
            ),
            "set MADANG_MIGRATE=false, or use an account that may create tables, as the all-in-one has to",
        ),
        (true, 1..) if !may_apply => Finding::error(
            CHECK,
            about,
            format!(
                "{pending} of {count} migrations are missing, and this account may not apply them: the next start fails"
            ),
            "run the subcommand `migrate` with an account that may create tables and owns those that are there, and set \
             MADANG_MIGRATE=false for this one; or use such an account here",
        ),
        (false, 1..) => Finding::error(
            CHECK,
            about,
            format!(
                "{pending} of {count} migrations are missing, and MADANG_MIGRATE is false: the next start waits until they \
                 are applied"
            ),
            if may_apply {
                "run the subcommand `migrate` with these settings, or set MADANG_MIGRATE=true"
            } else {
                "run the subcommand `migrate` with an account that may create tables and owns those that are there"
            },
        ),
        (true, 1..) if applied.is_empty() => {
            Finding::ok(CHECK, about, "is empty; the first start makes the tables")
        }
        (true, 1..) => Finding::ok(
            CHECK,
            about,
            format!("{pending} of {count} migrations are to be applied; the next start does so"),
        ),
        (_, 0) if newer > 0 => Finding::warning(
            CHECK,
            about,
            format!("has {newer} migrations of a newer version; this one works with them"),
            "during an upgrade or its reversal all is well; else start the newer version",
        ),
        (_, 0) => Finding::ok(CHECK, about, format!("all {count} migrations are applied")),
    }
}
