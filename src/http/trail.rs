//! The audit trail in words, and its filters as an address carries them: for the journal's pages, its exports and the API.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Europe::Paris;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{load, view::role_name, words};
use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind, Result},
    ids::{AccountId, Siren},
    store::audit::{AuditFilter, AuditOrder, AuditRow},
};

/// Lets administrators and data protection officers through.
pub fn reader(actor: &Actor) -> Result<()> {
    if matches!(actor.role, Role::Administrator | Role::DataProtectionOfficer) {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, "role", "Cette page est réservée aux administrateurs et aux délégués à la protection des données."))
}

/// Every act, as the trail names it and in words.
pub const ACTS: [(&str, &str); 63] = [
    ("session.open", "Connexion"),
    ("session.revoke", "Fin d'une session"),
    ("data.read", "Lecture de données"),
    ("data.write", "Demande refusée"),
    ("upload.open", "Début d'un envoi en plusieurs fois"),
    ("upload.cancel", "Envoi annulé"),
    ("upload.expire", "Envoi inachevé effacé"),
    ("deposit.receive", "Réception d'un dépôt"),
    ("deposit.accept", "Acceptation d'un dépôt"),
    ("deposit.reject", "Refus d'un dépôt"),
    ("deposit.hold", "Dépôt en attente de confirmation"),
    ("deposit.confirm", "Confirmation d'un dépôt"),
    ("deposit.withdraw", "Retrait d'un dépôt"),
    ("deposit.expire", "Effacement d'un fichier refusé"),
    ("evaluation.compute", "Calcul d'une évaluation"),
    ("evaluation.lock", "Évaluation arrêtée"),
    ("report.build", "Production d'un rapport"),
    ("rex.write", "Retour d'expérience enregistré"),
    ("rex.submit", "Retour d'expérience remis"),
    ("draft.create", "Projet de convention créé"),
    ("draft.save", "Projet de convention enregistré"),
    ("draft.review", "Projet ouvert aux remarques"),
    ("draft.back", "Projet repris en rédaction"),
    ("draft.comment", "Remarque sur un projet"),
    ("draft.resolve", "Remarque traitée"),
    ("draft.discard", "Projet abandonné"),
    ("draft.open", "Projet proposé à la signature"),
    ("convention.import", "Enregistrement d'une convention"),
    ("convention.open", "Convention proposée à la signature"),
    ("convention.sign", "Signature d'une convention"),
    ("convention.record_signature", "Signature enregistrée"),
    ("convention.withdraw", "Version retirée"),
    ("convention.terminate", "Fin anticipée d'une convention"),
    ("hold.place", "Suspension d'une élimination"),
    ("hold.lift", "Levée d'une suspension"),
    ("removal.ask", "Demande de retrait anticipé"),
    ("removal.grant", "Retrait anticipé accordé"),
    ("removal.refuse", "Retrait anticipé refusé"),
    ("purge.propose", "Bordereau d'élimination établi"),
    ("purge.visa", "Visa des archives"),
    ("purge.refuse", "Refus des archives"),
    ("purge.package", "Paquet pour les archives"),
    ("purge.transfer", "Versement aux archives"),
    ("purge.certify", "Élimination certifiée"),
    ("purge.again", "Élimination reprise"),
    ("account.create", "Création d'un compte"),
    ("account.invite", "Invitation"),
    ("account.role", "Changement de rôle"),
    ("account.disable", "Fermeture d'un compte"),
    ("account.enable", "Réouverture d'un compte"),
    ("account.password", "Changement de mot de passe"),
    ("account.forgot", "Nouveau mot de passe demandé"),
    ("factor.enrol", "Second facteur activé"),
    ("factor.codes", "Codes de secours tirés"),
    ("factor.recovery_code", "Code de secours employé"),
    ("factor.remove", "Second facteur retiré"),
    ("factor.reset", "Second facteur réinitialisé"),
    ("token.create", "Création d'un jeton"),
    ("token.revoke", "Révocation d'un jeton"),
    ("audit.export", "Export du journal"),
    ("audit.head", "Tête du journal téléchargée"),
    ("register.export", "Export du registre des traitements"),
    ("mail.choose", "Choix des courriels"),
];

