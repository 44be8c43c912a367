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
    let away = if n % 2 == 0 { sd * ((count - 1.0) / count).sqrt() } else { sd };
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

const SLEEP: [[f64; 10]; 2] = [[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]];

// Student (1908), as R's t.test prints it: t = −1.8608, df = 17.776, p = 0.07939, [−3.3654832; 0.2054832].
#[test]
fn students_sleep_compares_two_groups() {
    let convention = controlled(1, json!([mean(json!({}))]));
    let found = evaluate(&convention, 1, &[deposit(0, None, arms(&SLEEP[0], &SLEEP[1]))], true);
    let indicator = &found.indicators[0];
    let effect = &indicator.sites[0].effect;
    close(effect.estimate, -1.58, 12);
    close(effect.df, 17.776, 3);
    close(effect.p, 0.07939, 5);
    close(Some(effect.estimate.unwrap() / effect.se.unwrap()), -1.8608, 4);
    close(effect.ci.unwrap()[0], -3.365_483_2, 7);
    close(effect.ci.unwrap()[1], 0.205_483_2, 7);
    assert_eq!((effect.n, effect.scale.as_deref()), (Some(20), Some("mean_difference")));
    let treated = group(indicator, 0, Some("treated"));
    close(treated.mean, 0.75, 12);
    close(treated.sd, 1.789_01, 5);
    assert_eq!((treated.n, treated.min, treated.max), (10, Some(-1.6), Some(3.7)));
    assert_eq!((indicator.pooled.k, indicator.pooled.reason.as_ref().map(|r| r.code.as_str())), (1, Some("too_few_sites")));
}

// The same patients under both: t = −4.0621, df = 9, p = 0.002833, [−2.4598858; −0.7001142].
#[test]
fn students_sleep_pairs_before_and_after() {
    let properties = json!({"patient": {"type": "string"}, "x": {"type": "number"}, "jour": {"type": "string", "format": "date"}});
    let plan = json!({
        "design": "before_after", "cluster": "patient",
        "phases": {"column": "jour", "baseline": ["2026-01-01", "2026-01-31"], "trial": ["2026-02-01", "2026-12-31"]},
        "indicators": [mean(json!({}))],
    });
    let mut document = document(1, properties, plan);
    document["datasets"]["lignes"]["personal_data"] = json!({"patient": "pseudonym"});
    let names: Vec<String> = (1..=10).map(|i| format!("P{i}")).collect();
    let phase = |day: &'static str, values: &[f64; 10]| {
        frame(vec![
            texts("patient", &names.iter().map(|n| Some(n.as_str())).collect::<Vec<_>>()),
            numbers("x", &values.map(Some)),
            days("jour", &[Some(day); 10]),
        ])
    };
    let deposits =
        [deposit(0, Some("2026-01"), phase("2026-01-10", &SLEEP[1])), deposit(0, Some("2026-02"), phase("2026-02-10", &SLEEP[0]))];
    let found = evaluate(&load(document), 1, &deposits, true);
    let effect = &found.indicators[0].sites[0].effect;
    close(effect.estimate, -1.58, 12);
    close(effect.df, 9.0, 12);
    close(effect.p, 0.002_833, 6);
    close(Some(effect.estimate.unwrap() / effect.se.unwrap()), -4.0621, 4);
    close(effect.ci.unwrap()[0], -2.459_885_8, 7);
    close(effect.ci.unwrap()[1], -0.700_114_2, 7);
    assert_eq!(group(&found.indicators[0], 0, Some("baseline")).clusters, Some(10));
    let periods: Vec<_> =
        found.indicators[0].sites[0].groups.iter().filter_map(|g| Some((g.period?.to_string(), g.arm.clone()?))).collect();
    assert_eq!(periods, [("2026-01".to_owned(), "baseline".to_owned()), ("2026-02".to_owned(), "trial".to_owned())]);
}

