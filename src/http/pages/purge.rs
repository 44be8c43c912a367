//! One list of elimination: what it names, the archives' answer, its papers.

use askama::Template;
use axum::{
    body::Body,
    extract::{Multipart, Path, State as Extract},
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use bytes::{Bytes, BytesMut};
use tokio_util::io::ReaderStream;

use super::{confirm::Confirm, retention::purge_badge};
use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    error::{Error, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Fields, Posted, Signed, check_csrf, who},
        view::{Fact, Markup, Page, State},
        words,
    },
    ids::PurgeId,
    report,
    retention::{
        archives::{self, Answer, SCAN},
        list::{self, List},
    },
    store::retention::PurgeState,
};

/// The page.
#[derive(Template)]
#[template(path = "purge.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct PurgePage {
    pub page: Page,
    pub lead: String,
    pub badge: Markup,
    pub base: String,
    pub facts: Vec<Fact>,
    pub list_sha256: String,
    pub open: bool,
    pub may_refuse: bool,
    pub may_package: bool,
    pub may_transfer: bool,
    pub has_scan: bool,
    pub certificate: Vec<String>,
    pub lines: Vec<LineRow>,
    pub more: Option<String>,
}

/// One object.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct LineRow {
    pub position: i64,
    pub number: String,
    pub site: String,
    pub file: String,
    pub kind: &'static str,
    pub bytes: String,
    pub sha256: String,
    pub destroyed: String,
}

/// Lines on the page; the CSV has all.
const SHOWN: usize = 200;

async fn listed(app: &App, actor: &Actor, id: &str) -> Result<List> {
    let id: PurgeId = id.parse().map_err(|_| load::absent())?;
    list::find(app, actor, id).await
}

/// `GET /conservation/{id}`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    let purge = &listed.purge;
    let decided_by = match purge.decided_by {
        Some(by) => app.store.account(by).await?.map(|a| a.name),
        None => None,
    };
    let open = matches!(purge.state, PurgeState::Proposed | PurgeState::Refused);
    let officer = actor.role == Role::Officer;
    let left = listed.lines.len().saturating_sub(SHOWN);
    html(PurgePage {
        page: Page::new(format!("Bordereau {}", purge.number), who(&actor), "retention").under("Conservation des données", "/conservation"),
        lead: listed.title.clone(),
        badge: purge_badge(purge),
        base: format!("/conservation/{}", purge.id),
        facts: facts(&listed, decided_by),
        list_sha256: purge.list_sha256.clone(),
        open,
        may_refuse: purge.state == PurgeState::Proposed,
        may_package: officer && purge.done_at.is_none(),
        may_transfer: open && purge.package_sha256.is_some(),
        has_scan: purge.visa_key.is_some(),
        certificate: certificate(&listed),
        lines: listed.lines.iter().take(SHOWN).map(line).collect(),
        more: (left > 0)
            .then(|| format!("Et {}\u{a0}: la liste entière est dans le fichier CSV.", words::plural(left as u64, "autre", "autres"))),
    })
}

fn facts(listed: &List, decided_by: Option<String>) -> Vec<Fact> {
    let purge = &listed.purge;
    let mut facts = vec![
        ("Structures".to_owned(), words::sentence(&listed.scope)),
        ("Établi le".to_owned(), words::moment(purge.made_at)),
        ("Élimination".to_owned(), format!("à partir du {}", words::day(purge.due_on))),
        (
            "Contenu".to_owned(),
            format!("{}, {}", words::plural(listed.lines.len() as u64, "fichier", "fichiers"), words::bytes(listed.bytes())),
        ),
    ];
    let mut add = |term: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.push((term.to_owned(), value));
        }
    };
    add("Refus des archives", purge.refusal.clone());
    add("Référence des archives", purge.visa_reference.clone());
    add("Donné par", purge.visa_name.clone().zip(purge.visa_on).map(|(name, on)| format!("{name}, le {}", words::day(on))));
    add("Enregistré par", decided_by.zip(purge.decided_at).map(|(name, at)| format!("{name}, le {}", words::moment(at))));
    add("Paquet pour les archives", purge.package_sha256.as_ref().map(|hash| format!("SHA-256 {hash}")));
    facts
}

