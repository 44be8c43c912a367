//! What a reader knows of a set of tables, as a linear system: counts and sums of every site and group, tied by what the plan says of
//! them: rows with and without a value, shares of them, indicators that share their rows, their denominator or their values.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::{
    ast::{BinaryOperator, Expr},
    dialect::GenericDialect,
    parser::Parser,
};

use super::{
    super::result::{Evaluation, Group, IndicatorResult, SiteResult},
    audit::{System, Variable},
    cells::{step_of_effects, step_of_levels, whole},
    datasets_of,
};
use crate::{
    convention::document::{Document, Indicator, Per, Statistic, Value},
    ids::Siren,
};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `id` of the indicator.
    pub indicator: String,
    /// Of a site; none for the pooled value.
    pub site: Option<Siren>,
    /// Whether it is the weight of a site, which the pooled value tells.
    pub weight: bool,
}

/// The withheld values that a reader can tell to within ±10 % from what `shown` shows. `truth` has every value; `seen` finds the results of
/// a site in what is shown.
pub fn exposed<'a>(
    document: &Document,
    truth: &Evaluation,
    shown: &'a Evaluation,
    seen: &dyn Fn(&'a IndicatorResult, &Siren) -> Option<&'a SiteResult>,
) -> Vec<Place> {
    let mut audit = Audit::default();
    for (result, shown) in truth.indicators.iter().zip(&shown.indicators) {
        let Some(indicator) = document.evaluation.indicators.iter().find(|i| i.id == result.id) else { continue };
        for site in &result.sites {
            audit.site(document, indicator, result, site, seen(shown, &site.site.siren));
        }
        audit.pooled(result, shown, seen);
    }
    audit.tie();
    let found = audit.system.exposed();
    found.into_iter().filter_map(|variable| audit.places.remove(&variable)).collect()
}

/// A number of rows, as a sum of variables: those of a dataset, at a site, where all these conditions hold.
struct Count {
    rows: (String, Siren),
    conditions: BTreeSet<String>,
    terms: Vec<(Variable, f64)>,
}

/// What a sum is of: dataset, site, conditions, expression.
type SumOf = (String, Siren, BTreeSet<String>, String);

#[derive(Default)]
struct Audit {
    system: System,
    places: BTreeMap<Variable, Place>,
    counts: Vec<Count>,
    sums: Vec<(SumOf, Variable)>,
}

impl Audit {
    fn value(&mut self, truth: f64, shown: Option<f64>, low: f64, place: &Place) -> Variable {
        match shown {
            // What was shown before and stands is what the reader knows.
            Some(shown) => self.system.known(shown),
            None => {
                let variable = self.system.secret(truth, low);
                self.places.insert(variable, place.clone());
                variable
            }
        }
    }