/// tpos, tneg, cpos, cneg of metafor's dat.bcg (Colditz et al. 1994).
const BCG: [[usize; 4]; 13] = [
    [4, 119, 11, 128],
    [6, 300, 29, 274],
    [3, 228, 11, 209],
    [62, 13536, 248, 12619],
    [33, 5036, 47, 5761],
    [180, 1361, 372, 1079],
    [8, 2537, 10, 619],
    [505, 87886, 499, 87892],
    [29, 7470, 45, 7232],
    [17, 1699, 65, 1600],
    [186, 50448, 141, 27197],
    [5, 2493, 3, 2338],
    [27, 16886, 29, 17825],
];

// rma(measure="RR") in metafor's documentation; 357 347 rows, each read one by one.
#[test]
fn vaccine_trials_agree_with_metafor() {
    let convention = controlled(13, json!([share(json!({"effect": "log_risk_ratio", "role": "primary", "target": {"relative": -0.1}}))]));
    let deposits: Vec<_> = (BCG.iter().enumerate()).map(|(i, [a, b, c, d])| deposit(i, None, events((*a, *b), (*c, *d)))).collect();
    let found = evaluate(&convention, 1, &deposits, true);
    let indicator = &found.indicators[0];
    let first = &indicator.sites[0];
    close(first.effect.estimate, -0.8893, 4);
    close(first.effect.se.map(|se| se * se), 0.3256, 4);
    close(first.effect.weight, 5.059_483_079, 5);
    assert_eq!((group(indicator, 0, Some("treated")).events, group(indicator, 0, Some("control")).n), (Some(4), 139));
    let pooled = &indicator.pooled;
    let random = pooled.random.as_ref().expect("pooled");
    close(pooled.q, 152.233, 4);
    close(Some(random.estimate), -0.7145, 4);
    close(Some(random.se), 0.1798, 4);
    close(random.ci[0], -1.0669, 4);
    close(random.ci[1], -0.3622, 4);
    close(Some(random.tau2), 0.3132, 4);
    close(random.tau2_ci.unwrap()[0], 0.1197, 4);
    close(random.tau2_ci.unwrap()[1], 1.1115, 4);
    close(Some(random.i2), 92.22, 2);
    close(Some(random.h2), 12.86, 2);
    close(pooled.fixed.as_ref().map(|fixed| fixed.estimate), -0.4303, 4);
    assert_eq!((pooled.k, pooled.of.as_deref(), random.method.as_str()), (13, Some("effect"), "reml"));
    let target = indicator.target.as_ref().expect("target");
    assert_eq!((target.kind.as_str(), target.on_scale.as_slice()), ("relative", &[(-0.1_f64).ln_1p()][..]));
    // T = (ln 0.9 + 0.7145)/0.1808 = 3.37 on t(12): p⁺ = 0.003.
    assert_eq!(indicator.verdict, Verdict::Reached);
}

/// n, mean, sd under specialised then routine care: metafor's dat.normand1999.
const NORMAND: [[[usize; 3]; 2]; 9] = [
    [[155, 55, 47], [156, 75, 64]],
    [[31, 27, 7], [32, 29, 4]],
    [[75, 64, 17], [71, 119, 29]],
    [[18, 66, 20], [18, 137, 48]],
    [[8, 14, 8], [13, 18, 11]],
    [[57, 19, 7], [52, 18, 4]],
    [[34, 52, 45], [33, 41, 34]],
    [[110, 21, 16], [183, 31, 27]],
    [[60, 30, 27], [52, 23, 20]],
];

fn normand() -> Vec<DepositTable> {
    let values = |[n, mean, sd]: [usize; 3]| exactly(n, mean as f64, sd as f64);
    NORMAND.iter().enumerate().map(|(i, [treated, control])| deposit(i, None, arms(&values(*treated), &values(*control)))).collect()
}

