//! A file that comes in piece by piece, over several requests, several days if need be, through any process of the hub. Once whole it is
//! deposited by [`accept`] like any other.
//!
//! A piece is written to the lake under a name of its own, then a row takes it in only if it begins where the upload ends: of two that
//! come at once for the same place, one is refused and removed, and no byte is ever mixed.

use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use ring::digest;
use serde_json::json;

use super::{Accepted, Slot, accept, allow};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::scope::Verb,
    error::{Error, Kind, Result},
    ids::UploadId,
    lake::Key,
    store::uploads::{Upload, UploadPart},
};

/// How long an upload waits for its next byte.
pub const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Unfinished uploads of one account at a time.
pub const OPEN: i64 = 20;
/// What is held in memory before it goes to the lake.
const PIECE: usize = 8 * 1024 * 1024;

/// How a sender lets a piece be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// What the tus protocol asks every server to know.
    Sha1,
    /// Stronger.
    Sha256,
}

/// What a piece must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How.
    pub algorithm: Algorithm,
    /// The hash.
    pub digest: Vec<u8>,
}

/// What is known of a piece before its bytes.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// Where it begins.
    pub offset: u64,
    /// Its size, if said.
    pub announced: Option<u64>,
    /// What it must hash to, if said: it is then kept whole or not at all.
    pub checksum: Option<Checksum>,
}

/// Where an upload stands after a piece.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The upload.
    pub upload: Upload,
    /// Whether it is whole, and its bytes had been deposited before.
    pub already: bool,
}

/// Begins the upload of a file of `length` bytes; `metadata` is what the sender's program says of it, to be told again.
///
/// # Errors
/// Those of [`allow`]; `too_large`, `empty_file`; `upload_limit` for an account that has [`OPEN`] unfinished ones.
pub async fn open(app: &App, actor: &Actor, slot: &Slot, length: u64, metadata: &str) -> Result<Upload> {
    let allowed = allow(app, actor, slot).await?;
    if length == 0 {
        return Err(Error::invalid("empty_file", "Ce fichier est vide. Vérifiez que vous avez choisi le bon fichier."));
    }
    let length = i64::try_from(length).ok().filter(|_| length <= app.config.max_upload).ok_or_else(|| {
        Error::new(
            Kind::TooLarge,
            "too_large",
            format!("Le fichier dépasse {}. Découpez-le par période.", crate::words::bytes(app.config.max_upload)),
        )
    })?;
    let now = app.clock.now();
    let upload = Upload {
        id: UploadId(app.clock.id()),
        account_id: actor.account,
        convention: allowed.registered.head.name,
        site: allowed.site,
        dataset: slot.dataset.clone(),
        period: slot.period,
        file_name: super::accept::file_name(&slot.file_name),
        metadata: metadata.to_owned(),
        length,
        received: 0,
        created_at: now,
        expires_at: now + PATIENCE,
        deposit_id: None,
    };
    let mut tx = app.store.begin().await?;
    if !tx.insert_upload(&upload, OPEN).await? {
        let message =
            format!("Vous avez déjà {OPEN} envois inachevés. Terminez-les ou annulez-les\u{a0}: ils s'effacent d'eux-mêmes en un jour.");
        return Err(Error::new(Kind::Conflict, "upload_limit", message));
    }
    let detail = json!({"convention": upload.convention, "dataset": upload.dataset, "period": upload.period, "bytes": upload.length});
    audit::append(&mut tx, &entry(app, actor.in_audit(), &upload, "upload.open", detail)).await?;
    tx.commit().await?;
    Ok(upload)
}

/// An upload that the actor began.
///
/// # Errors
/// [`Kind::NotFound`] for one that is not there, and alike for another account's or one outside the token's scope; `upload_expired` for
/// one whose time is over.
pub async fn find(app: &App, actor: &Actor, id: UploadId) -> Result<Upload> {
    let upload = app.store.upload(id).await?.filter(|u| u.account_id == actor.account).ok_or_else(absent)?;
    if let Some(scope) = &actor.scope {
        scope.allows(Verb::Deposit, Some(&upload.dataset), Some(&upload.site))?;
    }
    if upload.expires_at <= app.clock.now() {
        let message = "Cet envoi est resté un jour sans suite\u{a0}: ce qui en était arrivé est effacé. Recommencez-le.";
        return Err(Error::new(Kind::NotFound, "upload_expired", message));
    }
    Ok(upload)
}

