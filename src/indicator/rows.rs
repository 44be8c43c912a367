//! One deposit → its summary, with polars' in-memory engine, in file order.

use chrono::NaiveDate;
use polars::prelude::{Column as Series, DataFrame, DataType, Engine, Expr, IntoLazy, NULL, PolarsResult, TimeUnit, col, lit};

use super::{
    DepositTable,
    source::{PhaseUse, Source},
    summary::{Arm, GroupKey, KeyedRow, Order, Phase, Row, Summary, unclustered},
};
use crate::{
    convention::{column::Column, document::Phases, expression::Expression},
    error::{Error, Result},
    statistics::Sum,
};

/// Reads every row of a deposit as `source` says. Refused (`not_computable`) where an expression fails on these rows.
pub fn summarise(source: &Source<'_>, deposit: &DepositTable) -> Result<Summary> {
    rows(source, deposit).map_err(|error| {
        Error::invalid("not_computable", "Le calcul échoue sur les lignes reçues. Vérifiez la formule de l’indicateur.").with_source(error)
    })
}

fn rows(source: &Source<'_>, deposit: &DepositTable) -> PolarsResult<Summary> {
    let mut summary = Summary { is_ratio: source.per.is_some(), ..Summary::default() };
    let is_ratio = summary.is_ratio;
    walk(source, deposit, |seen| match seen {
        Seen::OutsideArms => summary.outside_arms += 1,
        Seen::OutsidePhases => summary.outside_phases += 1,
        Seen::Row { group, row, key: None } => summary.group(group).push(&row, is_ratio),
        Seen::Row { group, row, key: Some((key, order)) } => {
            // On a tie the row further down the file is the later one.
            if summary.keyed.get(&key).is_none_or(|last| last.order <= order) {
                let Row { value, per, cluster } = row;
                summary.keyed.insert(key, KeyedRow { order, group, value: value.map(Sum::of), per: per.map(Sum::of), cluster });
            }
        }
    })?;
    Ok(summary)
}

/// What is read of one row that the filter keeps.
pub(super) enum Seen {
    /// Of no arm of the design.
    OutsideArms,
    /// Of no phase of the design.
    OutsidePhases,
    /// Of a group; with the key and the order of a cumulative row.
    Row { group: GroupKey, row: Row, key: Option<(String, Order)> },
}

/// Reads the rows of a deposit one by one, in file order.
pub(super) fn walk(source: &Source<'_>, deposit: &DepositTable, mut each: impl FnMut(Seen)) -> PolarsResult<()> {
    let read = Read::new(source, &deposit.table)?;
    let grouping = &source.grouping;
    let values = read.expression("value", source.value, source.unit)?;
    let pers = read.expression("per", source.per, source.unit)?;
    let kept = read.booleans("filter")?;
    let arms = read.text("arm")?;
    let days = read.days("phase")?;
    let clusters = read.text("cluster")?;
    let keys = read.text("key")?;
    let orders = read.orders("order")?;

    for i in 0..deposit.table.height() {
        if kept.as_ref().is_some_and(|kept| kept[i] != Some(true)) {
            continue;
        }
        let arm = match grouping.arms {
            None => None,
            Some(named) => match arms.as_ref().and_then(|arms| arms[i].as_deref()) {
                Some(arm) if same(arm, &named.treated) => Some(Arm::Treated),
                Some(arm) if same(arm, &named.control) => Some(Arm::Control),
                _ => {
                    each(Seen::OutsideArms);
                    continue;
                }
            },
        };
        let phase = match (grouping.phases, grouping.phase_use) {
            (None, _) | (_, PhaseUse::All) => None,
            (Some(phases), phase_use) => match (days.as_ref().and_then(|days| days[i]).and_then(|day| phase_of(day, phases)), phase_use) {
                (Some(Phase::Trial), PhaseUse::TrialOnly) => None,
                (Some(phase), PhaseUse::Both) => Some(phase),
                (Some(Phase::Baseline), _) => continue,
                _ => {
                    each(Seen::OutsidePhases);
                    continue;
                }
            },
        };
        let group = GroupKey { arm, phase };
        let value = values.as_ref().map_or(Some(1.0), |values| values[i]);
        let row = Row {
            value: if source.counts { value.map(|_| 1.0) } else { value },
            per: pers.as_ref().and_then(|pers| pers[i]),
            cluster: grouping
                .cluster
                .map(|_| clusters.as_ref().and_then(|clusters| clusters[i].clone()).unwrap_or_else(|| unclustered(&deposit.sha256, i))),
        };
        let order = || orders.as_ref().map_or(Order::Missing, |orders| orders[i].clone());
        let key = keys.as_ref().and_then(|keys| keys[i].clone()).map(|key| (key, order()));
        each(Seen::Row { group, row, key });
    }
    Ok(())
}

