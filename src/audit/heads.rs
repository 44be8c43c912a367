//! The ends of the chains at one moment: whoever keeps a copy of this file elsewhere can tell later that the trail was cut short.

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    lake::{Key, Lake, Prefix},
    store::{Store, audit::AuditHead},
};

/// The end of every chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Heads {
    /// When they were read.
    pub at: DateTime<Utc>,
    /// One per organisation, the hub's own (with an empty name) first.
    pub heads: Vec<AuditHead>,
}

/// The ends of the chains now.
pub async fn read(store: &Store, now: DateTime<Utc>) -> Result<Heads> {
    Ok(Heads { at: now, heads: store.audit_heads().await? })
}

impl Heads {
    /// As the file that people keep.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(Error::internal)
    }

    /// From such a file.
    ///
    /// # Errors
    /// `audit_heads` for anything else.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        serde_json::from_slice(text).map_err(|error| {
            Error::invalid(
                "audit_heads",
                "Ce fichier n'est pas une tête de journal\u{a0}: il s'obtient par «\u{a0}retex admin audit-head\u{a0}».",
            )
            .with_source(error)
        })
    }
}

/// Writes today's file into the lake, unless it is there: what the first round of a day wrote stays.
pub async fn export(store: &Store, lake: &Lake, now: DateTime<Utc>, today: NaiveDate) -> Result<()> {
    let key = Key::AuditHeads(today);
    if lake.exists(&key).await? {
        return Ok(());
    }
    let heads = read(store, now).await?;
    lake.put(&key, Bytes::from(heads.to_json()?)).await
}

/// Every file that the lake keeps, oldest first.
pub async fn kept(lake: &Lake) -> Result<Vec<Heads>> {
    let mut all = Vec::new();
    for stored in lake.list(&Prefix::AuditHeads).await? {
        all.push(Heads::from_json(&lake.get(&stored.key).await?)?);
    }
    Ok(all)
}