// metafor's «assembling data» page (SMD: τ² 0.7908, −0.5371 [−1.1421; 0.0679], Q 123.7293) and its tests (MN: τ² 408.9277).
#[test]
fn stroke_trials_agree_with_metafor() {
    let level = mean(json!({"id": "niveau", "target": {"level": 40.0}, "role": "primary"}));
    let convention = controlled(9, json!([mean(json!({"effect": "hedges_g"})), level]));
    let found = evaluate(&convention, 1, &normand(), true);
    let pooled = &found.indicators[0].pooled;
    let random = pooled.random.as_ref().expect("pooled");
    close(Some(random.tau2), 0.7908, 4);
    close(Some(random.estimate), -0.5371, 4);
    close(random.ci[0], -1.1421, 4);
    close(random.ci[1], 0.0679, 4);
    close(pooled.q, 123.7293, 4);
    assert_eq!(found.indicators[0].verdict, Verdict::None, "secondary");

    let level = &found.indicators[1];
    let random = level.pooled.random.as_ref().expect("pooled");
    close(Some(random.tau2), 408.9277, 4);
    assert_eq!(level.pooled.of.as_deref(), Some("level"));
    assert_eq!(level.verdict, Verdict::Inconclusive);
    assert_eq!(level.sites[0].effect.estimate.map(f64::round), Some(-20.0), "effects are still shown");
}

#[test]
fn nothing_is_concluded_before_the_end() {
    let convention = controlled(9, json!([mean(json!({"role": "primary", "target": {"effect": -2.0}})), mean(json!({"id": "y"}))]));
    let found = evaluate(&convention, 3, &normand(), false);
    assert!(found.indicators.iter().all(|indicator| indicator.verdict == Verdict::Provisional));
    assert!(found.indicators.iter().flat_map(|i| &i.sites).all(|site| site.effect.p.is_none() && site.effect.estimate.is_some()));
    assert_eq!((found.is_final, found.convention.version), (false, 3));
}

/// k sites whose effects are exactly these, with rows of little spread.
fn with_effects(effects: &[f64]) -> Vec<DepositTable> {
    effects
        .iter()
        .enumerate()
        .map(|(i, effect)| deposit(i, None, arms(&exactly(40, 10.0 + effect, 1.0), &exactly(40, 10.0, 1.0))))
        .collect()
}

#[test]
fn targets_are_judged_together() {
    let primary = |id: &str, target: Json| mean(json!({"id": id, "role": "primary", "target": target}));
    let deposits = with_effects(&[-3.0, -3.1, -2.9, -3.05, -2.95]);
    let verdicts = |indicators: Json| -> Vec<Verdict> {
        evaluate(&controlled(5, indicators), 1, &deposits, true).indicators.iter().map(|indicator| indicator.verdict).collect()
    };
    let found = verdicts(json!([
        primary("atteint", json!({"effect": -2.0})),
        primary("manque", json!({"effect": -4.0})),
        primary("indecis", json!({"effect": -3.0})),
        primary("dedans", json!({"within": [-4.0, -2.0]})),
        primary("dehors", json!({"within": [-1.0, 1.0]})),
        primary("a_cheval", json!({"within": [-3.0, 3.0]})),
        primary("relatif", json!({"relative": -0.2})),
        primary("niveau", json!({"level": 8.0})),
    ]));
    use Verdict::{Inconclusive, Missed, Reached};
    assert_eq!(found, [Reached, Missed, Inconclusive, Reached, Missed, Inconclusive, Reached, Reached]);

    // One indicator alone reaches a target that it misses among thirty: Holm.
    let adhoc = evaluate(&controlled(5, json!([mean(json!({}))])), 1, &deposits, true).indicators[0].pooled.random.clone().unwrap();
    let near = adhoc.adhoc.ci[1].unwrap() + 0.01;
    assert_eq!(verdicts(json!([primary("seul", json!({"effect": near}))])), [Reached]);
    let many: Vec<Json> = (0..30).map(|i| primary(&format!("i{i}"), json!({"effect": near}))).collect();
    assert!(verdicts(json!(many)).iter().all(|verdict| *verdict == Inconclusive));
}

