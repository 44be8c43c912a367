//! What most pages read: a convention that the person may know of, its deposits, what is expected.

use chrono::NaiveDate;

use super::words;
use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::Agreement,
        document::Document,
        perimeter::{self, Ask, Role, Use},
        register,
    },
    deposit::calendar::{self, Expected, Standing},
    error::{Error, Kind, Result},
    evaluation,
    ids::{DepositId, Siren},
    store::{
        Page as Slice,
        conventions::ConventionHead,
        deposits::{Deposit, DepositFilter},
    },
    territory,
};

/// A convention as pages need it.
pub struct Loaded {
    /// All its versions, their signatures, its end.
    pub agreement: Agreement,
    /// Version, hash, dates.
    pub head: ConventionHead,
    /// The document as data.
    pub document: Document,
    /// The document as JSON.
    pub json: serde_json::Value,
}

impl Loaded {
    /// Address of the experiment's pages.
    pub fn base(&self) -> String {
        format!("/experimentations/{}", self.head.name)
    }

    /// The site's label, else its official name.
    pub fn site_name(&self, site: &Siren) -> String {
        let label = self.document.parties.sites.iter().find(|p| p.siren == *site).and_then(|p| p.label.clone());
        label.unwrap_or_else(|| organisation(site))
    }

    /// The sites that this person may see the deposits of.
    pub fn sites_of(&self, actor: &Actor) -> Vec<Siren> {
        let all = self.document.parties.sites.iter().map(|p| p.siren.clone());
        all.filter(|s| actor.site.as_ref().is_none_or(|own| own == s)).collect()
    }

    /// Title of a dataset.
    pub fn dataset_title(&self, name: &str) -> String {
        self.document.datasets.get(name).map_or_else(|| name.to_owned(), |d| d.title.clone())
    }

    /// The last day, which may be an early one.
    pub fn last_day(&self) -> NaiveDate {
        self.agreement.version(self.head.id).map_or(self.document.period.end, |v| self.agreement.last_day_under(v))
    }

    /// Whether the experiment is over.
    pub fn is_over(&self, today: NaiveDate) -> bool {
        today > self.last_day()
    }
}

/// Official name of an organisation, else its SIREN.
pub fn organisation(site: &Siren) -> String {
    territory::by_siren(site).map_or_else(|| site.to_string(), |o| o.name.to_owned())
}

/// The answer to whoever asks for what does not exist, or what they may not know of: the same.
pub fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou ne vous est pas ouverte.")
}

/// Makes every «there is none» the same answer.
pub fn hidden(error: Error) -> Error {
    if error.kind == Kind::NotFound { absent() } else { error }
}

/// Whether a person works on deposits at all: administrators and data protection officers see no data values.
pub fn sees_deposits(actor: &Actor) -> bool {
    !matches!(actor.role, Role::Administrator | Role::DataProtectionOfficer)
}

/// Whether a person belongs to the Métropole's evaluation.
pub fn evaluates(actor: &Actor) -> bool {
    matches!(actor.role, Role::Analyst | Role::Officer)
}

/// Whether a person may send files.
pub fn deposits(actor: &Actor) -> bool {
    actor.role == Role::Contributor
}

/// A convention that this person may know of, as the version that holds for them says it.
pub async fn convention(app: &App, actor: &Actor, name: &str) -> Result<Loaded> {
    let agreement = register::agreement(app, name).await.map_err(hidden)?;
    seen(app, actor, agreement).map_err(hidden)
}

fn seen(app: &App, actor: &Actor, agreement: Agreement) -> Result<Loaded> {
    perimeter::may(&agreement, &actor.person(), &Ask::of(Use::ReadConvention), today(app))?;
    let version = agreement.seen_by(actor.site.as_ref(), today(app)).ok_or_else(absent)?;
    let (head, convention) = (version.head.clone(), version.convention.clone());
    Ok(Loaded { agreement, head, document: convention.document.clone(), json: convention.json.clone() })
}

/// Every convention that this person may know of, those that end last first.
pub async fn conventions(app: &App, actor: &Actor) -> Result<Vec<Loaded>> {
    let mut all = Vec::new();
    for agreement in register::agreements(app).await? {
        match seen(app, actor, agreement) {
            Ok(loaded) => all.push(loaded),
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// The deposits of an experiment that this person may see, newest first.
pub async fn deposits_of(app: &App, actor: &Actor, loaded: &Loaded) -> Result<Vec<Deposit>> {
    let filter = DepositFilter { convention: Some(loaded.head.id), site: actor.site.clone(), ..DepositFilter::default() };
    Ok(crate::deposit::list(app, actor, &filter, Slice::ALL).await?.0)
}

/// The newest snapshot as this person may see it; none where there is nothing to read today: before a version is in force, after the
/// retention, or where the convention names no such use.
pub async fn snapshot(app: &App, actor: &Actor, loaded: &Loaded) -> Result<Option<evaluation::Snapshot>> {
    match evaluation::latest(app, actor, &loaded.head.name).await {
        Err(error) if error.kind == Kind::Conflict || error.code == "use_not_agreed" => Ok(None),
        answer => answer,
    }
}

/// One deposit, if this person may see it: a foreign one answers exactly like an absent one.
pub async fn deposit(app: &App, actor: &Actor, id: &str) -> Result<Deposit> {
    let id: DepositId = id.parse().map_err(|_| absent())?;
    crate::deposit::find(app, actor, id).await.map_err(hidden)
}

/// An expected file of a site, and where it stands.
pub struct Line {
    /// Who.
    pub site: Siren,
    /// What, and when.
    pub expected: Expected,
    /// Where it stands.
    pub standing: Standing,
}

/// Every expected file of the sites that this person may see, as the version in force for each says; nothing is expected of a site
/// before there is one.
pub fn coverage(loaded: &Loaded, actor: &Actor, deposits: &[Deposit], today: NaiveDate) -> Vec<Line> {
    let agreement = &loaded.agreement;
    let of_site = |site: Siren| {
        let version = agreement.in_force_for(&site, today);
        let expected = version.map(|v| calendar::expected(&v.convention.document, agreement.last_day_under(v))).unwrap_or_default();
        expected.into_iter().map(move |e| Line {
            standing: calendar::standing(&e, &site, deposits, today),
            site: site.clone(),
            expected: e,
        })
    };
    loaded.sites_of(actor).into_iter().flat_map(of_site).collect()
}

/// Today in Paris.
pub fn today(app: &App) -> NaiveDate {
    words::today(app.clock.now())
}
