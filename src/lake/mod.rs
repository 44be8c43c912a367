//! The only object_store.

use crate::{config::Config, error::Result};

/// The files.
#[derive(Clone)]
pub struct Lake {}

impl Lake {
    /// Opens.
    pub fn open(_config: &Config) -> Result<Self> {
        todo!()
    }
}
