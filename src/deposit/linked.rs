//! What a file is asked of other files of its site: keys that stand in none of them twice, and values that must stand in another dataset.

use std::{collections::HashSet, path::Path};

use polars::prelude::DataFrame;

use super::{
    LIMIT, parquet,
    report::{CellFault, CheckReport, Compared, RuleCount},
};
use crate::{
    app::App,
    convention::{
        document::{Dataset, ForeignKey},
        register::Registered,
    },
    error::{Error, Result},
    ids::{Period, Siren},
    indicator::{Keys, key_rows, keys_of, shown},
    store::deposits::Deposit,
};

/// The values that the files of another dataset offer to a foreign key.
pub struct Offered<'a> {
    key: &'a ForeignKey,
    values: HashSet<String>,
}

impl<'a> Offered<'a> {
    /// No file read yet.
    pub fn to(key: &'a ForeignKey) -> Self {
        Self { key, values: HashSet::new() }
    }

    /// The columns that the other dataset is asked for.
    pub fn columns(&self) -> &'a [String] {
        if self.key.reference_fields.is_empty() { &self.key.fields } else { &self.key.reference_fields }
    }

    /// A file of the other dataset.
    pub fn add(&mut self, table: &DataFrame) {
        self.values.extend(keys_of(table, self.columns()));
    }

    /// What of a file none of them holds: its row, from 0, and the value as people read it. An empty cell refers to nothing.
    pub fn missing(&self, table: &DataFrame) -> Vec<(usize, String)> {
        let rows = key_rows(table, &self.key.fields).into_iter().enumerate();
        rows.filter_map(|(row, key)| key.filter(|k| !self.values.contains(k)).map(|k| (row, shown(&k)))).collect()
    }
}

/// Whether a foreign key is to another dataset of the convention; the territory's list is checked with the cells.
pub fn is_to_a_dataset(key: &ForeignKey) -> bool {
    key.reference != "territory"
}

/// What a file is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub site: &'a Siren,
    pub dataset: &'a str,
    pub period: Option<Period>,
}

impl Place<'_> {
    /// Whether this file would take the place of that deposit.
    fn replaces(&self, deposit: &Deposit) -> bool {
        deposit.dataset == self.dataset && deposit.period == self.period
    }
}

/// Compares a file that is good in itself with the current files of its site, and adds to the report what they say of it.
pub(super) async fn compare(
    app: &App,
    registered: &Registered,
    place: Place<'_>,
    folder: &Path,
    table: &DataFrame,
    report: &mut CheckReport,
) -> Result<()> {
    let Some(dataset) = registered.convention.document.datasets.get(place.dataset) else { return Ok(()) };
    let has_keys = !dataset.primary_key.is_empty() || !dataset.unique_keys.is_empty();
    if !has_keys && !dataset.foreign_keys.iter().any(is_to_a_dataset) {
        return Ok(());
    }
    // The check of the file alone says that it could not look further: this does.
    let listed = report.warnings.len();
    report.warnings.retain(|w| w.code != "reference_unchecked");
    report.stats.warnings -= (listed - report.warnings.len()) as u64;
    let mut current = app.store.current_deposits(registered.head.id).await?;
    current.retain(|d| d.site == *place.site && !place.replaces(d) && d.table_key.is_some());
    let files = Files { app, folder, current };
    if has_keys {
        keys(&files, place, dataset, table, report).await?;
    }
    for (i, key) in dataset.foreign_keys.iter().enumerate().filter(|(_, key)| is_to_a_dataset(key)) {
        foreign_key(&files, registered, place, (i, key), table, report).await?;
    }
    Ok(())
}

/// The other current files of the site.
struct Files<'a> {
    app: &'a App,
    folder: &'a Path,
    current: Vec<Deposit>,
}

impl Files<'_> {
    fn of<'s>(&'s self, dataset: &'s str) -> impl Iterator<Item = &'s Deposit> {
        self.current.iter().filter(move |d| d.dataset == dataset)
    }

    /// These columns of one of them.
    async fn read(&self, deposit: &Deposit, columns: &[String]) -> Result<DataFrame> {
        let key = deposit.table_key.as_deref().unwrap_or_default();
        let path = self.folder.join("other.parquet");
        self.app.lake.fetch_to(&key.parse()?, &path).await?;
        let columns = columns.to_vec();
        let read = move || {
            // A file of an earlier version of the convention may lack a column: then it offers nothing.
            let whole = parquet::read(&path, Some(&columns));
            whole.or_else(|_| parquet::read(&path, None))
        };
        tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
    }
}

