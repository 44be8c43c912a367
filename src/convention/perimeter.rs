//! The one function that answers «may this person do this use of this dataset of this site today?».

use chrono::{Days, Months, NaiveDate};

use super::Convention;
use crate::{
    error::{Error, Kind, Result},
    ids::Siren,
};

/// What a person may do in the hub, whatever the convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Deposits for one site (déposant).
    Contributor,
    /// Signs for one site, or for the Métropole (signataire).
    Signatory,
    /// Works on indicators, for the Métropole.
    Analyst,
    /// Runs tracks, conventions, evaluations and reports, for the Métropole (chargé de mission).
    Officer,
    /// Reads the audit trail, perimeters and retention; no data values.
    DataProtectionOfficer,
    /// Manages accounts, tokens and settings; no data values.
    Administrator,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What they may do.
    pub role: Role,
    /// The site that they act for; none for the Métropole's people.
    pub site: Option<Siren>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Deposit, correct or withdraw a file of the site.
    Deposit,
    /// Read the site's own data and reports.
    ReadOwn,
    /// Read the site's rows and compute indicators from them.
    Evaluation,
    /// Read the site's results beside others'.
    Comparison,
    /// Produce the evaluation report from the site's data.
    Report,
}

/// Days after a deposit is due in which a site may still correct it.
const CORRECTION_DAYS: u64 = 30;

/// May `person` do `usage` of `dataset` of `site` on `today`? From the convention alone; it is the caller's to hand the version
/// that is in force for the site.
///
/// Deposits open on the first day of the experiment and close 30 days after the last file is due (`period.end` + `due` + 30),
/// so that a site can correct what was refused. Data are read from the first day to the end of their retention.
///
/// # Errors
/// [`Kind::NotFound`] (`unknown_dataset`, `not_a_party`) or [`Kind::Forbidden`] with the reason: `role`, `other_site`,
/// `use_not_agreed`, `before_period`, `deposits_closed`, `retention_over`.
pub fn may(convention: &Convention, person: &Person, usage: Use, dataset: &str, site: &Siren, today: NaiveDate) -> Result<()> {
    let document = &convention.document;
    let Some(declared) = document.datasets.get(dataset) else {
        return Err(Error::new(Kind::NotFound, "unknown_dataset", format!("La convention n'a pas de jeu de données « {dataset} ».")));
    };
    let party = |siren: &Siren| document.parties.sites.iter().any(|p| &p.siren == siren);
    if !party(site) {
        return Err(Error::new(
            Kind::NotFound,
            "not_a_party",
            format!("{} n'est pas partie à cette convention.", convention.site_name(site)),
        ));
    }
    let covers = |datasets: Option<&Vec<String>>| datasets.is_some_and(|all| all.iter().any(|d| d == dataset));
    let evaluated = || {
        if covers(document.uses.evaluation.as_ref().map(|u| &u.datasets)) { Ok(()) } else { Err(not_agreed("évaluer", dataset)) }
    };
    let own = || match &person.site {
        Some(own) if own == site => Ok(()),
        _ => Err(forbidden("other_site", "Ces données sont celles d'une autre structure : vous n'y avez pas accès.".to_owned())),
    };
    match (usage, person.role) {
        (_, Role::DataProtectionOfficer | Role::Administrator) => {
            return Err(forbidden("role", "Votre rôle ne donne pas accès aux données.".to_owned()));
        }
        (Use::Deposit, Role::Contributor) | (Use::ReadOwn, Role::Contributor | Role::Signatory) => own()?,
        (Use::Evaluation | Use::Report | Use::Comparison, Role::Analyst | Role::Officer) => evaluated()?,
        (Use::Comparison, Role::Contributor | Role::Signatory) => {
            if !person.site.as_ref().is_some_and(party) {
                return Err(forbidden("not_a_party", "Votre structure n'est pas partie à cette convention.".to_owned()));
            }
            if !covers(document.uses.comparison.as_ref().map(|u| &u.datasets)) && person.site.as_ref() != Some(site) {
                return Err(not_agreed("comparer entre structures", dataset));
            }
        }
        _ => return Err(forbidden("role", "Votre rôle ne permet pas cette action.".to_owned())),
    }
    if today < document.period.start {
        return Err(forbidden("before_period", "L'expérimentation n'a pas commencé : attendez son premier jour.".to_owned()));
    }
    let last = match usage {
        Use::Deposit => document.period.end.checked_add_days(Days::new(due_days(declared.due.as_deref()) + CORRECTION_DAYS)),
        _ => document.period.end.checked_add_months(Months::new(document.retention.months)),
    };
    match (usage, last) {
        (_, Some(last)) if today <= last => Ok(()),
        (Use::Deposit, _) => {
            Err(forbidden("deposits_closed", "Les dépôts de cette expérimentation sont clos : écrivez à la Métropole.".to_owned()))
        }
        _ => {
            Err(forbidden("retention_over", "La durée de conservation de ces données est passée : elles ne se consultent plus.".to_owned()))
        }
    }
}

/// Days of `P10D`; none where nothing is said.
pub fn due_days(due: Option<&str>) -> u64 {
    due.and_then(|d| d.strip_prefix('P')?.strip_suffix('D')?.parse().ok()).unwrap_or(0)
}

fn forbidden(code: &'static str, message: String) -> Error {
    Error::new(Kind::Forbidden, code, message)
}

fn not_agreed(what: &str, dataset: &str) -> Error {
    forbidden("use_not_agreed", format!("La convention ne permet pas de {what} le jeu de données « {dataset} »."))
}
