//! What an amendment would do to the files that count: each is checked again under the schemas that it proposes. Nothing is changed:
//! what was accepted stays accepted, under the version that it was checked under.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{check::check_file, reading};
use crate::{
    app::App,
    convention::{Convention, register},
    error::{Error, Kind, Result},
    ids::{Period, Siren},
    store::deposits::Deposit,
};

/// Reasons given for one file.
const REASONS: usize = 3;

/// What an amendment's schemas would say of the files that count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct WouldRefuse {
    /// Files that were checked again.
    pub checked: usize,
    /// Files that it does not ask for any more, of a site or a dataset that it leaves out.
    pub left_out: usize,
    /// Files that it would refuse.
    pub refused: Vec<RefusedFile>,
}

/// A file that counts, and that the new schemas would refuse.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RefusedFile {
    /// Number of the deposit.
    pub number: String,
    /// Who sent it.
    #[schema(value_type = String)]
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    #[schema(value_type = Option<String>)]
    pub period: Option<Period>,
    /// As the depositor named it.
    pub file_name: String,
    /// What is wrong, the most frequent first; three at most.
    pub reasons: Vec<String>,
}

impl WouldRefuse {
    /// In a sentence; none where no file counts yet.
    pub fn in_french(&self) -> Option<String> {
        let all = self.checked + self.left_out;
        let files = |n: usize| if n == 1 { "1 dépôt accepté".to_owned() } else { format!("{n} dépôts acceptés") };
        match (all, self.refused.len()) {
            (0, _) => None,
            (_, 0) => Some(format!("Les nouveaux schémas acceptent les fichiers déjà reçus ({}).", files(all))),
            (_, n) => Some(format!(
                "Les nouveaux schémas refuseraient {} sur {all}. Ce qui est accepté le reste, sous la version sous laquelle il a été contrôlé.",
                files(n)
            )),
        }
    }
}

/// Checks the current deposits of the convention that `document` would amend against it.
///
/// # Errors
/// The document's faults, located.
pub async fn would_refuse(app: &App, document: Json) -> Result<WouldRefuse> {
    let convention = Arc::new(register::compile(document).await?);
    let agreement = match register::agreement(app, &convention.document.id).await {
        Ok(agreement) => agreement,
        Err(none) if none.kind == Kind::NotFound => return Ok(WouldRefuse::default()),
        Err(error) => return Err(error),
    };
    let mut found = WouldRefuse::default();
    for deposit in app.store.current_deposits(agreement.versions()[0].head.id).await? {
        let document = &convention.document;
        let asked = document.parties.sites.iter().any(|p| p.siren == deposit.site) && document.datasets.contains_key(&deposit.dataset);
        let Some(original) = deposit.original_key.as_deref().filter(|_| asked) else {
            found.left_out += 1;
            continue;
        };
        found.checked += 1;
        let reasons = reasons(app, &convention, &deposit, original).await?;
        if !reasons.is_empty() {
            let Deposit { number, site, dataset, period, file_name, .. } = deposit;
            found.refused.push(RefusedFile { number, site, dataset, period, file_name, reasons });
        }
    }
    Ok(found)
}

async fn reasons(app: &App, convention: &Arc<Convention>, deposit: &Deposit, original: &str) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("original");
    app.lake.fetch_to(&original.parse()?, &path).await?;
    let (convention, dataset, name) = (convention.clone(), deposit.dataset.clone(), deposit.file_name.clone());
    let imposed = reading::imposed(deposit)?;
    let report = tokio::task::spawn_blocking(move || {
        let rules = reading::rules(&convention, &dataset, imposed.as_ref())?;
        Ok::<_, Error>(check_file(&path, &name, &rules, 1).report)
    })
    .await
    .map_err(Error::internal)??;
    let source = report.source_error.map(|e| e.message);
    let rules = report.by_rule.into_iter().map(|rule| rule.message);
    Ok(if report.valid { Vec::new() } else { source.into_iter().chain(rules).take(REASONS).collect() })
}
