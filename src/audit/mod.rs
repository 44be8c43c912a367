//! The audit trail: who did what to what, when, and with what outcome. Each organisation has its chain of entries, the hub its
//! own; an entry's hash covers the one before it, so that an entry that was changed, removed or slipped in is found by [`verify`].
//! An entry is written in the same transaction as what it tells; reads of data, which change nothing, are written in batches ([`reads`]).
//! The ends of the chains are exported every day ([`heads`]), so that a trail that was cut short is found too.

pub mod heads;
pub mod reads;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

pub use self::{heads::Heads, reads::Reads};
use crate::{
    error::Result,
    ids::{AccountId, Siren, TokenId},
    store::{
        Store, Tx,
        audit::{AuditHead, AuditRow},
    },
};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person, signed in.
    Account(AccountId),
    /// A program, by its token.
    Token(TokenId),
    /// The hub itself, or its administrator on the command line.
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Token(id) => id.fmt(f),
            Self::System => f.write_str("système"),
        }
    }
}

/// One thing that was done, or tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// In whose chain; none for the hub's own.
    pub organisation: Option<Siren>,
    /// What: `deposit.receive`, `account.create` …
    pub act: &'static str,
    /// To what: `deposit/<id>` …
    pub object: String,
    /// `ok`, `denied` or `failed`.
    pub outcome: &'static str,
    /// The rest; [`Json::Null`] if nothing.
    pub detail: Json,
}

/// Hash before the first entry of a chain.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Adds an entry at the end of its chain.
pub async fn append(tx: &mut Tx, entry: &Entry) -> Result<()> {
    let organisation = entry.organisation.as_ref().map_or("", Siren::as_str);
    let AuditHead { organisation, seq, hash: prev_hash } = tx.extend_audit(organisation, GENESIS).await?;
    let mut row = AuditRow {
        organisation,
        seq,
        at: entry.at,
        actor: entry.actor.to_string(),
        act: entry.act.to_owned(),
        object: entry.object.clone(),
        outcome: entry.outcome.to_owned(),
        detail: entry.detail.to_string(),
        prev_hash,
        hash: String::new(),
    };
    row.hash = hash(&row);
    tx.insert_audit(&row).await
}

/// SHA-256 of an entry's fields and of the hash before it, written as a JSON array: no two different entries read alike.
fn hash(row: &AuditRow) -> String {
    let at = row.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let fields = json!([row.prev_hash, row.organisation, row.seq, at, row.actor, row.act, row.object, row.outcome, row.detail]);
    hex::encode(Sha256::digest(fields.to_string()))
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Whose chain; empty for the hub's own.
    pub organisation: String,
    /// The first entry that is wrong or missing.
    pub seq: i64,
}

/// Reads every chain again from its first entry; gives those that do not hold.
pub async fn verify(store: &Store) -> Result<Vec<Broken>> {
    verify_against(store, &[], |_| {}).await
}

/// Reads every chain again from its first entry, and shows each entry that holds to `see`; gives the chains that do not hold. `known` are
/// ends of chains as they were exported: a chain that does not pass through them was cut short or written anew.
pub async fn verify_against(store: &Store, known: &[Heads], mut see: impl FnMut(&AuditRow)) -> Result<Vec<Broken>> {
    const BATCH: i64 = 1000;
    let mut passed: BTreeMap<&str, BTreeMap<i64, &str>> = BTreeMap::new();
    for head in known.iter().flat_map(|heads| &heads.heads) {
        // Two exports that do not agree cannot both be passed: the first one stands, and the other is found below.
        passed.entry(&head.organisation).or_default().entry(head.seq).or_insert(&head.hash);
    }
    let disagree =
        |head: &&AuditHead| passed.get(head.organisation.as_str()).and_then(|p| p.get(&head.seq)).is_some_and(|h| *h != head.hash);
    let mut broken: Vec<Broken> = known
        .iter()
        .flat_map(|heads| &heads.heads)
        .filter(disagree)
        .map(|head| Broken { organisation: head.organisation.clone(), seq: head.seq })
        .collect();
    let mut heads = store.audit_heads().await?;
    for organisation in passed.keys().filter(|o| !heads.iter().any(|h| h.organisation == **o)).collect::<Vec<_>>() {
        heads.push(AuditHead { organisation: (*organisation).to_owned(), seq: 0, hash: GENESIS.to_owned() });
    }
    for head in heads {
        let mut points = passed.get(head.organisation.as_str()).cloned().unwrap_or_default();
        let (mut seq, mut last) = (0, GENESIS.to_owned());
        let holds = 'chain: loop {
            let rows = store.audit_chain(&head.organisation, seq, BATCH).await?;
            if rows.is_empty() {
                // Entries added since the head was read only make the chain longer.
                break seq >= head.seq && points.is_empty();
            }
            for row in rows {
                let as_known = points.remove(&row.seq).is_none_or(|hash| hash == row.hash);
                let as_headed = row.seq != head.seq || row.hash == head.hash;
                if row.seq != seq + 1 || row.prev_hash != last || row.hash != hash(&row) || !as_headed || !as_known {
                    break 'chain false;
                }
                see(&row);
                (seq, last) = (row.seq, row.hash);
            }
        };
        if !holds {
            broken.push(Broken { organisation: head.organisation, seq: seq + 1 });
        }
    }
    Ok(broken)
}

/// Whether an entry is as it was written: its hash is that of its fields. (Whether it is in its place, [`verify`] says.)
pub fn is_intact(row: &AuditRow) -> bool {
    row.hash == hash(row)
}
