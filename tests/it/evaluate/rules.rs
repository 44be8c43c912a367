//! Every rule of the evaluation, on rows made for it.

use super::{
    published::{SLEEP, normand},
    *,
};

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
    assert_eq!((counts("treated"), counts("control")), ((Some(1), Some(2)), (Some(2), Some(0))));
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
    assert_eq!((whole.sum, whole.per, whole.mean, whole.n), (Some(13.0), Some(4.0), Some(3.25), Some(4)));
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
    assert_eq!((treated.n, treated.missing, treated.sum, treated.per), (Some(2), Some(1), Some(3.0), Some(6.5)));
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
    assert_eq!((count.n, count.missing, count.reason.as_ref().map(|r| r.code.as_str())), (Some(3), Some(0), Some("total")));
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
    assert_eq!(group(&controlled.indicators[0], 0, Some("treated")).n, Some(8), "the baseline is left out");
    assert!(controlled.indicators[0].warnings.iter().any(|w| w.code == "rows_outside_phases"));
    let changes = run("difference_in_differences");
    close(changes.indicators[0].sites[0].effect.estimate, -3.0, 9);
    close(changes.indicators[0].sites[0].effect.se, 0.5_f64.sqrt(), 9);
    assert_eq!(group(&changes.indicators[0], 0, Some("control_baseline")).n, Some(8));
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