#[test]
fn what_cannot_be_computed_says_why() {
    let convention =
        controlled(6, json!([mean(json!({"role": "primary", "target": {"effect": -1.0}})), share(json!({"effect": "log_risk_ratio"}))]));
    let both = |x: DataFrame, oui: DataFrame| x.hstack(&[oui.column("oui").unwrap().clone()]).unwrap();
    let deposits = [
        // A single treated row, no event anywhere.
        deposit(0, None, both(arms(&[1.0], &[2.0, 3.0, 4.0]), events((0, 1), (0, 3)))),
        // All values are equal, all events.
        deposit(1, None, both(arms(&[2.0, 2.0], &[2.0, 2.0]), events((2, 0), (2, 0)))),
        // No control.
        deposit(2, None, both(arms(&[1.0, 2.0, 3.0], &[]), events((1, 2), (0, 0)))),
        // No treated.
        deposit(3, None, both(arms(&[], &[1.0, 2.0, 3.0]), events((0, 0), (1, 2)))),
        // No row at all.
        deposit(4, None, both(arms(&[], &[]), events((0, 0), (0, 0)))),
        deposit(5, None, both(arms(&[1.0, 2.0], &[2.0, 4.0]), events((1, 1), (0, 2)))),
    ];
    let found = evaluate(&convention, 1, &deposits, true);
    let codes = |i: usize| -> Vec<String> {
        found.indicators[i].sites.iter().map(|s| s.effect.reason.as_ref().map_or("", |r| r.code.as_str()).to_owned()).collect()
    };
    assert_eq!(codes(0), ["one_unit", "zero_variance", "no_control", "no_treated", "no_treated", ""]);
    assert_eq!(codes(1), ["uninformative", "uninformative", "no_control", "no_treated", "no_treated", ""]);
    for indicator in &found.indicators {
        assert_eq!(indicator.pooled.reason.as_ref().map(|r| r.code.as_str()), Some("too_few_sites"));
        for group in indicator.sites.iter().flat_map(|site| &site.groups) {
            assert!(group.reason.is_some() || (group.mean.is_some() && group.ci.is_some()), "{group:?}");
        }
    }
    assert_eq!(found.indicators[0].verdict, Verdict::NotEvaluable);
    assert!(found.indicators[1].warnings.iter().any(|warning| warning.code == "uninformative"));
    only_finite(&found);

    let nothing = evaluate(&convention, 1, &[], true);
    assert_eq!(nothing.indicators[0].pooled.reason.as_ref().map(|r| r.code.as_str()), Some("no_rows"));
    assert!(nothing.indicators[0].sites.is_empty() && nothing.provenance.deposits.is_empty());
    let two = evaluate(&convention, 1, &with_effects(&[1.0, 2.0]), true);
    assert_eq!((two.indicators[0].pooled.k, two.indicators[0].verdict), (2, Verdict::NotEvaluable));
}

/// serde_json writes what is not finite as null: no such number may reach it unexplained.
fn only_finite(evaluation: &Evaluation) {
    let again: Evaluation = serde_json::from_str(&serde_json::to_string(evaluation).unwrap()).unwrap();
    assert_eq!(&again, evaluation);
}

#[test]
fn missing_values_and_rows_left_out_are_counted() {
    let convention = controlled(2, json!([mean(json!({"where": "y > 0"}))]));
    let table = frame(vec![
        texts("bras", &[Some("T"), Some("T"), Some("T"), Some("C"), Some("C"), Some("C"), Some("C"), None, Some("autre")]),
        numbers("x", &[Some(1.0), None, Some(f64::NAN), Some(2.0), Some(3.0), Some(9.0), Some(9.0), Some(9.0), Some(9.0)]),
        numbers("y", &[Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(1.0), None, Some(0.0), Some(1.0), Some(1.0)]),
    ]);
    let found = evaluate(&convention, 1, &[deposit(0, None, table)], false);
    let indicator = &found.indicators[0];
    let counts = |arm| (group(indicator, 0, Some(arm)).n, group(indicator, 0, Some(arm)).missing);
    assert_eq!((counts("treated"), counts("control")), ((1, 2), (2, 0)));
    let codes: Vec<&str> = indicator.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["silent_sites", "fragile", "rows_without_arm"]);
}

