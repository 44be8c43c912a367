//! The evaluation plan: arms, phases, cluster, and each indicator against the columns, the design and its statistic.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{
    IndicatorExpressions, PerExpressions,
    checks::{column_exists, dataset_exists},
    column::{Column, ColumnKind},
    document::{Design, Document, EffectScale, Indicator, Per, Plan, Statistic, Target, Value},
    expression::{self, Expression, ExpressionKind},
    messages::{clip, one_of, suggestion},
    rules::Rules,
};
use crate::error::Fault;

/// Units that a duration counts in.
pub const DURATION_UNITS: [&str; 4] = ["secondes", "minutes", "heures", "jours"];

/// Scales on which a statistic has an effect; the first is the one when none is named.
pub fn allowed_effects(statistic: Statistic) -> &'static [EffectScale] {
    match statistic {
        Statistic::Mean => &[EffectScale::MeanDifference, EffectScale::HedgesG, EffectScale::LogRatioOfMeans],
        Statistic::Proportion => &[EffectScale::RiskDifference, EffectScale::LogRiskRatio, EffectScale::LogOddsRatio],
        Statistic::Ratio => &[EffectScale::LogRatioOfRatios],
        Statistic::Count | Statistic::Sum => &[],
    }
}

/// Checks the plan and compiles its expressions.
pub(super) fn check(document: &Document, rules: &IndexMap<String, Rules>) -> (Vec<IndicatorExpressions>, Vec<Fault>) {
    let mut check = Check { document, plan: &document.evaluation, rules, faults: Vec::new() };
    let compiled: Vec<_> = check.plan.indicators.iter().enumerate().filter_map(|(i, indicator)| check.indicator(i, indicator)).collect();
    check.ids();
    check.design();
    check.arms();
    check.phases();
    check.cluster();
    (compiled, check.faults)
}

struct Check<'a> {
    document: &'a Document,
    plan: &'a Plan,
    rules: &'a IndexMap<String, Rules>,
    faults: Vec<Fault>,
}

/// JSON's own spelling of an enumerated value of the document.
fn spelling<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Dataset of an indicator's value.
fn dataset_of(indicator: &Indicator) -> Option<&str> {
    match &indicator.value {
        Some(Value::From(from)) => Some(&from.dataset),
        _ => indicator.dataset.as_deref(),
    }
}