/// Every outcome, as the trail names it and in words.
pub const OUTCOMES: [(&str, &str); 3] = [("ok", "fait"), ("denied", "refusé"), ("failed", "échoué")];

/// Every order, as the address names it and in words.
pub const ORDERS: [(&str, &str, AuditOrder); 5] = [
    ("", "du plus récent au plus ancien", AuditOrder::Newest),
    ("ancien", "du plus ancien au plus récent", AuditOrder::Oldest),
    ("action", "par action", AuditOrder::Act),
    ("personne", "par auteur", AuditOrder::Actor),
    ("structure", "par structure", AuditOrder::Organisation),
];

/// The filters, as the address carries them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Chosen {
    /// First day.
    #[serde(default)]
    pub du: String,
    /// Last day.
    #[serde(default)]
    pub au: String,
    /// An account's id, or `système`.
    #[serde(default)]
    pub personne: String,
    /// A SIREN, or `retex`.
    #[serde(default)]
    pub structure: String,
    /// An act.
    #[serde(default)]
    pub action: String,
    /// An object, whole.
    #[serde(default)]
    pub objet: String,
    /// An outcome.
    #[serde(default)]
    pub issue: String,
    /// Words to find.
    #[serde(default)]
    pub recherche: String,
    /// An order.
    #[serde(default)]
    pub tri: String,
    /// Which page, from 1.
    #[serde(default)]
    pub page: i64,
}

impl Chosen {
    /// As the store takes them.
    ///
    /// # Errors
    /// A day that is not one, a person who is not one.
    pub async fn filter(&self, app: &App) -> Result<AuditFilter> {
        let some = |text: &str| Some(text.trim()).filter(|t| !t.is_empty() && !t.contains('\0')).map(str::to_owned);
        let day = |text: &str| {
            let bad = || Error::invalid("day", format!("«\u{a0}{text}\u{a0}» n'est pas une date\u{a0}: écrivez par exemple 2026-03-12."));
            some(text).map(|t| t.parse::<NaiveDate>().map_err(|_| bad())).transpose()
        };
        let midnight = |day: NaiveDate| {
            let local = day.and_time(NaiveTime::MIN);
            Paris.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
        };
        let actors = match some(&self.personne).as_deref() {
            None => None,
            Some("système") => AuditFilter::by(["système"]),
            Some(id) => {
                let account: AccountId = id.parse()?;
                let tokens = app.store.tokens(account).await?;
                AuditFilter::by(std::iter::once(account.to_string()).chain(tokens.into_iter().map(|t| t.id.to_string())))
            }
        };
        Ok(AuditFilter {
            organisation: some(&self.structure).map(|s| if s == "retex" { String::new() } else { s }),
            actors,
            act: some(&self.action),
            object: some(&self.objet),
            outcome: some(&self.issue),
            since: day(&self.du)?.map(midnight),
            until: day(&self.au)?.and_then(|d| d.succ_opt()).map(midnight),
            search: some(&self.recherche),
            order: ORDERS.iter().find(|(name, ..)| *name == self.tri).map(|(.., order)| *order).unwrap_or_default(),
        })
    }

    /// As the address carries them, but for the page.
    pub fn query(&self) -> String {
        let all = [
            ("du", &self.du),
            ("au", &self.au),
            ("personne", &self.personne),
            ("structure", &self.structure),
            ("action", &self.action),
            ("objet", &self.objet),
            ("issue", &self.issue),
            ("recherche", &self.recherche),
            ("tri", &self.tri),
        ];
        let set = all.into_iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| format!("{name}={}", super::state::percent(value))).collect::<Vec<_>>().join("&")
    }
}

