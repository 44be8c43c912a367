//! A convention over its whole life: its versions, who signed them, its end. Nothing is read here; [`super::register`] loads it.
//!
//! A version holds for a site once the Métropole and that site have signed it and its first day has come, so that one slow council
//! blocks nobody else; an amendment takes the place of the version before it site by site, in the same way.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    Convention,
    document::{Indicator, Plan},
};
use crate::{
    error::{Error, Kind, Result},
    ids::{ConventionId, Siren},
    store::conventions::{ConventionHead, VersionState},
};

/// Where a convention stands, for one site or as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The Métropole or the site has not signed yet.
    OpenForSignature,
    /// Both have signed; the first day has not come.
    Signed,
    /// Both have signed, and the first day has come.
    InForce,
    /// Its last day is past.
    Ended,
    /// The Métropole ended it before its last day.
    Terminated,
    /// It was taken back before it bound anyone.
    Withdrawn,
}

impl State {
    /// As pages say it.
    pub fn in_french(self) -> &'static str {
        match self {
            Self::OpenForSignature => "à signer",
            Self::Signed => "signée",
            Self::InForce => "en vigueur",
            Self::Ended => "terminée",
            Self::Terminated => "arrêtée avant son terme",
            Self::Withdrawn => "retirée",
        }
    }
}

/// One version and who signed it.
#[derive(Clone)]
pub struct AgreedVersion {
    /// Which version.
    pub head: ConventionHead,
    /// What it says.
    pub convention: Arc<Convention>,
    /// When each party signed; all of them when it entered, for a version that was entered as signed outside the hub.
    pub signed: BTreeMap<Siren, DateTime<Utc>>,
}

impl fmt::Debug for AgreedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgreedVersion").field("head", &self.head).field("signed", &self.signed).finish_non_exhaustive()
    }
}

impl AgreedVersion {
    /// Whether it was taken back.
    pub fn withdrawn(&self) -> bool {
        self.head.state == VersionState::Withdrawn
    }

    /// The Métropole's SIREN.
    pub fn metropole(&self) -> &Siren {
        &self.convention.document.parties.metropole.siren
    }

    /// The sites that it names, in its order.
    pub fn sites(&self) -> impl Iterator<Item = &Siren> {
        self.convention.document.parties.sites.iter().map(|p| &p.siren)
    }

    /// Everybody who signs it: the Métropole, then the sites.
    pub fn parties(&self) -> impl Iterator<Item = &Siren> {
        std::iter::once(self.metropole()).chain(self.sites())
    }

    /// Whether it names this site.
    pub fn names(&self, site: &Siren) -> bool {
        self.sites().any(|s| s == site)
    }

    /// Since when the Métropole and this site have both signed it.
    pub fn signed_for(&self, site: &Siren) -> Option<DateTime<Utc>> {
        if self.withdrawn() || !self.names(site) {
            return None;
        }
        Some(*self.signed.get(self.metropole())?.max(self.signed.get(site)?))
    }

    /// Since when the Métropole and one site at least have both signed it: it then binds them.
    pub fn bound(&self) -> Option<DateTime<Utc>> {
        self.sites().filter_map(|site| self.signed_for(site)).min()
    }

    /// Its first and last day.
    fn span(&self) -> (NaiveDate, NaiveDate) {
        (self.convention.document.period.start, self.convention.document.period.end)
    }
}

/// An early end, decided by the Métropole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// Last day in force.
    pub on: NaiveDate,
    /// Why.
    pub reason: String,
}

/// A convention, all its versions together.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// The documents' `id`.
    pub name: String,
    /// Oldest first; one at least.
    versions: Vec<AgreedVersion>,
    /// Whether and how it was ended early.
    pub terminated: Option<Termination>,
}

impl Agreement {
    /// Of these versions, in any order.
    ///
    /// # Errors
    /// [`Kind::NotFound`] without any.
    pub fn new(name: String, mut versions: Vec<AgreedVersion>, terminated: Option<Termination>) -> Result<Self> {
        if versions.is_empty() {
            return Err(absent());
        }
        versions.sort_by_key(|v| v.head.version);
        Ok(Self { name, versions, terminated })
    }