/// What the certificate says, in words; nothing before the end.
fn certificate(listed: &List) -> Vec<String> {
    let Some(done) = listed.purge.done_at else { return Vec::new() };
    let shared = listed.lines.iter().filter(|l| l.shared).count();
    let mut said = vec![format!(
        "Les données de ce bordereau sont détruites depuis le {}. Le certificat est inscrit au journal de la plateforme et à celui de chaque structure.",
        words::moment(done)
    )];
    if shared > 0 {
        said.push(format!(
            "{}\u{a0}: le même fichier a été déposé au titre d'une autre convention, qui le garde.",
            words::plural(shared as u64, "fichier reste", "fichiers restent")
        ));
    }
    said.push(format!(
        "Les sauvegardes antérieures au {} contiennent encore ces données\u{a0}: l'administrateur doit les détruire.",
        words::moment(done)
    ));
    said
}

fn line(line: &list::Line) -> LineRow {
    LineRow {
        position: line.position,
        number: line.number.clone(),
        site: line.site_name.clone(),
        file: line.file_name.clone(),
        kind: line.kind_name(),
        bytes: words::bytes(line.bytes.unsigned_abs()),
        sha256: line.sha256.clone(),
        destroyed: match (line.destroyed_at, line.shared) {
            (Some(_), true) => "gardé par une autre convention".to_owned(),
            (Some(at), false) => words::moment(at),
            (None, _) => "–".to_owned(),
        },
    }
}

fn attachment(kind: &'static str, name: &str, body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))], body)
        .into_response()
}

/// `GET /conservation/{id}/bordereau.csv`.
pub async fn csv(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    Ok(attachment("text/csv; charset=utf-8", &format!("bordereau-{}.csv", listed.purge.number), listed.csv()))
}

/// `GET /conservation/{id}/bordereau.pdf`.
pub async fn pdf(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    let name = format!("bordereau-{}.pdf", listed.purge.number);
    let bytes = tokio::task::spawn_blocking(move || report::bordereau(&listed)).await.map_err(Error::internal)??;
    Ok(attachment("application/pdf", &name, bytes))
}

/// `GET /conservation/{id}/visa.pdf`.
pub async fn scan(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    let bytes = archives::scan(&app, &actor, listed.purge.id).await?;
    Ok(attachment("application/pdf", &format!("visa-{}.pdf", listed.purge.number), bytes))
}

/// `GET /conservation/{id}/versement.zip`.
pub async fn package(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    Ok(zip(archives::package(&app, &actor, listed.purge.id).await?).await?)
}

/// A package on its way out; its folder goes when the last byte has left.
pub async fn zip(package: archives::Package) -> Result<Response> {
    use futures::StreamExt;
    let file = tokio::fs::File::open(&package.file).await?;
    let folder = package.folder;
    let stream = ReaderStream::new(file).map(move |piece| {
        let _ = &folder;
        piece
    });
    Ok(attachment("application/zip", &package.file_name, Body::from_stream(stream)))
}

/// The form that records what the archives answered.
#[derive(Template)]
#[template(path = "purge_answer.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct AnswerPage {
    pub page: Page,
    pub consequences: Vec<String>,
    pub action: String,
    pub back: String,
    pub csrf: String,
    pub act: &'static str,
    pub reference: &'static str,
    pub today: String,
}

const GOES: &str = "Les fichiers et les tables de ce bordereau sont détruits, et ne peuvent plus être récupérés.";
const STAYS: &str = "Les indicateurs, les récépissés et leurs empreintes, et les retours d'expérience sont gardés.";

