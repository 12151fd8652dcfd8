//! Which migrations are applied.

use madang_kit::doctor::Finding;

use crate::Migrations;

/// Compares the applied migrations with those of this program. `may_change` says whether this account may apply more.
pub(super) fn finding(
    about: &'static str,
    migrations: &Migrations,
    applied: &[i64],
    may_change: bool,
) -> Finding {
    const CHECK: &str = "database.migrations";
    let known = migrations.versions();
    let pending = known.iter().filter(|version| !applied.contains(version)).count();
    let newer = applied.iter().filter(|version| !known.contains(version)).count();
    match (applied.len(), pending) {
        (0, _) if may_change => Finding::ok(CHECK, about, "is empty; the first start makes the tables"),
        (_, 0) if newer > 0 => Finding::warning(
            CHECK,
            about,
            format!("has {newer} migrations of a newer version; this one works with them"),
            "during an upgrade or its reversal all is well; else start the newer version",
        ),
        (_, 0) => Finding::ok(CHECK, about, format!("all {} migrations are applied", known.len())),
        _ if may_change => Finding::ok(
            CHECK,
            about,
            format!("{pending} of {} migrations are to be applied; the next start does so", known.len()),
        ),
        _ => Finding::error(
            CHECK,
            about,
            format!(
                "{pending} of {} migrations are missing, and this account may not apply them",
                known.len()
            ),
            "run the subcommand `migrate` with an account that may create tables, before the services start",
        ),
    }
}