    fn site(
        &mut self,
        document: &Document,
        indicator: &Indicator,
        result: &IndicatorResult,
        site: &SiteResult,
        shown: Option<&SiteResult>,
    ) {
        let place = Place { indicator: indicator.id.clone(), site: Some(site.site.siren.clone()), weight: false };
        let groups: Vec<&Group> = whole(site).collect();
        // What is never negative, everybody may know.
        let low = |of: &dyn Fn(&Group) -> Option<f64>| {
            let all = result.sites.iter().flat_map(whole);
            if all.filter_map(of).all(|x| x >= 0.0) { 0.0 } else { f64::NEG_INFINITY }
        };
        let (low_sum, low_per) = (low(&|g| g.min.or(g.sum)), low(&|g| g.per));
        for group in groups {
            let seen = shown.and_then(|s| whole(s).find(|g| g.arm == group.arm));
            let count = |of: &dyn Fn(&Group) -> Option<u64>| (of(group).map(|x| x as f64), seen.and_then(of).map(|x| x as f64));
            let (n, missing) = (count(&|g| g.n), count(&|g| g.missing));
            let n = self.value(n.0.unwrap_or(0.0), n.1, 0.0, &place);
            let missing = self.value(missing.0.unwrap_or(0.0), missing.1, 0.0, &place);
            let (Some(dataset), key) = (datasets_of(indicator).first().map(|d| (*d).to_owned()), site.site.siren.clone()) else { continue };
            let conditions = conditions_of(document, indicator, group.arm.as_deref());
            if let (Some(units), seen) = count(&|g| g.clusters) {
                let units = self.value(units, seen, 0.0, &place);
                self.system.says(&[(n, 1.0), (units, -1.0)], 0.0, f64::INFINITY);
            }
            let rows = (dataset.clone(), key.clone());
            let (answered, silent) = (group.n.unwrap_or(0), group.missing.unwrap_or(0));
            let total = (answered + silent) as f64;
            let few = answered > 0 && group.clusters.unwrap_or(answered).min(answered) < u64::from(document.disclosure.minimum_cell);
            // How many rows there are is a secret of its own where they are few: often none lacks a value.
            let total = match seen.and_then(|g| g.n.zip(g.missing)) {
                Some((n, missing)) => self.system.known((n + missing) as f64),
                None if few => self.value(total, None, 0.0, &place),
                None => self.system.free(total, 0.0),
            };
            self.system.equals(&[(n, 1.0), (missing, 1.0), (total, -1.0)], 0.0);
            self.counts.push(Count { rows: rows.clone(), conditions: conditions.clone(), terms: vec![(total, 1.0)] });
            let top = match (result.statistic.as_str(), group.events, group.sum) {
                ("proportion", Some(events), _) => {
                    let events = self.value(events as f64, seen.and_then(|g| g.events).map(|e| e as f64), 0.0, &place);
                    self.system.says(&[(n, 1.0), (events, -1.0)], 0.0, f64::INFINITY);
                    let mut true_too = conditions.clone();
                    true_too.extend(sql_of(indicator).into_iter().flat_map(conjuncts));
                    self.counts.push(Count { rows, conditions: true_too, terms: vec![(events, 1.0)] });
                    Some(events)
                }
                (_, _, Some(sum)) => {
                    let sum = self.value(sum, seen.and_then(|g| g.sum), low_sum, &place);
                    let of = sql_of(indicator).unwrap_or_default().to_owned();
                    self.sums.push(((dataset.clone(), key.clone(), conditions.clone(), of), sum));
                    Some(sum)
                }
                _ => None,
            };
            let bottom = group.per.map(|per| {
                let per = self.value(per, seen.and_then(|g| g.per), low_per, &place);
                self.denominator(indicator, &key, group.arm.as_deref(), document, per);
                per
            });
            // A mean that is shown rounded, without its n, holds the two together.
            if let (Some(top), Some(mean)) = (top, seen.and_then(|g| g.mean)) {
                let half = step_of_levels(&result.statistic, mean) / 2.0;
                let over = if result.statistic == "ratio" { bottom } else { Some(n) };
                if let Some(over) = over {
                    self.system.says(&[(top, 1.0), (over, half - mean)], 0.0, f64::INFINITY);
                    self.system.says(&[(top, 1.0), (over, -half - mean)], f64::NEG_INFINITY, 0.0);
                }
            }
        }
    }

    /// The denominator of a ratio is a count or a sum that other indicators may show.
    fn denominator(&mut self, indicator: &Indicator, site: &Siren, arm: Option<&str>, document: &Document, per: Variable) {
        let mut conditions = group_conditions(document, arm);
        match &indicator.per {
            Some(Per::From(from)) => {
                conditions.extend(from.filter.as_deref().into_iter().flat_map(conjuncts));
                if from.statistic == Statistic::Count {
                    self.counts.push(Count { rows: (from.dataset.clone(), site.clone()), conditions, terms: vec![(per, 1.0)] });
                } else {
                    let of = from.value.clone().unwrap_or_default();
                    self.sums.push(((from.dataset.clone(), site.clone(), conditions, of), per));
                }
            }
            Some(Per::Sql(sql)) => {
                conditions.extend(indicator.filter.as_deref().into_iter().flat_map(conjuncts));
                let dataset = datasets_of(indicator).first().map(|d| (*d).to_owned()).unwrap_or_default();
                self.sums.push(((dataset, site.clone(), conditions, sql.clone()), per));
            }
            None => {}
        }
    }

