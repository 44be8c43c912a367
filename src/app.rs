//! The only shared state.

use std::sync::Arc;

use crate::{
    audit, clock::Clock, config::Config, convention::register::Compiled, error::Result, lake::Lake, openid::Provider, store::Store,
};

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
    /// The identity provider, if the settings name one.
    pub openid: Option<Arc<Provider>>,
    /// Reads of data on their way to the audit trail.
    pub reads: audit::Reads,
}

impl App {
    /// Opens the database (migrating it) and the lake that the settings name.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        config.close_data()?;
        let store = Store::open(&config).await?;
        let lake = Lake::open(&config)?;
        let openid = Provider::of(&config)?.map(Arc::new);
        let (compiled, reads) = (Compiled::default(), audit::Reads::default());
        Ok(Self { config: Arc::new(config), store, lake, clock, compiled, openid, reads })
    }
}