/// Keys are unique across all current files of the site for this dataset, but for the one that this file replaces.
async fn keys(files: &Files<'_>, place: Place<'_>, dataset: &Dataset, table: &DataFrame, report: &mut CheckReport) -> Result<()> {
    let mut columns: Vec<String> = dataset.primary_key.iter().chain(dataset.unique_keys.iter().flatten()).cloned().collect();
    columns.sort();
    columns.dedup();
    let mut own = Keys::new(dataset);
    own.add(table);
    for other in files.of(place.dataset) {
        let theirs = files.read(other, &columns).await?;
        // Against the new file's keys alone: what two older files share is not its fault.
        let repeated = own.repeated_in(&theirs);
        if !repeated.is_empty() {
            // Which of several keys repeats is not said.
            let key = if dataset.unique_keys.is_empty() { dataset.primary_key.as_slice() } else { &[] };
            refuse_repeated(report, key, &repeated, other);
        }
    }
    Ok(())
}

/// Refuses a file whose keys stand in another current file of the same site.
fn refuse_repeated(report: &mut CheckReport, key: &[String], repeated: &[String], other: &Deposit) {
    let column = (key.len() == 1).then(|| key[0].clone());
    let count = repeated.len() as u64;
    let faults = repeated.iter().map(|value| CellFault {
        column: column.clone(),
        value: Some(value.clone()),
        ..CellFault::of_file(
            "repeated_key",
            format!(
                "« {value} » figure déjà dans votre fichier « {} » ({}) : une même ligne ne peut compter qu'une fois. Retirez-la de l'un des deux fichiers.",
                other.file_name, other.number
            ),
        )
    });
    let message = format!("Des lignes figurent déjà dans votre fichier « {} ».", other.file_name);
    report.refuse(RuleCount { code: "repeated_key".to_owned(), column: column.clone(), count, message }, count, faults, LIMIT);
}

/// The values of a foreign key stand in the current files of the other dataset. Where there is none yet, nothing can be said of them, and
/// the receipt tells so: what is deposited later does not come back to this file.
async fn foreign_key(
    files: &Files<'_>,
    registered: &Registered,
    place: Place<'_>,
    (i, key): (usize, &ForeignKey),
    table: &DataFrame,
    report: &mut CheckReport,
) -> Result<()> {
    let title = registered.convention.document.datasets.get(&key.reference).map_or(key.reference.as_str(), |d| d.title.as_str());
    let columns = key.fields.join(", ");
    let mut offered = Offered::to(key);
    let mut read = Vec::new();
    for other in files.of(&key.reference) {
        offered.add(&files.read(other, offered.columns()).await?);
        read.push(other.number.clone());
    }
    let itself = key.reference == place.dataset;
    if itself {
        offered.add(table);
    }
    let unchecked = read.is_empty() && !itself;
    report.file.compared.push(Compared {
        fields: key.fields.clone(),
        dataset: key.reference.clone(),
        title: title.to_owned(),
        deposits: read,
        verified: !unchecked,
    });
    if unchecked {
        let message = format!(
            "Les valeurs de «\u{a0}{columns}\u{a0}» n'ont pas pu être comparées à «\u{a0}{title}\u{a0}»\u{a0}: aucun fichier de ce jeu de données n'est encore accepté. Déposez-le\u{a0}; pour faire vérifier ces valeurs, déposez ensuite de nouveau ce fichier-ci, corrigé s'il le faut."
        );
        let warning = CellFault { column: Some(columns), ..CellFault::of_file("reference_unchecked", message) };
        report.warn(std::iter::once(warning), LIMIT);
        return Ok(());
    }
    let missing = offered.missing(table);
    if missing.is_empty() {
        return Ok(());
    }
    let column = (key.fields.len() == 1).then(|| key.fields[0].clone());
    let rows = report.physical_rows(missing.iter().map(|(row, _)| *row));
    let count = missing.len() as u64;
    let faults = missing.iter().zip(rows).map(|((_, value), row)| CellFault {
        row,
        column: column.clone(),
        value: Some(value.clone()),
        rule: Some(format!("/foreign_keys/{i}")),
        ..CellFault::of_file(
            "reference",
            format!(
                "«\u{a0}{value}\u{a0}» ne figure dans aucun de vos fichiers «\u{a0}{title}\u{a0}». Corrigez cette valeur, ou déposez d'abord les lignes qui manquent."
            ),
        )
    });
    let message = format!("Des valeurs de «\u{a0}{columns}\u{a0}» ne figurent dans aucun de vos fichiers «\u{a0}{title}\u{a0}».");
    report.refuse(RuleCount { code: "reference".to_owned(), column: column.clone(), count, message }, count, faults, LIMIT);
    Ok(())
}
