//! Which history the log is of. Compiled once for each database: see [`crate::store`].

pub(super) const INSERT_EPOCH: &str =
    "INSERT INTO log_epoch (id, epoch) VALUES (1, $1) ON CONFLICT DO NOTHING";
pub(super) const UPDATE_EPOCH: &str = "UPDATE log_epoch SET epoch = $1 WHERE id = 1";