    /// Every version, oldest first, those that were taken back too.
    pub fn versions(&self) -> &[AgreedVersion] {
        &self.versions
    }

    /// One version.
    pub fn version(&self, id: ConventionId) -> Option<&AgreedVersion> {
        self.versions.iter().find(|v| v.head.id == id)
    }

    /// The newest version, whatever its state.
    fn newest(&self) -> &AgreedVersion {
        &self.versions[self.versions.len() - 1]
    }

    /// Versions that stand, newest first.
    fn standing(&self) -> impl Iterator<Item = &AgreedVersion> {
        self.versions.iter().rev().filter(|v| !v.withdrawn())
    }

    /// The version that parties sign now: the newest that stands, while one of them has not signed it.
    pub fn open(&self) -> Option<&AgreedVersion> {
        self.standing().next().filter(|v| v.parties().any(|p| !v.signed.contains_key(p)))
    }

    /// Every site that a standing version names, in the newest version's order, then those that only older ones name.
    pub fn sites(&self) -> Vec<Siren> {
        let mut sites: Vec<Siren> = Vec::new();
        for site in self.standing().flat_map(AgreedVersion::sites) {
            if !sites.contains(site) {
                sites.push(site.clone());
            }
        }
        sites
    }

    /// Whether a standing version names this site.
    pub fn names(&self, site: &Siren) -> bool {
        self.standing().any(|v| v.names(site))
    }

    /// The version whose terms hold for a site: the newest that the Métropole and the site have signed and whose first day has come.
    /// After the end its terms still hold for what was sent under them; [`Self::state_for`] tells whether it is over.
    pub fn in_force_for(&self, site: &Siren, today: NaiveDate) -> Option<&AgreedVersion> {
        self.standing().find(|v| v.signed_for(site).is_some() && v.span().0 <= today)
    }

    /// The first day on which a version holds for a site, once it and the Métropole have signed one.
    pub fn starts_for(&self, site: &Siren) -> Option<NaiveDate> {
        self.standing().filter(|v| v.signed_for(site).is_some()).map(|v| v.span().0).min()
    }

    /// The sites for which this version holds today.
    pub fn sites_under(&self, id: ConventionId, today: NaiveDate) -> Vec<Siren> {
        self.sites().into_iter().filter(|site| self.in_force_for(site, today).is_some_and(|v| v.head.id == id)).collect()
    }

    /// Where the convention stands for a site; none for one that no standing version names.
    pub fn state_for(&self, site: &Siren, today: NaiveDate) -> Option<State> {
        let named = self.standing().find(|v| v.names(site))?;
        let over = self.terminated.as_ref().is_some_and(|t| today > t.on);
        Some(match self.in_force_for(site, today) {
            Some(_) if over => State::Terminated,
            Some(version) if today > version.span().1 => State::Ended,
            Some(_) => State::InForce,
            None if self.starts_for(site).is_some_and(|start| self.terminated.as_ref().is_none_or(|t| start <= t.on)) => State::Signed,
            None if self.terminated.is_some() => State::Terminated,
            None if today > named.span().1 => State::Ended,
            None => State::OpenForSignature,
        })
    }

    /// Where the convention stands as a whole: the furthest that is still going on for a site, else how it is over.
    pub fn state(&self, today: NaiveDate) -> State {
        use State::{Ended, InForce, OpenForSignature, Signed, Terminated, Withdrawn};
        let states: Vec<State> = self.sites().iter().filter_map(|site| self.state_for(site, today)).collect();
        [InForce, Signed, OpenForSignature, Terminated, Ended].into_iter().find(|s| states.contains(s)).unwrap_or(Withdrawn)
    }

    /// Where one version stands, amendments aside.
    pub fn version_state(&self, version: &AgreedVersion, today: NaiveDate) -> State {
        let (start, end) = version.span();
        match (version.withdrawn(), version.bound()) {
            (true, _) => State::Withdrawn,
            _ if self.terminated.as_ref().is_some_and(|t| today > t.on) => State::Terminated,
            _ if today > end => State::Ended,
            (_, None) => State::OpenForSignature,
            _ if today < start => State::Signed,
            _ => State::InForce,
        }
    }

