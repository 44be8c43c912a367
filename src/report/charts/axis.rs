//! The horizontal axis of a chart: its range, its ticks, and where a value falls.

use super::Plot;
use crate::report::{french, scale::short};

/// From values to pixels.
pub(super) struct Axis {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Axis {
    /// Chooses a range that shows every estimate, the pooled interval, the line of no effect and the target. Intervals of sites
    /// may stretch it by half of that range on either side, and are clipped beyond, so that one vague site does not
    /// squeeze the others.
    pub(super) fn new(plot: &Plot, left: f64, right: f64) -> Self {
        let marks = || plot.lines.iter().flat_map(|l| &l.marks);
        let mut core: Vec<f64> = marks().map(|m| m.at).chain(plot.reference).chain(plot.target.iter().copied()).collect();
        let mut wide: Vec<f64> = marks().flat_map(|m| [m.low, m.high]).flatten().collect();
        if let Some(s) = &plot.summary {
            core.extend([Some(s.mark.at), s.mark.low, s.mark.high].into_iter().flatten());
            wide.extend(s.prediction.iter().flat_map(|(p, _)| p).flatten());
        }
        let bounds = |v: &[f64]| {
            let finite = || v.iter().copied().filter(|x| x.is_finite());
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max))
        };
        let (mut low, mut high) = bounds(&core);
        let (wide_low, wide_high) = bounds(&wide);
        if !low.is_finite() || !high.is_finite() {
            (low, high) = if plot.levels { (0.0, 1.0) } else { (-1.0, 1.0) };
        }
        let mut span = high - low;
        if span <= 0.0 {
            // One value alone: its own interval gives the range, or else its size.
            let own = if wide_high > wide_low { wide_high - wide_low } else { low.abs().max(1.0) };
            span = own.min(1e12);
        }
        let slack = 0.75 * span;
        low = wide_low.min(low).max(low - slack);
        high = wide_high.max(high).min(high + slack);
        if high - low <= f64::EPSILON * low.abs().max(1.0) {
            (low, high) = (low - span / 2.0, high + span / 2.0);
        }
        let margin = 0.04 * (high - low);
        // A level or a share that cannot be negative has no axis below zero.
        let floor = if plot.levels && low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        Self { low: (low - margin).max(floor), high: high + margin, left, right }
    }

    /// Pixels of a value that lies in the range.
    pub(super) fn x(&self, value: f64) -> f64 {
        self.left + (value.clamp(self.low, self.high) - self.low) / (self.high - self.low) * (self.right - self.left)
    }

    /// Whether the value lies below the range.
    pub(super) fn is_below(&self, value: f64) -> bool {
        value < self.low
    }

    /// Whether the value lies above the range.
    pub(super) fn is_above(&self, value: f64) -> bool {
        value > self.high
    }

    /// Value and label of each tick; ratios where the axis is logarithmic.
    pub(super) fn ticks(&self, log: bool) -> Vec<(f64, String)> {
        if !log {
            return linear(self.low, self.high);
        }
        let (low, high) = (self.low.exp(), self.high.exp());
        if !low.is_finite() || !high.is_finite() || low <= 0.0 {
            return vec![(0.0, "1".to_owned())];
        }
        let ticks = if high / low < 4.0 { linear(low, high) } else { decades(low, high).into_iter().map(|v| (v, short(v))).collect() };
        ticks.into_iter().filter(|(v, _)| *v > 0.0).map(|(v, label)| (v.ln(), label)).collect()
    }
}

/// Round values, 1, 2 or 5 times a power of ten apart, four to eight of them, with the decimals that tell them apart.
fn linear(low: f64, high: f64) -> Vec<(f64, String)> {
    let raw = (high - low) / 5.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= raw * 0.999).unwrap_or(power * 10.0);
    if !step.is_finite() || step <= 0.0 {
        return vec![(low, short(low))];
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=9 just before")]
    let decimals = (-step.log10()).ceil().clamp(0.0, 9.0) as usize;
    let first = (low / step).ceil();
    (0..12)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|v| *v <= high + step * 1e-9)
        .map(|v| (v, french::number(v, decimals)))
        .collect()
}

/// 1, 2 and 5 times powers of ten; powers alone over more than three decades.
fn decades(low: f64, high: f64) -> Vec<f64> {
    let span = (high / low).log10();
    let steps: &[f64] = if span > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    // The casts hold: a finite f64 has a decimal exponent between −324 and 308.
    #[expect(clippy::cast_possible_truncation, reason = "a decimal exponent fits an i32")]
    let (from, to) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let stride = usize::try_from((to - from) / 8).unwrap_or(0) + 1;
    (from..=to).step_by(stride).flat_map(|e| steps.iter().map(move |s| s * 10f64.powi(e))).filter(|v| (low..=high).contains(v)).collect()
}
