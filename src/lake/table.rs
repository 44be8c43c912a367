//! The one place that adds and removes files of a table, and so the one that would write a table log (Delta Lake) beside them.

use std::path::Path as FilePath;

use super::{Key, Lake, Name, Prefix, Stored};
use crate::{
    error::Result,
    ids::{DepositId, Period, Siren},
};

/// The table of one dataset of one convention: one Parquet file per deposit, in folders by site and month. The database says
/// which of the files count.
#[derive(Clone)]
pub struct Table {
    lake: Lake,
    convention: Name,
    dataset: Name,
}

impl Table {
    pub(super) fn new(lake: Lake, convention: Name, dataset: Name) -> Self {
        Self { lake, convention, dataset }
    }

    /// Adds the file of a deposit; adding it again replaces it. Write the row that names the key after this.
    pub async fn add(&self, site: &Siren, period: Option<Period>, deposit: DepositId, file: &FilePath) -> Result<Key> {
        let key = Key::Table { convention: self.convention.clone(), dataset: self.dataset.clone(), site: site.clone(), period, deposit };
        self.lake.put_file(file, &key).await?;
        Ok(key)
    }

    /// Removes a file that no row names.
    pub async fn remove(&self, key: &Key) -> Result<()> {
        self.lake.delete(key).await
    }

    /// Every file, by name, those that do not count too.
    pub async fn files(&self) -> Result<Vec<Stored>> {
        self.lake.list(&Prefix::Table(self.convention.clone(), self.dataset.clone())).await
    }
}