    /// The weights of the sites in a pooled value that is shown, or what they are worth in one that is not.
    fn pooled<'a>(
        &mut self,
        result: &IndicatorResult,
        shown: &'a IndicatorResult,
        seen: &dyn Fn(&'a IndicatorResult, &Siren) -> Option<&'a SiteResult>,
    ) {
        let Some(random) = &result.pooled.random else { return };
        let level = result.pooled.of.as_deref() == Some("level");
        let value = |s: &SiteResult| if level { treated(s).and_then(|g| g.mean) } else { s.effect.estimate };
        let place = |site: &Siren| Place { indicator: result.id.clone(), site: Some(site.clone()), weight: true };
        let Some(all) = random.se.map(|se| 1.0 / (se * se)).filter(|w| w.is_finite()) else { return };
        let sites: Vec<(&SiteResult, f64, f64)> =
            (result.sites.iter()).filter_map(|s| Some((s, value(s)?, s.effect.weight? / 100.0 * all))).collect();
        if shown.pooled.random.is_none() {
            // Withheld: what all sites weigh together can be told where each of them shows its own.
            let total = self.system.secret(all, 0.0);
            self.places.insert(total, Place { indicator: result.id.clone(), site: None, weight: false });
            let mut terms = vec![(total, -1.0)];
            for (site, _, weight) in sites {
                let known = seen(shown, &site.site.siren)
                    .is_some_and(|s| s.as_of.is_none() && if level { ci_of(s) } else { s.effect.se.is_some() });
                terms.push((if known { self.system.known(weight) } else { self.system.free(weight, 0.0) }, 1.0));
            }
            self.system.equals(&terms, 0.0);
            return;
        }
        if shown.pooled.random.as_ref().is_some_and(|r| r.se.is_some()) {
            // All sites are shown with it: there is nothing left to tell.
            return;
        }
        let (mu, se) = (random.estimate, random.adhoc.se);
        let spread = sites.iter().map(|(_, y, w)| w * (y - mu) * (y - mu)).sum::<f64>() / (sites.len() as f64 - 1.0);
        let (mut mass, mut centre, mut inertia) = (Vec::new(), Vec::new(), Vec::new());
        for (site, y, w) in sites {
            let seen = seen(shown, &site.site.siren);
            let own = seen.is_some_and(|s| s.effect.se.is_some() || level && ci_of(s));
            if own {
                let terms = [w, w * y, w * y * y].map(|x| self.system.known(x));
                mass.push((terms[0], 1.0));
                centre.push((terms[1], 1.0));
                inertia.push((terms[2], 1.0));
                continue;
            }
            let weight = self.value(w, None, 0.0, &place(&site.site.siren));
            let (first, second) = (self.system.free(w * y, f64::NEG_INFINITY), self.system.free(w * y * y, 0.0));
            if let Some(told) = seen.and_then(value) {
                let step = if level { step_of_levels(&result.statistic, told) } else { step_of_effects(result.scale.as_deref(), told) };
                let (low, high) = (told - step / 2.0, told + step / 2.0);
                self.system.says(&[(first, 1.0), (weight, -low)], 0.0, f64::INFINITY);
                self.system.says(&[(first, 1.0), (weight, -high)], f64::NEG_INFINITY, 0.0);
                self.system.says(&[(second, 1.0), (weight, -(low * low).max(high * high))], f64::NEG_INFINITY, 0.0);
                // w(y − c)² is never negative.
                for c in [low, told, high] {
                    self.system.says(&[(second, 1.0), (first, -2.0 * c), (weight, c * c)], 0.0, f64::INFINITY);
                }
            }
            mass.push((weight, 1.0));
            centre.push((first, 1.0));
            inertia.push((second, 1.0));
        }
        let scaled = |terms: &[(Variable, f64)], by: f64| terms.iter().map(|(v, f)| (*v, f * by)).collect::<Vec<_>>();
        let df = mass.len() as f64 - 1.0;
        self.system.equals(&[scaled(&centre, 1.0), scaled(&mass, -mu)].concat(), 0.0);
        let around = [scaled(&inertia, 1.0), scaled(&centre, -2.0 * mu), scaled(&mass, mu * mu)].concat();
        if spread <= 1.0 {
            self.system.equals(&mass, 1.0 / (se * se));
            self.system.says(&around, 0.0, df);
        } else {
            self.system.equals(&[around, scaled(&mass, -df * se * se)].concat(), 0.0);
        }
    }