/// Takes in the next bytes of an upload, and deposits the file once it is whole. What came before an interruption stays, unless it cannot
/// be verified. An empty piece at the end of a whole file deposits it, where that failed before.
///
/// # Errors
/// Those of [`find`] and [`accept`]; `upload_offset` for a piece that does not begin where the upload ends; `upload_length` for one that
/// goes beyond the end; `upload_checksum`; `upload_interrupted`.
pub async fn append<S, E>(app: &App, actor: &Actor, id: UploadId, piece: Piece, body: S) -> Result<Appended>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let upload = find(app, actor, id).await?;
    let (length, received) = (upload.length.unsigned_abs(), upload.received.unsigned_abs());
    if piece.offset != received {
        return Err(wrong_offset());
    }
    if piece.announced.is_some_and(|more| more > length - received) {
        return Err(too_long());
    }
    if upload.deposit_id.is_some() {
        return Ok(Appended { upload, already: false });
    }
    if received < length {
        allow(app, actor, &slot(&upload)).await?;
        receive(app, &upload, piece.checksum, body).await?;
    }
    let upload = find(app, actor, id).await?;
    if upload.received < upload.length { Ok(Appended { upload, already: false }) } else { finish(app, actor, upload).await }
}

/// Writes a body to the lake, at most [`PIECE`] bytes at a time, and has the row take it in.
async fn receive<S, E>(app: &App, upload: &Upload, checksum: Option<Checksum>, body: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = std::pin::pin!(body);
    let mut hash = checksum.as_ref().map(|c| digest::Context::new(c.algorithm.of_ring()));
    let mut left = (upload.length - upload.received).unsigned_abs();
    let mut held = Held { app, id: upload.id, at: upload.received, buffer: BytesMut::new(), parts: Vec::new() };
    let outcome = loop {
        match body.next().await {
            None => break Ok(()),
            Some(Err(error)) => {
                let message = "L'envoi s'est interrompu. Ce qui est arrivé est gardé un jour\u{a0}: reprenez-le où il s'est arrêté.";
                break Err(Error::invalid("upload_interrupted", message).with_source(error));
            }
            Some(Ok(bytes)) => {
                let Some(rest) = left.checked_sub(bytes.len() as u64) else {
                    discard(app, &held.parts).await;
                    return Err(too_long());
                };
                left = rest;
                if let Some(hash) = &mut hash {
                    hash.update(&bytes);
                }
                held.buffer.extend_from_slice(&bytes);
                if held.buffer.len() >= PIECE {
                    held.flush(hash.is_none()).await?;
                }
            }
        }
    };
    if let (Some(checksum), Some(hash)) = (&checksum, hash)
        && (outcome.is_err() || hash.finish().as_ref() != checksum.digest)
    {
        discard(app, &held.parts).await;
        outcome?;
        let message = "Ces octets ne sont pas ceux qui ont été annoncés\u{a0}: ils ont changé en route. Envoyez-les de nouveau.";
        return Err(Error::invalid("upload_checksum", message));
    }
    held.flush(true).await?;
    outcome
}

/// Bytes on their way: those in memory, and the parts that no row names yet.
struct Held<'a> {
    app: &'a App,
    id: UploadId,
    /// Where the bytes in memory begin.
    at: i64,
    buffer: BytesMut,
    parts: Vec<UploadPart>,
}

impl Held<'_> {
    /// Writes what is in memory to the lake; with `take_in`, the row then names all that was written so far.
    async fn flush(&mut self, take_in: bool) -> Result<()> {
        let bytes = self.buffer.split().freeze();
        let (app, id, start) = (self.app.clone(), self.id, self.at);
        let size = i64::try_from(bytes.len()).map_err(Error::internal)?;
        let mut parts = std::mem::take(&mut self.parts);
        self.at += size;
        let work = async move {
            if size > 0 {
                let key = Key::Part(app.clock.id());
                app.lake.put(&key, bytes).await?;
                parts.push(UploadPart { start, bytes: size, key: key.to_string() });
            }
            if take_in && !parts.is_empty() {
                let taken = take_in_all(&app, id, &parts).await;
                if taken.is_err() {
                    discard(&app, &parts).await;
                }
                parts.clear();
                taken?;
            }
            Ok::<_, Error>(parts)
        };
        // On its own, so that it comes to its end even where the sender goes away meanwhile: no object is left that no row names.
        self.parts = tokio::spawn(work).await.map_err(Error::internal)??;
        Ok(())
    }
}

async fn take_in_all(app: &App, id: UploadId, parts: &[UploadPart]) -> Result<()> {
    let expires_at = app.clock.now() + PATIENCE;
    let mut tx = app.store.begin().await?;
    for part in parts {
        if !tx.add_upload_part(id, part, expires_at).await? {
            return Err(wrong_offset());
        }
    }
    tx.commit().await
}

async fn discard(app: &App, parts: &[UploadPart]) {
    for part in parts {
        remove(app, &part.key).await;
    }
}