#[test]
fn sites_of_one_arm_are_compared_with_each_other() {
    let convention = controlled(6, json!([mean(json!({"role": "primary", "target": {"effect": -1.0}}))]));
    // Site means 0.75 and 2.33 with Student's spread: Welch on the ten means would be his; here three against three.
    let deposits: Vec<_> = (0..6)
        .map(|i| {
            let values = exactly(20, SLEEP[i / 3][i % 3], 1.0);
            deposit(i, None, if i < 3 { arms(&values, &[]) } else { arms(&[], &values) })
        })
        .collect();
    let indicator = &evaluate(&convention, 1, &deposits, true).indicators[0];
    let between = indicator.pooled.between.as_ref().expect("between");
    close(Some(between.estimate), (0.7 - 1.6 - 0.2) / 3.0 - (1.9 + 0.8 + 1.1) / 3.0, 12);
    assert_eq!((between.treated, between.control, indicator.pooled.k), (3, 3, 6));
    assert!(indicator.sites.iter().all(|s| s.effect.reason.as_ref().is_some_and(|r| r.code == "arm_constant")));
    assert_eq!(indicator.verdict, Verdict::Inconclusive);
}

/// `energie`: cumulative readings per run without arm; `demandes`: rows by arm.
fn energy() -> Convention {
    let plan = json!({
        "design": "controlled", "arms": {"column": "bras", "treated": "T", "control": "C"},
        "indicators": [{
            "id": "kwh", "title": "Énergie par demande", "statistic": "ratio", "unit": "kWh", "better": "lower",
            "value": {"dataset": "energie", "sql": "kwh", "last_by": "run", "order": "quand"},
            "per": {"dataset": "lignes", "statistic": "count", "where": "bras = 'T'"},
        }, {"id": "n", "title": "Demandes", "dataset": "lignes", "statistic": "count", "better": "higher"}],
    });
    let mut document = document(1, json!({"bras": {"type": "string"}}), plan);
    document["datasets"]["energie"] = json!({
        "title": "Énergie",
        "schema": {"type": "object", "additionalProperties": false, "properties": {
            "kwh": {"type": "number"}, "run": {"type": ["string", "null"]}, "quand": {"type": "integer"},
        }},
    });
    document["uses"]["evaluation"]["datasets"] = json!(["lignes", "energie"]);
    load(document)
}

fn readings(rows: &[(f64, Option<&str>, i64)]) -> DataFrame {
    frame(vec![
        numbers("kwh", &rows.iter().map(|row| Some(row.0)).collect::<Vec<_>>()),
        texts("run", &rows.iter().map(|row| row.1).collect::<Vec<_>>()),
        Series::new("quand".into(), rows.iter().map(|row| row.2).collect::<Vec<_>>()).into(),
    ])
}

#[test]
fn a_ratio_over_two_datasets_is_aligned_by_period() {
    let deposits = [
        // The last reading of a run counts, wherever it stands; a reading without run stands alone.
        in_dataset(
            0,
            "energie",
            Some("2026-01"),
            readings(&[(1.0, Some("a"), 1), (4.0, Some("a"), 3), (2.0, Some("a"), 2), (0.5, None, 9), (0.5, None, 9)]),
        ),
        in_dataset(0, "energie", Some("2026-02"), readings(&[(8.0, Some("b"), 5)])),
        in_dataset(0, "energie", Some("2026-03"), readings(&[(99.0, Some("c"), 6)])),
        in_dataset(0, "lignes", Some("2026-01"), frame(vec![texts("bras", &[Some("T"), Some("C"), Some("T"), Some("C")])])),
        in_dataset(0, "lignes", Some("2026-02"), frame(vec![texts("bras", &[Some("T"), Some("T")])])),
    ];
    let convention = energy();
    let found = evaluate(&convention, 1, &deposits, false);
    let indicator = &found.indicators[0];
    let whole = group(indicator, 0, None);
    assert_eq!((whole.sum, whole.per, whole.mean, whole.n), (Some(13.0), Some(4.0), Some(3.25), 4));
    let per_period: Vec<_> = indicator.sites[0].groups[1..].iter().map(|g| (g.period.unwrap().to_string(), g.mean.unwrap())).collect();
    assert_eq!(per_period, [("2026-01".to_owned(), 2.5), ("2026-02".to_owned(), 4.0)]);
    assert_eq!(indicator.sites[0].effect.reason.as_ref().map(|r| r.code.as_str()), Some("no_groups"));
    assert_eq!((indicator.scale.as_deref(), indicator.pooled.of.as_deref()), (None, Some("level")));
    let warning = indicator.warnings.iter().find(|w| w.code == "periods_without_pair").expect("warning");
    assert!(warning.message.contains("mars 2026"), "{}", warning.message);

    // A run that goes on in the next file counts once, there.
    let mut deposits: Vec<_> = deposits.into_iter().collect();
    deposits[1] = in_dataset(0, "energie", Some("2026-02"), readings(&[(12.0, Some("a"), 7), (8.0, Some("b"), 5)]));
    let found = evaluate(&convention, 1, &deposits, false);
    assert_eq!(group(&found.indicators[0], 0, None).sum, Some(21.0));
    assert!(found.indicators[0].warnings.iter().any(|w| w.code == "units_in_several_files"));
}

