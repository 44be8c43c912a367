//! The one function that answers whether a person may make this use of this dataset of this site today, and why not. Every read and
//! every deposit asks it.
//!
//! A site's person never learns whether something of another site exists: what is not theirs is answered like what is not there.

use std::{fmt, str::FromStr};

use chrono::{Days, NaiveDate};

use super::document::Document;
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
        Self::ALL.into_iter().find(|r| r.name() == s).ok_or_else(|| Error::invalid("role", format!("« {s} » n'est pas un rôle ; les rôles sont : {}.", names())))
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What they may do.
    pub role: Role,
    /// The site that they are bound to; none for the Métropole's people.
    pub site: Option<Siren>,
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

/// Whether `person` may make this use of `dataset` (any, if none) of `site` (all, if none) on `today`.
///
/// # Errors
/// [`Kind::NotFound`] where the person may not know of it, [`Kind::Forbidden`] where the role does not allow it, `unknown_dataset`,
/// [`Kind::Conflict`] before or after the time for it.
pub fn may(document: &Document, person: &Person, asked: Use, dataset: Option<&str>, site: Option<&Siren>, today: NaiveDate) -> Result<()> {
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
    match asked {
        Use::Deposit => within(document, dataset, today),
        _ => Ok(()),
    }
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}

/// What the convention's `evaluation` use covers.
fn evaluated(document: &Document, dataset: Option<&str>) -> bool {
    document.uses.evaluation.as_ref().is_some_and(|u| dataset.is_none_or(|d| u.datasets.iter().any(|n| n == d)))
}

/// Days left for corrections after the last due date.
const CORRECTIONS: u64 = 60;

fn within(document: &Document, dataset: Option<&str>, today: NaiveDate) -> Result<()> {
    if today < document.period.start {
        let message = "L'expérimentation n'a pas commencé : les dépôts ouvrent à son premier jour.";
        return Err(Error::new(Kind::Conflict, "not_started", message));
    }
    let due = dataset.and_then(|d| document.datasets.get(d)).and_then(|d| d.due.as_deref());
    let grace = due.and_then(|d| d.strip_prefix('P')?.strip_suffix('D')?.parse::<u64>().ok()).unwrap_or(0);
    if today > document.period.end + Days::new(grace + CORRECTIONS) {
        let message = "L'expérimentation est terminée et le temps des corrections est passé : adressez-vous à la Métropole.";
        return Err(Error::new(Kind::Conflict, "ended", message));
    }
    Ok(())
}