/// The names that entries refer to by identifier.
pub struct Names {
    /// Account or token → its name.
    known: HashMap<String, String>,
}

impl Names {
    /// Of every account and its tokens.
    pub async fn load(app: &App) -> Result<Self> {
        let mut known = HashMap::new();
        for account in app.store.accounts().await? {
            for token in app.store.tokens(account.id).await? {
                known.insert(token.id.to_string(), format!("{}, par le jeton «\u{a0}{}\u{a0}»", account.name, token.name));
            }
            known.insert(account.id.to_string(), account.name);
        }
        Ok(Self { known })
    }

    /// Who acts.
    pub fn actor(&self, id: &str) -> String {
        let unknown = || if id == "système" { "Retex".to_owned() } else { id.to_owned() };
        self.known.get(id).cloned().unwrap_or_else(unknown)
    }

    /// What the act bears on, by the name that people know it by, else by its identifier.
    pub fn object(&self, object: &str, said: &Json) -> String {
        if object.starts_with('/') {
            return object.to_owned();
        }
        let (kind, id) = object.split_once('/').unwrap_or((object, ""));
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        let (what, known) = match kind {
            "deposit" => ("dépôt", text("number")),
            "account" => ("compte", self.known.get(id).cloned()),
            "token" => ("jeton", text("name").map(|n| format!("«\u{a0}{n}\u{a0}»"))),
            "convention" => ("convention", text("name")),
            "draft" => ("projet", text("title").or_else(|| text("name"))),
            "evaluation" => ("évaluation", said["number"].as_i64().map(|n| format!("n°\u{a0}{n}"))),
            "rex" => ("retour d'expérience", Some(String::new())),
            "purge" => ("bordereau", text("number")),
            "hold" => ("suspension", text("convention")),
            "removal" => ("demande de retrait", text("convention")),
            "audit" => ("journal", Some(String::new())),
            "register" => ("registre des traitements", Some(String::new())),
            other => (other, None),
        };
        format!("{what} {}", known.unwrap_or_else(|| id.to_owned())).trim_end().to_owned()
    }
}

/// An act in words.
pub fn act(code: &str) -> &str {
    ACTS.iter().find(|(name, _)| *name == code).map_or(code, |(_, words)| words)
}

/// An outcome in words.
pub fn outcome(code: &str) -> &str {
    OUTCOMES.iter().find(|(name, _)| *name == code).map_or(code, |(_, words)| words)
}

/// Whose chain.
pub fn organisation(siren: &str) -> String {
    siren.parse::<Siren>().map_or_else(|_| "Retex".to_owned(), |s| load::organisation(&s))
}

/// The detail of an entry as JSON.
pub fn said(row: &AuditRow) -> Json {
    serde_json::from_str(&row.detail).unwrap_or_default()
}

/// A use in words.
fn use_name(code: &str) -> &str {
    match code {
        "read_convention" => "lire la convention",
        "read_deposit" => "lire un dépôt",
        "own_results" => "lire ses résultats",
        "compare" => "comparer",
        "evaluation" => "évaluer",
        "share" => "partager",
        "open_data" => "publier",
        "read_rex" => "lire un retour d'expérience",
        "write_rex" => "écrire un retour d'expérience",
        "deposit" => "déposer",
        "withdraw" => "retirer un dépôt",
        "sign" => "signer",
        "manage" => "gérer la convention",
        "draft" | "read_draft" => "travailler sur un projet",
        other => other,
    }
}