#[test]
fn a_ratio_on_the_same_row_has_an_effect() {
    let ratio = json!({"id": "r", "title": "R", "dataset": "lignes", "statistic": "ratio", "value": "x", "per": "y", "better": "lower"});
    let convention = controlled(1, json!([ratio]));
    let table = frame(vec![
        texts("bras", &[Some("T"), Some("T"), Some("T"), Some("C"), Some("C"), Some("C")]),
        numbers("x", &[Some(1.0), Some(2.0), Some(9.0), Some(3.0), Some(5.0), Some(1.0)]),
        numbers("y", &[Some(2.0), Some(4.5), None, Some(2.0), Some(4.0), Some(1.0)]),
    ]);
    let found = evaluate(&convention, 1, &[deposit(0, None, table)], false);
    let treated = group(&found.indicators[0], 0, Some("treated"));
    assert_eq!((treated.n, treated.missing, treated.sum, treated.per), (2, 1, Some(3.0), Some(6.5)));
    close(found.indicators[0].sites[0].effect.estimate, ((3.0 / 6.5) / (9.0 / 7.0_f64)).ln(), 12);
    assert_eq!(found.indicators[0].scale.as_deref(), Some("log_ratio_of_ratios"));
}

#[test]
fn durations_count_in_their_unit() {
    let properties = json!({"debut": {"type": "string", "format": "date"}, "fin": {"type": ["string", "null"], "format": "date"}});
    let indicator = |id: &str, unit: &str| mean(json!({"id": id, "value": "fin - debut", "unit": unit}));
    let plan = json!({"design": "none", "indicators": [
        indicator("s", "secondes"), indicator("m", "minutes"), indicator("h", "heures"), indicator("j", "jours"),
        {"id": "n", "title": "N", "dataset": "lignes", "statistic": "count", "better": "higher"},
        mean(json!({"id": "t", "statistic": "sum", "value": "fin - debut", "unit": "jours"})),
    ]});
    let table = frame(vec![
        days("debut", &[Some("2026-03-01"), Some("2026-03-01"), Some("2026-03-01")]),
        days("fin", &[Some("2026-03-02"), Some("2026-03-06"), None]),
    ]);
    let found = evaluate(&load(document(1, properties, plan)), 1, &[deposit(0, None, table)], false);
    let means: Vec<_> = found.indicators.iter().map(|indicator| group(indicator, 0, None).mean.unwrap()).collect();
    assert_eq!(means, [3.0 * 86_400.0, 3.0 * 1440.0, 72.0, 3.0, 3.0, 6.0]);
    let count = group(&found.indicators[4], 0, None);
    assert_eq!((count.n, count.missing, count.reason.as_ref().map(|r| r.code.as_str())), (3, 0, Some("total")));
}

