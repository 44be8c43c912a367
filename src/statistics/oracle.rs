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

/// Seeded uniform numbers strictly between 0 and 1: SplitMix64 (Steele, Lea and Flood 2014).
pub fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + 1e-17
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
