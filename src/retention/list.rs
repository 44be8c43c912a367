//! The list of elimination (bordereau): what would be destroyed, frozen when it is made.

use chrono::{DateTime, NaiveDate, Utc};
use futures::StreamExt;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Term, absent, entry, keeps, site_name, within};
use crate::{
    access::Actor,
    app::App,
    audit,
    convention::{perimeter::Role, register, scope::Verb},
    error::{Error, Kind, Result},
    ids::{DepositId, PurgeId, RemovalId, Siren},
    lake::Key,
    store::{
        deposits::{Deposit, DepositState},
        retention::{NewPurge, Purge, PurgeItem},
    },
    words::csv_cell,
};

/// A list with what it names, ready to be read.
#[derive(Debug, Clone)]
pub struct List {
    /// Its number, its state, the archives' answer.
    pub purge: Purge,
    /// The convention's title.
    pub title: String,
    /// Whose data, in words.
    pub scope: String,
    /// One per object.
    pub lines: Vec<Line>,
}

/// One object of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// From 1.
    pub position: i64,
    /// Number of the deposit's receipt.
    pub number: String,
    /// Who sent it.
    pub site: Siren,
    /// That site's name.
    pub site_name: String,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    pub period: Option<String>,
    /// As the depositor named the file.
    pub file_name: String,
    /// `original`, `rejected`, `table`.
    pub kind: String,
    /// Size.
    pub bytes: i64,
    /// Of its bytes.
    pub sha256: String,
    /// When the deposit was received.
    pub received_at: DateTime<Utc>,
    /// When the object was destroyed.
    pub destroyed_at: Option<DateTime<Utc>>,
    /// Whether the object stays, because another deposit that is not of this list is the same file.
    pub shared: bool,
    /// The object's key in the lake.
    #[serde(skip)]
    pub key: String,
    /// The deposit.
    #[serde(skip)]
    pub deposit: DepositId,
}

impl Line {
    fn new(item: &PurgeItem, deposit: &Deposit, site_name: String) -> Self {
        Self {
            position: item.position,
            number: deposit.number.clone(),
            site: deposit.site.clone(),
            site_name,
            dataset: deposit.dataset.clone(),
            period: deposit.period.map(|p| p.to_string()),
            file_name: deposit.file_name.clone(),
            kind: item.kind.clone(),
            bytes: item.bytes,
            sha256: item.sha256.clone(),
            received_at: deposit.created_at,
            destroyed_at: item.destroyed_at,
            shared: item.shared.unwrap_or(false),
            key: item.key.clone(),
            deposit: item.deposit_id,
        }
    }

    /// What kind of object it is, in words.
    pub fn kind_name(&self) -> &'static str {
        match self.kind.as_str() {
            "original" => "fichier d'origine",
            "rejected" => "fichier refusé",
            _ => "table enregistrée",
        }
    }
}

impl List {
    /// Size of all it names.
    pub fn bytes(&self) -> u64 {
        self.lines.iter().map(|l| l.bytes.unsigned_abs()).sum()
    }

    /// The list as a French spreadsheet opens it: what the archives stamp, so always the same bytes.
    pub fn csv(&self) -> String {
        csv(&self.lines)
    }
}

/// Only what never changes is written, so that the same list gives the same bytes for ever.
fn csv(lines: &[Line]) -> String {
    let mut text = String::from("\u{feff}ordre;récépissé;siren;jeu de données;période;fichier;nature;octets;empreinte SHA-256;reçu le\r\n");
    for line in lines {
        let period = line.period.clone().unwrap_or_default();
        let received = line.received_at.format("%Y-%m-%dT%H:%M:%SZ");
        let cells = [
            line.position.to_string(),
            line.number.clone(),
            line.site.to_string(),
            line.dataset.clone(),
            period,
            line.file_name.clone(),
            line.kind_name().to_owned(),
            line.bytes.to_string(),
            line.sha256.clone(),
            received.to_string(),
        ];
        text += &cells.map(|c| csv_cell(&c)).join(";");
        text += "\r\n";
    }
    text
}

/// Every list, newest first.
///
/// # Errors
/// Officers and data protection officers only.
pub async fn all(app: &App, actor: &Actor) -> Result<Vec<Purge>> {
    actor.require(&[Role::Officer, Role::DataProtectionOfficer])?;
    actor.allows(Verb::Read)?;
    Ok(app.store.purges().await?.into_iter().filter(|p| within(actor, Verb::Read, p.site.as_ref()).is_ok()).collect())
}

/// One list.
///
/// # Errors
/// [`Kind::NotFound`] for one that does not exist, and alike for whoever does not watch over the data's end.
pub async fn find(app: &App, actor: &Actor, id: PurgeId) -> Result<List> {
    if !keeps(actor) {
        return Err(absent());
    }
    let purge = app.store.purge(id).await?.ok_or_else(absent)?;
    within(actor, Verb::Read, purge.site.as_ref())?;
    read(app, purge).await
}

