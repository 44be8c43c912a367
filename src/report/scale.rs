//! How a number of an evaluation is shown: effects on a logarithmic scale as ratios, proportions in percent, differences of
//! proportions in points, all with as many decimals as their uncertainty allows.

use crate::{
    evaluation::result::{Group, IndicatorResult, Interval},
    report::french::{self, NBSP},
};

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A level or a difference in the indicator's unit.
    Plain,
    /// A proportion, in percent.
    Percent,
    /// A difference of proportions, in percentage points.
    Points,
    /// The exponential of what is computed.
    Ratio,
    /// In standard deviations.
    Standardised,
}

/// How the numbers of one indicator are shown.
#[derive(Debug, Clone)]
pub struct Display {
    /// What kind of numbers they are.
    pub kind: Kind,
    /// Whether a sign is always written: differences have one, levels and ratios do not.
    pub signed: bool,
    /// After the comma.
    pub decimals: usize,
    unit: Option<String>,
}

impl Display {
    /// For the effects of an indicator. The decimals follow the pooled interval, else the middle one of the sites'.
    pub fn of_effects(result: &IndicatorResult) -> Self {
        let kind = match result.scale.as_deref() {
            Some("risk_difference") => Kind::Points,
            Some("hedges_g") => Kind::Standardised,
            Some(s) if s.starts_with("log_") => Kind::Ratio,
            _ => Kind::Plain,
        };
        let pooled = (!is_level(result)).then(|| pooled_interval(result)).flatten();
        let sites = result.sites.iter().filter_map(|s| s.effect.ci);
        Self::new(kind, kind != Kind::Ratio, result, pooled, sites)
    }

    /// For the levels of an indicator.
    pub fn of_levels(result: &IndicatorResult) -> Self {
        let kind = if result.statistic == "proportion" { Kind::Percent } else { Kind::Plain };
        let pooled = is_level(result).then(|| pooled_interval(result)).flatten();
        let groups = result.sites.iter().flat_map(|s| whole(&s.groups)).filter_map(|g| g.ci);
        let mut display = Self::new(kind, false, result, pooled, groups);
        // A total has no interval to say how many digits count: a large one is shown whole.
        let is_large = || result.sites.iter().flat_map(|s| whole(&s.groups)).filter_map(|g| g.mean).any(|x| x.abs() >= 1000.0);
        if result.statistic == "count" || (result.statistic == "sum" && is_large()) {
            display.decimals = 0;
        }
        display
    }

    /// For the pooled value: an effect or a level.
    pub fn of_pooled(result: &IndicatorResult) -> Self {
        if is_level(result) { Self::of_levels(result) } else { Self::of_effects(result) }
    }

    fn new(kind: Kind, signed: bool, result: &IndicatorResult, pooled: Option<Interval>, others: impl Iterator<Item = Interval>) -> Self {
        let mut display = Self { kind, signed, decimals: 2, unit: result.unit.clone() };
        let half = |[low, high]: Interval| Some((display.map(high?) - display.map(low?)) / 2.0).filter(|h| h.is_finite() && *h > 0.0);
        let width = pooled.and_then(half).or_else(|| {
            let mut widths: Vec<f64> = others.filter_map(half).collect();
            widths.sort_by(f64::total_cmp);
            widths.get(widths.len() / 2).copied()
        });
        if let Some(width) = width {
            display.decimals = french::decimals(width);
        }
        display
    }

    /// The number that is shown for `x`.
    pub fn map(&self, x: f64) -> f64 {
        match self.kind {
            Kind::Plain | Kind::Standardised => x,
            Kind::Percent | Kind::Points => 100.0 * x,
            Kind::Ratio => x.exp(),
        }
    }

    fn unit_for(&self, shown: f64) -> String {
        match self.kind {
            Kind::Plain => self.unit.as_deref().map_or(String::new(), |u| format!("{NBSP}{}", french::unit(shown, u))),
            Kind::Percent => format!("{NBSP}%"),
            Kind::Points => format!("{NBSP}{}", french::unit(shown, "points")),
            Kind::Ratio => String::new(),
            Kind::Standardised => format!("{NBSP}écart-type"),
        }
    }

    /// «−2,4», without its unit.
    pub fn bare(&self, x: f64) -> String {
        self.shown(self.map(x))
    }

    fn shown(&self, x: f64) -> String {
        if self.signed { french::signed(x, self.decimals) } else { french::number(x, self.decimals) }
    }

