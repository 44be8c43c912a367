//! Conclusions: one-sided tests against a target, and corrections for many indicators.

use super::{Outcome, Refusal, distribution::student_tail};

/// One-sided p values of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetTest {
    /// T = s(θ̂ − target)/SE.
    pub t: f64,
    /// p⁺ = 1 − F(T): small where the target is reached.
    pub reached: f64,
    /// p⁻ = F(T): small where it is missed.
    pub missed: f64,
}

/// T = s(θ̂ − target)/SE with s = +1 where higher is better, else −1, on t(df).
///
/// Refused: `zero_variance` (SE or df not above zero), `non_finite`.
pub fn target_test(estimate: f64, se: f64, df: f64, target: f64, higher_is_better: bool) -> Outcome<TargetTest> {
    if !(se > 0.0 && df > 0.0) {
        return Err(Refusal::ZERO_VARIANCE);
    }
    let sign = if higher_is_better { 1.0 } else { -1.0 };
    let t = super::moments::finite(sign * (estimate - target) / se)?;
    Ok(TargetTest { t, reached: student_tail(t, df), missed: student_tail(-t, df) })
}

/// Holm's (1979) adjusted p values, in the order given: running maximum of (m − i)·p₍ᵢ₎, at most 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut greatest = 0.0_f64;
    for (rank, index) in ascending(p).into_iter().enumerate() {
        greatest = greatest.max((p.len() - rank) as f64 * p[index]).min(1.0);
        adjusted[index] = greatest;
    }
    adjusted
}

/// Benjamini and Hochberg's (1995) adjusted p values, in the order given: running minimum from the greatest of m/i·p₍ᵢ₎, at most 1.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut smallest = 1.0_f64;
    for (rank, index) in ascending(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p.len() as f64 / (rank + 1) as f64 * p[index]);
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<_> = (0..p.len()).collect();
    order.sort_by(|left, right| p[*left].total_cmp(&p[*right]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{close, computed, numbers};

    // statsmodels multipletests, "holm" and "fdr_bh".
    #[test]
    fn corrections_agree_with_statsmodels() {
        let oracle = computed("multiplicity");
        let p = numbers(&oracle["p"]);
        for (found, expected) in [(holm(&p), &oracle["holm"]), (benjamini_hochberg(&p), &oracle["bh"])] {
            found.into_iter().zip(numbers(expected)).for_each(|(found, expected)| close(found, expected, 1e-14));
        }
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn direction_decides() {
        let lower = target_test(-0.4, 0.1, 4.0, -0.1, false).unwrap();
        let higher = target_test(-0.4, 0.1, 4.0, -0.1, true).unwrap();
        close(lower.t, 3.0, 1e-14);
        assert_eq!((lower.reached, lower.missed), (higher.missed, higher.reached));
        assert!(lower.reached < 0.025);
        close(lower.reached + lower.missed, 1.0, 1e-15);
        assert_eq!(target_test(1.0, 0.0, 4.0, 0.0, true), Err(Refusal::ZERO_VARIANCE));
        assert_eq!(target_test(f64::NAN, 1.0, 4.0, 0.0, true), Err(Refusal::NON_FINITE));
    }
}
