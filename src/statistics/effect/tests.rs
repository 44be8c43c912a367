use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::statistics::{
    distribution::normal_upper,
    group,
    oracle::{cells, close, computed, numbers, rounds, uniform},
};

const SLEEP: [[f64; 10]; 2] = [[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]];

type Scale = fn(&Sample, &Sample, f64) -> Outcome<Effect>;

fn check(effect: Effect, estimate: f64, variance: f64) {
    close(effect.estimate, estimate, 1e-12);
    close(effect.se * effect.se, variance, 1e-12);
}

// Student (1908); R: t.test(extra ~ group) gives t = −1.8608, df = 17.776, p = 0.07939, (−3.3654832, 0.2054832); paired t = −4.0621, df = 9,
// p = 0.002833, (−2.4598858, −0.7001142).
#[test]
fn student_s_sleep() {
    let [first, second] = SLEEP.map(|values| values.into_iter().collect::<Sample>());
    let welch = mean_difference(&first, &second, 0.95).unwrap();
    rounds(welch.estimate / welch.se, -1.8608, 4);
    rounds(welch.df.unwrap(), 17.776, 3);
    rounds(welch.p, 0.07939, 5);
    rounds(welch.ci[0], -3.3654832, 7);
    rounds(welch.ci[1], 0.2054832, 7);
    let [first, second] = SLEEP.map(|values| {
        let mut sample = Sample::default();
        values.iter().enumerate().for_each(|(id, value)| sample.push(*value, Some(&id.to_string())));
        sample
    });
    let paired = paired_difference(&first, &second, 0.95).unwrap();
    rounds(paired.estimate / paired.se, -4.0621, 4);
    rounds(paired.p, 0.002833, 6);
    rounds(paired.ci[0], -2.4598858, 7);
    rounds(paired.ci[1], -0.7001142, 7);
    assert_eq!((paired.df, paired.clusters), (Some(9.0), Some(10)));
}

// The formulas of metafor's escalc, by hand on one table (4/119, 11/128: first trial of dat.bcg, whose published RR is −0.8893, v 0.3256).
#[test]
fn tables() {
    let (treated, control) = (cells(4, 119), cells(11, 128));
    let risk = log_risk_ratio(&treated, &control, 0.95).unwrap();
    rounds(risk.estimate, -0.8893, 4);
    rounds(risk.se * risk.se, 0.3256, 4);
    // metafor, measure="OR": −0.9387, 0.3571.
    let odds = log_odds_ratio(&treated, &control, 0.95).unwrap();
    rounds(odds.estimate, -0.9387, 4);
    rounds(odds.se * odds.se, 0.3571, 4);
    let (p1, p0) = (4.0 / 123.0, 11.0 / 139.0);
    let difference = risk_difference(&treated, &control, 0.95).unwrap();
    check(difference, p1 - p0, p1 * (1.0 - p1) / 123.0 + p0 * (1.0 - p0) / 139.0);
}

#[test]
fn half_is_added_where_a_cell_is_zero() {
    let (none, some) = (cells(0, 10), cells(3, 7));
    let ratio = log_risk_ratio(&none, &some, 0.95).unwrap();
    check(ratio, (0.5_f64 / 11.0 / (3.5 / 11.0)).ln(), 1.0 / 0.5 - 1.0 / 11.0 + 1.0 / 3.5 - 1.0 / 11.0);
    let odds = log_odds_ratio(&none, &some, 0.95).unwrap();
    check(odds, (0.5_f64 * 7.5 / (10.5 * 3.5)).ln(), 1.0 / 0.5 + 1.0 / 10.5 + 1.0 / 3.5 + 1.0 / 7.5);
    let (p1, p0) = (0.5 / 11.0, 3.5 / 11.0);
    let difference = risk_difference(&none, &some, 0.95).unwrap();
    check(difference, p1 - p0, (p1 * (1.0 - p1) + p0 * (1.0 - p0)) / 11.0);
    for scale in [log_risk_ratio, log_odds_ratio] {
        assert_eq!(scale(&none, &cells(0, 4), 0.95), Err(Refusal::UNINFORMATIVE));
        assert_eq!(scale(&cells(3, 0), &cells(4, 0), 0.95), Err(Refusal::UNINFORMATIVE));
    }
    assert!(risk_difference(&none, &cells(0, 4), 0.95).is_ok());
}

