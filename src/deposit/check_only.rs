//! Checking a file without depositing it: nothing is kept.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;

use super::{LIMIT, Slot, allow, check::check_file, linked::Place, process::compare, report::CheckReport};
use crate::{
    access::Actor,
    app::App,
    error::{Error, Kind, Result},
};

/// Streams a body to a temporary file, checks it as a deposit into the slot would be, and removes it.
///
/// # Errors
/// Those of [`allow`]; `too_large`; `upload_interrupted` when the body breaks off.
pub async fn check_only<S, E>(app: &App, actor: &Actor, slot: Slot, body: S) -> Result<CheckReport>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let allowed = allow(app, actor, &slot).await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let mut file = tokio::fs::File::create(&path).await?;
    let mut left = app.config.max_upload;
    let mut body = std::pin::pin!(body);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|e| {
            Error::invalid("upload_interrupted", "L'envoi s'est interrompu avant la fin. Rien n'a été gardé : recommencez.").with_source(e)
        })?;
        let size = piece.len() as u64;
        left = left
            .checked_sub(size)
            .ok_or_else(|| Error::new(Kind::TooLarge, "too_large", "Ce fichier dépasse la taille permise. Découpez-le par période."))?;
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    drop(file);
    let (convention, dataset, name) = (allowed.registered.convention.clone(), slot.dataset.clone(), slot.file_name.clone());
    let mut checked = tokio::task::spawn_blocking(move || {
        let rules = convention.rules.get(&dataset).ok_or_else(|| Error::internal("the dataset left the convention"))?;
        Ok::<_, Error>(check_file(&path, &name, rules, LIMIT))
    })
    .await
    .map_err(Error::internal)??;
    let place = Place { site: &allowed.site, dataset: &slot.dataset, period: slot.period };
    compare(app, &allowed.registered, place, app.clock.now(), folder.path(), &mut checked).await?;
    Ok(checked.report)
}
