//! How a convention stands, in words: who signed which version, what is missing, what comes next. Several pages show it.

use chrono::NaiveDate;

use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::{AgreedVersion, Agreement, State as Life},
        perimeter::Role,
        register,
    },
    error::Result,
    http::{
        load::Loaded,
        view::{Markup, State},
        words,
    },
    ids::Siren,
    report::{french, paper, signing},
    store::{conventions::VersionState, signatures::Signature},
};

/// A party and its signature.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct PartyRow {
    pub name: String,
    pub badge: Markup,
    pub who: String,
    pub deed: String,
    pub when: String,
    pub means: String,
    pub document: Option<String>,
}

/// A version in the list of them.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct VersionRow {
    pub label: String,
    pub badge: Markup,
    pub span: String,
    pub sha256: String,
    pub href: String,
}

/// State of a convention or of a version, with its colour.
pub fn badge(life: Life) -> Markup {
    let state = match life {
        Life::OpenForSignature => State::Todo,
        Life::Signed | Life::InForce => State::Ok,
        Life::Ended | Life::Withdrawn => State::Open,
        Life::Terminated => State::No,
    };
    state.badge(&words::sentence(life.in_french()))
}

/// The version whose signatures a person is shown: the one that is being signed, where it concerns them, else the one that holds.
pub fn shown<'a>(loaded: &'a Loaded, actor: &Actor, today: NaiveDate) -> &'a AgreedVersion {
    let concerns = |v: &AgreedVersion| actor.site.as_ref().is_none_or(|site| v.names(site));
    let agreement = &loaded.agreement;
    agreement.open().filter(|v| concerns(v)).or_else(|| agreement.version(loaded.head.id)).unwrap_or_else(|| agreement.reference(today))
}

/// The party that this person signs for, in that version, while it has not signed.
pub fn to_sign<'a>(agreement: &'a Agreement, actor: &Actor) -> Option<(&'a AgreedVersion, Siren)> {
    if actor.role != Role::Signatory || agreement.terminated.is_some() {
        return None;
    }
    let version = agreement.open()?;
    let party = actor.site.clone().unwrap_or_else(|| version.metropole().clone());
    let waits = version.parties().any(|p| *p == party) && !version.signed.contains_key(&party);
    waits.then_some((version, party))
}

/// Every party of a version, the Métropole first.
pub async fn parties(app: &App, loaded: &Loaded, actor: &Actor, version: &AgreedVersion, today: NaiveDate) -> Result<Vec<PartyRow>> {
    let signatures = register::signatures(app, &loaded.agreement).await?;
    let row = |party: &Siren| {
        let given = signatures.iter().find(|s| s.convention_id == version.head.id && s.party == *party);
        let life = loaded.agreement.state_for(party, today).filter(|_| party != version.metropole());
        party_row(loaded, actor, version, party, given, life)
    };
    Ok(version.parties().map(row).collect())
}

fn party_row(
    loaded: &Loaded,
    actor: &Actor,
    version: &AgreedVersion,
    party: &Siren,
    given: Option<&Signature>,
    life: Option<Life>,
) -> PartyRow {
    let badge = match (version.signed.contains_key(party), life) {
        _ if version.withdrawn() => badge(Life::Withdrawn),
        (false, _) => State::Todo.badge("N'a pas signé"),
        (true, Some(life @ (Life::InForce | Life::Ended | Life::Terminated))) => badge(life),
        (true, _) => State::Ok.badge("A signé"),
    };
    let dash = || "–".to_owned();
    let document = given.filter(|s| s.document_key.is_some() && signing::may_see_document(actor, party));
    PartyRow {
        name: version.convention.site_name(party),
        badge,
        who: given.map_or_else(dash, |s| format!("{}, {}", s.name, s.quality)),
        deed: given.map_or_else(dash, |s| format!("{} du {}", s.deed_reference, words::day(s.deed_date))),
        when: version.signed.get(party).map_or_else(dash, |at| words::moment(*at)),
        means: match (given, version.head.state) {
            (Some(s), _) => paper::means(s.means).to_owned(),
            (None, VersionState::Imported) => "hors de la plateforme, avant elle".to_owned(),
            (None, _) => dash(),
        },
        document: document.map(|_| format!("{}/versions/{}/signatures/{party}", loaded.base(), version.head.version)),
    }
}

/// Every version that the person may know of, newest first.
pub fn versions(loaded: &Loaded, actor: &Actor, today: NaiveDate) -> Vec<VersionRow> {
    let row = |v: &AgreedVersion| VersionRow {
        label: if v.head.version == 1 { "Version 1".to_owned() } else { format!("Version {}, avenant", v.head.version) },
        badge: badge(loaded.agreement.version_state(v, today)),
        span: french::span(v.head.starts_on, v.head.ends_on),
        sha256: v.head.sha256.clone(),
        href: format!("{}/versions/{}/convention.pdf", loaded.base(), v.head.version),
    };
    let known = |v: &&AgreedVersion| actor.site.as_ref().is_none_or(|site| v.names(site));
    loaded.agreement.versions().iter().rev().filter(known).map(row).collect()
}

/// What is missing or has happened, in sentences.
pub fn blocks(agreement: &Agreement, version: &AgreedVersion, today: NaiveDate) -> Vec<String> {
    if let Some(end) = &agreement.terminated {
        return vec![format!(
            "La Métropole a arrêté cette convention : son dernier jour est le {}. Motif : {}",
            words::day(end.on),
            end.reason
        )];
    }
    if version.withdrawn() {
        let why = version.head.withdrawn_reason.as_deref().unwrap_or("non précisé");
        return vec![format!("Cette version a été retirée : elle ne se signe plus. Motif : {why}")];
    }
    let name = |party: &Siren| version.convention.site_name(party);
    let missing: Vec<String> = version.sites().filter(|s| !version.signed.contains_key(*s)).map(name).collect();
    let mut sentences = Vec::new();
    if !version.signed.contains_key(version.metropole()) {
        sentences.push("La Métropole n'a pas signé : cette version n'engage encore personne.".to_owned());
    }
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "n'a pas signé" } else { "n'ont pas signé" };
        sentences.push(format!("{} {verb}. Cela ne retarde pas les autres structures.", french::list(&missing)));
    }
    if version.head.starts_on > today {
        let distance = words::distance(version.head.starts_on, today);
        sentences.push(format!("Le premier jour est le {}, {distance}.", words::day(version.head.starts_on)));
    }
    sentences.into_iter().map(|s| french::typeset(&s)).collect()
}

/// What is exploratory in a version, in a sentence; none where nothing is.
pub fn exploratory(agreement: &Agreement, version: &AgreedVersion) -> Option<String> {
    let indicators = version.convention.document.evaluation.indicators.iter();
    exploratory_words(indicators.filter(|i| agreement.is_exploratory(version, &i.id)).map(|i| i.title.as_str()))
}

/// That these indicators are exploratory, in a sentence; none where none is.
pub fn exploratory_words<'a>(titles: impl Iterator<Item = &'a str>) -> Option<String> {
    let titles: Vec<String> = titles.map(|t| format!("«\u{a0}{t}\u{a0}»")).collect();
    match titles.as_slice() {
        [] => None,
        [one] => Some(format!(
            "L'indicateur {one} n'est pas celui que la première signature a figé\u{a0}: il est exploratoire, et aucune conclusion n'en est tirée."
        )),
        several => Some(format!(
            "Les indicateurs {} ne sont pas ceux que la première signature a figés\u{a0}: ils sont exploratoires, et aucune conclusion n'en est tirée.",
            several.join(", ")
        )),
    }
}
