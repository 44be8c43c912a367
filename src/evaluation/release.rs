//! The release of a snapshot to those who may not see every value: one protected copy per reader, kept, so that pages, API and reports show
//! the same and the next snapshot is compared with exactly what was shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::NaiveDate;

use super::{
    disclosure::{Ask, Basis, Change, Release, datasets_of, protect},
    result::Evaluation,
};
use crate::{
    app::App,
    convention::{
        Convention,
        agreement::Agreement,
        document::{Indicator, Statistic},
    },
    error::{Error, Result},
    ids::{ConventionId, Siren},
    indicator::{DepositTable, Sources, differences, indicator_hash},
    store::{evaluations::EvaluationRow, released::ReleaseRow},
};

/// Who may not see every value.
#[derive(Clone)]
pub struct Reader {
    /// The site; none for named recipients and the public, who know no cell.
    pub site: Option<Siren>,
    /// The version that is in force for them.
    pub version: ConventionId,
    /// What it says.
    pub convention: Arc<Convention>,
}

impl Reader {
    /// The key under which what they were shown is kept.
    pub fn key(&self) -> String {
        self.site.as_ref().map_or("", Siren::as_str).to_owned()
    }
}

/// What every reader of a convention was shown last, by key.
pub type Before = BTreeMap<String, Release>;

/// Reads what every reader was shown last.
pub(super) async fn before(app: &App, convention: &str) -> Result<Before> {
    let rows = app.store.releases(convention).await?;
    rows.into_iter().map(|row| Ok((row.viewer, serde_json::from_str(&row.body).map_err(Error::internal)?))).collect()
}

/// The files that shown cells were computed from: dataset and SHA-256.
pub(super) fn files(before: &Before) -> BTreeSet<(String, String)> {
    let cells = before.values().flat_map(|release| release.cells.values()).flat_map(|cells| cells.sites.values());
    cells.flat_map(|cell| cell.basis.files.iter().cloned()).collect()
}

/// The protected copy of a snapshot for each reader. `tables` has the files that count now and, as far as they are still there, those of
/// `before`.
pub fn all(
    convention: &Convention,
    readers: &[Reader],
    secret: &[u8],
    on: NaiveDate,
    evaluation: &Evaluation,
    tables: &[DepositTable],
    before: &Before,
) -> Vec<(Reader, Release)> {
    let mut known: BTreeMap<(String, Siren, Basis), Change> = BTreeMap::new();
    let cells = before.values().flat_map(|release| &release.cells).flat_map(|(id, cells)| cells.sites.iter().map(move |(s, c)| (id, s, c)));
    for (id, site, cell) in cells {
        let key = (id.clone(), site.clone(), cell.basis.clone());
        known.entry(key).or_insert_with_key(|(id, site, basis)| change(convention, evaluation, tables, id, site, basis));
    }
    let release = |reader: &Reader| {
        protect(&Ask {
            document: &reader.convention.document,
            evaluation,
            viewer: reader.site.as_ref(),
            secret,
            on,
            before: before.get(&reader.key()),
            basis: &|indicator, site| basis(convention, evaluation, indicator, site),
            change: &|indicator, site, basis| {
                known.get(&(indicator.id.clone(), site.clone(), basis.clone())).copied().unwrap_or(Change::Few)
            },
        })
    };
    readers.iter().map(|reader| (reader.clone(), release(reader))).collect()
}

/// What the results of a site for an indicator are computed from.
fn basis(convention: &Convention, evaluation: &Evaluation, indicator: &Indicator, site: &Siren) -> Basis {
    let read = datasets_of(indicator);
    let of = evaluation.provenance.deposits.iter().filter(|d| d.site == *site && read.contains(&d.dataset.as_str()));
    let mut files: Vec<_> = of.map(|d| (d.dataset.clone(), d.sha256.clone())).collect();
    files.sort();
    Basis { formula: indicator_hash(indicator, &convention.document.evaluation), files }
}

/// How far a cell differs from what it was computed from when it was shown.
fn change(convention: &Convention, evaluation: &Evaluation, tables: &[DepositTable], id: &str, site: &Siren, shown: &Basis) -> Change {
    let minimum = u64::from(convention.document.disclosure.minimum_cell);
    let Some(index) = convention.document.evaluation.indicators.iter().position(|i| i.id == id) else { return Change::Enough };
    let indicator = &convention.document.evaluation.indicators[index];
    let now = basis(convention, evaluation, indicator, site);
    match () {
        () if now == *shown => return Change::None,
        // Another formula is another value, which all parties signed.
        () if now.formula != shown.formula => return Change::Enough,
        () => {}
    }
    // Files that are in both cancel out.
    let only = |these: &Basis, others: &Basis| -> Option<Vec<&DepositTable>> {
        let gone = these.files.iter().filter(|f| !others.files.contains(f));
        gone.map(|(dataset, sha256)| tables.iter().find(|t| t.site == *site && t.dataset == *dataset && t.sha256 == *sha256)).collect()
    };
    // A file that is no longer there cannot be compared: then nothing is said.
    let (Some(before), Some(after)) = (only(shown, &now), only(&now, shown)) else { return Change::Few };
    let Some(sources) = Sources::of(convention, index) else { return Change::Few };
    let Ok(found) = differences(&sources, &before, &after) else { return Change::Few };
    let told = indicator.statistic == Statistic::Proportion;
    match found.as_slice() {
        [] => Change::None,
        all if all.iter().all(|d| d.units >= minimum && !(told && d.uniform)) => Change::Enough,
        _ => Change::Few,
    }
}

/// The newest snapshot as this reader may see it, under the uses of the version in force for them.
pub(super) async fn read(app: &App, agreement: &Agreement, secret: &[u8], reader: &Reader, snapshot: &EvaluationRow) -> Result<Evaluation> {
    let kept = app.store.release(&agreement.name, &reader.key()).await?;
    let before: Option<Release> = kept.as_ref().map(|row| serde_json::from_str(&row.body)).transpose().map_err(Error::internal)?;
    if let (Some(row), Some(release)) = (&kept, &before)
        && (row.evaluation_id, row.convention_id) == (snapshot.head.id, reader.version)
    {
        return Ok(release.evaluation.clone());
    }
    // A reader who is new, or whose uses have changed since.
    let evaluation: Evaluation = serde_json::from_str(&snapshot.body).map_err(Error::internal)?;
    let convention = agreement.version(snapshot.head.convention_id).map_or(&reader.convention, |version| &version.convention);
    let release = protect(&Ask {
        document: &reader.convention.document,
        evaluation: &evaluation,
        viewer: reader.site.as_ref(),
        secret,
        on: app.clock.today(),
        before: before.as_ref(),
        basis: &|indicator, site| basis(convention, &evaluation, indicator, site),
        change: &|indicator, site, shown| change(convention, &evaluation, &[], &indicator.id, site, shown),
    });
    let mut tx = app.store.begin().await?;
    tx.put_release(&row(app, reader, snapshot, &release)?).await?;
    tx.commit().await?;
    Ok(release.evaluation)
}

/// A release as it is kept.
pub(super) fn row(app: &App, reader: &Reader, snapshot: &EvaluationRow, release: &Release) -> Result<ReleaseRow> {
    Ok(ReleaseRow {
        convention: snapshot.head.convention.clone(),
        viewer: reader.key(),
        convention_id: reader.version,
        evaluation_id: snapshot.head.id,
        body: serde_json::to_string(release).map_err(Error::internal)?,
        created_at: app.clock.now(),
    })
}
