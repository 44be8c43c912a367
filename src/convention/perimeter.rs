//! The one function that answers whether a person may make this use of this dataset of this site today, and why not. Every read and
//! every deposit asks it.
//!
//! The answer is that of the version in force for the site in question ([`Agreement::in_force_for`]); before there is one nothing is sent
//! and nothing is read. [`may`] answers for a person, [`agreed`] what the parties agreed to, whoever asks: the hub's own jobs ask that.
//!
//! A site's person never learns whether something of another site exists: what is not theirs is answered like what is not there.

use std::{fmt, str::FromStr};

use chrono::{Days, Months, NaiveDate};

use super::{
    agreement::{AgreedVersion, Agreement},
    document::days,
    scope::{Scope, Verb},
    witness,
};
use crate::{
    error::{Error, Kind, Result},
    ids::Siren,
};

/// What an account may do (domain, «Who may do what»).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Of a site: deposits, corrects, withdraws, fills the REX.
    Contributor,
    /// Of a site or the Métropole: signs.
    Signatory,
    /// Of the Métropole: indicators, comparisons and downloads within the uses.
    Analyst,
    /// Of the Métropole: tracks, conventions, evaluations, reports.
    Officer,
    /// Watches over the trail and the perimeters; no data values.
    DataProtectionOfficer,
    /// Accounts, tokens, settings; no data values.
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Contributor, Self::Signatory, Self::Analyst, Self::Officer, Self::DataProtectionOfficer, Self::Administrator];

    /// Stable English name, as kept in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contributor => "contributor",
            Self::Signatory => "signatory",
            Self::Analyst => "analyst",
            Self::Officer => "officer",
            Self::DataProtectionOfficer => "data_protection_officer",
            Self::Administrator => "administrator",
        }
    }

    /// As pages say it.
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Contributor => "déposant",
            Self::Signatory => "signataire",
            Self::Analyst => "analyste",
            Self::Officer => "chargé de mission",
            Self::DataProtectionOfficer => "délégué à la protection des données",
            Self::Administrator => "administrateur",
        }
    }

    /// What it may do, in a sentence (domain, «Who may do what»).
    pub fn does(self) -> &'static str {
        match self {
            Self::Contributor => {
                "dépose, corrige et retire les fichiers de sa collectivité, lit ses résultats et remplit son retour d'expérience."
            }
            Self::Signatory => "signe les conventions et le retour d'expérience au nom de sa collectivité ou de la Métropole.",
            Self::Analyst => "lit les indicateurs, compare les collectivités et télécharge, dans les limites de la convention.",
            Self::Officer => {
                "rédige les conventions, suit les dépôts, mène les évaluations, écrit les rapports et invite les personnes des collectivités."
            }
            Self::DataProtectionOfficer => {
                "lit le journal, les périmètres, les durées de conservation et les éliminations, sans voir de données."
            }
            Self::Administrator => "gère les comptes, les jetons d'accès et les réglages, sans voir de données.",
        }
    }

    fn is_of_a_site(self) -> bool {
        matches!(self, Self::Contributor | Self::Signatory)
    }

    fn evaluates(self) -> bool {
        matches!(self, Self::Analyst | Self::Officer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|r| r.name() == s)
            .ok_or_else(|| Error::invalid("role", format!("« {s} » n'est pas un rôle ; les rôles sont : {}.", names())))
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What they may do.
    pub role: Role,
    /// The site that they are bound to; none for the Métropole's people.
    pub site: Option<Siren>,
    /// What the token that speaks is limited to, if it is one.
    pub scope: Option<Scope>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use<'a> {
    /// Read what was agreed, and who signed it.
    ReadConvention,
    /// Write a convention that is not open for signature yet.
    Draft,
    /// Read one.
    ReadDraft,
    /// Sign a version.
    Sign,
    /// Open a version for signature, record a signature on paper, take a version back, end the convention.
    Manage,
    /// Send or correct a file.
    Deposit,
    /// Take a file back.
    Withdraw,
    /// Read a deposit, its report, its file.
    ReadDeposit,
    /// Read one's own results, and the others' as far as the comparison goes.
    OwnResults,
    /// Read the results of the site that is asked for beside one's own.
    Compare,
    /// Read every value: indicators, comparisons, reports.
    Evaluation,
    /// Give data to a recipient.
    Share {
        /// As the convention names it.
        recipient: &'a str,
    },
    /// Publish data.
    OpenData,
    /// Read a site's REX.
    ReadRex,
    /// Fill a site's REX.
    WriteRex,
}