/// The lists that name data of a site, as that site reads them: its own lines alone.
///
/// # Errors
/// What the database refuses.
pub async fn of_site(app: &App, convention: &str, site: &Siren) -> Result<Vec<List>> {
    let mut lists = Vec::new();
    for purge in app.store.purges().await? {
        if purge.convention == convention && purge.site.as_ref().is_none_or(|s| s == site) {
            let mut list = read(app, purge).await?;
            list.lines.retain(|l| l.site == *site);
            lists.push(list);
        }
    }
    Ok(lists)
}

pub(super) async fn read(app: &App, purge: Purge) -> Result<List> {
    let registered = register::find(app, &purge.convention).await?;
    let mut lines = Vec::new();
    for item in app.store.purge_items(purge.id).await? {
        let deposit =
            app.store.deposit(item.deposit_id).await?.ok_or_else(|| Error::internal("a list names a deposit that is not there"))?;
        let name = site_name(&registered, &deposit.site);
        lines.push(Line::new(&item, &deposit, name));
    }
    let scope = purge.site.as_ref().map_or_else(|| "toutes les structures".to_owned(), |site| site_name(&registered, site));
    Ok(List { purge, title: registered.head.title, scope, lines })
}

/// Makes the list of what is still kept of a convention, or of one of its sites, and is in no open list; none if nothing is, or if
/// another process just made it.
pub(super) async fn propose(
    app: &App,
    term: &Term,
    site: Option<&Siren>,
    removal: Option<RemovalId>,
    due_on: NaiveDate,
) -> Result<Option<Purge>> {
    let head = &term.registered.head;
    let taken: std::collections::HashSet<String> = app.store.keys_in_open_purges().await?.into_iter().collect();
    let id = PurgeId(app.clock.id());
    let (mut items, mut lines) = (Vec::new(), Vec::new());
    for deposit in app.store.kept_deposits(&head.name, site).await? {
        let original =
            if matches!(deposit.state, DepositState::Rejected | DepositState::AwaitingConfirmation) { "rejected" } else { "original" };
        let keys = [(original, &deposit.original_key), ("table", &deposit.table_key)];
        for (kind, key) in keys.into_iter().filter_map(|(kind, key)| Some((kind, key.clone()?))) {
            if taken.contains(&key) {
                continue;
            }
            // An original's size and hash are known; what a table's file is has to be read.
            let known = (kind != "table").then(|| (deposit.bytes, deposit.sha256.clone()));
            let (bytes, sha256) = match known {
                Some(known) => known,
                None => fingerprint(app, &key.parse()?).await?,
            };
            let position = i64::try_from(items.len()).map_err(Error::internal)? + 1;
            let item = PurgeItem {
                purge_id: id,
                position,
                deposit_id: deposit.id,
                kind: kind.to_owned(),
                key,
                bytes,
                sha256,
                shared: None,
                destroyed_at: None,
            };
            lines.push(Line::new(&item, &deposit, String::new()));
            items.push(item);
        }
    }
    if items.is_empty() {
        return Ok(None);
    }
    let list_sha256 = hex::encode(Sha256::digest(csv(&lines)));
    let new = NewPurge {
        id,
        convention: head.name.clone(),
        site: site.cloned(),
        removal_id: removal,
        due_on,
        list_sha256,
        made_at: app.clock.now(),
    };
    let mut tx = app.store.begin().await?;
    let Some(purge) = tx.insert_purge(&new, &items).await? else { return Ok(None) };
    let detail = json!({"number": purge.number, "convention": purge.convention, "objects": items.len(),
        "bytes": items.iter().map(|i| i.bytes).sum::<i64>(), "list_sha256": purge.list_sha256, "due_on": due_on});
    audit::append(&mut tx, &entry(app, audit::Actor::System, site, "purge.propose", format!("purge/{id}"), detail)).await?;
    tx.commit().await?;
    Ok(Some(purge))
}

/// Size and hash of an object; zero and nothing for one that is not there.
async fn fingerprint(app: &App, key: &Key) -> Result<(i64, String)> {
    let (bytes, mut pieces) = match app.lake.stream(key).await {
        Ok(found) => found,
        Err(error) if error.kind == Kind::NotFound => return Ok((0, String::new())),
        Err(error) => return Err(error),
    };
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.next().await {
        hash.update(&piece?);
    }
    Ok((i64::try_from(bytes).map_err(Error::internal)?, hex::encode(hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_nor_breaks_its_line() {
        let line = |file_name: &str| Line {
            position: 1,
            number: "R-2026-000001".into(),
            site: "219300480".parse().unwrap(),
            site_name: "Montreuil".into(),
            dataset: "demandes".into(),
            period: None,
            file_name: file_name.into(),
            kind: "original".into(),
            bytes: 3,
            sha256: "ab".into(),
            received_at: DateTime::UNIX_EPOCH,
            destroyed_at: None,
            shared: false,
            key: String::new(),
            deposit: DepositId(uuid::Uuid::nil()),
        };
        let shown = |name: &str| csv(&[line(name)]).split_once("\r\n").unwrap().1.split(';').nth(5).unwrap().to_owned();
        assert_eq!(shown("demandes.csv"), "demandes.csv");
        assert_eq!(shown("=1+1"), "'=1+1");
        assert_eq!(shown("-3,5"), "-3,5", "a number stays one");
        assert!(csv(&[line("=1;\"x\"\n")]).contains(";\"'=1;\"\"x\"\"\n\";"));
    }
}
