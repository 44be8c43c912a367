//! Signing a convention in the hub, and recording a signature that was given elsewhere.

use askama::Template;
use axum::{
    extract::{Multipart, Path, State as Extract, multipart::Field},
    http::StatusCode,
    response::{IntoResponse, Redirect},
};

use super::{
    deposit_new::small_text,
    standing::{self, PartyRow},
};
use crate::{
    access::{Actor, factor},
    app::App,
    convention::{
        agreement::AgreedVersion,
        perimeter::Role,
        register::{self, SignatureForm},
    },
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        state::{Fields, Posted, Signed, check_csrf, who},
        view::{Fact, Notice, Page, State},
        words,
    },
    ids::Siren,
    report::{agreed, french, signing},
    signature::Verified,
};

/// The page of a signatory.
#[derive(Template)]
#[template(path = "signature.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SignaturePage {
    pub page: Page,
    pub base: String,
    pub csrf: String,
    pub notice: Option<Notice>,
    pub lead: String,
    pub version: i64,
    pub sha256: String,
    pub party: Option<String>,
    pub amends: Option<Amends>,
    pub facts: Vec<Fact>,
    pub uses: Vec<agreed::UseView>,
    pub entered: Fields,
    pub has_factor: bool,
    pub today: String,
    pub parties: Vec<PartyRow>,
}

/// What an amendment changes, for whoever signs it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Amends {
    pub href: String,
    pub exploratory: Option<String>,
}

/// The page where a signed document is chosen.
#[derive(Template)]
#[template(path = "signed_document.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DocumentPage {
    pub page: Page,
    pub base: String,
    pub csrf: String,
    pub notice: Option<Notice>,
    pub lead: String,
    pub version: i64,
    pub max: String,
}

/// The page where a signed document is recorded.
#[derive(Template)]
#[template(path = "signed_record.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct RecordPage {
    pub page: Page,
    pub action: String,
    pub back: String,
    pub csrf: String,
    pub notice: Option<Notice>,
    pub lead: String,
    pub verified: Option<Shown>,
    pub parties: Vec<(String, String, bool)>,
    pub entered: Fields,
    pub today: String,
}

/// What a parapheur's document turned out to be.
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Shown {
    pub signers: Vec<(String, String, String, String)>,
    pub verified: Vec<String>,
    pub reserves: Vec<String>,
}

fn page(title: &str, actor: &Actor, loaded: &Loaded) -> Page {
    Page::new(title, who(actor), "experiments")
        .under("Expérimentations", "/experimentations")
        .under(&loaded.document.title, loaded.base())
        .under("Convention", format!("{}/convention", loaded.base()))
}

fn lead(version: &AgreedVersion) -> String {
    format!("{}, version {}", version.head.title, version.head.version)
}

/// What the person can mend, with where it is.
fn told(error: &Error) -> Notice {
    let mut lines: Vec<String> = error.faults.iter().map(|f| f.message.clone()).filter(|m| *m != error.message).collect();
    let again = if error.code == "already_signed" { "" } else { " Ce que vous avez écrit est encore dans le formulaire." };
    lines.push(format!("Rien n'a été enregistré.{again}"));
    Notice::new(State::No, error.message.clone(), lines)
}

fn is_mendable(error: &Error) -> bool {
    matches!(error.kind, Kind::Invalid | Kind::TooMany | Kind::TooLarge | Kind::Conflict) || error.code.starts_with("second_factor")
}

fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or_default()
}

/// What a person writes of a signature.
fn written(fields: &Fields) -> Result<SignatureForm> {
    let bad = || Error::invalid("deed_date", "Indiquez la date de la délibération ou de la délégation, par exemple 12/03/2026.");
    Ok(SignatureForm {
        sha256: fields.get("sha256").to_owned(),
        name: fields.get("name").to_owned(),
        quality: fields.get("quality").to_owned(),
        deed_reference: fields.get("deed_reference").to_owned(),
        deed_date: day(fields.get("deed_date")).ok_or_else(bad)?,
        second_factor: None,
    })
}

