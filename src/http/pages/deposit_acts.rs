//! What a depositor does with a deposit that was checked: confirms it, takes it back.

use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::confirm::Confirm;
use crate::{
    app::App,
    deposit,
    http::{
        failure::{PageResult, html},
        load,
        state::{Posted, Signed, who},
        view::Page,
        words,
    },
};

/// `GET /depots/{id}/confirmation`.
pub async fn confirmation(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let deposit = deposit::confirmable(&app, &actor, deposit.id).await?;
    let report = deposit::report(&app, &actor, deposit.id).await?;
    let href = format!("/depots/{}", deposit.id);
    let mut consequences: Vec<String> = report.iter().flat_map(|r| &r.personal).map(|f| f.message.clone()).collect();
    consequences.push(
        "Vous confirmez que ce ne sont pas des données personnelles\u{a0}: le dépôt compte alors, et votre réponse est inscrite au journal."
            .to_owned(),
    );
    html(Confirm {
        page: Page::new("Confirmer ce dépôt", who(&actor), "deposits").under("Dépôts", "/depots").under(&deposit.file_name, &href),
        consequences,
        action: format!("{href}/confirmation"),
        csrf: actor.csrf.clone(),
        reason: Some("Ce que sont ces valeurs".to_owned()),
        style: "main",
        act: "Confirmer".to_owned(),
        back: href,
    })
}

/// `POST /depots/{id}/confirmation`.
pub async fn confirm(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    deposit::confirm(&app, &actor, deposit.id, fields.get("reason")).await?;
    Ok(Redirect::to(&format!("/depots/{}", deposit.id)).into_response())
}

/// `GET /depots/{id}/retrait`.
pub async fn ask_withdrawal(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let deposit = deposit::withdrawable(&app, &actor, deposit.id).await?;
    let href = format!("/depots/{}", deposit.id);
    html(Confirm {
        page: Page::new("Retirer ce dépôt", who(&actor), "deposits").under("Dépôts", "/depots").under(&deposit.file_name, &href),
        consequences: vec![
            format!("Vous retirez «\u{a0}{}\u{a0}» ({}).", deposit.file_name, words::plural(deposit.rows.unwrap_or(0), "ligne", "lignes")),
            "Ses lignes ne comptent plus dans aucun indicateur. Pour remplacer un fichier, déposez plutôt le bon\u{a0}: il prend sa place."
                .to_owned(),
        ],
        action: format!("{href}/retrait"),
        csrf: actor.csrf.clone(),
        reason: Some("Motif du retrait".to_owned()),
        style: "danger",
        act: "Retirer ce dépôt".to_owned(),
        back: href,
    })
}

/// `POST /depots/{id}/retrait`.
pub async fn withdraw(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    deposit::withdraw(&app, &actor, deposit.id, fields.get("reason").trim()).await?;
    Ok(Redirect::to(&format!("/depots/{}", deposit.id)).into_response())
}
