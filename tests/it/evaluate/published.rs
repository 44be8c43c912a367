//! Published results.

use super::*;

pub const SLEEP: [[f64; 10]; 2] =
    [[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]];

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
    assert_eq!((treated.n, treated.min, treated.max), (Some(10), Some(-1.6), Some(3.7)));
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
    assert_eq!((group(indicator, 0, Some("treated")).events, group(indicator, 0, Some("control")).n), (Some(4), Some(139)));
    let pooled = &indicator.pooled;
    let random = pooled.random.as_ref().expect("pooled");
    close(pooled.q, 152.233, 4);
    close(Some(random.estimate), -0.7145, 4);
    close(random.se, 0.1798, 4);
    close(random.ci.unwrap()[0], -1.0669, 4);
    close(random.ci.unwrap()[1], -0.3622, 4);
    close(random.tau2, 0.3132, 4);
    close(random.tau2_ci.unwrap()[0], 0.1197, 4);
    close(random.tau2_ci.unwrap()[1], 1.1115, 4);
    close(random.i2, 92.22, 2);
    close(random.h2, 12.86, 2);
    close(pooled.fixed.as_ref().map(|fixed| fixed.estimate), -0.4303, 4);
    assert_eq!((pooled.k, pooled.of.as_deref(), random.method.as_str()), (13, Some("effect"), "reml"));
    let target = indicator.target.as_ref().expect("target");
    assert_eq!((target.kind.as_str(), target.on_scale.as_slice()), ("relative", &[(-0.1_f64).ln_1p()][..]));
    // T = (ln 0.9 + 0.7145)/0.1808 = 3.37 on t(12): p⁺ = 0.003.
    assert_eq!(indicator.verdict, Verdict::Reached);
    // And metafor itself, on what is downloaded.
    assert_eq!(crate::comparison::agree(&found, 0.95), 8);
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

pub fn normand() -> Vec<DepositTable> {
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
    close(random.tau2, 0.7908, 4);
    close(Some(random.estimate), -0.5371, 4);
    close(random.ci.unwrap()[0], -1.1421, 4);
    close(random.ci.unwrap()[1], 0.0679, 4);
    close(pooled.q, 123.7293, 4);
    assert_eq!(found.indicators[0].verdict, Verdict::None, "secondary");

    let level = &found.indicators[1];
    let random = level.pooled.random.as_ref().expect("pooled");
    close(random.tau2, 408.9277, 4);
    assert_eq!(level.pooled.of.as_deref(), Some("level"));
    assert_eq!(level.verdict, Verdict::Inconclusive);
    assert_eq!(level.sites[0].effect.estimate.map(f64::round), Some(-20.0), "effects are still shown");
    assert_eq!(crate::comparison::agree(&found, 0.95), 8);
}
