//! What the schema cannot say of parties, dates, datasets, uses and the questionnaire.

use std::collections::{BTreeSet, HashSet};

use chrono::{Days, Months};
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{
    column::ColumnKind,
    document::Document,
    messages::{clip, pointer, suggestion},
    rules::Rules,
};
use crate::{
    error::Fault,
    territory::{self, OrganisationKind},
};

pub(super) fn document(document: &Document, rules: &IndexMap<String, Rules>) -> Vec<Fault> {
    let mut check = Check { document, rules, faults: Vec::new() };
    check.period();
    check.parties();
    check.foreign_keys();
    check.coverage();
    check.uses();
    if let Some(rex) = &document.rex {
        check.questionnaire(&rex.questionnaire);
    }
    check.faults
}

/// Looks a name up among datasets; a fault at `place` where there is none.
pub(super) fn dataset_exists(document: &Document, name: &str, place: &str, faults: &mut Vec<Fault>) -> bool {
    let known = document.datasets.contains_key(name);
    if !known {
        let hint = suggestion(name, document.datasets.keys().map(String::as_str), "Les jeux de données sont");
        faults.push(Fault::new(place, "unknown_dataset", format!("Il n'y a pas de jeu de données « {} ». {hint}", clip(name))));
    }
    known
}

/// Looks a column up in a dataset whose rules compiled (else nothing can be said); a fault at `place` where there is none.
pub(super) fn column_exists(rules: &IndexMap<String, Rules>, dataset: &str, name: &str, place: &str, faults: &mut Vec<Fault>) {
    let Some(rules) = rules.get(dataset) else { return };
    if !rules.columns().iter().any(|c| c.name == name) {
        let hint = suggestion(name, rules.columns().iter().map(|c| c.name.as_str()), "Ses colonnes sont");
        faults.push(Fault::new(place, "unknown_column", format!("Le jeu « {dataset} » n'a pas de colonne « {} ». {hint}", clip(name))));
    }
}

