//! Published and computed oracles of the tests.

use serde_json::Value;

use super::Sample;

/// What `tests/oracles/statistics.py` wrote.
pub fn computed(key: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../tests/oracles/statistics.json")).unwrap();
    all[key].clone()
}

/// A list of numbers.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// A list of lists of numbers.
pub fn table(key: &str) -> Vec<Vec<f64>> {
    computed(key).as_array().unwrap().iter().map(numbers).collect()
}

/// Agrees to a relative tolerance.
#[track_caller]
pub fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "found {found:e}, expected {expected:e}");
}

/// Agrees with published rounded digits.
#[track_caller]
pub fn rounds(found: f64, published: f64, digits: i32) {
    assert!((found - published).abs() <= 0.500_001 * 10_f64.powi(-digits), "found {found}, published {published}");
}

/// Rows with and without the event.
pub fn cells(events: u64, others: u64) -> Sample {
    (0..events).map(|_| 1.0).chain((0..others).map(|_| 0.0)).collect()
}

/// tpos, tneg, cpos, cneg of metafor's `dat.bcg` (Colditz et al. 1994).
pub const BCG: [[u64; 4]; 13] = [
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
