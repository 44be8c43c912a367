//! What the two engines do not write alike.

use super::Pool;

/// One statement in both dialects.
pub(super) struct Dialect {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

impl Dialect {
    /// The text for the engine that is open.
    pub(super) fn on(&self, pool: &Pool) -> &'static str {
        match pool {
            Pool::Sqlite(_) => self.sqlite,
            Pool::Postgres(_) => self.postgres,
        }
    }
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET leased_until = $2, leased_by = $3, attempts = attempts + 1 WHERE id = (
               SELECT id FROM jobs WHERE finished_at IS NULL AND failed_at IS NULL AND run_at <= $1
                 AND (leased_until IS NULL OR leased_until <= $1)
               ORDER BY run_at, id LIMIT 1",
            $lock,
            ") RETURNING *"
        )
    };
}

/// Takes the oldest job that is due: on PostgreSQL two claimers pass over each other's candidate; SQLite has one writer.
pub(super) const CLAIM: Dialect = Dialect { sqlite: claim!(""), postgres: claim!(" FOR UPDATE SKIP LOCKED") };