// n values with this mean and standard deviation.
fn summary([n, mean, sd]: [u32; 3]) -> Sample {
    let (count, mean, sd) = (f64::from(n), f64::from(mean), f64::from(sd));
    let away = if n % 2 == 0 { sd * ((count - 1.0) / count).sqrt() } else { sd };
    let middle = (n % 2 == 1).then_some(mean);
    (0..n - n % 2).map(|i| if i % 2 == 0 { mean + away } else { mean - away }).chain(middle).collect()
}

// metafor's tests: τ² = 1.0090 over the standardised mean differences of the first four trials of dat.normand1999.
#[test]
fn hedges_g_agrees_with_metafor() {
    let trials = [([155, 55, 47], [156, 75, 64]), ([31, 27, 7], [32, 29, 4]), ([75, 64, 17], [71, 119, 29]), ([18, 66, 20], [18, 137, 48])];
    let (y, v): (Vec<_>, Vec<_>) = trials
        .into_iter()
        .map(|(treated, control)| hedges_g(&summary(treated), &summary(control), 0.95).unwrap())
        .map(|g| (g.estimate, g.se * g.se))
        .unzip();
    rounds(crate::statistics::pool(&y, &v, crate::statistics::Method::Reml, 0.95).unwrap().tau2, 1.0090, 4);
    // The formula on the first trial; J = Γ(154.5)/(√154.5·Γ(154)) by mpmath.
    let pooled = ((154.0 * 47.0_f64.powi(2) + 155.0 * 64.0_f64.powi(2)) / 309.0).sqrt();
    close(y[0], 0.997570522122256 * -20.0 / pooled, 1e-12);
    let ratio = log_ratio_of_means(&summary(trials[0].0), &summary(trials[0].1), 0.95).unwrap();
    check(ratio, (55.0_f64 / 75.0).ln(), 47.0_f64.powi(2) / (155.0 * 55.0 * 55.0) + 64.0_f64.powi(2) / (156.0 * 75.0 * 75.0));
}

// Over a denominator of one each, a ratio is a mean: Welch's degrees of freedom on the logarithm's variances.
#[test]
fn ratios_of_ones_are_means() {
    let [first, second] = SLEEP.map(|values| values.map(|value| value + 5.0));
    let pairs = |values: &[f64]| {
        let mut pairs = PairSample::default();
        values.iter().for_each(|value| pairs.push(*value, 1.0, None));
        pairs
    };
    let ratio = log_ratio_of_ratios(&pairs(&first), &pairs(&second), 0.95).unwrap();
    let means = log_ratio_of_means(&first.into_iter().collect(), &second.into_iter().collect(), 0.95).unwrap();
    check(ratio, means.estimate, means.se * means.se);
    assert!(ratio.df.unwrap() > 9.0 && ratio.df.unwrap() < 18.0 && ratio.ci[0] < means.ci[0]);
}