/// A day as a browser's field gives it, or as a person writes it where that field is a plain one.
pub(super) fn day(text: &str) -> Option<chrono::NaiveDate> {
    let text = text.trim();
    text.parse().ok().or_else(|| chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y").ok())
}

/// `GET /experimentations/{name}/signature`.
pub async fn form(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let entered = Fields(vec![("name".to_owned(), actor.name.clone())]);
    html(draw(&app, &actor, &loaded, entered, None).await?)
}

async fn draw(app: &App, actor: &Actor, loaded: &Loaded, entered: Fields, notice: Option<Notice>) -> Result<SignaturePage> {
    let today = load::today(app);
    let waiting = standing::to_sign(&loaded.agreement, actor);
    let version = waiting.as_ref().map_or_else(|| standing::shown(loaded, actor, today), |(v, _)| v);
    let d = &version.convention.document;
    let columns: usize = version.convention.rules.values().map(|r| r.columns().len()).sum();
    let personal: usize = d.datasets.values().map(|s| s.personal_data.values().filter(|k| *k != "none").count()).sum();
    let facts = [
        ("Durée", french::span(d.period.start, d.period.end)),
        ("Structures", words::count(d.parties.sites.len() as u64)),
        (
            "Données partagées",
            format!(
                "{}, {}",
                words::plural(d.datasets.len() as u64, "jeu de données", "jeux de données"),
                words::plural(columns as u64, "colonne", "colonnes")
            ),
        ),
        ("Données personnelles", if personal == 0 { "aucune".to_owned() } else { words::plural(personal as u64, "colonne", "colonnes") }),
        ("Indicateurs", words::count(d.evaluation.indicators.len() as u64)),
        ("Conservation", format!("{} mois après la fin", d.retention.months)),
    ];
    Ok(SignaturePage {
        page: page("Signature", actor, loaded),
        base: loaded.base(),
        csrf: actor.csrf.clone(),
        notice,
        lead: lead(version),
        version: version.head.version,
        sha256: version.head.sha256.clone(),
        party: waiting.as_ref().map(|(v, party)| v.convention.site_name(party)),
        amends: amends(loaded, actor, version),
        facts: facts.into_iter().map(|(a, b)| (a.to_owned(), b)).collect(),
        uses: agreed::uses(d),
        entered,
        has_factor: actor.second_factor.is_some() || matches!(factor::standing(app, actor).await?, factor::Standing::Active { .. }),
        today: today.to_string(),
        parties: standing::parties(app, loaded, actor, version, today).await?,
    })
}

fn amends(loaded: &Loaded, actor: &Actor, version: &AgreedVersion) -> Option<Amends> {
    let known = |v: &&AgreedVersion| v.head.version < version.head.version && actor.site.as_ref().is_none_or(|site| v.names(site));
    loaded.agreement.versions().iter().find(known)?;
    Some(Amends {
        href: format!("{}/versions/{}/differences", loaded.base(), version.head.version),
        exploratory: standing::exploratory(&loaded.agreement, version),
    })
}

/// `POST /experimentations/{name}/signature`.
pub async fn sign(Extract(app): Extract<App>, Path(name): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    match give(&app, &actor, &loaded, &fields).await {
        Ok(()) => Ok(Redirect::to(&format!("{}/convention?fait=signature", loaded.base())).into_response()),
        Err(error) if is_mendable(&error) => {
            let page = draw(&app, &actor, &loaded, fields, Some(told(&error))).await?;
            Ok((status_of(&error), html(page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn give(app: &App, actor: &Actor, loaded: &Loaded, fields: &Fields) -> Result<()> {
    // The version by its hash: one that was replaced since the page was drawn is refused as such by the register.
    let shown = loaded.agreement.versions().iter().rev().find(|v| v.head.sha256 == fields.get("sha256"));
    let Some(version) = shown.or_else(|| loaded.agreement.open()) else {
        return Err(Error::new(Kind::Conflict, "nothing_to_sign", "Aucune version n'attend de signature."));
    };
    if actor.role != Role::Signatory {
        return Err(Error::new(Kind::Forbidden, "not_signatory", "Seul le signataire de la collectivité ou de la Métropole signe."));
    }
    let form = written(fields)?;
    if fields.get("agree") != "1" {
        return Err(Error::invalid("agreement_required", "Cochez la case qui dit que vous avez lu la convention et que vous la signez."));
    }
    register::would_sign(app, actor, version.head.id, form.clone()).await?;
    let second_factor = factor::confirm(app, actor, fields.get("code")).await?;
    let form = SignatureForm { second_factor: Some(second_factor.to_owned()), ..form };
    register::sign(app, actor, version.head.id, form).await.map(drop)
}

/// The convention, for an officer who records a signature of the version that is open.
async fn officer(app: &App, actor: &Actor, name: &str) -> Result<(Loaded, AgreedVersion)> {
    let loaded = load::convention(app, actor, name).await?;
    if actor.role != Role::Officer {
        return Err(Error::new(Kind::Forbidden, "role", "Seul un chargé de mission enregistre une signature donnée ailleurs."));
    }
    let open = loaded.agreement.open().cloned();
    let version = open.ok_or_else(|| {
        Error::new(Kind::Conflict, "nothing_to_sign", "Toutes les parties ont signé : aucune version n'attend de signature.")
    })?;
    Ok((loaded, version))
}

/// `GET /experimentations/{name}/signature/document`.
pub async fn choose(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let (loaded, version) = officer(&app, &actor, &name).await?;
    html(document_page(&actor, &loaded, &version, None))
}

fn document_page(actor: &Actor, loaded: &Loaded, version: &AgreedVersion, notice: Option<Notice>) -> DocumentPage {
    DocumentPage {
        page: page("Enregistrer une signature", actor, loaded),
        base: loaded.base(),
        csrf: actor.csrf.clone(),
        notice,
        lead: lead(version),
        version: version.head.version,
        max: words::bytes(signing::LARGEST),
    }
}

/// `POST /experimentations/{name}/signature/document`: takes the file in, and goes on to what it says.
pub async fn receive(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>, mut form: Multipart) -> PageResult {
    let broken = |e: axum::extract::multipart::MultipartError| {
        Error::invalid("upload_interrupted", "L'envoi s'est interrompu avant la fin. Rien n'a été gardé\u{a0}: recommencez.").with_source(e)
    };
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("file") {
            let chosen = field.file_name().is_some_and(|n| !n.is_empty());
            return take(&app, &actor, &name, &fields, chosen.then_some(field)).await;
        }
        let name = field.name().unwrap_or_default().to_owned();
        let value = small_text(field).await?;
        fields.0.push((name, value));
    }
    take(&app, &actor, &name, &fields, None).await
}

async fn take(app: &App, actor: &Actor, name: &str, fields: &Fields, file: Option<Field<'_>>) -> PageResult {
    // The form's own token comes before anything is told.
    check_csrf(actor, fields.get("csrf"))?;
    let (loaded, version) = officer(app, actor, name).await?;
    let means = if fields.get("means") == "parapheur" { "parapheur" } else { "papier" };
    let taken = match file {
        Some(file) => signing::receive(app, actor, &loaded.agreement, file).await,
        None => Err(Error::invalid("no_file", "Choisissez le document signé sur votre poste.")),
    };
    match taken {
        Ok(sha256) => Ok(Redirect::to(&format!("{}/signature/document/{means}/{sha256}", loaded.base())).into_response()),
        Err(error) if is_mendable(&error) => {
            let notice = Notice::new(State::No, error.message.clone(), vec!["Rien n'a été enregistré.".to_owned()]);
            Ok((status_of(&error), html(document_page(actor, &loaded, &version, Some(notice)))?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /experimentations/{name}/signature/document/{means}/{sha256}`.
pub async fn review(
    Extract(app): Extract<App>,
    Signed(actor): Signed,
    Path((name, means, sha256)): Path<(String, String, String)>,
) -> PageResult {
    let (loaded, version) = officer(&app, &actor, &name).await?;
    match record_page(&app, &actor, &loaded, &version, (&means, &sha256), Fields::default(), None).await {
        Ok(page) => html(page),
        // What the parapheur gave is not what it should be: the same page to choose another file.
        Err(error) if is_mendable(&error) => {
            let notice = Notice::new(State::No, error.message.clone(), vec!["Aucune signature n'est enregistrée.".to_owned()]);
            Ok((status_of(&error), html(document_page(&actor, &loaded, &version, Some(notice)))?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn record_page(
    app: &App,
    actor: &Actor,
    loaded: &Loaded,
    version: &AgreedVersion,
    (means, sha256): (&str, &str),
    mut entered: Fields,
    notice: Option<Notice>,
) -> Result<RecordPage> {
    let verified = match means {
        "parapheur" => Some(signing::verify(app, actor, &loaded.agreement, version, sha256).await?),
        "papier" => None,
        _ => return Err(load::absent()),
    };
    if let Some(last) = verified.as_ref().and_then(|v| v.signers.last()).filter(|_| entered.get("name").is_empty()) {
        entered.0.push(("name".to_owned(), last.name.clone()));
    }
    let chosen = entered.get("party").to_owned();
    let waiting = version.parties().filter(|p| !version.signed.contains_key(*p));
    let parties = waiting.map(|p| (p.to_string(), version.convention.site_name(p), p.as_str() == chosen)).collect();
    let back = format!("{}/signature/document", loaded.base());
    Ok(RecordPage {
        page: page("Enregistrer une signature", actor, loaded).under("Document signé", &back),
        action: format!("{back}/{means}/{sha256}"),
        back,
        csrf: actor.csrf.clone(),
        notice,
        lead: lead(version),
        verified: verified.map(shown),
        parties,
        entered,
        today: load::today(app).to_string(),
    })
}

fn shown(verified: Verified) -> Shown {
    let signer = |s: crate::signature::Signer| {
        let name = s.organisation.map_or_else(|| s.name.clone(), |o| format!("{} ({o})", s.name));
        let authority = if s.trusted { s.authority } else { format!("{}, non vérifiée", s.authority) };
        (name, words::moment(s.signed_at), authority, s.serial)
    };
    Shown {
        signers: verified.signers.into_iter().map(signer).collect(),
        verified: verified.verified.iter().map(|s| french::typeset(s)).collect(),
        reserves: verified.reserves.iter().map(|s| french::typeset(s)).collect(),
    }
}

/// `POST /experimentations/{name}/signature/document/{means}/{sha256}`.
pub async fn record(
    Extract(app): Extract<App>,
    Path((name, means, sha256)): Path<(String, String, String)>,
    Posted(actor, fields): Posted,
) -> PageResult {
    let (loaded, version) = officer(&app, &actor, &name).await?;
    match keep(&app, &actor, &loaded, &version, (&means, &sha256), &fields).await {
        Ok(()) => Ok(Redirect::to(&format!("{}/convention?fait=enregistrement", loaded.base())).into_response()),
        Err(error) if is_mendable(&error) => {
            let page = record_page(&app, &actor, &loaded, &version, (&means, &sha256), fields, Some(told(&error))).await?;
            Ok((status_of(&error), html(page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn keep(
    app: &App,
    actor: &Actor,
    loaded: &Loaded,
    version: &AgreedVersion,
    (means, sha256): (&str, &str),
    fields: &Fields,
) -> Result<()> {
    let unknown = || Error::invalid("party", "Choisissez la partie pour laquelle ce document est signé.");
    let party: Siren = fields.get("party").parse().map_err(|_| unknown())?;
    let form = SignatureForm { sha256: version.head.sha256.clone(), ..written(fields)? };
    let confirmed = fields.get("confirm") == "1";
    if !confirmed {
        return Err(Error::invalid("confirmation_required", "Cochez la case qui confirme ce que vous avez vérifié."));
    }
    match means {
        "parapheur" => signing::record_parapheur(app, actor, &loaded.agreement, version, &party, form, (sha256, confirmed)).await.map(drop),
        "papier" => signing::record_paper(app, actor, &loaded.agreement, version, &party, form, sha256).await.map(drop),
        _ => Err(load::absent()),
    }
}