#[test]
fn the_trial_alone_is_compared_and_changes_are_compared_where_asked() {
    let properties = json!({"bras": {"type": "string"}, "x": {"type": "number"}, "jour": {"type": "string", "format": "date"}});
    let plan = |design: &str| {
        json!({
            "design": design, "arms": {"column": "bras", "treated": "T", "control": "C"},
            "phases": {"column": "jour", "baseline": ["2026-01-01", "2026-02-28"], "trial": ["2026-03-01", "2026-06-30"]},
            "indicators": [mean(json!({}))],
        })
    };
    let cells = [
        ("T", "2026-01-10", 10.0),
        ("T", "2026-03-10", 6.0),
        ("C", "2026-02-10", 9.0),
        ("C", "2026-04-10", 8.0),
        ("C", "2026-08-01", 99.0),
    ];
    let rows: Vec<(&str, &str, f64)> =
        cells.iter().flat_map(|(arm, day, mean)| exactly(8, *mean, 1.0).into_iter().map(move |x| (*arm, *day, x))).collect();
    let table = || {
        frame(vec![
            texts("bras", &rows.iter().map(|row| Some(row.0)).collect::<Vec<_>>()),
            days("jour", &rows.iter().map(|row| Some(row.1)).collect::<Vec<_>>()),
            numbers("x", &rows.iter().map(|row| Some(row.2)).collect::<Vec<_>>()),
        ])
    };
    let run = |design| evaluate(&load(document(1, properties.clone(), plan(design))), 1, &[deposit(0, None, table())], false);
    let controlled = run("controlled");
    close(controlled.indicators[0].sites[0].effect.estimate, -2.0, 9);
    assert_eq!(group(&controlled.indicators[0], 0, Some("treated")).n, 8, "the baseline is left out");
    assert!(controlled.indicators[0].warnings.iter().any(|w| w.code == "rows_outside_phases"));
    let changes = run("difference_in_differences");
    close(changes.indicators[0].sites[0].effect.estimate, -3.0, 9);
    close(changes.indicators[0].sites[0].effect.se, 0.5_f64.sqrt(), 9);
    assert_eq!(group(&changes.indicators[0], 0, Some("control_baseline")).n, 8);
}

#[test]
fn clusters_carry_the_uncertainty() {
    let mut document = document(
        1,
        json!({"bras": {"type": "string"}, "x": {"type": "number"}, "agent": {"type": ["string", "null"]}}),
        json!({"design": "controlled", "arms": {"column": "bras", "treated": "T", "control": "C"}, "cluster": "agent", "indicators": [mean(json!({}))]}),
    );
    document["datasets"]["lignes"]["personal_data"] = json!({"agent": "pseudonym"});
    let convention = load(document);
    let table = |agents: &[Option<&str>]| arms(&[1.0, 2.0, 3.0, 5.0], &[2.0, 4.0, 4.0, 7.0]).hstack(&[texts("agent", agents)]).unwrap();
    let run = |agents: &[Option<&str>]| evaluate(&convention, 1, &[deposit(0, None, table(agents))], false);
    let named = run(&[Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), Some("c"), Some("d"), None]);
    let indicator = &named.indicators[0];
    assert_eq!(group(indicator, 0, Some("control")).clusters, Some(3), "a row without agent is a unit of its own");
    assert_eq!(indicator.sites[0].effect.df, Some(4.0), "t(G − 1)");
    let codes: Vec<&str> = indicator.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["few_clusters", "rows_without_unit"]);
    let welch = run(&[None; 8]);
    assert_eq!(group(&welch.indicators[0], 0, Some("control")).clusters, None, "no row has an agent");
}

#[test]
fn repeated_keys_are_told() {
    let mut document =
        document(1, json!({"id": {"type": "string"}, "x": {"type": "number"}}), json!({"design": "none", "indicators": [mean(json!({}))]}));
    document["datasets"]["lignes"]["primary_key"] = json!(["id"]);
    let convention = load(document);
    let file = |ids: [&str; 2], x: f64| frame(vec![texts("id", &ids.map(Some)), numbers("x", &[Some(x), Some(x + 1.0)])]);
    let run = |second| evaluate(&convention, 1, &[deposit(0, None, file(["a", "b"], 1.0)), deposit(0, None, file(second, 2.0))], false);
    assert!(run(["b", "c"]).indicators[0].warnings.iter().any(|w| w.code == "repeated_keys"));
    assert!(run(["c", "d"]).indicators[0].warnings.is_empty());
}

#[test]
fn strangers_count_for_nothing() {
    let convention = controlled(1, json!([mean(json!({}))]));
    let mut stranger = deposit(3, None, arms(&[1.0], &[2.0]));
    let mut other = deposit(0, None, arms(&[1.0], &[2.0]));
    stranger.sha256.push('x');
    other.dataset = "autre".to_owned();
    let found = evaluate(&convention, 1, &[stranger, other], false);
    assert!(found.provenance.deposits.is_empty() && found.indicators[0].sites.is_empty());
}