/// Whether a cell names an arm; a true/false column is written as people write it.
fn same(cell: &str, name: &str) -> bool {
    cell == name
        || match cell {
            "true" => ["vrai", "oui", "1"].contains(&name.to_lowercase().as_str()),
            "false" => ["faux", "non", "0"].contains(&name.to_lowercase().as_str()),
            _ => false,
        }
}

fn phase_of(day: NaiveDate, phases: &Phases) -> Option<Phase> {
    let within = |[start, end]: [NaiveDate; 2]| start <= day && day <= end;
    if within(phases.trial) { Some(Phase::Trial) } else { phases.baseline.is_some_and(within).then_some(Phase::Baseline) }
}

/// The columns that were computed, under names of our own.
struct Read(DataFrame);

impl Read {
    fn new(source: &Source<'_>, table: &DataFrame) -> PolarsResult<Self> {
        let column = |name: &str| col(name.to_owned());
        let grouping = &source.grouping;
        let wanted: Vec<(&str, Expr)> = [
            ("value", source.value.map(|e| e.expr.clone())),
            ("per", source.per.map(|e| e.expr.clone())),
            ("filter", source.filter.map(|e| e.expr.clone())),
            ("arm", grouping.arms.map(|arms| column(&arms.column))),
            ("phase", grouping.phases.map(|phases| column(&phases.column))),
            ("cluster", grouping.cluster.map(column)),
            ("key", source.last_by.map(column)),
            ("order", source.order.map(column)),
        ]
        .into_iter()
        .filter_map(|(name, expr)| Some((name, expr?)))
        .collect();
        // A file may leave out a column that is not required: its cells are empty.
        let absent: Vec<Expr> = source.columns.iter().filter(|c| table.column(&c.name).is_err()).map(null).collect();
        // with_columns rather than select: a constant then has as many rows as the table.
        let named = wanted.iter().map(|(name, expr)| expr.clone().alias(internal(name))).collect::<Vec<_>>();
        let keep = wanted.iter().map(|(name, _)| col(internal(name))).collect::<Vec<_>>();
        let frame = table.clone().lazy().with_columns(absent).with_columns(named).select(keep);
        frame.collect_with_engine(Engine::InMemory).map(|result| Self(result.unwrap_single()))
    }

    fn column(&self, name: &str) -> Option<&Series> {
        self.0.column(&internal(name)).ok()
    }

    /// Numbers: true is 1, a duration counts in `unit` microseconds, what is not finite is missing.
    fn expression(&self, name: &str, expression: Option<&Expression>, unit: f64) -> PolarsResult<Option<Vec<Option<f64>>>> {
        let (Some(column), Some(_)) = (self.column(name), expression) else { return Ok(None) };
        let scale = match column.dtype() {
            DataType::Duration(TimeUnit::Nanoseconds) => Some(unit * 1e3),
            DataType::Duration(TimeUnit::Microseconds) => Some(unit),
            DataType::Duration(TimeUnit::Milliseconds) => Some(unit / 1e3),
            _ => None,
        };
        let numbers = match scale {
            Some(_) => column.cast(&DataType::Int64)?.cast(&DataType::Float64)?,
            None => column.cast(&DataType::Float64)?,
        };
        let scaled = |value: f64| scale.map_or(value, |scale| value / scale);
        Ok(Some(numbers.f64()?.iter().map(|value| value.map(scaled).filter(|value| value.is_finite())).collect()))
    }

    fn booleans(&self, name: &str) -> PolarsResult<Option<Vec<Option<bool>>>> {
        let Some(column) = self.column(name) else { return Ok(None) };
        Ok(Some(column.cast(&DataType::Boolean)?.bool()?.iter().collect()))
    }

    fn text(&self, name: &str) -> PolarsResult<Option<Vec<Option<String>>>> {
        let Some(column) = self.column(name) else { return Ok(None) };
        Ok(Some(column.cast(&DataType::String)?.str()?.iter().map(|text| text.map(str::to_owned)).collect()))
    }

    fn days(&self, name: &str) -> PolarsResult<Option<Vec<Option<NaiveDate>>>> {
        let Some(column) = self.column(name) else { return Ok(None) };
        let epoch = NaiveDate::default();
        let day = |days: i32| epoch.checked_add_signed(chrono::TimeDelta::days(i64::from(days)));
        let days = column.cast(&DataType::Date)?.cast(&DataType::Int32)?;
        Ok(Some(days.i32()?.iter().map(|days| days.and_then(day)).collect()))
    }