    /// «−2,4 jours», «+5,2 points», «0,83».
    pub fn value(&self, x: f64) -> String {
        format!("{}{}", self.bare(x), self.unit_for(self.rounded(x)))
    }

    /// As it is read: a unit agrees with the number that is written.
    fn rounded(&self, x: f64) -> f64 {
        let power = 10f64.powi(i32::try_from(self.decimals).unwrap_or(0));
        (self.map(x) * power).round() / power
    }

    /// «2,4 jours»: how far from no effect, for a sentence whose verb says the direction.
    pub fn size(&self, x: f64) -> String {
        let shown = self.rounded(x).abs();
        format!("{}{}", french::number(shown, self.decimals), self.unit_for(shown))
    }

    /// «−2 jours» with no more decimals than it was agreed with.
    pub fn agreed(&self, x: f64) -> String {
        let shown = self.map(x).abs();
        format!("{}{}", short(shown), self.unit_for(shown))
    }

    /// «−1 jour», of an agreed bound.
    pub fn agreed_signed(&self, x: f64) -> String {
        format!("{}{}", self.agreed_bare(x), self.unit_for(self.map(x)))
    }

    /// The agreed number alone, signed if negative.
    pub fn agreed_bare(&self, x: f64) -> String {
        short(self.map(x))
    }

    /// «de −3,6 à −1,2 jours».
    pub fn interval(&self, [low, high]: Interval) -> String {
        let unit = |x: f64| self.unit_for(self.rounded(x));
        match (low, high) {
            (Some(l), Some(h)) => format!("de {} à {}{}", self.bare(l), self.bare(h), unit(h)),
            (Some(l), None) => format!("à partir de {}{}", self.bare(l), unit(l)),
            (None, Some(h)) => format!("jusqu'à {}{}", self.bare(h), unit(h)),
            (None, None) => "sans borne".to_owned(),
        }
    }

    /// «[−3,6 ; −1,2]».
    pub fn bracket(&self, [low, high]: Interval) -> String {
        let side = |b: Option<f64>, none: &str| b.map_or(none.to_owned(), |x| self.bare(x));
        format!("[{}{NBSP};{NBSP}{}]", side(low, "…"), side(high, "…"))
    }

    /// What a column of these numbers is in: «jours», «points», «%».
    pub fn column_unit(&self) -> Option<&str> {
        if self.kind == Kind::Points { Some("points") } else { self.unit_name() }
    }

    /// What an axis of these numbers is in: «jours», «points de pourcentage», «%».
    pub fn unit_name(&self) -> Option<&str> {
        match self.kind {
            Kind::Plain => self.unit.as_deref(),
            Kind::Percent => Some("%"),
            Kind::Points => Some("points de pourcentage"),
            Kind::Ratio => None,
            Kind::Standardised => Some("écarts-types"),
        }
    }
}

/// At most three decimals, without idle zeros.
pub fn short(x: f64) -> String {
    let text = french::number(x, 3);
    if text.contains(',') { text.trim_end_matches('0').trim_end_matches(',').to_owned() } else { text }
}

/// The value of all sites together and the interval that decisions use: the random-effects mean, or the comparison between sites
/// where each site is of one group.
pub fn pooled_value(result: &IndicatorResult) -> Option<(f64, Interval)> {
    let random = result.pooled.random.as_ref().map(|r| (r.estimate, r.adhoc.ci));
    random.or_else(|| result.pooled.between.as_ref().map(|b| (b.estimate, b.ci)))
}

/// The interval of [`pooled_value`].
pub fn pooled_interval(result: &IndicatorResult) -> Option<Interval> {
    pooled_value(result).map(|(_, ci)| ci)
}

/// Whether what is pooled is the level, and not the effect.
pub fn is_level(result: &IndicatorResult) -> bool {
    result.pooled.of.as_deref() == Some("level")
}

/// Groups over the whole time.
pub fn whole(groups: &[Group]) -> impl Iterator<Item = &Group> {
    groups.iter().filter(|g| g.period.is_none())
}

/// The group that the solution acts on, over the whole time; the only one where there are no groups.
pub fn treated(groups: &[Group]) -> Option<&Group> {
    whole(groups).find(|g| matches!(g.arm.as_deref(), Some("treated" | "trial" | "treated_trial") | None))
}

/// What it is compared with, over the whole time.
pub fn control(groups: &[Group]) -> Option<&Group> {
    whole(groups).find(|g| matches!(g.arm.as_deref(), Some("control" | "baseline" | "control_trial")))
}