    /// The version by which the convention is evaluated and shown: the newest that holds for a site at least, else the newest that binds
    /// one, else the newest that stands, else the newest.
    pub fn reference(&self, today: NaiveDate) -> &AgreedVersion {
        let bound = || self.standing().filter(|v| v.bound().is_some());
        let holds =
            bound().find(|v| v.span().0 <= today && v.sites().any(|s| self.in_force_for(s, today).is_some_and(|h| h.head.id == v.head.id)));
        holds.or_else(|| bound().next()).or_else(|| self.standing().next()).unwrap_or_else(|| self.newest())
    }

    /// The version that someone of `site` (of the Métropole, if none) reads first: the one that holds for it, else the newest that names
    /// it; none if no standing version names it.
    pub fn seen_by(&self, site: Option<&Siren>, today: NaiveDate) -> Option<&AgreedVersion> {
        match site {
            None => Some(self.reference(today)),
            Some(site) => self.in_force_for(site, today).or_else(|| self.standing().find(|v| v.names(site))),
        }
    }

    /// Last day of the convention: of the newest version that binds, or its early end.
    pub fn last_day(&self) -> NaiveDate {
        let version = self.standing().find(|v| v.bound().is_some()).or_else(|| self.standing().next()).unwrap_or_else(|| self.newest());
        self.ended_early(version.span().1)
    }

    /// Last day under this version, or the early end of the convention.
    pub fn last_day_under(&self, version: &AgreedVersion) -> NaiveDate {
        self.ended_early(version.span().1)
    }

    fn ended_early(&self, end: NaiveDate) -> NaiveDate {
        self.terminated.as_ref().map_or(end, |t| t.on.min(end))
    }

    /// The version whose signature froze the evaluation plan: the first that bound the Métropole and a site.
    pub fn frozen(&self) -> Option<&AgreedVersion> {
        self.versions.iter().filter_map(|v| Some((v.bound()?, v.head.version, v))).min_by_key(|(at, n, _)| (*at, *n)).map(|(_, _, v)| v)
    }

    /// Whether an indicator of this version was not in the plan that was signed first, with the very same definition: what it shows was
    /// not foreseen, and no conclusion is drawn from it. Nothing is, before a first signature.
    pub fn is_exploratory(&self, version: &AgreedVersion, indicator: &str) -> bool {
        let Some(frozen) = self.frozen() else { return false };
        let definition = |v: &AgreedVersion| definition(&v.convention, indicator);
        frozen.head.id != version.head.id && definition(frozen) != definition(version)
    }

    /// The indicators that would be exploratory in a document that is not a version yet.
    pub fn would_be_exploratory<'a>(&self, convention: &'a Convention) -> Vec<&'a Indicator> {
        let Some(frozen) = self.frozen() else { return Vec::new() };
        let indicators = convention.document.evaluation.indicators.iter();
        indicators.filter(|i| definition(&frozen.convention, &i.id) != definition(convention, &i.id)).collect()
    }

    /// The indicators of this version that are exploratory.
    pub fn exploratory(&self, version: &AgreedVersion) -> Vec<String> {
        let indicators = version.convention.document.evaluation.indicators.iter();
        indicators.filter(|i| self.is_exploratory(version, &i.id)).map(|i| i.id.clone()).collect()
    }
}

/// An indicator with all of the plan that decides its result; the words that only describe it may be mended.
fn definition(convention: &Convention, indicator: &str) -> Option<Json> {
    let plan = &convention.document.evaluation;
    let found = plan.indicators.iter().find(|i| i.id == indicator)?;
    let mut found = serde_json::to_value(found).unwrap_or_default();
    if let Some(object) = found.as_object_mut() {
        object.shift_remove("title");
        object.shift_remove("description");
    }
    let Plan { design, arms, phases, assignment, cluster, confidence, planning, indicators: _ } = plan;
    Some(json!([found, design, arms, phases, assignment, cluster, confidence, planning]))
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}

#[cfg(test)]
#[path = "agreement_tests.rs"]
pub(super) mod tests;
