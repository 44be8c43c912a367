//! «Mes données»: until when a site's data are kept, what was decided of them, and the request to withdraw them early.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::{
    confirm::Confirm,
    retention::{purge_badge, removal_badge},
};
use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    deposit,
    error::Result,
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        state::{Posted, Signed, who},
        view::{Fact, Markup, Page, State},
        words,
    },
    ids::Siren,
    retention::{list, removals, term},
    store::{Page as Slice, deposits::DepositFilter},
};

/// The list of a site's experiments.
#[derive(Template)]
#[template(path = "own_data.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct OwnData {
    pub page: Page,
    pub rows: Vec<(String, String, String, Markup)>,
}

/// One experiment of a site.
#[derive(Template)]
#[template(path = "own_data_one.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct OwnDataOne {
    pub page: Page,
    pub facts: Vec<Fact>,
    pub ask: Option<String>,
    pub who_asks: bool,
    pub requests: Vec<(Markup, Vec<Fact>)>,
    pub lists: Vec<(String, Markup, Vec<Fact>)>,
}

/// The site of whoever asks; the Métropole's people have no such page.
fn own_site(actor: &Actor) -> Result<Siren> {
    actor.site.clone().ok_or_else(load::absent)
}

async fn state(app: &App, loaded: &Loaded, site: &Siren) -> Result<Markup> {
    let name = &loaded.head.name;
    if let Some(list) = list::of_site(app, name, site).await?.into_iter().find(|l| !l.lines.is_empty()) {
        return Ok(purge_badge(&list.purge));
    }
    let until = term(app, name).await?.until;
    let today = app.clock.today();
    Ok(if today > until { State::Todo.badge("Durée passée") } else { State::Ok.badge("Conservées") })
}

/// `GET /mes-donnees`.
pub async fn list(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    let site = own_site(&actor)?;
    let mut rows = Vec::new();
    for loaded in load::conventions(&app, &actor).await? {
        let until = term(&app, &loaded.head.name).await?.until;
        let badge = state(&app, &loaded, &site).await?;
        rows.push((format!("/mes-donnees/{}", loaded.head.name), loaded.document.title.clone(), words::day(until), badge));
    }
    html(OwnData { page: Page::new("Mes données", who(&actor), "own_data"), rows })
}

/// `GET /mes-donnees/{name}`.
pub async fn one(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let site = own_site(&actor)?;
    let loaded = load::convention(&app, &actor, &name).await?;
    let term = term(&app, &loaded.head.name).await?;
    let filter = DepositFilter { convention: Some(loaded.head.id), site: Some(site.clone()), ..DepositFilter::default() };
    let (deposits, count) = deposit::list(&app, &actor, &filter, Slice::ALL).await?;
    let kept = deposits.iter().filter(|d| d.original_key.is_some() || d.table_key.is_some()).count();
    let own: Vec<_> = removals::all(&app, &actor).await?.into_iter().filter(|r| r.convention == loaded.head.name).collect();
    let may_ask = kept > 0 && own.iter().all(|r| r.granted == Some(false));
    let signs = actor.role == Role::Signatory;
    let requests = own.iter().map(|r| {
        let mut facts = vec![("Demandé le".to_owned(), words::moment(r.asked_at)), ("Motif".to_owned(), r.reason.clone())];
        if let (Some(at), Some(why)) = (r.answered_at, &r.answer) {
            facts.push(("Réponse de la Métropole".to_owned(), format!("{}\u{a0}: {why}", words::moment(at))));
        }
        (removal_badge(r), facts)
    });
    let lists = list::of_site(&app, &loaded.head.name, &site).await?;
    let lists = lists.iter().filter(|l| !l.lines.is_empty()).map(|l| {
        let gone = l.lines.iter().filter(|line| line.destroyed_at.is_some() && !line.shared).count();
        let mut facts = vec![
            ("Établi le".to_owned(), words::moment(l.purge.made_at)),
            ("Vos fichiers".to_owned(), words::plural(l.lines.len() as u64, "fichier", "fichiers")),
        ];
        if let (Some(reference), Some(on)) = (&l.purge.visa_reference, l.purge.visa_on) {
            facts.push(("Réponse des archives".to_owned(), format!("{reference}, le {}", words::day(on))));
        }
        if let Some(done) = l.purge.done_at {
            let said = format!("{}, le {}", words::plural(gone as u64, "fichier détruit", "fichiers détruits"), words::moment(done));
            facts.push(("Certificat".to_owned(), said));
        }
        (l.purge.number.clone(), purge_badge(&l.purge), facts)
    });
    html(OwnDataOne {
        facts: vec![
            ("Dernier jour de l'expérimentation".to_owned(), words::day(term.last_day)),
            ("Durée de conservation".to_owned(), format!("{}\u{a0}mois après la fin", loaded.document.retention.months)),
            (
                "Vos données sont gardées jusqu'au".to_owned(),
                format!("{} ({})", words::day(term.until), words::distance(term.until, app.clock.today())),
            ),
            (
                "Vos dépôts".to_owned(),
                format!("{}, dont {} encore gardés", words::plural(count, "dépôt", "dépôts"), words::count(kept as u64)),
            ),
        ],
        ask: (signs && may_ask).then(|| format!("/mes-donnees/{}/retrait", loaded.head.name)),
        who_asks: may_ask && !signs,
        requests: requests.collect(),
        lists: lists.collect(),
        page: Page::new(loaded.document.title.clone(), who(&actor), "own_data").under("Mes données", "/mes-donnees"),
    })
}

/// `GET /mes-donnees/{name}/retrait`.
pub async fn ask_form(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    own_site(&actor)?;
    let loaded = load::convention(&app, &actor, &name).await?;
    let back = format!("/mes-donnees/{}", loaded.head.name);
    let mut consequences =
        vec!["Votre demande est transmise à la Métropole, qui l'accorde ou la refuse avec un motif. Si elle l'accorde\u{a0}:".to_owned()];
    consequences.extend(removals::consequences());
    html(Confirm {
        page: Page::new("Demander le retrait de nos données", who(&actor), "own_data")
            .under("Mes données", "/mes-donnees")
            .under(&loaded.document.title, &back),
        consequences,
        action: format!("{back}/retrait"),
        csrf: actor.csrf.clone(),
        reason: Some("Motif de la demande".to_owned()),
        style: "danger",
        act: "Demander le retrait".to_owned(),
        back,
    })
}

/// `POST /mes-donnees/{name}/retrait`.
pub async fn ask(Extract(app): Extract<App>, Path(name): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    own_site(&actor)?;
    let loaded = load::convention(&app, &actor, &name).await?;
    removals::ask(&app, &actor, &loaded.head.name, fields.get("reason")).await?;
    Ok(Redirect::to(&format!("/mes-donnees/{}", loaded.head.name)).into_response())
}
