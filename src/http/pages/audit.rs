//! The audit trail.

use askama::Template;
use axum::extract::{Query, State as Extract};
use serde::Deserialize;
use serde_json::Value as Json;

use super::accounts::tabs;
use crate::{
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind},
    http::{
        failure::{PageResult, html},
        load,
        state::{Signed, who},
        view::{Page, Tab, role_name},
        words,
    },
    ids::Siren,
    store::{Page as Slice, audit::AuditFilter},
};

/// The page.
#[derive(Template)]
#[template(path = "audit.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Audit {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub acts: Vec<(&'static str, &'static str, bool)>,
    pub count: String,
    pub entries: Vec<EntryRow>,
    pub pages: i64,
    pub current: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// One entry.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EntryRow {
    pub at: String,
    pub who: String,
    pub organisation: String,
    pub action: String,
    pub object: String,
    pub outcome: String,
    pub detail: String,
}

/// Entries on one page.
const PER_PAGE: i64 = 50;

/// Every act, as the trail names it and in words.
const ACTS: [(&str, &str); 30] = [
    ("session.open", "Connexion"),
    ("deposit.receive", "Réception d'un dépôt"),
    ("deposit.accept", "Acceptation d'un dépôt"),
    ("deposit.reject", "Refus d'un dépôt"),
    ("deposit.withdraw", "Retrait d'un dépôt"),
    ("evaluation.compute", "Calcul d'une évaluation"),
    ("evaluation.lock", "Évaluation arrêtée"),
    ("report.build", "Production d'un rapport"),
    ("rex.write", "Retour d'expérience enregistré"),
    ("rex.submit", "Retour d'expérience remis"),
    ("deposit.expire", "Effacement d'un fichier refusé"),
    ("purge.propose", "Bordereau d'élimination établi"),
    ("purge.visa", "Visa des archives"),
    ("purge.refuse", "Refus des archives"),
    ("purge.package", "Paquet produit pour les archives"),
    ("purge.transfer", "Versement aux archives"),
    ("purge.certify", "Certificat d'élimination"),
    ("purge.again", "Élimination refaite après restauration"),
    ("hold.place", "Suspension d'une élimination"),
    ("hold.lift", "Levée d'une suspension"),
    ("removal.ask", "Demande de retrait anticipé"),
    ("removal.grant", "Retrait anticipé accordé"),
    ("removal.refuse", "Retrait anticipé refusé"),
    ("convention.import", "Enregistrement d'une convention"),
    ("account.create", "Création d'un compte"),
    ("account.disable", "Fermeture d'un compte"),
    ("account.enable", "Réouverture d'un compte"),
    ("account.password", "Changement de mot de passe"),
    ("token.create", "Création d'un jeton"),
    ("token.revoke", "Révocation d'un jeton"),
];

/// The filters, as the address carries them.
#[derive(Debug, Default, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    action: String,
    #[serde(default)]
    page: i64,
}