/// Rows with every kind of cell, by site.
fn any_rows() -> impl Strategy<Value = Vec<Vec<(bool, Option<f64>, Option<f64>, Option<bool>)>>> {
    let cell = (
        any::<bool>(),
        proptest::option::weighted(0.9, -1e6..1e6),
        proptest::option::weighted(0.9, 0.1..1e3),
        proptest::option::of(any::<bool>()),
    );
    proptest::collection::vec(proptest::collection::vec(cell, 4..40), 3..6)
}

fn any_table(rows: &[(bool, Option<f64>, Option<f64>, Option<bool>)]) -> DataFrame {
    frame(vec![
        texts("bras", &rows.iter().map(|row| Some(if row.0 { "T" } else { "C" })).collect::<Vec<_>>()),
        numbers("x", &rows.iter().map(|row| row.1).collect::<Vec<_>>()),
        numbers("y", &rows.iter().map(|row| row.2).collect::<Vec<_>>()),
        Series::new("oui".into(), rows.iter().map(|row| row.3).collect::<Vec<_>>()).into(),
    ])
}

fn every_number(json: &Json, found: &mut Vec<f64>) {
    match json {
        Json::Number(n) => found.push(n.as_f64().unwrap()),
        Json::Array(items) => items.iter().for_each(|item| every_number(item, found)),
        Json::Object(map) => map.iter().filter(|(key, _)| *key != "provenance").for_each(|(_, item)| every_number(item, found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // The bits depend neither on the order of deposits; the numbers depend on how rows are cut into files to 1e-12 only.
    #[test]
    fn order_and_cuts_of_files_change_nothing(sites in any_rows(), cut in 1_usize..4, turn in 0_usize..7) {
        let ratio = json!({"id": "r", "title": "R", "dataset": "lignes", "statistic": "ratio", "value": "y", "per": "abs(x) + 1", "better": "lower"});
        let convention = controlled(6, json!([mean(json!({})), share(json!({})), ratio]));
        let whole: Vec<_> = sites.iter().enumerate().map(|(i, rows)| deposit(i, None, any_table(rows))).collect();
        let mut parts: Vec<_> = (sites.iter().enumerate())
            .flat_map(|(i, rows)| rows.chunks(rows.len().div_ceil(cut)).map(move |rows| deposit(i, None, any_table(rows))))
            .collect();
        let one = evaluate(&convention, 1, &whole, true);
        let cut = evaluate(&convention, 1, &parts, true);
        let count = parts.len();
        parts.rotate_left(turn % count);
        parts.reverse();
        let turned = evaluate(&convention, 1, &parts, true);
        prop_assert_eq!(serde_json::to_string(&cut).unwrap(), serde_json::to_string(&turned).unwrap());
        only_finite(&one);
        let numbers = |evaluation: &Evaluation| {
            let mut found = Vec::new();
            every_number(&serde_json::to_value(&evaluation.indicators).unwrap(), &mut found);
            found
        };
        let (one, cut) = (numbers(&one), numbers(&cut));
        prop_assert_eq!(one.len(), cut.len());
        for (a, b) in one.into_iter().zip(cut) {
            prop_assert!((a - b).abs() <= 1e-12 * a.abs().max(1e-300), "{} {}", a, b);
        }
    }
}

#[test]
fn values_of_any_type_are_read() {
    // The typed tables of a check hold Int64 where the schema says integer.
    let convention = controlled(1, json!([mean(json!({"value": "x + 1"}))]));
    let mut table = arms(&[1.0, 2.0], &[3.0, 5.0]);
    let x = table.column("x").unwrap().cast(&DataType::Int64).unwrap();
    table.with_column(x).unwrap();
    let found = evaluate(&convention, 1, &[deposit(0, None, table.clone())], false);
    close(group(&found.indicators[0], 0, Some("treated")).mean, 2.5, 12);
    assert!(matches!(table.column("x").unwrap().get(0).unwrap(), AnyValue::Int64(1)));
}
