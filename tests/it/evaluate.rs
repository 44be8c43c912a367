//! From rows to effects, pooled values and verdicts, against published results.

use chrono::NaiveDate;
use polars::prelude::{AnyValue, Column, DataFrame, DataType, NamedFrom, Series};
use proptest::prelude::*;
use retex::{
    convention::Convention,
    evaluation::{
        evaluate,
        result::{Evaluation, Group, IndicatorResult, Verdict},
    },
    ids::{Period, Siren},
    indicator::DepositTable,
    territory::{self, OrganisationKind},
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

mod folder;
mod order;
mod published;
mod rules;

/// Communes of the Métropole, in the list's order.
fn communes(n: usize) -> Vec<Siren> {
    territory::all().iter().filter(|o| o.kind == OrganisationKind::Commune).map(|o| o.siren.clone()).take(n).collect()
}

/// A convention over `sites` communes with one dataset of these columns and this plan.
fn document(sites: usize, properties: Json, plan: Json) -> Json {
    let sites: Vec<Json> = communes(sites).iter().map(|siren| json!({"siren": siren})).collect();
    json!({
        "retex": 1, "id": "essai", "title": "Essai", "track": "relation-usagers",
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "parties": {"metropole": {"siren": "200054781"}, "sites": sites},
        "datasets": {"lignes": {
            "title": "Lignes",
            "schema": {"type": "object", "additionalProperties": false, "properties": properties},
        }},
        "uses": {"evaluation": {"datasets": ["lignes"]}},
        "retention": {"months": 24},
        "evaluation": plan,
    })
}

fn load(document: Json) -> Convention {
    Convention::from_json(document).unwrap_or_else(|error| panic!("{error} {:?}", error.faults))
}

/// Numbers by arm, under any of these indicators.
fn controlled(sites: usize, indicators: Json) -> Convention {
    let properties = json!({
        "bras": {"type": ["string", "null"]}, "x": {"type": ["number", "null"]}, "y": {"type": ["number", "null"]},
        "oui": {"type": ["boolean", "null"]}, "agent": {"type": ["string", "null"]}, "jour": {"type": ["string", "null"], "format": "date"},
    });
    let plan = json!({"design": "controlled", "arms": {"column": "bras", "treated": "T", "control": "C"}, "indicators": indicators});
    load(document(sites, properties, plan))
}

fn mean(more: Json) -> Json {
    let mut indicator = json!({"id": "x", "title": "X", "dataset": "lignes", "statistic": "mean", "value": "x", "better": "lower"});
    indicator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    indicator
}

fn share(more: Json) -> Json {
    let mut indicator =
        json!({"id": "oui", "title": "Oui", "dataset": "lignes", "statistic": "proportion", "value": "oui", "better": "lower"});
    indicator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    indicator
}

fn frame(columns: Vec<Column>) -> DataFrame {
    let height = columns.first().map_or(0, Column::len);
    DataFrame::new(height, columns).unwrap()
}

fn numbers(name: &str, values: &[Option<f64>]) -> Column {
    Series::new(name.into(), values).into()
}

fn texts(name: &str, values: &[Option<&str>]) -> Column {
    Series::new(name.into(), values).into()
}

fn days(name: &str, values: &[Option<&str>]) -> Column {
    let days: Vec<Option<i32>> =
        values.iter().map(|day| day.map(|day| (day.parse::<NaiveDate>().unwrap() - NaiveDate::default()).num_days() as i32)).collect();
    Column::from(Series::new(name.into(), days)).cast(&DataType::Date).unwrap()
}

/// Rows of arm T, then of arm C.
fn arms(treated: &[f64], control: &[f64]) -> DataFrame {
    let arm: Vec<Option<&str>> = treated.iter().map(|_| Some("T")).chain(control.iter().map(|_| Some("C"))).collect();
    let x: Vec<Option<f64>> = treated.iter().chain(control).copied().map(Some).collect();
    frame(vec![texts("bras", &arm), numbers("x", &x)])
}

fn events(treated: (usize, usize), control: (usize, usize)) -> DataFrame {
    let rows = |(yes, no): (usize, usize)| std::iter::repeat_n(Some(true), yes).chain(std::iter::repeat_n(Some(false), no));
    let oui: Vec<Option<bool>> = rows(treated).chain(rows(control)).collect();
    let arm = std::iter::repeat_n(Some("T"), treated.0 + treated.1).chain(std::iter::repeat_n(Some("C"), control.0 + control.1));
    frame(vec![texts("bras", &arm.collect::<Vec<_>>()), Series::new("oui".into(), oui).into()])
}

/// n values with exactly this mean and standard deviation (n − 1).
fn exactly(n: usize, mean: f64, sd: f64) -> Vec<f64> {
    let count = n as f64;
    let away = if n.is_multiple_of(2) { sd * ((count - 1.0) / count).sqrt() } else { sd };
    let middle = (n % 2 == 1).then_some(mean);
    (0..n - n % 2).map(|i| if i % 2 == 0 { mean + away } else { mean - away }).chain(middle).collect()
}

fn deposit(site: usize, period: Option<&str>, table: DataFrame) -> DepositTable {
    in_dataset(site, "lignes", period, table)
}

fn in_dataset(site: usize, dataset: &str, period: Option<&str>, table: DataFrame) -> DepositTable {
    let sha256 = hex::encode(Sha256::digest(format!("{site} {dataset} {period:?} {table:?} {}", table.height())));
    let period = period.map(|period| period.parse::<Period>().unwrap());
    DepositTable { site: communes(site + 1)[site].clone(), dataset: dataset.to_owned(), period, sha256, table }
}

fn close(found: Option<f64>, published: f64, digits: i32) {
    let found = found.expect("a number");
    assert!((found - published).abs() <= 0.500_001 * 10f64.powi(-digits), "{found} is not {published} to {digits} digits");
}

fn group<'a>(indicator: &'a IndicatorResult, site: usize, arm: Option<&str>) -> &'a Group {
    indicator.sites[site].groups.iter().find(|g| g.period.is_none() && g.arm.as_deref() == arm).expect("group")
}

/// serde_json writes what is not finite as null: no such number may reach it unexplained.
fn only_finite(evaluation: &Evaluation) {
    let again: Evaluation = serde_json::from_str(&serde_json::to_string(evaluation).unwrap()).unwrap();
    assert_eq!(&again, evaluation);
}