struct Check<'a> {
    document: &'a Document,
    rules: &'a IndexMap<String, Rules>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, place: impl Into<String>, code: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(place, code, message));
    }

    fn period(&mut self) {
        let period = self.document.period;
        if period.end < period.start {
            return self.fault("/period", "dates_order", "La date de fin précède la date de début : échangez-les.");
        }
        // The last day is included: from 5 January, one month ends on 4 February.
        let after = period.end.checked_add_days(Days::new(1)).unwrap_or(period.end);
        let month = |n: u32| period.start.checked_add_months(Months::new(n));
        if month(1).is_some_and(|least| after < least) || month(12).is_some_and(|most| after > most) {
            self.fault("/period", "period_length", "L'expérimentation dure de 1 à 12 mois (règlement, article 2) : changez ses dates.");
        }
    }

    fn parties(&mut self) {
        let parties = &self.document.parties;
        if territory::by_siren(&parties.metropole.siren).is_none_or(|o| o.kind != OrganisationKind::Metropole) {
            let message =
                format!("Le SIREN {} n'est pas celui de la Métropole du Grand Paris : écrivez \"200054781\".", parties.metropole.siren);
            self.fault("/parties/metropole/siren", "not_metropole", message);
        }
        let mut seen = HashSet::new();
        for (i, site) in parties.sites.iter().enumerate() {
            let place = format!("/parties/sites/{i}/siren");
            match territory::by_siren(&site.siren).map(|o| o.kind) {
                None => self.fault(
                    place,
                    "unknown_site",
                    format!(
                        "Le SIREN {} n'est pas celui d'une commune ou d'un EPT de la Métropole : vérifiez ses neuf chiffres.",
                        site.siren
                    ),
                ),
                Some(OrganisationKind::Metropole) => {
                    self.fault(place, "not_a_site", "La Métropole n'est pas une structure expérimentatrice : retirez-la de cette liste.");
                }
                Some(_) if !seen.insert(&site.siren) => {
                    self.fault(place, "duplicate_site", format!("Le SIREN {} est déjà dans la liste : gardez-le une fois.", site.siren));
                }
                Some(_) => {}
            }
        }
    }

    /// The columns of this side are checked with the dataset's rules; here, the other side.
    fn foreign_keys(&mut self) {
        for (name, dataset) in &self.document.datasets {
            for (i, key) in dataset.foreign_keys.iter().enumerate() {
                let place = format!("/datasets/{}/foreign_keys/{i}", pointer(name));
                let others = if key.reference_fields.is_empty() { &key.fields } else { &key.reference_fields };
                if key.reference == "territory" {
                    if key.fields.len() != 1 || !key.reference_fields.is_empty() {
                        self.fault(
                            &place,
                            "foreign_key",
                            "Une référence à la liste des communes porte sur une seule colonne, sans « reference_fields ».",
                        );
                    }
                } else if dataset_exists(self.document, &key.reference, &format!("{place}/reference"), &mut self.faults) {
                    if others.len() != key.fields.len() {
                        self.fault(&place, "foreign_key", "Nommez autant de colonnes des deux côtés.");
                    }
                    for (j, other) in others.iter().enumerate() {
                        let side = if key.reference_fields.is_empty() { "fields" } else { "reference_fields" };
                        column_exists(self.rules, &key.reference, other, &format!("{place}/{side}/{j}"), &mut self.faults);
                    }
                }
            }
        }
    }

    fn coverage(&mut self) {
        for (name, dataset) in &self.document.datasets {
            let Some(coverage) = &dataset.coverage else { continue };
            let place = format!("/datasets/{}/coverage/date", pointer(name));
            column_exists(self.rules, name, &coverage.date, &place, &mut self.faults);
            let column = self.rules.get(name).and_then(|rules| rules.columns().iter().find(|c| c.name == coverage.date));
            if column.is_some_and(|c| !matches!(c.kind, ColumnKind::Date | ColumnKind::Datetime)) {
                let message = format!(
                    "La colonne «\u{a0}{}\u{a0}» n'est pas une date\u{a0}: nommez celle qui dit le jour de la ligne.",
                    clip(&coverage.date)
                );
                self.fault(&place, "coverage_date", message);
            }
        }
    }

    fn uses(&mut self) {
        let uses = &self.document.uses;
        let evaluation = uses.evaluation.iter().map(|u| ("/uses/evaluation".to_owned(), &u.datasets));
        let comparison = uses.comparison.iter().map(|u| ("/uses/comparison".to_owned(), &u.datasets));
        let sharing = uses.sharing.iter().enumerate().map(|(i, u)| (format!("/uses/sharing/{i}"), &u.datasets));
        for (place, datasets) in evaluation.chain(comparison).chain(sharing) {
            for (i, name) in datasets.iter().enumerate() {
                dataset_exists(self.document, name, &format!("{place}/datasets/{i}"), &mut self.faults);
            }
        }
        for (i, open) in uses.open_data.iter().enumerate() {
            dataset_exists(self.document, &open.dataset, &format!("/uses/open_data/{i}/dataset"), &mut self.faults);
        }
        for (i, sharing) in uses.sharing.iter().enumerate() {
            // A field stands in one at least of the datasets.
            for (j, field) in sharing.fields.iter().enumerate() {
                let known: BTreeSet<&str> =
                    sharing.datasets.iter().filter_map(|d| self.rules.get(d)).flat_map(|r| r.columns()).map(|c| c.name.as_str()).collect();
                if !known.is_empty() && !known.contains(field.as_str()) {
                    let hint = suggestion(field, known, "Les colonnes sont");
                    self.fault(
                        format!("/uses/sharing/{i}/fields/{j}"),
                        "unknown_column",
                        format!("Aucun de ces jeux n'a de colonne « {} ». {hint}", clip(field)),
                    );
                }
            }
            if sharing.until.is_some_and(|until| until < self.document.period.start) {
                self.fault(format!("/uses/sharing/{i}/until"), "dates_order", "Ce partage finit avant le début de l'expérimentation.");
            }
        }
        for (i, open) in uses.open_data.iter().enumerate() {
            for (j, field) in open.fields.iter().enumerate() {
                column_exists(self.rules, &open.dataset, field, &format!("/uses/open_data/{i}/fields/{j}"), &mut self.faults);
            }
            let Some(dataset) = self.document.datasets.get(&open.dataset) else { continue };
            let published = |column: &&String| open.fields.is_empty() || open.fields.contains(column);
            if let Some(column) = dataset.personal_data.keys().find(published) {
                self.fault(
                    format!("/uses/open_data/{i}"),
                    "personal_open_data",
                    format!(
                        "La colonne « {} » est une donnée à caractère personnel : nommez dans « fields » les seules colonnes à publier.",
                        clip(column)
                    ),
                );
            }
        }
    }

    fn questionnaire(&mut self, questionnaire: &Json) {
        let sections = questionnaire.get("sections").and_then(Json::as_array).into_iter().flatten();
        let (mut section_ids, mut question_ids) = (HashSet::new(), HashSet::new());
        for (i, section) in sections.enumerate() {
            let place = format!("/rex/questionnaire/sections/{i}");
            if !section_ids.insert(section.get("id")) {
                self.fault(format!("{place}/id"), "duplicate_id", "Une autre rubrique porte déjà ce nom.");
            }
            for (j, question) in section.get("questions").and_then(Json::as_array).into_iter().flatten().enumerate() {
                let place = format!("{place}/questions/{j}");
                if !question_ids.insert(question.get("id")) {
                    self.fault(format!("{place}/id"), "duplicate_id", "Une autre question porte déjà ce nom.");
                }
                let is_choice = question.get("type").is_some_and(|t| t == "choice");
                match (is_choice, question.get("choices").is_some()) {
                    (true, false) => self.fault(&place, "choices", "Une question à choix propose ses réponses : ajoutez « choices »."),
                    (false, true) => self.fault(
                        format!("{place}/choices"),
                        "choices",
                        "Seule une question à choix propose des réponses : retirez « choices ».",
                    ),
                    _ => {}
                }
            }
        }
    }
}
