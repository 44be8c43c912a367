//! Checking a file without depositing it: nothing is kept.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;

use super::{
    LIMIT, Sending, allow,
    check::{Output, check_file_into},
    linked::Place,
    process::compare,
    reading,
    report::CheckReport,
};
use crate::{
    access::Actor,
    app::App,
    error::{Error, Kind, Result},
};

/// Streams a body to a temporary file, checks it as a deposit into the slot would be, and removes it.
///
/// # Errors
/// Those of [`allow`] and [`reading::stated`]; `too_large`; `upload_interrupted` when the body breaks off.
pub async fn check_only<S, E>(app: &App, actor: &Actor, sending: impl Into<Sending>, body: S) -> Result<CheckReport>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Sending { slot, reading, .. } = sending.into();
    let allowed = allow(app, actor, &slot).await?;
    let reading = reading::stated(&allowed.registered.convention, &slot.dataset, reading)?;
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
    let typed = folder.path().join("table.parquet");
    let table = typed.clone();
    let mut checked = tokio::task::spawn_blocking(move || {
        let rules = reading::rules(&convention, &dataset, reading.as_ref())?;
        let output = Output { path: &table, metadata: &|_| Vec::new() };
        Ok::<_, Error>(check_file_into(&path, &name, &rules, LIMIT, Some(&output), &mut |_| {}))
    })
    .await
    .map_err(Error::internal)??;
    let place = Place { site: &allowed.site, dataset: &slot.dataset, period: slot.period };
    compare(app, &allowed.registered, place, app.clock.now(), folder.path(), &typed, &mut checked).await?;
    Ok(checked.report)
}
