//! The only shared state.

use std::sync::Arc;

use crate::{audit, clock::Clock, config::Config, convention::register::Compiled, error::Result, lake::Lake, store::Store};

/// What every handler and job has.
#[derive(Clone)]
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// The files.
    pub lake: Lake,
    /// Time and randomness.
    pub clock: Clock,
    /// Conventions that this process has compiled.
    pub compiled: Compiled,
    /// Reads of data on their way to the audit trail.
    pub reads: audit::Reads,
}

impl App {
    /// Opens the database (migrating it) and the lake that the settings name.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        let store = Store::open(&config).await?;
        let lake = Lake::open(&config)?;
        Ok(Self { config: Arc::new(config), store, lake, clock, compiled: Compiled::default(), reads: audit::Reads::default() })
    }
}