/// Deposits a file that is whole, by the way of every deposit.
async fn finish(app: &App, actor: &Actor, upload: Upload) -> Result<Appended> {
    let parts = app.store.upload_parts(upload.id).await?;
    let lake = app.lake.clone();
    let body = stream::iter(parts)
        .then(move |part| {
            let lake = lake.clone();
            async move { Ok::<_, Error>(lake.stream(&part.key.parse()?).await?.1) }
        })
        .try_flatten();
    let Accepted { deposit, already } = match accept(app, actor, slot(&upload), body).await {
        Ok(accepted) => accepted,
        Err(error) => {
            // Another request may have finished it meanwhile, and removed the parts under this one.
            return match find(app, actor, upload.id).await? {
                done if done.deposit_id.is_some() => Ok(Appended { upload: done, already: false }),
                _ if error.code == "upload_interrupted" => Err(Error::new(
                    Kind::Unavailable,
                    "lake_unavailable",
                    "Votre fichier est arrivé, mais il n'a pas pu être rassemblé. Réessayez dans un instant.",
                )
                .with_source(error)),
                _ => Err(error),
            };
        }
    };
    let mut tx = app.store.begin().await?;
    let parts = tx.finish_upload(upload.id, deposit.id, app.clock.now() + PATIENCE).await?;
    tx.commit().await?;
    for key in parts.into_iter().flatten() {
        remove(app, &key).await;
    }
    Ok(Appended { upload: Upload { deposit_id: Some(deposit.id), ..upload }, already })
}

/// Gives an upload up: nothing of it stays.
///
/// # Errors
/// Those of [`find`]; `upload_finished` for one that became a deposit.
pub async fn cancel(app: &App, actor: &Actor, id: UploadId) -> Result<()> {
    let upload = find(app, actor, id).await?;
    let mut tx = app.store.begin().await?;
    let Some(parts) = tx.delete_upload(id, None).await? else {
        let message = "Ce fichier est déjà déposé. Pour ne plus le compter, retirez le dépôt.";
        return Err(Error::new(Kind::Conflict, "upload_finished", message));
    };
    let detail = json!({"received": upload.received, "bytes": upload.length});
    audit::append(&mut tx, &entry(app, actor.in_audit(), &upload, "upload.cancel", detail)).await?;
    tx.commit().await?;
    for key in parts {
        remove(app, &key).await;
    }
    Ok(())
}

/// Forgets the uploads whose time is over, and what came of them; gives their number.
pub async fn expire(app: &App) -> Result<u64> {
    let now = app.clock.now();
    let mut count = 0;
    for upload in app.store.expired_uploads(now).await? {
        let mut tx = app.store.begin().await?;
        // More of it may have come since the list was read.
        let Some(parts) = tx.delete_upload(upload.id, Some(now)).await? else { continue };
        if upload.deposit_id.is_none() {
            let detail = json!({"received": upload.received, "bytes": upload.length});
            audit::append(&mut tx, &entry(app, audit::Actor::System, &upload, "upload.expire", detail)).await?;
        }
        tx.commit().await?;
        for key in parts {
            remove(app, &key).await;
        }
        count += 1;
    }
    Ok(count)
}

/// No row names it any more: if this fails, the sweep does it.
async fn remove(app: &App, key: &str) {
    let removed = async { app.lake.delete(&key.parse()?).await };
    if let Err(error) = removed.await {
        tracing::warn!(%error, key, "a piece of an upload could not be removed");
    }
}

fn slot(upload: &Upload) -> Slot {
    Slot {
        convention: upload.convention.clone(),
        site: Some(upload.site.clone()),
        dataset: upload.dataset.clone(),
        period: upload.period,
        file_name: upload.file_name.clone(),
    }
}

fn entry(app: &App, actor: audit::Actor, upload: &Upload, act: &'static str, detail: serde_json::Value) -> Entry {
    Entry {
        at: app.clock.now(),
        actor,
        organisation: Some(upload.site.clone()),
        act,
        object: format!("upload/{}", upload.id),
        outcome: "ok",
        detail,
    }
}

impl Algorithm {
    fn of_ring(self) -> &'static digest::Algorithm {
        match self {
            // Against errors on the way, not against forgery: the deposit itself is known by its SHA-256.
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        }
    }
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cet envoi n'existe pas, ou n'est plus là.")
}

fn wrong_offset() -> Error {
    let message = "L'envoi n'en est pas là. Demandez où il s'est arrêté, puis reprenez-le à cet endroit.";
    Error::new(Kind::Conflict, "upload_offset", message)
}

fn too_long() -> Error {
    Error::new(Kind::TooLarge, "upload_length", "Ces octets dépassent la taille annoncée au début de l'envoi.")
}
