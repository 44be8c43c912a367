//! Neither the order of deposits nor the cut of files counts.

use super::*;

type Row = (bool, Option<f64>, Option<f64>, Option<bool>);

/// Rows with every kind of cell, by site.
fn any_rows() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let cell = (
        any::<bool>(),
        proptest::option::weighted(0.9, -1e3..1e3),
        proptest::option::weighted(0.9, 0.1..1e3),
        proptest::option::of(any::<bool>()),
    );
    proptest::collection::vec(proptest::collection::vec(cell, 4..40), 3..6)
}

fn any_table(rows: &[Row]) -> DataFrame {
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
        Json::Object(map) => map.values().for_each(|item| every_number(item, found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

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
        let numbers = |evaluation: &Evaluation, pooled: bool| {
            let mut found = Vec::new();
            for indicator in &evaluation.indicators {
                let json = if pooled { serde_json::to_value(&indicator.pooled) } else { serde_json::to_value(&indicator.sites) };
                every_number(&json.unwrap(), &mut found);
            }
            found
        };
        // Values reach 1000; the pooled ones come out of iterations that stop at a tolerance of their own.
        for (pooled, tolerance) in [(false, 1e-12), (true, 1e-7)] {
            let (one, cut) = (numbers(&one, pooled), numbers(&cut, pooled));
            prop_assert_eq!(one.len(), cut.len());
            for (a, b) in one.into_iter().zip(cut) {
                prop_assert!((a - b).abs() <= tolerance * a.abs().max(1e3), "{} {}", a, b);
            }
        }
    }
}
