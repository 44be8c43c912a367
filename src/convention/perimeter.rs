//! The one function that answers whether a person may make this use of this dataset of this site today, and why not. Every read and
//! every deposit asks it.
//!
//! A site's person never learns whether something of another site exists: what is not theirs is answered like what is not there.

use std::{fmt, str::FromStr};

use chrono::{Days, Months, NaiveDate};

use super::{
    document::{Document, days},
    scope::{Scope, Verb},
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
pub enum Use {
    /// Read what was agreed.
    ReadConvention,
    /// Send, correct or take back a file.
    Deposit,
    /// Read a deposit, its report, its file.
    ReadDeposit,
    /// Read one's own results, and the others' as far as the comparison goes.
    OwnResults,
    /// Read every value: indicators, comparisons, reports.
    Evaluation,
    /// Read a site's REX.
    ReadRex,
    /// Fill a site's REX.
    WriteRex,
}

impl Use {
    /// What a token needs for it.
    fn verb(self) -> Verb {
        match self {
            Self::ReadConvention | Self::ReadDeposit | Self::OwnResults | Self::Evaluation | Self::ReadRex => Verb::Read,
            Self::Deposit => Verb::Deposit,
            Self::WriteRex => Verb::Write,
        }
    }
}

/// Refuses what the person's token does not reach. A convention's text is the same for all its sites and datasets.
fn within_scope(person: &Person, asked: Use, dataset: Option<&str>, site: Option<&Siren>) -> Result<()> {
    match &person.scope {
        None => Ok(()),
        Some(scope) if asked == Use::ReadConvention => scope.allows_verb(Verb::Read),
        Some(scope) => scope.allows(asked.verb(), dataset, site.or(person.site.as_ref())),
    }
}

/// Whether `person` may make this use of `dataset` (any, if none) of `site` (all, if none) on `today`.
///
/// # Errors
/// [`Kind::NotFound`] where the person may not know of it, [`Kind::Forbidden`] where the role does not allow it, `unknown_dataset`,
/// [`Kind::Conflict`] before or after the time for it.
pub fn may(document: &Document, person: &Person, asked: Use, dataset: Option<&str>, site: Option<&Siren>, today: NaiveDate) -> Result<()> {
    within_scope(person, asked, dataset, site)?;
    let is_party = |siren: &Siren| document.parties.sites.iter().any(|p| p.siren == *siren);
    if let Some(own) = &person.site
        && (!is_party(own) || site.is_some_and(|s| s != own))
    {
        return Err(absent());
    }
    if site.is_some_and(|s| !is_party(s)) {
        return Err(absent());
    }
    if let Some(name) = dataset.filter(|name| !document.datasets.contains_key(*name)) {
        let known = document.datasets.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::invalid("unknown_dataset", format!("La convention n'a pas de jeu de données « {name} » ; elle a : {known}.")));
    }
    let allowed = match asked {
        Use::ReadConvention => true,
        Use::Deposit => person.role == Role::Contributor && person.site.is_some(),
        Use::WriteRex | Use::OwnResults => person.role.is_of_a_site() && person.site.is_some(),
        Use::ReadDeposit | Use::Evaluation if person.site.is_none() => person.role.evaluates() && evaluated(document, dataset),
        Use::Evaluation => false,
        Use::ReadDeposit => person.role.is_of_a_site(),
        Use::ReadRex => person.role.is_of_a_site() && person.site.is_some() || person.role.evaluates(),
    };
    if !allowed {
        return Err(Error::new(Kind::Forbidden, "use_not_allowed", "La convention ou votre rôle ne permet pas cette action."));
    }
    in_time(document, asked, dataset, today)
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}

/// What the convention's `evaluation` use covers.
fn evaluated(document: &Document, dataset: Option<&str>) -> bool {
    document.uses.evaluation.as_ref().is_some_and(|u| dataset.is_none_or(|d| u.datasets.iter().any(|n| n == d)))
}

/// Days left for corrections after the last due date.
const CORRECTIONS: Days = Days::new(30);