/// One read, or one refusal, in words.
pub fn read(read: &Json) -> String {
    let text = |key: &str| read[key].as_str();
    let mut parts = vec![use_name(text("use").unwrap_or_default()).to_owned()];
    if let Some(name) = text("convention") {
        parts.push(format!("{name}, version {}", read["version"]));
    }
    parts.extend(text("dataset").map(|d| format!("données «\u{a0}{d}\u{a0}»")));
    let fields: Vec<_> = read["fields"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    if !fields.is_empty() {
        parts.push(format!("colonnes {}", fields.join(", ")));
    }
    parts.extend(text("site").and_then(|s| s.parse::<Siren>().ok()).map(|s| load::organisation(&s)));
    parts.extend(text("refused").map(|code| format!("refus «\u{a0}{code}\u{a0}»")));
    parts.join(", ")
}

/// The rest, in words; a hash is shown by its beginning, the whole is in the trail.
pub fn detail(said: &Json) -> String {
    if let Some(reads) = said["reads"].as_array() {
        let mut told: Vec<_> = reads.iter().take(3).map(read).collect();
        if reads.len() > told.len() {
            told.push(format!("et {}", words::plural(reads.len() - told.len(), "autre", "autres")));
        }
        return told.join(" · ");
    }
    facts(said, true)
        .into_iter()
        .map(|(name, value)| if name.is_empty() { value } else { format!("{name}\u{a0}: {value}") })
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The detail as facts (words and value); `short` leaves out what a list shows elsewhere.
pub fn facts(said: &Json, short: bool) -> Vec<(String, String)> {
    let Some(said) = said.as_object() else { return Vec::new() };
    let one = |(key, value): (&String, &Json)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if short && matches!(key.as_str(), "number" | "name" | "dataset" | "title") {
            return None;
        }
        let cut = |text: String| if short { text.chars().take(12).collect::<String>() + "…" } else { text };
        let (name, value) = match (key.as_str(), value) {
            (_, Json::Null) | ("reads" | "status", _) => return None,
            ("convention", _) => ("", text),
            ("version", _) => ("version", text),
            ("period", _) => ("", words::period(Some(text.parse().ok()?))),
            ("bytes", v) => ("", words::bytes(v.as_u64()?)),
            ("rows", v) => ("", words::plural(v.as_u64()?, "ligne", "lignes")),
            ("errors", v) => ("", words::plural(v.as_u64()?, "erreur", "erreurs")),
            ("erased", v) => ("", v.as_bool().filter(|erased| *erased).map(|_| "fichier effacé".to_owned())?),
            ("reason", _) => ("motif", text),
            ("role", _) => ("", role_name(&text).to_owned()),
            ("party" | "site", _) => ("", text.parse::<Siren>().map_or_else(|_| text.clone(), |s| load::organisation(&s))),
            ("sha256" | "inputs_sha256", _) => ("empreinte", cut(text)),
            ("table_sha256", _) if short => return None,
            ("table_sha256", _) => ("empreinte de la table", text),
            ("number", _) => ("numéro", text),
            ("name" | "title", _) => ("nom", text),
            ("dataset", _) => ("jeu de données", text),
            ("corrected_from", _) => ("corrigé d'après", text),
            ("cells", v) => ("", words::plural(v.as_u64()?, "case corrigée", "cases corrigées")),
            ("reading", v) => {
                let said = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                ("lecture demandée", v.as_object()?.values().map(said).collect::<Vec<_>>().join(", "))
            }
            ("on", _) => ("le", text.parse::<NaiveDate>().map_or(text, words::day)),
            ("filter", _) => ("filtre", text),
            ("signatory", _) => ("signataire", text),
            ("means", _) => (
                "signature",
                match text.as_str() {
                    "hub" => "dans Retex".to_owned(),
                    "paper" => "sur papier".to_owned(),
                    "parapheur" => "dans un parapheur".to_owned(),
                    _ => text,
                },
            ),
            ("quality", _) => ("qualité", text),
            ("deed", _) => ("délibération", text),
            ("deed_date", _) => ("du", text.parse::<NaiveDate>().map_or(text, words::day)),
            (_, _) if short => return None,
            (other, _) => return Some((other.to_owned(), text)),
        };
        Some((name.to_owned(), value))
    };
    said.iter().filter_map(one).collect()
}
