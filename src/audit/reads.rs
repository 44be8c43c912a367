//! Reads of data on their way to the trail. A page that is read does not wait for its entry: entries gather here and are written every
//! second, or as soon as there are many, and when the process stops. A process that dies loses the reads of its last second; acts, which
//! are written with what they do, are never lost.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Entry, append};
use crate::{error::Result, store::Store};

/// How often they are written.
const EVERY: Duration = Duration::from_secs(1);
/// How many are written at once, without waiting.
const MANY: usize = 500;

/// Entries that wait to be written.
#[derive(Clone, Default)]
pub struct Reads {
    waiting: Arc<Mutex<Vec<Entry>>>,
    many: Arc<Notify>,
    /// One writer at a time, so that entries keep their order.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Reads {
    /// Adds an entry.
    pub fn note(&self, entry: Entry) {
        let mut waiting = self.waiting.lock().unwrap_or_else(|e| e.into_inner());
        waiting.push(entry);
        if waiting.len() >= MANY {
            self.many.notify_one();
        }
    }

    /// Writes what waits. What could not be written waits on.
    pub async fn flush(&self, store: &Store) -> Result<()> {
        let _turn = self.turn.lock().await;
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(|e| e.into_inner()));
        let mut chains: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in taken {
            chains.entry(entry.organisation.as_ref().map(ToString::to_string).unwrap_or_default()).or_default().push(entry);
        }
        // A transaction per chain: two of them never wait for each other.
        while let Some((organisation, entries)) = chains.pop_first() {
            if let Err(error) = write(store, &entries).await {
                chains.insert(organisation, entries);
                let mut waiting = self.waiting.lock().unwrap_or_else(|e| e.into_inner());
                let newer = std::mem::take(&mut *waiting);
                waiting.extend(chains.into_values().flatten().chain(newer));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes what waits, again and again until `stop`, and then a last time.
    pub async fn keep(self, store: Store, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut stopped = false;
        while !stopped {
            tokio::select! {
                () = &mut stop => stopped = true,
                () = self.many.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.flush(&store).await {
                tracing::error!(cause = ?error, "reads of data wait to be written to the audit trail");
            }
        }
    }
}

async fn write(store: &Store, entries: &[Entry]) -> Result<()> {
    let mut tx = store.begin().await?;
    for entry in entries {
        append(&mut tx, entry).await?;
    }
    tx.commit().await
}