/// Deposits and answers open on the first day; deposits close 30 days after the last file is due, so that a site can correct what was
/// refused; data are read until the end of their retention.
fn in_time(document: &Document, asked: Use, dataset: Option<&str>, today: NaiveDate) -> Result<()> {
    let conflict = |code, message: &str| Err(Error::new(Kind::Conflict, code, message));
    if matches!(asked, Use::Deposit | Use::WriteRex) && today < document.period.start {
        return conflict("not_started", "L'expérimentation n'a pas commencé : revenez à son premier jour.");
    }
    let end = document.period.end;
    let last = match asked {
        Use::ReadConvention => return Ok(()),
        Use::Deposit => {
            let due = dataset.and_then(|d| document.datasets.get(d)?.due.as_deref()).and_then(days).unwrap_or(Days::new(0));
            end.checked_add_days(due).and_then(|last| last.checked_add_days(CORRECTIONS))
        }
        _ => end.checked_add_months(Months::new(document.retention.months)),
    };
    match (asked, last) {
        (_, Some(last)) if today <= last => Ok(()),
        (Use::Deposit, _) => conflict("deposits_closed", "Les dépôts de cette expérimentation sont clos : écrivez à la Métropole."),
        _ => conflict("retention_over", "La durée de conservation de ces données est passée : elles ne se consultent plus."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/chauffage/convention.yaml"));
        serde_saphyr::from_str(text).expect("the sample is a document")
    }

    fn ask(role: Role, site: Option<&str>, asked: Use, of: Option<&str>, day: &str) -> &'static str {
        let document = document();
        let siren = |s: &str| s.parse::<Siren>().expect("a SIREN");
        let person = Person { role, site: site.map(siren), scope: None };
        let dataset = (asked == Use::Deposit).then(|| document.datasets.keys().next().expect("a dataset").clone());
        may(&document, &person, asked, dataset.as_deref(), of.map(siren).as_ref(), day.parse().expect("a day"))
            .map_or_else(|e| e.code, |()| "ok")
    }

    #[test]
    fn each_role_has_its_uses_and_no_site_sees_another() {
        let document = document();
        let [own, other] = [0, 1].map(|i| document.parties.sites[i].siren.to_string());
        let (own, other) = (own.as_str(), other.as_str());
        let during = "2026-02-10";
        for asked in [Use::Deposit, Use::ReadDeposit, Use::OwnResults, Use::ReadRex, Use::WriteRex] {
            assert_eq!(ask(Role::Contributor, Some(own), asked, Some(own), during), "ok", "{asked:?}");
            assert_eq!(ask(Role::Contributor, Some(own), asked, Some(other), during), "not_found", "{asked:?}");
            assert_eq!(ask(Role::Contributor, Some("217500016"), asked, Some("217500016"), during), "not_found", "{asked:?} of no party");
            for blind in [Role::DataProtectionOfficer, Role::Administrator] {
                assert_eq!(ask(blind, None, asked, Some(own), during), "use_not_allowed", "{asked:?} {blind:?}");
            }
        }
        assert_eq!(ask(Role::Contributor, Some(own), Use::Evaluation, None, during), "use_not_allowed");
        assert_eq!(ask(Role::Signatory, Some(own), Use::Deposit, Some(own), during), "use_not_allowed");
        for role in [Role::Analyst, Role::Officer] {
            assert_eq!(ask(role, None, Use::Evaluation, None, during), "ok");
            assert_eq!(ask(role, None, Use::Deposit, Some(own), during), "use_not_allowed");
        }
    }

    #[test]
    fn deposits_close_after_the_corrections_and_reading_with_the_retention() {
        let own = document().parties.sites[0].siren.to_string();
        let end = document().period.end;
        let last = end + days(document().datasets[0].due.as_deref().expect("due")).expect("days") + CORRECTIONS;
        let deposit = |day: NaiveDate| ask(Role::Contributor, Some(&own), Use::Deposit, Some(&own), &day.to_string());
        assert_eq!(deposit(document().period.start - Days::new(1)), "not_started");
        assert_eq!(deposit(last), "ok");
        assert_eq!(deposit(last + Days::new(1)), "deposits_closed");
        let read = |day: NaiveDate| ask(Role::Analyst, None, Use::Evaluation, None, &day.to_string());
        assert_eq!(read(end + Months::new(document().retention.months)), "ok");
        assert_eq!(read(end + Months::new(document().retention.months) + Days::new(1)), "retention_over");
    }
}