fn rows() -> Vec<(String, bool, f64, f64, f64)> {
    let number = |value: &Value| value.as_f64().unwrap();
    computed("clusters")["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row[0].as_str().unwrap().to_owned(), row[1] == 1, number(&row[2]), number(&row[3]), number(&row[4])))
        .collect()
}

fn arms(value: impl Fn(&(String, bool, f64, f64, f64)) -> f64, clustered: bool) -> [Sample; 2] {
    [true, false].map(|arm| {
        let mut sample = Sample::default();
        for row in rows().iter().filter(|row| row.1 == arm) {
            sample.push(value(row), clustered.then_some(row.0.as_str()));
        }
        sample
    })
}

#[test]
fn welch_agrees_with_scipy() {
    let [treated, control] = arms(|row| row.2, false);
    let effect = mean_difference(&treated, &control, 0.95).unwrap();
    let found = [effect.estimate, effect.df.unwrap(), effect.ci[0], effect.ci[1], effect.p];
    found.into_iter().zip(numbers(&computed("welch"))).for_each(|(found, expected)| close(found, expected, 1e-9));
}

// statsmodels OLS(cov_type="cluster", use_t=True); the other scales by a delta method in tests/oracles/statistics.py.
#[test]
fn clusters_agree_with_statsmodels() {
    let oracle = computed("clusters");
    let against = |name: &str, effect: Effect| {
        let expected = numbers(&oracle[name]);
        let found = [effect.estimate, effect.se, effect.df.unwrap(), effect.ci[0], effect.ci[1], effect.p];
        found.into_iter().zip(expected).for_each(|(found, expected)| close(found, expected, 1e-9));
    };
    let [treated, control] = arms(|row| row.2, true);
    against("difference", mean_difference(&treated, &control, 0.95).unwrap());
    let [with, without] = arms(|row| row.3, true);
    against("risk_difference", risk_difference(&with, &without, 0.95).unwrap());
    let level = group::mean(&treated, 0.95).unwrap();
    let expected = numbers(&oracle["mean_treated"]);
    [level.estimate, level.se, level.df.unwrap(), level.ci[0], level.ci[1]]
        .into_iter()
        .zip(expected)
        .for_each(|(found, expected)| close(found, expected, 1e-9));
    let share = group::proportion(&with, 0.95).unwrap();
    assert_eq!(share.clusters, level.clusters);
    let delta = |name: &str, effect: Effect| {
        let expected = numbers(&oracle[name]);
        close(effect.estimate, expected[0], 1e-9);
        close(effect.se, expected[1], 1e-9);
    };
    delta("log_ratio_of_means", log_ratio_of_means(&treated, &control, 0.95).unwrap());
    delta("hedges_g", hedges_g(&treated, &control, 0.95).unwrap());
    delta("log_risk_ratio", log_risk_ratio(&with, &without, 0.95).unwrap());
    delta("log_odds_ratio", log_odds_ratio(&with, &without, 0.95).unwrap());
    let [pairs1, pairs0] = [true, false].map(|arm| {
        let mut pairs = PairSample::default();
        rows().iter().filter(|row| row.1 == arm).for_each(|row| pairs.push(row.2, row.4, Some(&row.0)));
        pairs
    });
    delta("log_ratio_of_ratios", log_ratio_of_ratios(&pairs1, &pairs0, 0.95).unwrap());
    let ratio = group::ratio(&pairs1, 0.95).unwrap();
    close(ratio.se, numbers(&oracle["ratio_treated"])[1], 1e-9);
    let cell = |arm: bool, after: usize| {
        let mut sample = Sample::default();
        for (_, row) in rows().iter().enumerate().filter(|(index, row)| row.1 == arm && index % 2 == after) {
            sample.push(row.2, Some(&row.0));
        }
        sample
    };
    let cells = [cell(true, 1), cell(true, 0), cell(false, 1), cell(false, 0)];
    let effect = difference_in_differences([&cells[0], &cells[1]], [&cells[2], &cells[3]], 0.95).unwrap();
    against("difference_in_differences", effect);
}

// Six agents per arm with 60 rows each, an intra-agent correlation of 0.1 and no effect.
#[test]
fn clusters_keep_false_positives_down() {
    let mut state = 7;
    let mut normal = move || normal_upper(uniform(&mut state));
    let (mut naive, mut robust, runs) = (0, 0, 200);
    for _ in 0..runs {
        let mut arms = [Sample::default(), Sample::default()];
        for agent in 0..12 {
            let shift = normal() * 0.1_f64.sqrt();
            (0..60).for_each(|_| arms[agent % 2].push(shift + normal() * 0.9_f64.sqrt(), Some(&agent.to_string())));
        }
        robust += u32::from(mean_difference(&arms[0], &arms[1], 0.95).unwrap().p <= 0.05);
        arms.iter_mut().for_each(|arm| arm.clusters.clear());
        naive += u32::from(mean_difference(&arms[0], &arms[1], 0.95).unwrap().p <= 0.05);
    }
    assert!(naive > runs * 35 / 100 && robust < runs * 10 / 100, "{naive} {robust}");
}

#[test]
fn refusals() {
    let sample = |values: &[f64]| -> Sample { values.iter().copied().collect() };
    let (some, none) = (sample(&[1.0, 2.0, 4.0]), sample(&[]));
    assert_eq!(mean_difference(&some, &none, 0.95), Err(Refusal::NO_CONTROL));
    assert_eq!(mean_difference(&none, &some, 0.95), Err(Refusal::NO_TREATED));
    assert_eq!(mean_difference(&some, &sample(&[1.0]), 0.95), Err(Refusal::ONE_UNIT));
    assert_eq!(mean_difference(&sample(&[2.0; 3]), &sample(&[1.0; 3]), 0.95), Err(Refusal::ZERO_VARIANCE));
    assert_eq!(log_ratio_of_means(&some, &sample(&[-1.0, -2.0]), 0.95), Err(Refusal::NOT_POSITIVE));
    assert_eq!(log_risk_ratio(&some, &cells(1, 2), 0.95), Err(Refusal::NOT_BINARY));
    assert_eq!(log_rate_ratio((0, 1.0), (3, 1.0), 0.95), Err(Refusal::ZERO_EVENTS));
    assert_eq!(paired_difference(&some, &some, 0.95), Err(Refusal::NO_PAIRS));
    let [clustered, _] = arms(|row| row.2, true);
    assert_eq!(mean_difference(&clustered, &some, 0.95), Err(Refusal::MIXED_CLUSTERS));
    // metafor IRR: ln(10/100) − ln(20/150), 1/10 + 1/20.
    check(log_rate_ratio((10, 100.0), (20, 150.0), 0.95).unwrap(), 0.75_f64.ln(), 0.15);
}

proptest! {
    #[test]
    fn swapped_arms_flip_signs(
        treated in prop::collection::vec(0.1..50.0_f64, 3..30),
        control in prop::collection::vec(0.1..50.0_f64, 3..30),
    ) {
        let [treated, control] = [treated, control].map(|values| values.into_iter().collect::<Sample>());
        for scale in [mean_difference, hedges_g, log_ratio_of_means] as [Scale; 3] {
            let (there, back) = (scale(&treated, &control, 0.95).unwrap(), scale(&control, &treated, 0.95).unwrap());
            prop_assert!((there.estimate + back.estimate).abs() <= 1e-12);
            prop_assert!((there.se - back.se).abs() <= 1e-12 * there.se);
            prop_assert!((there.ci[0] + back.ci[1]).abs() <= 1e-9 * there.ci[0].abs().max(1.0));
            prop_assert!(there.ci[0] < there.estimate && there.estimate < there.ci[1]);
            prop_assert!((there.p <= 0.05) == (there.ci[0] * there.ci[1] >= 0.0));
        }
    }

    #[test]
    fn any_table_gives_an_interval_or_a_reason(a in 0..20_u64, b in 0..20_u64, c in 0..20_u64, d in 0..20_u64) {
        let (treated, control) = (cells(a, b), cells(c, d));
        for scale in [risk_difference, log_risk_ratio, log_odds_ratio] as [Scale; 3] {
            match scale(&treated, &control, 0.9) {
                Ok(effect) => {
                    let back = scale(&control, &treated, 0.9).unwrap();
                    prop_assert!((effect.estimate + back.estimate).abs() < 1e-12);
                    prop_assert!(effect.ci[0] < effect.estimate && effect.estimate < effect.ci[1] && effect.se > 0.0);
                }
                Err(refusal) => prop_assert!(["no_treated", "no_control", "uninformative"].contains(&refusal.code)),
            }
        }
    }
}