fn answer_page(app: &App, actor: &Actor, listed: &List, is_transfer: bool) -> PageResult {
    let base = format!("/conservation/{}", listed.purge.id);
    let (title, act, path, reference) = if is_transfer {
        ("Enregistrer le versement aux archives", "Enregistrer le versement et éliminer", "versement", "Référence de l'accusé de versement")
    } else {
        ("Enregistrer le visa des archives", "Enregistrer le visa et éliminer", "visa", "Référence du visa")
    };
    html(AnswerPage {
        page: Page::new(title, who(actor), "retention")
            .under("Conservation des données", "/conservation")
            .under(format!("Bordereau {}", listed.purge.number), &base),
        consequences: vec![GOES.to_owned(), STAYS.to_owned()],
        action: format!("{base}/{path}"),
        back: base,
        csrf: actor.csrf.clone(),
        act,
        reference,
        today: app.clock.today().to_string(),
    })
}

/// `GET /conservation/{id}/visa`.
pub async fn visa_form(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    answer_page(&app, &actor, &listed(&app, &actor, &id).await?, false)
}

/// `GET /conservation/{id}/versement`.
pub async fn transfer_form(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    answer_page(&app, &actor, &listed(&app, &actor, &id).await?, true)
}

/// `POST /conservation/{id}/visa`.
pub async fn visa(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>, form: Multipart) -> PageResult {
    let (listed, answer) = (listed(&app, &actor, &id).await?, answer(&actor, form).await?);
    archives::visa(&app, &actor, listed.purge.id, &answer).await?;
    Ok(Redirect::to(&format!("/conservation/{}", listed.purge.id)).into_response())
}

/// `POST /conservation/{id}/versement`.
pub async fn transfer(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>, form: Multipart) -> PageResult {
    let (listed, answer) = (listed(&app, &actor, &id).await?, answer(&actor, form).await?);
    archives::transfer(&app, &actor, listed.purge.id, &answer).await?;
    Ok(Redirect::to(&format!("/conservation/{}", listed.purge.id)).into_response())
}

/// Reads the form, whose scan may be left out.
async fn answer(actor: &Actor, mut form: Multipart) -> Result<Answer> {
    let broken = |e: axum::extract::multipart::MultipartError| {
        Error::invalid("upload_interrupted", "L'envoi s'est interrompu avant la fin. Rien n'a été gardé\u{a0}: recommencez.").with_source(e)
    };
    let (mut fields, mut scan) = (Fields::default(), None);
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let limit = if name == "scan" { SCAN + 1 } else { 4096 };
        let mut bytes = BytesMut::new();
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            if bytes.len() + piece.len() > limit {
                return Err(Error::new(
                    crate::error::Kind::TooLarge,
                    "scan_too_large",
                    "Le visa numérisé dépasse 20\u{a0}Mo\u{a0}: réduisez-le.",
                ));
            }
            bytes.extend_from_slice(&piece);
        }
        if name == "scan" {
            scan = Some(bytes.freeze()).filter(|b: &Bytes| !b.is_empty());
        } else {
            fields.0.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    check_csrf(actor, fields.get("csrf"))?;
    let on = fields.get("on").parse().map_err(|_| Error::invalid("date", "Indiquez la date de la réponse des archives."))?;
    Ok(Answer { reference: fields.get("reference").to_owned(), name: fields.get("name").to_owned(), on, scan })
}

/// `GET /conservation/{id}/refus`.
pub async fn refuse_form(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    let base = format!("/conservation/{}", listed.purge.id);
    html(Confirm {
        page: Page::new("Enregistrer le refus des archives", who(&actor), "retention")
            .under("Conservation des données", "/conservation")
            .under(format!("Bordereau {}", listed.purge.number), &base),
        consequences: vec![
            "Rien n'est détruit\u{a0}: les données restent jusqu'à un visa, ou jusqu'à ce que les archives les aient reçues.".to_owned(),
        ],
        action: format!("{base}/refus"),
        csrf: actor.csrf.clone(),
        reason: Some("Motif donné par les archives".to_owned()),
        style: "main",
        act: "Enregistrer le refus".to_owned(),
        back: base,
    })
}

/// `POST /conservation/{id}/refus`.
pub async fn refuse(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let listed = listed(&app, &actor, &id).await?;
    archives::refuse(&app, &actor, listed.purge.id, fields.get("reason")).await?;
    Ok(Redirect::to(&format!("/conservation/{}", listed.purge.id)).into_response())
}