/// `GET /administration/journal`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    if !matches!(actor.role, Role::Administrator | Role::DataProtectionOfficer) {
        return Err(Error::new(
            Kind::Forbidden,
            "role",
            "Cette page est réservée aux administrateurs et aux délégués à la protection des données.",
        )
        .into());
    }
    let current = chosen.page.max(1);
    let slice = Slice { offset: (current - 1).saturating_mul(PER_PAGE), limit: PER_PAGE };
    let chosen_act = ACTS.iter().map(|(act, _)| *act).find(|act| *act == chosen.action);
    let filter = AuditFilter { act: chosen_act.map(str::to_owned), ..AuditFilter::default() };
    let (rows, count) = app.store.audit(&filter, slice).await?;
    let accounts = app.store.accounts().await?;
    let pages = (count + PER_PAGE - 1) / PER_PAGE;
    let name = |who: &str| accounts.iter().find(|a| a.id.to_string() == who).map(|a| a.name.clone());
    let actor_name =
        |who: &str| name(who).unwrap_or_else(|| if who == "système" { "Retex" } else { "un programme, par son jeton" }.to_owned());
    let organisation = |siren: &str| siren.parse::<Siren>().map_or_else(|_| "Retex".to_owned(), |s| load::organisation(&s));
    let action = chosen_act.map(|act| format!("action={act}&")).unwrap_or_default();
    let href = |page: i64| format!("/administration/journal?{action}page={page}");
    html(Audit {
        page: Page::new("Journal", who(&actor), "admin"),
        tabs: tabs(&actor, "journal"),
        acts: ACTS.iter().map(|(act, label)| (*act, *label, chosen_act == Some(*act))).collect(),
        count: words::plural(count, "ligne", "lignes"),
        entries: rows
            .into_iter()
            .map(|r| {
                let said: Json = serde_json::from_str(&r.detail).unwrap_or_default();
                EntryRow {
                    at: words::moment(r.at),
                    who: actor_name(&r.actor),
                    organisation: organisation(&r.organisation),
                    action: act_name(&r.act).to_owned(),
                    object: object(&r.object, &said, name),
                    outcome: outcome(&r.outcome).to_owned(),
                    detail: detail(&said),
                }
            })
            .collect(),
        pages,
        current,
        previous: (current > 1).then(|| href(current - 1)),
        next: (current < pages).then(|| href(current + 1)),
    })
}

fn act_name(act: &str) -> &str {
    ACTS.iter().find(|(code, _)| *code == act).map_or(act, |(_, name)| name)
}

/// What the act bears on, by the name that people know it by, else by its identifier.
fn object(object: &str, said: &Json, account: impl Fn(&str) -> Option<String>) -> String {
    let (kind, id) = object.split_once('/').unwrap_or((object, ""));
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    let (what, known) = match kind {
        "deposit" => ("dépôt", text("number")),
        "account" => ("compte", account(id)),
        "token" => ("jeton", text("name").map(|n| format!("«\u{a0}{n}\u{a0}»"))),
        "convention" => ("convention", text("name")),
        "evaluation" => ("évaluation", said["number"].as_i64().map(|n| format!("n°\u{a0}{n}"))),
        "purge" => ("bordereau", text("number")),
        "hold" => ("suspension", text("convention")),
        "removal" => ("demande de retrait", text("convention")),
        "rex" => ("retour d'expérience", Some(String::new())),
        other => (other, None),
    };
    format!("{what} {}", known.unwrap_or_else(|| id.to_owned())).trim_end().to_owned()
}

/// The rest, in words; a hash is shown by its beginning, the whole is in the trail.
fn detail(said: &Json) -> String {
    let Some(said) = said.as_object() else { return String::new() };
    let one = |(key, value): (&String, &Json)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(match (key.as_str(), value) {
            (_, Json::Null) | ("number" | "name" | "dataset", _) => return None,
            ("convention", _) => text,
            ("version", _) => format!("version {text}"),
            ("period", _) => words::period(Some(text.parse().ok()?)),
            ("bytes", v) => words::bytes(v.as_u64()?),
            ("rows", v) => words::plural(v.as_u64()?, "ligne", "lignes"),
            ("errors", v) => words::plural(v.as_u64()?, "erreur", "erreurs"),
            ("erased", v) => v.as_bool().filter(|erased| *erased).map(|_| "fichier effacé".to_owned())?,
            ("reason", _) => format!("motif\u{a0}: {text}"),
            ("role", _) => role_name(&text).to_owned(),
            ("sha256" | "inputs_sha256", _) => format!("empreinte {}…", text.chars().take(12).collect::<String>()),
            _ => return None,
        })
    };
    said.iter().filter_map(one).collect::<Vec<_>>().join(" · ")
}

fn outcome(code: &str) -> &str {
    match code {
        "ok" => "fait",
        "denied" => "refusé",
        "failed" => "échoué",
        other => other,
    }
}