    fn orders(&self, name: &str) -> PolarsResult<Option<Vec<Order>>> {
        let Some(column) = self.column(name) else { return Ok(None) };
        Ok(Some(match column.dtype() {
            DataType::String => column.str()?.iter().map(|text| text.map_or(Order::Missing, |text| Order::Text(text.to_owned()))).collect(),
            DataType::Float64 => column.f64()?.iter().map(|value| value.map_or(Order::Missing, |v| Order::Number(sortable(v)))).collect(),
            _ => column.cast(&DataType::Int64)?.i64()?.iter().map(|value| value.map_or(Order::Missing, Order::Number)).collect(),
        }))
    }
}

/// An integer that sorts as the number does (IEEE 754 total order).
fn sortable(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

fn null(column: &Column) -> Expr {
    lit(NULL).cast(column.kind.dtype()).alias(column.name.as_str())
}

// Apart from the table's own columns: no header begins with a control character.
fn internal(name: &str) -> String {
    format!("\u{1}{name}")
}

#[cfg(test)]
mod tests {
    use polars::prelude::{NamedFrom, Series};
    use serde_json::json;

    use super::*;
    use crate::{
        convention::Convention,
        indicator::{Sources, indicator_hash},
    };

    #[test]
    fn integers_sort_as_the_numbers_do() {
        let sorted = [f64::MIN, -2.5, -1e-300, 0.0, 1e-300, 1.0, 2.5, f64::MAX];
        assert!(sorted.windows(2).all(|pair| sortable(pair[0]) < sortable(pair[1])));
        assert_eq!(sortable(-0.0), sortable(0.0));
    }

    #[test]
    fn an_arm_is_named_as_people_write_it() {
        assert!(same("true", "Oui") && same("false", "0") && same("1", "1") && same("assistant", "assistant"));
        assert!(!same("true", "non") && !same("assistant", "Assistant"));
    }

    fn convention(filter: &str, title: &str) -> Convention {
        Convention::from_json(json!({
            "retex": 1, "id": "essai", "title": "Essai", "track": "essai", "period": {"start": "2026-01-01", "end": "2026-06-30"},
            "parties": {"metropole": {"siren": "200054781"}, "sites": [{"siren": "217500016"}]},
            "datasets": {"lignes": {"title": "Lignes", "schema": {"type": "object", "additionalProperties": false, "properties": {
                "x": {"type": "number"}, "run": {"type": ["string", "null"]}, "agent": {"type": ["string", "null"]},
            }}, "personal_data": {"agent": "pseudonym"}}},
            "uses": {"evaluation": {"datasets": ["lignes"]}}, "retention": {"months": 24},
            "evaluation": {"design": "none", "cluster": "agent", "indicators": [{
                "id": "i", "title": title, "statistic": "mean", "better": "lower", "where": filter,
                "value": {"dataset": "lignes", "sql": "x / 3", "last_by": "run", "order": "x"},
            }]},
        }))
        .unwrap_or_else(|error| panic!("{error} {:?}", error.faults))
    }

    #[test]
    fn a_summary_comes_back_from_a_cache_bit_for_bit() {
        let convention = convention("x > 0", "I");
        let column = |name: &str, values: Series| Series::with_name(values, name.into()).into();
        let table = DataFrame::new(
            4,
            vec![
                column("x", Series::new("".into(), [0.1, 0.2, 0.7, -1.0])),
                column("run", Series::new("".into(), [Some("a"), None, Some("a"), None])),
                column("agent", Series::new("".into(), [Some("A1"), None, Some("A2"), None])),
            ],
        )
        .unwrap();
        let site = "217500016".parse().unwrap();
        let deposit = DepositTable { site, dataset: "lignes".to_owned(), period: None, sha256: "ab".repeat(32), table };
        let source = Sources::of(&convention, 0).unwrap().value;
        let mut summary = summarise(&source, &deposit).unwrap();
        let mut again: Summary = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
        assert_eq!(summary, again);
        assert_eq!((summary.keyed.len(), summary.groups.len()), (1, 1));
        summary.settle();
        again.settle();
        assert_eq!(summary, again);
        let sums = summary.group(GroupKey::default());
        assert_eq!(
            (sums.sample.total.n, sums.sample.total.max(), sums.unclustered, sums.sample.clusters.len()),
            (2, Some(0.7 / 3.0), 1, 2)
        );
    }

    #[test]
    fn a_formula_has_its_hash() {
        let hash = |filter, title| {
            let plan = convention(filter, title).document.evaluation;
            indicator_hash(&plan.indicators[0], &plan)
        };
        assert_eq!(hash("x > 0", "I"), hash("x > 0", "Un autre titre"));
        assert_ne!(hash("x > 0", "I"), hash("x > 1", "I"));
    }
}