impl Use<'_> {
    /// What a token needs for it.
    fn verb(self) -> Verb {
        match self {
            Self::ReadConvention
            | Self::ReadDraft
            | Self::ReadDeposit
            | Self::OwnResults
            | Self::Compare
            | Self::Evaluation
            | Self::Share { .. }
            | Self::OpenData
            | Self::ReadRex => Verb::Read,
            Self::Deposit | Self::Withdraw => Verb::Deposit,
            Self::Draft | Self::Sign | Self::Manage | Self::WriteRex => Verb::Write,
        }
    }

    /// Whether it is about what was agreed, which is the same for all sites and datasets.
    fn is_of_the_text(self) -> bool {
        matches!(self, Self::ReadConvention | Self::ReadDraft | Self::Draft | Self::Sign | Self::Manage)
    }
}

/// Refuses what the person's token does not reach.
fn within_scope(person: &Person, ask: &Ask<'_>) -> Result<()> {
    match &person.scope {
        None => Ok(()),
        Some(scope) if ask.asked.is_of_the_text() => scope.allows_verb(ask.asked.verb()),
        Some(scope) => scope.allows(ask.asked.verb(), ask.dataset, ask.site.or(person.site.as_ref())),
    }
}

/// What is asked, of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The use.
    pub asked: Use<'a>,
    /// Of this dataset; of any, if none.
    pub dataset: Option<&'a str>,
    /// Of these fields; empty for those that the use covers.
    pub fields: &'a [&'a str],
    /// Of this site; of all, if none.
    pub site: Option<&'a Siren>,
}

impl<'a> Ask<'a> {
    /// This use, of whatever it covers.
    pub fn of(asked: Use<'a>) -> Self {
        Self { asked, dataset: None, fields: &[], site: None }
    }

    /// Of this dataset.
    pub fn dataset(self, name: &'a str) -> Self {
        Self { dataset: Some(name), ..self }
    }

    /// Of these fields.
    pub fn fields(self, fields: &'a [&'a str]) -> Self {
        Self { fields, ..self }
    }

    /// Of this site.
    pub fn site(self, site: &'a Siren) -> Self {
        Self { site: Some(site), ..self }
    }
}

/// Whether `person` may make this use today.
///
/// # Errors
/// [`Kind::NotFound`] where the person may not know of it; `role_not_allowed` where the role does not allow it; those of [`agreed`].
pub fn may(agreement: &Agreement, person: &Person, ask: &Ask<'_>, today: NaiveDate) -> Result<()> {
    let answer = answer(agreement, person, ask, today);
    witness::note(|| {
        let site = ask.site.or(person.site.as_ref());
        let version = site.and_then(|s| agreement.in_force_for(s, today)).unwrap_or_else(|| agreement.reference(today));
        witness::Answer {
            convention: agreement.name.clone(),
            version: version.head.version,
            asked: ask.asked.into(),
            dataset: ask.dataset.map(str::to_owned),
            fields: ask.fields.iter().map(|f| (*f).to_owned()).collect(),
            site: site.cloned(),
            refused: answer.as_ref().err().map(|e| e.code),
        }
    });
    answer
}

fn answer(agreement: &Agreement, person: &Person, ask: &Ask<'_>, today: NaiveDate) -> Result<()> {
    within_scope(person, ask)?;
    let of_another = person.site.as_ref().is_some_and(|own| ask.site.is_some_and(|s| s != own));
    let knows = person.site.as_ref().is_none_or(|own| agreement.names(own)) && ask.site.is_none_or(|s| agreement.names(s));
    if !knows || (of_another && ask.asked != Use::Compare) {
        return Err(absent());
    }
    allowed(person, ask.asked)?;
    let Some(own) = &person.site else {
        // The Métropole's people read files and compare sites in order to evaluate.
        let asked = if matches!(ask.asked, Use::ReadDeposit | Use::Compare) { Use::Evaluation } else { ask.asked };
        return agreed(agreement, &Ask { asked, ..*ask }, today);
    };
    if ask.asked == Use::Compare {
        // Both versions must say so: the reader's, and that of the site whose results are read.
        agreed(agreement, &ask.site(own), today)?;
    }
    agreed(agreement, &Ask { site: ask.site.or(Some(own)), ..*ask }, today)
}

