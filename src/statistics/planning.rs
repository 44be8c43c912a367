//! What an experiment can see before it starts.

use super::{Outcome, Refusal, check_level, distribution::student_upper};

/// Smallest effect that k sites detect: (t_{1−α/2, k−1} + t_{power, k−1})·√((τ² + v̄)/k), with τ² (between sites) and v̄ (of one site's
/// effect) assumed, α = 1 − confidence.
///
/// Refused: `too_few_sites` (k < 3), `bad_assumption`, `bad_level`.
pub fn minimum_detectable_effect(k: u64, tau2: f64, variance: f64, confidence: f64, power: f64) -> Outcome<f64> {
    check_level(confidence)?;
    check_level(power)?;
    if k < 3 {
        return Err(Refusal::TOO_FEW_SITES);
    }
    if !(tau2 >= 0.0 && variance > 0.0 && (tau2 + variance).is_finite()) {
        return Err(Refusal::BAD_ASSUMPTION);
    }
    let df = k as f64 - 1.0;
    let quantiles = student_upper((1.0 - confidence) / 2.0, df) + student_upper(1.0 - power, df);
    Ok(quantiles * ((tau2 + variance) / k as f64).sqrt())
}

/// Inflation of a variance by clusters of `size` rows with intra-cluster correlation `icc`: 1 + (m − 1)ρ.
pub fn design_effect(size: f64, icc: f64) -> f64 {
    1.0 + (size - 1.0) * icc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::oracle::close;

    // (qt(.975, 5) + qt(.8, 5))·√((0.04 + 0.06)/6), quantiles of R.
    #[test]
    fn six_sites() {
        let found = minimum_detectable_effect(6, 0.04, 0.06, 0.95, 0.8).unwrap();
        close(found, (2.570581835636314 + 0.919543780236) * (0.1_f64 / 6.0).sqrt(), 1e-11);
        assert_eq!(minimum_detectable_effect(2, 0.0, 1.0, 0.95, 0.8), Err(Refusal::TOO_FEW_SITES));
        assert_eq!(minimum_detectable_effect(5, -1.0, 1.0, 0.95, 0.8), Err(Refusal::BAD_ASSUMPTION));
        assert_eq!(minimum_detectable_effect(5, 0.0, 1.0, 0.95, 1.0), Err(Refusal::BAD_LEVEL));
        close(design_effect(60.0, 0.1), 6.9, 1e-15);
    }
}
