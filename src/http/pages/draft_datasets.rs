//! Datasets of a draft: added empty, from a Table Schema, from an example file; and taken out.

use axum::{
    extract::{Multipart, Path, State as Extract},
    response::{IntoResponse, Redirect},
};
use serde_json::Value as Json;

use super::{
    confirm::Confirm,
    draft::{base, draw, id, title},
    drafts::received,
};
use crate::{
    access::Actor,
    app::App,
    convention::draft,
    deposit::starter,
    error::{Error, Kind, Result},
    http::{
        editor::{Section, acts},
        failure::{PageResult, html},
        load,
        state::{Fields, Posted, Signed, percent, who},
        view::{Notice, Page, State},
    },
    store::drafts::Draft,
};

/// `POST /conventions/brouillons/{id}/jeux-nouveau`: an empty dataset.
pub async fn add(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let draft = draft::find(&app, &actor, self::id(&id)?).await?;
    let title: String = fields.get("title").trim().chars().take(300).collect();
    let title = if title.is_empty() { "Nouveau jeu de données".to_owned() } else { title };
    let dataset = acts::new_dataset(&title);
    put(&app, &actor, draft, fields.get("revision"), &title, dataset, "").await
}

async fn put(app: &App, actor: &Actor, draft: Draft, revision: &str, title: &str, dataset: Json, aside: &str) -> PageResult {
    let mut document = draft::document(&draft)?;
    let name = acts::add_dataset(&mut document, title, dataset);
    let revision = revision.parse().unwrap_or(0);
    let saved = draft::save(app, actor, draft.id, revision, document).await?;
    let aside = if aside.is_empty() { String::new() } else { format!("&ecartees={}", percent(aside)) };
    Ok(Redirect::to(&format!("{}/jeux/{}?fait=ajoute{aside}", base(&saved), percent(&name))).into_response())
}

/// `POST /conventions/brouillons/{id}/jeux-importer`: a dataset from a Table Schema, a JSON Schema or an example file.
pub async fn import(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>, form: Multipart) -> PageResult {
    let draft = draft::find(&app, &actor, self::id(&id)?).await?;
    let (fields, file, file_name) = received(&actor, form).await?;
    actor.require(&[crate::convention::perimeter::Role::Officer])?;
    let proposal = match propose(file, &file_name).await {
        Ok(proposal) => proposal,
        // What the file is not is said where another one is chosen.
        Err(error) if error.kind == Kind::Invalid => {
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            let lines = error.faults.iter().map(|f| f.message.clone()).take(10).collect();
            let notice = Notice::new(State::No, error.message, lines);
            let open = super::draft::open(&app, &actor, &id).await?;
            let page = draw(&app, &actor, open, Section::Datasets, None, None, Some(notice), Vec::new(), &Fields::default()).await?;
            return Ok((status, page).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let named = fields.get("title").trim();
    let name = if named.is_empty() { proposal.title.clone() } else { named.chars().take(300).collect() };
    let mut dataset = proposal.dataset;
    dataset["title"] = Json::from(name.as_str());
    // Names alone: what the columns held is gone with the file.
    let aside: Vec<String> = proposal.set_aside.iter().map(|(column, what)| format!("{column} ({what})")).collect();
    put(&app, &actor, draft, fields.get("revision"), &name, dataset, &aside.join(", ")).await
}

pub(crate) async fn propose(file: Vec<u8>, file_name: &str) -> Result<starter::Proposal> {
    let name = file_name.to_owned();
    tokio::task::spawn_blocking(move || starter::propose(&file, &name)).await.map_err(Error::internal)?
}

/// `GET /conventions/brouillons/{id}/jeux/{name}/retrait`.
pub async fn confirm(Extract(app): Extract<App>, Signed(actor): Signed, Path((id, name)): Path<(String, String)>) -> PageResult {
    let draft = draft::find(&app, &actor, self::id(&id)?).await?;
    actor.require(&[crate::convention::perimeter::Role::Officer])?;
    let document = draft::document(&draft)?;
    let dataset = document["datasets"].get(&name).ok_or_else(load::absent)?;
    let shown = dataset["title"].as_str().unwrap_or(&name);
    let here = format!("{}/jeux/{}", base(&draft), percent(&name));
    html(Confirm {
        page: Page::new("Retirer ce jeu de données", who(&actor), "conventions")
            .under("Conventions", "/conventions")
            .under(title(&draft), base(&draft)),
        consequences: vec![
            format!("Le jeu «\u{a0}{shown}\u{a0}», ses colonnes et ses règles quittent le brouillon."),
            "Les usages et les indicateurs qui s'en servent seront à corriger.".to_owned(),
        ],
        action: format!("{here}/retrait?revision={}", draft.revision),
        csrf: actor.csrf.clone(),
        reason: None,
        style: "danger",
        act: "Retirer".to_owned(),
        back: here,
    })
}

/// `POST /conventions/brouillons/{id}/jeux/{name}/retrait`.
pub async fn remove(
    Extract(app): Extract<App>,
    Path((id, name)): Path<(String, String)>,
    axum::extract::Query(seen): axum::extract::Query<super::draft_review::Seen>,
    Posted(actor, _): Posted,
) -> PageResult {
    let draft = draft::find(&app, &actor, self::id(&id)?).await?;
    let mut document = draft::document(&draft)?;
    acts::remove_dataset(&mut document, &name);
    let saved = draft::save(&app, &actor, draft.id, seen.revision, document).await?;
    Ok(Redirect::to(&format!("{}/jeux?fait=retire", base(&saved))).into_response())
}
