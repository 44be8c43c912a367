//! The report's path in the hub: snapshot and answers → one view → HTML or PDF.

use serde_json::json;

use super::{Fact, french, view};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        perimeter::{self, Ask, Use},
        register,
    },
    deposit,
    error::{Error, Kind, Result},
    evaluation::{answers, snapshot},
    store::{
        Page,
        deposits::{DepositFilter, DepositState},
    },
};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One self-contained page.
    Html,
    /// PDF/UA-1.
    Pdf,
}

/// A report, ready to send.
pub struct Built {
    /// Name for the person's folder.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Writes the evaluation report of a convention from its newest snapshot.
///
/// # Errors
/// Analysts and officers only; [`Kind::Conflict`] while indicators are being computed, or while no file is accepted.
pub async fn build(app: &App, actor: &Actor, convention: &str, format: Format) -> Result<Built> {
    let agreement = register::agreement(app, convention).await?;
    perimeter::may(&agreement, &actor.person(), &Ask::of(Use::Evaluation), app.clock.today())?;
    let computing = || Error::new(Kind::Conflict, "computing", "Les indicateurs sont en cours de calcul. Réessayez dans un instant.");
    let snapshot = match snapshot::latest(app, actor, convention).await? {
        Some(snapshot) if snapshot.stale => return Err(computing()),
        Some(snapshot) => snapshot,
        None if app.store.current_deposits(agreement.reference(app.clock.today()).head.id).await?.is_empty() => {
            return Err(Error::new(Kind::Conflict, "no_deposit", "Aucun fichier n'est encore accepté : il n'y a rien à rapporter."));
        }
        None => return Err(computing()),
    };
    // The version that the snapshot was made under, which for a final one may not be the newest.
    let registered = register::version(app, snapshot.head.convention_id).await?;
    let answers = answers::submitted(app, actor, &agreement).await?;
    let filter = DepositFilter { convention: Some(registered.head.id), state: Some(DepositState::Rejected), ..DepositFilter::default() };
    let (rejected, _) = deposit::list(app, actor, &filter, Page::ALL).await?;
    let rejected: Vec<_> =
        rejected.iter().map(|d| format!("{} ({}, {})", d.file_name, registered.convention.site_name(&d.site), d.number)).collect();
    let head = snapshot.head;
    let (terminated, last_day) = (agreement.terminated.clone(), agreement.last_day());
    let bytes = tokio::task::spawn_blocking(move || {
        let mut view = view(&registered.convention, &snapshot.evaluation, &answers, &rejected);
        if let Some(end) = terminated {
            view.period = french::span(registered.convention.document.period.start, last_day);
            let text = french::typeset(&format!("Le {}. {}", french::date(end.on), end.reason));
            view.facts.push(Fact { term: "Arrêt avant le terme".to_owned(), text });
        }
        match format {
            Format::Html => view.html().map(String::into_bytes),
            Format::Pdf => view.pdf(),
        }
    })
    .await
    .map_err(Error::internal)??;
    let mut tx = app.store.begin().await?;
    let entry = Entry {
        at: app.clock.now(),
        actor: actor.in_audit(),
        organisation: None,
        act: "report.build",
        object: format!("evaluation/{}", head.id),
        outcome: "ok",
        detail: json!({"convention": convention, "number": head.number}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.commit().await?;
    let extension = if format == Format::Html { "html" } else { "pdf" };
    let state = if head.is_final { "definitive".to_owned() } else { format!("provisoire-{}", head.number) };
    Ok(Built { file_name: format!("evaluation-{convention}-{state}.{extension}"), bytes })
}