/// Whether `person` may write or read a draft that names these sites; they read it once it is in review.
///
/// # Errors
/// [`Kind::NotFound`] where the person may not know of it, `role_not_allowed` where the role does not allow it.
pub fn may_draft(person: &Person, sites: &[Siren], in_review: bool, asked: Use<'_>) -> Result<()> {
    within_scope(person, &Ask::of(asked))?;
    match &person.site {
        Some(own) if !in_review || !sites.contains(own) => return Err(absent()),
        None if !in_review && person.role != Role::Officer => return Err(absent()),
        _ => {}
    }
    allowed(person, asked)
}

/// Whether a role makes such a use at all.
fn allowed(person: &Person, asked: Use<'_>) -> Result<()> {
    let (role, of_a_site) = (person.role, person.site.is_some());
    let allowed = match asked {
        Use::ReadConvention => true,
        Use::ReadDraft => role != Role::Administrator,
        Use::Draft | Use::Manage => role == Role::Officer && !of_a_site,
        Use::Sign => role == Role::Signatory,
        Use::Deposit | Use::Withdraw => role == Role::Contributor && of_a_site,
        Use::WriteRex | Use::OwnResults => role.is_of_a_site() && of_a_site,
        Use::ReadDeposit | Use::ReadRex | Use::Compare => {
            if of_a_site {
                role.is_of_a_site()
            } else {
                role.evaluates()
            }
        }
        Use::Evaluation | Use::Share { .. } | Use::OpenData => role.evaluates() && !of_a_site,
    };
    if allowed {
        return Ok(());
    }
    let message = format!("Votre rôle ({}) ne permet pas cette action. Adressez-vous à la Métropole.", role.in_french());
    Err(Error::new(Kind::Forbidden, "role_not_allowed", message))
}

/// Whether the parties agreed to this use, whoever makes it: what the hub does by itself asks this.
///
/// # Errors
/// `not_signed`, `not_started` before a version is in force; `unknown_dataset`; `use_not_agreed`, `field_outside_perimeter`,
/// `personal_field`; `deposits_closed`, `sharing_over`, `retention_over` after the time for it.
pub fn agreed(agreement: &Agreement, ask: &Ask<'_>, today: NaiveDate) -> Result<()> {
    if matches!(ask.asked, Use::ReadConvention | Use::Draft | Use::ReadDraft | Use::Sign | Use::Manage) {
        return Ok(());
    }
    let version = in_force(agreement, ask.site, today)?;
    // What was sent under a version that bound the site stays the site's, whatever came after.
    let own = matches!(ask.asked, Use::ReadDeposit | Use::Withdraw);
    let sent_under = |v: &&AgreedVersion| own && ask.site.is_some_and(|site| v.signed_for(site).is_some());
    if let Some(name) = ask.dataset {
        let names = |v: &AgreedVersion| v.convention.document.datasets.contains_key(name);
        if !names(version) && !agreement.versions().iter().filter(sent_under).any(names) {
            return Err(unknown_dataset(version, name));
        }
        within(version, name, ask)?;
    }
    covered(version, ask, today)?;
    in_time(agreement, version, ask, today)
}

/// The version that answers: the one in force for the site, or, for all sites, the one by which the convention is evaluated.
fn in_force<'a>(agreement: &'a Agreement, site: Option<&Siren>, today: NaiveDate) -> Result<&'a AgreedVersion> {
    let (version, start) = match site {
        Some(site) => (agreement.in_force_for(site, today), agreement.starts_for(site)),
        None => {
            let holds = agreement.sites().iter().any(|s| agreement.in_force_for(s, today).is_some());
            let start = agreement.sites().iter().filter_map(|s| agreement.starts_for(s)).min();
            (holds.then(|| agreement.reference(today)), start)
        }
    };
    version.ok_or_else(|| match start {
        Some(start) => Error::new(
            Kind::Conflict,
            "not_started",
            format!("L'expérimentation n'a pas commencé : revenez à son premier jour, le {}.", start.format("%d/%m/%Y")),
        ),
        None => Error::new(
            Kind::Conflict,
            "not_signed",
            "La convention n'est pas encore en vigueur : elle l'est quand la Métropole et la collectivité l'ont signée.",
        ),
    })
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}

fn unknown_dataset(version: &AgreedVersion, name: &str) -> Error {
    let known = version.convention.document.datasets.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    Error::invalid("unknown_dataset", format!("La convention n'a pas de jeu de données « {name} » ; elle a : {known}."))
}

fn not_agreed(message: impl Into<String>) -> Error {
    Error::new(Kind::Forbidden, "use_not_agreed", message)
}

