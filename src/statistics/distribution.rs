//! Tail probabilities and quantiles of the normal, Student and χ² laws.
//!
//! Student's tail is computed here rather than by statrs, whose incomplete beta loses digits with many degrees of
//! freedom (ln Γ(a+½) − ln Γ(a) cancels, 1 − x is rounded) and stops after 140 terms. Agreement with mpmath: 1e-12 relative.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::{
    erf::{erfc, erfc_inv},
    gamma::{gamma_lr, gamma_ur},
};

/// P(Z > z), standard normal.
pub fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z / SQRT_2)
}

/// z with P(Z > z) = `tail`, for a tail strictly between 0 and 1.
pub fn normal_upper(tail: f64) -> f64 {
    SQRT_2 * erfc_inv(2.0 * tail)
}

/// P(T > t), Student's law with `df` > 0 degrees of freedom.
pub fn student_tail(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    let half = 0.5 * two_sided(t.abs(), df);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// t with P(T > t) = `tail`, for a tail strictly between 0 and 1.
pub fn student_upper(tail: f64, df: f64) -> f64 {
    if tail > 0.5 {
        return -student_upper(1.0 - tail, df);
    }
    quantile(normal_upper(tail).max(0.1), |t| student_tail(t, df).ln() - tail.ln())
}

/// Tail of `t` on both sides: on Student's law, or the normal one without degrees of freedom.
pub fn two_sided_p(t: f64, df: Option<f64>) -> f64 {
    2.0 * df.map_or_else(|| normal_tail(t.abs()), |df| student_tail(t.abs(), df))
}

/// Value that leaves (1 − confidence)/2 above it: on Student's law, or the normal one without degrees of freedom.
pub fn critical(confidence: f64, df: Option<f64>) -> f64 {
    let tail = (1.0 - confidence) / 2.0;
    df.map_or_else(|| normal_upper(tail), |df| student_upper(tail, df))
}

/// P(X > x), χ² with `df` > 0 degrees of freedom.
pub fn chi_squared_tail(x: f64, df: f64) -> f64 {
    match x {
        x if x <= 0.0 => 1.0,
        f64::INFINITY => 0.0,
        x => gamma_ur(df / 2.0, x / 2.0),
    }
}

/// x with P(X > x) = `tail`, for a tail strictly between 0 and 1.
pub fn chi_squared_upper(tail: f64, df: f64) -> f64 {
    // On the smaller of the two tails, whose digits are all there.
    quantile(df.max(0.1), |x| {
        if tail <= 0.5 { chi_squared_tail(x, df).ln() - tail.ln() } else { (1.0 - tail).ln() - gamma_lr(df / 2.0, x / 2.0).ln() }
    })
}

/// Γ(a + ½)/Γ(a), a ≥ 0.
pub(super) fn gamma_ratio(a: f64) -> f64 {
    if a == 0.0 {
        return 0.0;
    }
    if a < 50.0 {
        // Γ(x + 1) = x·Γ(x), for both.
        return gamma_ratio(a + 1.0) * a / (a + 0.5);
    }
    // Tricomi–Erdélyi; the next term is below 1e-16 here.
    let x = 1.0 / a;
    let series =
        [1.0, -1.0 / 8.0, 1.0 / 128.0, 5.0 / 1024.0, -21.0 / 32768.0, -399.0 / 262_144.0, 869.0 / 4_194_304.0, 39_325.0 / 33_554_432.0];
    a.sqrt() * series.iter().rev().fold(0.0, |sum, term| sum * x + term)
}

// I_x(df/2, ½) at x = df/(df + t²), t ≥ 0, by Lentz's continued fraction (Numerical Recipes § 6.4). With many degrees of freedom
// x is next to 1, where the fraction cancels: there the density is summed.
fn two_sided(t: f64, df: f64) -> f64 {
    if t == 0.0 {
        return 1.0;
    }
    if df > 100.0 {
        return 2.0 * density_above(t, df);
    }
    let (a, ratio) = (df / 2.0, t * (t / df));
    if ratio.is_infinite() {
        return 0.0;
    }
    let (x, y) = (1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
    let front = (-a * ratio.ln_1p()).exp() * y.sqrt() * gamma_ratio(a) / PI.sqrt();
    if x < (a + 1.0) / (a + 2.5) { front * fraction(a, 0.5, x) / a } else { 1.0 - front * fraction(0.5, a, y) / 0.5 }
}

// ∫ density from t to ∞ by the double exponential rule, u = t + exp(x − exp(−x)) (Takahasi and Mori 1974).
fn density_above(t: f64, df: f64) -> f64 {
    const STEP: f64 = 1.0 / 16.0;
    let sum: f64 = (-72..=80)
        .map(|i| {
            let x = f64::from(i) * STEP;
            let away = (x - (-x).exp()).exp();
            let u = t + away;
            (-(df + 1.0) / 2.0 * (u * (u / df)).ln_1p()).exp() * away * (1.0 + (-x).exp())
        })
        .sum();
    (sum * STEP * gamma_ratio(df / 2.0) / (PI * df).sqrt()).min(0.5)
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..20_000 {
        let m = f64::from(m);
        let mut change = 1.0;
        for term in
            [m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)), -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))]
        {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            h *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

// Where a decreasing function of x > 0 crosses zero, from a guess.
fn quantile(guess: f64, excess: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (guess, guess);
    while excess(low) < 0.0 && low > f64::MIN_POSITIVE {
        low /= 2.0;
    }
    while excess(high) > 0.0 && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    crossing(low, high, excess)
}

/// Where a decreasing function crosses zero between two bounds (Chandrupatla 1997: bisection that takes an inverse quadratic step
/// where it is safe).
pub(super) fn crossing(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    let (mut c, mut fc);
    let mut step = 0.5;
    for _ in 0..400 {
        let x = a + step * (b - a);
        let fx = f(x);
        if (fx > 0.0) == (fa > 0.0) {
            (c, fc) = (a, fa);
        } else {
            (c, b, fc, fb) = (b, a, fb, fa);
        }
        (a, fa) = (x, fx);
        let best = if fa.abs() < fb.abs() { a } else { b };
        let tolerance = 2.0 * f64::EPSILON * best.abs() / (b - a).abs();
        if tolerance > 0.5 || fa == 0.0 || fb == 0.0 || a == b {
            return if fa.abs() < fb.abs() { a } else { b };
        }
        let (xi, phi) = ((a - b) / (c - b), (fa - fb) / (fc - fb));
        step = if phi * phi < xi && (1.0 - phi).powi(2) < 1.0 - xi {
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        } else {
            0.5
        }
        .clamp(tolerance, 1.0 - tolerance);
    }
    if fa.abs() < fb.abs() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{close, table};

    // mpmath, 40 digits.
    #[test]
    fn tails_and_quantiles_agree_with_mpmath() {
        for row in table("student_tail") {
            close(student_tail(row[0], row[1]), row[2], 1e-12);
            close(student_tail(-row[0], row[1]), 1.0 - row[2], 1e-12);
        }
        for row in table("student_upper") {
            close(student_upper(row[0], row[1]), row[2], 1e-11);
            close(student_upper(1.0 - row[0], row[1]), -row[2], 1e-9);
        }
        for row in table("chi_squared_tail") {
            close(chi_squared_tail(row[0], row[1]), row[2], 1e-11);
        }
        for row in table("chi_squared_upper") {
            close(chi_squared_upper(row[0], row[1]), row[2], 1e-10);
        }
        for row in table("normal_upper") {
            close(normal_upper(row[0]), row[1], 1e-12);
        }
    }

    #[test]
    fn limits() {
        assert_eq!(student_tail(0.0, 3.0), 0.5);
        assert_eq!(student_tail(f64::INFINITY, 3.0), 0.0);
        assert!(student_tail(1.0, 0.0).is_nan());
        assert_eq!(chi_squared_tail(0.0, 3.0), 1.0);
        assert_eq!(chi_squared_tail(f64::INFINITY, 3.0), 0.0);
        close(student_upper(0.025, 1e12), normal_upper(0.025), 1e-10);
        close(gamma_ratio(0.5), 1.0 / PI.sqrt(), 1e-14);
        close(gamma_ratio(1.0), PI.sqrt() / 2.0, 1e-14);
    }
}