impl<'a> Check<'a> {
    fn fault(&mut self, place: impl Into<String>, code: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(place, code, message));
    }

    fn ids(&mut self) {
        let mut seen = HashSet::new();
        for (i, indicator) in self.plan.indicators.iter().enumerate() {
            if !seen.insert(&indicator.id) {
                let message = format!("« {} » nomme déjà un autre indicateur : donnez un nom à chacun.", indicator.id);
                self.fault(format!("/evaluation/indicators/{i}/id"), "duplicate_id", message);
            }
        }
    }

    fn design(&mut self) {
        let (arms, phases) = (self.plan.arms.is_some(), self.plan.phases.as_ref());
        let design = self.plan.design;
        if !arms && matches!(design, Design::Controlled | Design::DifferenceInDifferences) {
            self.fault("/evaluation", "arms_required", "Ce type d'évaluation compare deux groupes : ajoutez « arms ».");
        }
        if matches!(design, Design::BeforeAfter | Design::DifferenceInDifferences) {
            match phases {
                None => self.fault("/evaluation", "phases_required", "Ce type d'évaluation compare deux périodes : ajoutez « phases »."),
                Some(p) if p.baseline.is_none() => {
                    self.fault("/evaluation/phases", "baseline_required", "Il manque la période de référence : ajoutez « baseline ».");
                }
                Some(_) => {}
            }
        }
    }

    /// Datasets that indicators take their values from.
    fn read(&self) -> BTreeSet<&'a str> {
        self.plan.indicators.iter().filter_map(dataset_of).filter(|d| self.document.datasets.contains_key(*d)).collect()
    }

    /// The datasets of the indicators that have this column; a fault where none has.
    fn holders(&mut self, column: &str, place: &str) -> Vec<(&'a str, ColumnKind)> {
        let read = self.read();
        let all: Vec<(&'a str, &'a Column)> = read
            .iter()
            .filter_map(|d| Some((*d, self.rules.get(*d)?)))
            .flat_map(|(d, r)| r.columns().iter().map(move |c| (d, c)))
            .collect();
        let found: Vec<_> = all.iter().filter(|(_, c)| c.name == column).map(|(d, c)| (*d, c.kind)).collect();
        // Where a dataset has faults of its own, its columns are not known.
        if found.is_empty() && read.iter().all(|d| self.rules.contains_key(*d)) && !read.is_empty() {
            let names: BTreeSet<&str> = all.iter().map(|(_, c)| c.name.as_str()).collect();
            let hint = suggestion(column, names, "Les colonnes sont");
            self.fault(
                place,
                "unknown_column",
                format!("Aucun jeu de données des indicateurs n'a de colonne « {} ». {hint}", clip(column)),
            );
        }
        found
    }

    fn arms(&mut self) {
        let Some(arms) = &self.plan.arms else { return };
        if arms.treated == arms.control {
            self.fault("/evaluation/arms", "same_arms", "Les deux groupes ont la même valeur : distinguez-les.");
        }
        for (dataset, kind) in self.holders(&arms.column, "/evaluation/arms/column") {
            if matches!(kind, ColumnKind::Date | ColumnKind::Datetime | ColumnKind::Number) {
                self.fault(
                    "/evaluation/arms/column",
                    "column_type",
                    format!("La colonne « {} » du jeu « {dataset} » ne nomme pas un groupe : choisissez un texte.", clip(&arms.column)),
                );
                continue;
            }
            let Some(schema) = self.document.datasets.get(dataset).map(|d| &d.schema) else { continue };
            let Some(possible) = possible_values(schema, &arms.column) else { continue };
            for (key, value) in [("treated", &arms.treated), ("control", &arms.control)] {
                if !possible.contains(value) {
                    let hint = suggestion(value, possible.iter().map(String::as_str), "Ses valeurs sont");
                    let message = format!(
                        "La colonne « {} » du jeu « {dataset} » ne peut pas valoir « {} ». {hint}",
                        clip(&arms.column),
                        clip(value)
                    );
                    self.fault(format!("/evaluation/arms/{key}"), "impossible_value", message);
                }
            }
        }
    }

    fn phases(&mut self) {
        let Some(phases) = &self.plan.phases else { return };
        for (dataset, kind) in self.holders(&phases.column, "/evaluation/phases/column") {
            if !matches!(kind, ColumnKind::Date | ColumnKind::Datetime) {
                self.fault(
                    "/evaluation/phases/column",
                    "column_type",
                    format!("La colonne « {} » du jeu « {dataset} » n'est pas une date.", clip(&phases.column)),
                );
            }
        }
        let ordered = |[start, end]: [chrono::NaiveDate; 2]| start <= end;
        let [trial_start, trial_end] = phases.trial;
        if !ordered(phases.trial) {
            self.fault("/evaluation/phases/trial", "dates_order", "La fin de l'essai précède son début : échangez-les.");
        } else if self.document.period.start <= self.document.period.end
            && (trial_start < self.document.period.start || trial_end > self.document.period.end)
        {
            self.fault(
                "/evaluation/phases/trial",
                "outside_period",
                "L'essai déborde de la durée de l'expérimentation (« period ») : changez ses dates.",
            );
        }
        if let Some(baseline) = phases.baseline {
            if !ordered(baseline) {
                self.fault(
                    "/evaluation/phases/baseline",
                    "dates_order",
                    "La fin de la période de référence précède son début : échangez-les.",
                );
            } else if baseline[1] >= trial_start {
                self.fault(
                    "/evaluation/phases/baseline",
                    "phases_overlap",
                    "La période de référence finit avant le premier jour de l'essai : changez ses dates.",
                );
            }
        }
    }

    fn cluster(&mut self) {
        if let Some(cluster) = &self.plan.cluster {
            self.holders(cluster, "/evaluation/cluster");
        }
    }

    fn indicator(&mut self, i: usize, indicator: &Indicator) -> Option<IndicatorExpressions> {
        let place = format!("/evaluation/indicators/{i}");
        let before = self.faults.len();
        let dataset = self.dataset(indicator, &place);
        let value = dataset.and_then(|d| self.value(indicator, d, &place));
        let filter = match (&indicator.filter, dataset) {
            (Some(sql), Some(d)) => self.condition(sql, d, &format!("{place}/where")),
            _ => None,
        };
        let per = self.per(indicator, dataset, &place);
        self.effect(indicator, dataset, &place);
        self.target(indicator, &place);
        (self.faults.len() == before).then(|| dataset.map(|d| IndicatorExpressions { dataset: d.to_owned(), value, filter, per })).flatten()
    }

    fn dataset<'i>(&mut self, indicator: &'i Indicator, place: &str) -> Option<&'i str> {
        let own = match &indicator.value {
            Some(Value::From(from)) => Some((from.dataset.as_str(), format!("{place}/value/dataset"))),
            _ => indicator.dataset.as_deref().map(|d| (d, format!("{place}/dataset"))),
        };
        let Some((name, at)) = own else {
            self.fault(place, "dataset_required", "Dites sur quel jeu de données cet indicateur se calcule : ajoutez « dataset ».");
            return None;
        };
        if let (Some(Value::From(_)), Some(other)) = (&indicator.value, &indicator.dataset)
            && other != name
        {
            self.fault(format!("{place}/dataset"), "dataset_conflict", "« value » nomme un autre jeu de données : gardez-en un.");
        }
        self.usable(name, &at).then_some(name)
    }

    /// The dataset exists, and the parties agreed to its evaluation.
    fn usable(&mut self, name: &str, place: &str) -> bool {
        if !dataset_exists(self.document, name, place, &mut self.faults) {
            return false;
        }
        let agreed = self.document.uses.evaluation.as_ref().is_some_and(|u| u.datasets.iter().any(|d| d == name));
        if !agreed {
            let message = format!("L'usage « evaluation » ne couvre pas le jeu « {name} » : ajoutez-le à « uses.evaluation.datasets ».");
            self.fault(place, "use_not_agreed", message);
        }
        true
    }

    /// Compiles an expression on a dataset whose rules compiled.
    fn compile(&mut self, sql: &str, dataset: &str, place: &str) -> Option<Expression> {
        let rules = self.rules.get(dataset)?;
        expression::compile(sql, rules.columns(), place).map_err(|fault| self.faults.push(fault)).ok()
    }

    fn condition(&mut self, sql: &str, dataset: &str, place: &str) -> Option<Expression> {
        let expression = self.compile(sql, dataset, place)?;
        if expression.kind != ExpressionKind::Boolean {
            self.fault(place, "not_boolean", "Écrivez une condition, vraie ou fausse pour chaque ligne.");
            return None;
        }
        Some(expression)
    }

    /// A pseudonym may pair and cluster rows; it is never measured.
    fn no_personal_data(&mut self, expression: &Expression, dataset: &str, place: &str) {
        let personal = self.document.datasets.get(dataset).map(|d| &d.personal_data);
        let found = expression.columns.iter().find(|c| personal.is_some_and(|p| p.contains_key(*c)));
        if let Some(column) = found {
            let message = format!(
                "« {} » est une donnée à caractère personnel : elle peut regrouper des lignes, jamais être une valeur.",
                clip(column)
            );
            self.fault(place, "personal_value", message);
        }
    }

    fn value(&mut self, indicator: &Indicator, dataset: &str, place: &str) -> Option<Expression> {
        let (sql, at) = match (&indicator.value, indicator.statistic) {
            (None, Statistic::Count) => return None,
            (None, _) => {
                self.fault(place, "value_required", "Dites ce qui est mesuré sur chaque ligne : ajoutez « value ».");
                return None;
            }
            (Some(_), Statistic::Count) => {
                self.fault(
                    format!("{place}/value"),
                    "value_not_expected",
                    "« count » compte les lignes : retirez « value », ou choisissez-les avec « where ».",
                );
                return None;
            }
            (Some(Value::Sql(sql)), _) => (sql, format!("{place}/value")),
            (Some(Value::From(from)), _) => {
                for (key, column) in [("last_by", &from.last_by), ("order", &from.order)] {
                    if let Some(column) = column {
                        column_exists(self.rules, dataset, column, &format!("{place}/value/{key}"), &mut self.faults);
                    }
                }
                (&from.sql, format!("{place}/value/sql"))
            }
        };
        let expression = self.compile(sql, dataset, &at)?;
        self.no_personal_data(&expression, dataset, &at);
        match (indicator.statistic, expression.kind) {
            (Statistic::Proportion, ExpressionKind::Boolean) => {}
            (Statistic::Proportion, _) => {
                self.fault(
                    &at,
                    "value_type",
                    "Une part demande une condition, vraie ou fausse pour chaque ligne, par exemple « satisfaction >= 4 ».",
                );
            }
            (_, ExpressionKind::Number) => {}
            (_, ExpressionKind::Duration) => {
                let unit = indicator.unit.as_deref().unwrap_or_default();
                if !DURATION_UNITS.contains(&unit) {
                    let message =
                        format!("Cette valeur est une durée : dites dans « unit » si elle se compte en {}.", one_of(DURATION_UNITS));
                    self.fault(if indicator.unit.is_some() { format!("{place}/unit") } else { place.to_owned() }, "duration_unit", message);
                }
            }
            (statistic, ExpressionKind::Boolean) => {
                let message = format!(
                    "« {} » demande un nombre, et cette valeur est vraie ou fausse : choisissez la statistique « proportion », ou écrivez CASE WHEN … THEN 1 ELSE 0 END, où l'inconnu compte alors pour 0.",
                    spelling(statistic)
                );
                self.fault(&at, "value_type", message);
            }
            (statistic, _) => {
                let message = format!("« {} » demande un nombre ou une durée, et cette valeur n'en est pas une.", spelling(statistic));
                self.fault(&at, "value_type", message);
            }
        }
        Some(expression)
    }

    fn per(&mut self, indicator: &Indicator, dataset: Option<&str>, place: &str) -> Option<PerExpressions> {
        let at = format!("{place}/per");
        let per = match (&indicator.per, indicator.statistic) {
            (None, Statistic::Ratio) => {
                self.fault(place, "per_required", "Un rapport a besoin de son dénominateur : ajoutez « per ».");
                return None;
            }
            (None, _) => return None,
            (Some(_), Statistic::Ratio) => indicator.per.as_ref()?,
            (Some(_), _) => {
                self.fault(at, "per_not_expected", "Seul un rapport (« ratio ») a un dénominateur : retirez « per ».");
                return None;
            }
        };
        match per {
            Per::Sql(sql) => {
                let dataset = dataset?;
                let value = self.denominator(sql, dataset, &at)?;
                Some(PerExpressions { dataset: dataset.to_owned(), same_row: true, value: Some(value), filter: None })
            }
            Per::From(from) => {
                if !self.usable(&from.dataset, &format!("{at}/dataset")) {
                    return None;
                }
                let value = match (from.statistic, &from.value) {
                    (Statistic::Count, Some(_)) => {
                        self.fault(
                            format!("{at}/value"),
                            "value_not_expected",
                            "« count » compte les lignes : retirez « value », ou choisissez « sum ».",
                        );
                        None
                    }
                    (Statistic::Count, None) => None,
                    (_, None) => {
                        self.fault(&at, "value_required", "Une somme a besoin de la valeur de chaque ligne : ajoutez « value ».");
                        None
                    }
                    (_, Some(sql)) => self.denominator(sql, &from.dataset, &format!("{at}/value")),
                };
                let filter = from.filter.as_ref().and_then(|sql| self.condition(sql, &from.dataset, &format!("{at}/where")));
                Some(PerExpressions { dataset: from.dataset.clone(), same_row: false, value, filter })
            }
        }
    }

    /// A number: a duration would count in a unit that nothing names.
    fn denominator(&mut self, sql: &str, dataset: &str, place: &str) -> Option<Expression> {
        let expression = self.compile(sql, dataset, place)?;
        self.no_personal_data(&expression, dataset, place);
        match expression.kind {
            ExpressionKind::Number => {}
            ExpressionKind::Duration => {
                self.fault(place, "value_type", "Le dénominateur est un nombre : d'une durée, prenez ses secondes, EXTRACT(EPOCH FROM …).");
            }
            _ => self.fault(place, "value_type", "Le dénominateur est un nombre, et cette valeur n'en est pas un."),
        }
        Some(expression)
    }

    fn effect(&mut self, indicator: &Indicator, dataset: Option<&str>, place: &str) {
        let wants =
            indicator.effect.is_some() || matches!(indicator.target, Some(Target::Effect(_) | Target::Relative(_) | Target::Within(_)));
        let at = if indicator.effect.is_some() { format!("{place}/effect") } else { format!("{place}/target") };
        if !wants {
            return;
        }
        let allowed = allowed_effects(indicator.statistic);
        if allowed.is_empty() {
            let message = format!(
                "La statistique « {} » n'a pas d'effet : comparez une moyenne, une part ou un rapport.",
                spelling(indicator.statistic)
            );
            return self.fault(at, "effect_not_allowed", message);
        }
        if let Some(scale) = indicator.effect
            && !allowed.contains(&scale)
        {
            let message = format!(
                "« {} » n'est pas un effet de la statistique « {} » : choisissez {}.",
                spelling(scale),
                spelling(indicator.statistic),
                one_of(allowed.iter().map(spelling))
            );
            return self.fault(at, "effect_not_allowed", message);
        }
        if self.plan.design == Design::None {
            return self.fault(
                at,
                "effect_without_design",
                "Ce plan ne compare rien (« design: none ») : un indicateur n'y a pas d'effet.",
            );
        }
        // An effect compares groups of rows: each dataset that is read must say which rows are whose.
        let other = match &indicator.per {
            Some(Per::From(from)) => Some(from.dataset.as_str()),
            _ => None,
        };
        let by_arm = matches!(self.plan.design, Design::Controlled | Design::DifferenceInDifferences);
        let by_phase = matches!(self.plan.design, Design::BeforeAfter | Design::DifferenceInDifferences);
        let arm = self.plan.arms.as_ref().filter(|_| by_arm).map(|a| a.column.as_str());
        let phase = self.plan.phases.as_ref().filter(|_| by_phase).map(|p| p.column.as_str());
        let has = |rules: &Rules, column: &str| rules.columns().iter().any(|c| c.name == column);
        for name in dataset.into_iter().chain(other).collect::<BTreeSet<_>>() {
            let Some(rules) = self.rules.get(name) else { continue };
            for column in [arm, phase].into_iter().flatten() {
                // A column that no dataset has is said once, of the plan.
                if !has(rules, column) && self.rules.values().any(|r| has(r, column)) {
                    let message = format!(
                        "Le jeu « {name} » n'a pas la colonne « {} » qui distingue les lignes à comparer : cet indicateur n'a pas d'effet.",
                        clip(column)
                    );
                    self.fault(&at, "effect_without_groups", message);
                }
            }
        }
    }

    fn target(&mut self, indicator: &Indicator, place: &str) {
        let share = indicator.statistic == Statistic::Proportion;
        let differs = indicator.effect.is_none_or(|e| e == EffectScale::RiskDifference);
        match indicator.target {
            Some(Target::Within([low, high])) if low >= high => {
                self.fault(
                    format!("{place}/target/within"),
                    "target_range",
                    "La première borne est plus petite que la seconde : échangez-les.",
                );
            }
            Some(Target::Level(level)) if share && !(0.0..=1.0).contains(&level) => {
                self.fault(format!("{place}/target/level"), "target_range", "Une part va de 0 à 1 : écrivez 0.8 pour 80 %.");
            }
            Some(Target::Effect(effect)) if share && differs && effect.abs() >= 1.0 => {
                self.fault(
                    format!("{place}/target/effect"),
                    "target_range",
                    "Une différence de parts va de -1 à 1 : écrivez 0.05 pour 5 points.",
                );
            }
            Some(Target::Relative(0.0)) => {
                self.fault(
                    format!("{place}/target/relative"),
                    "target_range",
                    "Une évolution relative de 0 n'est pas un objectif : écrivez -0.2 pour un cinquième de moins.",
                );
            }
            _ => {}
        }
    }
}

/// The values that a column is limited to, as text; None where it is not.
fn possible_values(schema: &Json, column: &str) -> Option<Vec<String>> {
    let text = |v: &Json| match v {
        Json::Null => None,
        Json::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    };
    let own = match schema.get("fields").and_then(Json::as_array) {
        Some(fields) => fields.iter().find(|f| f.get("name").is_some_and(|n| n == column))?.get("constraints")?,
        None => schema.get("properties")?.get(column)?,
    };
    match (own.get("enum"), own.get("const")) {
        (Some(values), _) => Some(values.as_array()?.iter().filter_map(text).collect()),
        (None, Some(value)) => Some(text(value).into_iter().collect()),
        _ => None,
    }
}