/// Whether the fields that are asked for are in the perimeter; a personal one is never a value that leaves its rows.
fn within(version: &AgreedVersion, dataset: &str, ask: &Ask<'_>) -> Result<()> {
    let columns = version.convention.rules.get(dataset).map_or(&[][..], |rules| rules.columns());
    let personal = version.convention.document.datasets.get(dataset).map(|d| &d.personal_data);
    for field in ask.fields {
        if !columns.iter().any(|c| c.name == *field) {
            let message = format!("La colonne « {field} » n'est pas dans le périmètre de la convention.");
            return Err(Error::new(Kind::Forbidden, "field_outside_perimeter", message));
        }
        let leaves = matches!(ask.asked, Use::Evaluation | Use::Compare | Use::Share { .. } | Use::OpenData);
        if leaves && personal.is_some_and(|p| p.contains_key(*field)) {
            let message = format!("La colonne « {field} » est une donnée à caractère personnel : elle n'est jamais une valeur.");
            return Err(Error::new(Kind::Forbidden, "personal_field", message));
        }
    }
    Ok(())
}

/// Whether the version names this use, of this dataset and these fields.
fn covered(version: &AgreedVersion, ask: &Ask<'_>, today: NaiveDate) -> Result<()> {
    let uses = &version.convention.document.uses;
    let has = |datasets: &[String]| ask.dataset.is_none_or(|d| datasets.iter().any(|n| n == d));
    let fields = |agreed: &[String]| agreed.is_empty() || ask.fields.iter().all(|f| agreed.iter().any(|a| a == f));
    let outside =
        || Error::new(Kind::Forbidden, "field_outside_perimeter", "La convention ne prévoit pas cet usage pour toutes ces colonnes.");
    match ask.asked {
        Use::Evaluation if !uses.evaluation.as_ref().is_some_and(|u| has(&u.datasets)) => {
            Err(not_agreed("La convention ne prévoit pas d'évaluer ces données."))
        }
        Use::Compare if !uses.comparison.as_ref().is_some_and(|u| has(&u.datasets)) => {
            Err(not_agreed("La convention ne prévoit pas de comparer ces résultats entre collectivités."))
        }
        Use::Share { recipient } => {
            let to = || uses.sharing.iter().filter(|u| u.recipient == recipient && has(&u.datasets));
            if to().next().is_none() {
                return Err(not_agreed("La convention ne prévoit pas de partager ces données avec ce destinataire."));
            }
            if !to().any(|u| fields(&u.fields)) {
                return Err(outside());
            }
            if !to().any(|u| fields(&u.fields) && u.until.is_none_or(|until| today <= until)) {
                return Err(Error::new(Kind::Conflict, "sharing_over", "Le partage prévu par la convention est arrivé à son terme."));
            }
            Ok(())
        }
        Use::OpenData => {
            let published = || uses.open_data.iter().filter(|u| ask.dataset.is_none_or(|d| u.dataset == d));
            if published().next().is_none() {
                return Err(not_agreed("La convention ne prévoit pas de publier ces données."));
            }
            if published().any(|u| fields(&u.fields)) { Ok(()) } else { Err(outside()) }
        }
        _ => Ok(()),
    }
}

/// Days left for corrections after the last due date.
const CORRECTIONS: Days = Days::new(30);

/// Deposits close 30 days after the last file is due, so that a site can correct what was refused; data are read until the end of their
/// retention.
fn in_time(agreement: &Agreement, version: &AgreedVersion, ask: &Ask<'_>, today: NaiveDate) -> Result<()> {
    let document = &version.convention.document;
    let end = agreement.last_day_under(version);
    let sends = matches!(ask.asked, Use::Deposit | Use::Withdraw);
    let last = if sends {
        let due = ask.dataset.and_then(|d| document.datasets.get(d)?.due.as_deref()).and_then(days).unwrap_or(Days::new(0));
        end.checked_add_days(due).and_then(|last| last.checked_add_days(CORRECTIONS))
    } else {
        end.checked_add_months(Months::new(document.retention.months))
    };
    match last {
        Some(last) if today <= last => Ok(()),
        _ if sends => {
            Err(Error::new(Kind::Conflict, "deposits_closed", "Les dépôts de cette expérimentation sont clos : écrivez à la Métropole."))
        }
        _ => Err(Error::new(
            Kind::Conflict,
            "retention_over",
            "La durée de conservation de ces données est passée : elles ne se consultent plus.",
        )),
    }
}

#[cfg(test)]
#[path = "perimeter_tests.rs"]
mod tests;