    /// Ties what counts the same rows, what counts some of them, and what sums the same values.
    fn tie(&mut self) {
        for (i, a) in self.counts.iter().enumerate() {
            for b in self.counts.iter().skip(i + 1).filter(|b| b.rows == a.rows) {
                let minus = |terms: &[(Variable, f64)]| terms.iter().map(|(v, f)| (*v, -f)).collect::<Vec<_>>();
                let difference = [a.terms.clone(), minus(&b.terms)].concat();
                if a.conditions == b.conditions {
                    self.system.equals(&difference, 0.0);
                } else if a.conditions.is_subset(&b.conditions) {
                    self.system.says(&difference, 0.0, f64::INFINITY);
                } else if b.conditions.is_subset(&a.conditions) {
                    self.system.says(&difference, f64::NEG_INFINITY, 0.0);
                }
            }
        }
        for (i, (key, a)) in self.sums.iter().enumerate() {
            for (_, b) in self.sums.iter().skip(i + 1).filter(|(other, _)| other == key) {
                self.system.equals(&[(*a, 1.0), (*b, -1.0)], 0.0);
            }
        }
    }
}

fn treated(site: &SiteResult) -> Option<&Group> {
    whole(site).next()
}

fn ci_of(site: &SiteResult) -> bool {
    treated(site).is_some_and(|g| g.ci.is_some())
}

fn sql_of(indicator: &Indicator) -> Option<&str> {
    match indicator.value.as_ref()? {
        Value::Sql(sql) => Some(sql),
        Value::From(from) => Some(&from.sql),
    }
}

/// What the rows of a group of an indicator have in common.
fn conditions_of(document: &Document, indicator: &Indicator, arm: Option<&str>) -> BTreeSet<String> {
    let mut all = group_conditions(document, arm);
    all.extend(indicator.filter.as_deref().into_iter().flat_map(conjuncts));
    if let Some(Value::From(from)) = &indicator.value
        && let Some(last) = &from.last_by
    {
        all.insert(format!("\u{1}last {last} {}", from.order.as_deref().unwrap_or_default()));
    }
    all
}

fn group_conditions(document: &Document, arm: Option<&str>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let Some(name) = arm else { return all };
    let plan = &document.evaluation;
    for part in name.split('_') {
        match (part, &plan.arms) {
            ("treated", Some(arms)) => all.extend(conjuncts(&format!("{} = '{}'", arms.column, arms.treated))),
            ("control", Some(arms)) => all.extend(conjuncts(&format!("{} = '{}'", arms.column, arms.control))),
            _ => all.extend([format!("\u{1}{part}")]),
        }
    }
    all
}

/// The parts that `AND` joins, each written in one way.
fn conjuncts(sql: &str) -> Vec<String> {
    fn split(expr: Expr, found: &mut Vec<String>) {
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                split(*left, found);
                split(*right, found);
            }
            Expr::Nested(inner) => split(*inner, found),
            other => found.push(other.to_string()),
        }
    }
    let mut found = Vec::new();
    match Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr()) {
        Ok(expr) => split(expr, &mut found),
        Err(_) => found.push(sql.to_owned()),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::conjuncts;

    #[test]
    fn conditions_are_split_and_written_in_one_way() {
        assert_eq!(conjuncts("a>1 and (b = 'x' AND  c IS NOT NULL)"), ["a > 1", "b = 'x'", "c IS NOT NULL"]);
        assert_eq!(conjuncts("a > 1 OR b"), ["a > 1 OR b"]);
        assert_eq!(conjuncts("a >"), ["a >"]);
    }
}
