//! The end of the data's life (durée d'utilité administrative). When it has passed, the morning's round makes a list of elimination
//! ([`list`]); the archives stamp it or take the data over ([`archives`]); only then a job destroys what it names and leaves a
//! certificate in the audit trail ([`destruction`]). A hold suspends all of it ([`holds`]); a site may ask that its data go before
//! the end ([`removals`]). Snapshots are aggregates and stay, as do receipts with their hashes, and the answers to the REX, which
//! are part of the evaluation.

pub mod archives;
pub mod destruction;
pub mod holds;
pub mod list;
pub mod removals;
mod round;
pub mod seda;

use chrono::{Days, Months, NaiveDate};

pub use self::{destruction::destroy, round::round};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        Convention,
        agreement::Agreement,
        perimeter::Role,
        register::{self, Registered},
        scope::Verb,
    },
    error::{Error, Kind, Result},
    ids::Siren,
    store::accounts::Account,
    territory,
};

/// Until when the data of a convention are kept.
pub struct Term {
    /// The convention, with all its versions.
    pub agreement: Agreement,
    /// The version by which it is shown.
    pub registered: Registered,
    /// Last day of the experiment, its early end included.
    pub last_day: NaiveDate,
    /// Last day of the retention.
    pub until: NaiveDate,
}

impl Term {
    /// First day on which the data may go.
    pub fn due_on(&self) -> NaiveDate {
        self.until.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
    }

    fn new(agreement: Agreement, today: NaiveDate) -> Self {
        let registered = Registered::from(agreement.reference(today));
        // Sites may be under different versions: nothing goes before the last of them says so.
        let bound = agreement.versions().iter().filter(|v| v.bound().is_some());
        let until = bound.map(|v| end(agreement.last_day_under(v), &v.convention)).max();
        let until = until.unwrap_or_else(|| end(agreement.last_day(), &registered.convention));
        Self { last_day: agreement.last_day(), until, agreement, registered }
    }
}

fn end(last_day: NaiveDate, convention: &Convention) -> NaiveDate {
    last_day.checked_add_months(Months::new(convention.document.retention.months)).unwrap_or(NaiveDate::MAX)
}

/// The term of the convention called `name`.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn term(app: &App, name: &str) -> Result<Term> {
    Ok(Term::new(register::agreement(app, name).await?, app.clock.today()))
}

/// The term of every convention, those that end first first.
pub async fn terms(app: &App) -> Result<Vec<Term>> {
    let agreements = register::agreements(app).await?;
    let mut all: Vec<_> = agreements.into_iter().map(|agreement| Term::new(agreement, app.clock.today())).collect();
    all.sort_by(|a, b| (a.until, &a.registered.head.name).cmp(&(b.until, &b.registered.head.name)));
    Ok(all)
}

/// Those who watch over the data's end: officers, and the data protection officer.
const KEEPERS: [Role; 2] = [Role::Officer, Role::DataProtectionOfficer];

/// Whether this person watches over the data's end.
pub fn keeps(actor: &Actor) -> bool {
    KEEPERS.contains(&actor.role)
}

/// Refuses a token that is not for this verb, or not for these data.
fn within(actor: &Actor, verb: Verb, site: Option<&Siren>) -> Result<()> {
    actor.scope.as_ref().map_or(Ok(()), |scope| scope.allows(verb, None, site))
}

fn absent() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}

/// Longest reason, in characters.
const REASON: usize = 2000;

/// A reason as it is kept; none is not one.
fn reason(text: &str) -> Result<String> {
    let clean: String = text.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    if clean.is_empty() {
        return Err(Error::invalid("reason_required", "Indiquez le motif\u{a0}: il est gardé avec la décision."));
    }
    if clean.chars().count() > REASON {
        return Err(Error::invalid("reason_too_long", format!("Donnez un motif de {REASON} caractères au plus.")));
    }
    Ok(clean)
}

/// The site's label in the convention, else its official name.
fn site_name(registered: &Registered, site: &Siren) -> String {
    let party = registered.convention.document.parties.sites.iter().find(|p| p.siren == *site);
    let name = || territory::by_siren(site).map_or_else(|| site.to_string(), |o| o.name.to_owned());
    party.and_then(|p| p.label.clone()).unwrap_or_else(name)
}

/// Refuses a site that is no party, as if it did not exist.
fn party(agreement: &Agreement, site: &Siren) -> Result<()> {
    if agreement.names(site) { Ok(()) } else { Err(absent()) }
}

/// The open accounts that a letter about these data goes to: officers, data protection officers, and the people of the sites.
async fn concerned(app: &App, agreement: &Agreement, site: Option<&Siren>) -> Result<Vec<Account>> {
    let touched = |of: &Siren| site.map_or_else(|| agreement.names(of), |s| s == of);
    let wanted = |account: &Account| match account.role.parse() {
        Ok(Role::Officer | Role::DataProtectionOfficer) => true,
        Ok(Role::Contributor | Role::Signatory) => account.organisation.as_ref().is_some_and(touched),
        _ => false,
    };
    Ok(app.store.accounts().await?.into_iter().filter(|a| a.disabled_at.is_none() && wanted(a)).collect())
}

/// What the trail says of an act on a list, a hold or a request.
fn entry(app: &App, actor: audit::Actor, site: Option<&Siren>, act: &'static str, object: String, detail: serde_json::Value) -> Entry {
    Entry { at: app.clock.now(), actor, organisation: site.cloned(), act, object, outcome: "ok", detail }
}

/// The page where a person of a site reads what becomes of its data, and the page of those who watch over them.
fn path_for(account: &Account, convention: &str) -> String {
    if account.organisation.is_some() { format!("/mes-donnees/{convention}") } else { "/conservation".to_owned() }
}
