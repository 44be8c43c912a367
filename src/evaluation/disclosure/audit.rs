//! The audit of what is shown, by linear programming: between which bounds can each withheld value be told from all the rest?
//!
//! A [`System`] holds every value that the tables are made from, known to the reader or not, and the linear relations between them that
//! the reader knows too. [`System::exposed`] gives the withheld values that the reader can tell to within ±10 %.
//!
//! Every variable is counted in its own true value, so that the coefficients stay near one whatever the units.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem};

/// A withheld value may not be told to within this share of itself.
pub const PROTECTION: f64 = 0.10;

/// No value is searched beyond this many times itself: far past what protects it, and a box in which the solver always ends.
const FAR: f64 = 1e4;

/// What rounding and the solver may be wrong by, in shares of a value.
const TOLERANCE: f64 = 1e-6;

/// One value of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable(usize);

#[derive(Debug, Clone)]
struct Value {
    truth: f64,
    scale: f64,
    known: bool,
    secret: bool,
    low: f64,
}

#[derive(Debug, Clone)]
struct Row {
    terms: Vec<(usize, f64)>,
    low: f64,
    high: f64,
}

/// Everything that a reader knows of values that they may or may not see.
#[derive(Debug, Clone, Default)]
pub struct System {
    values: Vec<Value>,
    rows: Vec<Row>,
    /// The rows in which each value stands.
    places: Vec<Vec<usize>>,
}

impl System {
    /// A value that the reader sees.
    pub fn known(&mut self, truth: f64) -> Variable {
        self.add(truth, true, false, f64::NEG_INFINITY)
    }

    /// A value that the reader may not tell. `low` is what it cannot be below, whatever it is.
    pub fn secret(&mut self, truth: f64, low: f64) -> Variable {
        self.add(truth, false, true, low)
    }

    /// A value that the reader does not see, and that is no secret: it only ties others together.
    pub fn free(&mut self, truth: f64, low: f64) -> Variable {
        self.add(truth, false, false, low)
    }

    fn add(&mut self, truth: f64, known: bool, secret: bool, low: f64) -> Variable {
        let scale = if truth.abs() > 1e-12 { truth.abs() } else { 1.0 };
        self.values.push(Value { truth, scale, known, secret, low });
        self.places.push(Vec::new());
        Variable(self.values.len() - 1)
    }

    /// Says that `low ≤ Σ terms ≤ high`, which the reader knows. What is not so is left out: no reader can know it.
    pub fn says(&mut self, terms: &[(Variable, f64)], low: f64, high: f64) {
        let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
        for (variable, factor) in terms {
            *sums.entry(variable.0).or_default() += factor;
        }
        let at: f64 = sums.iter().map(|(v, f)| f * self.values[*v].truth).sum();
        let size: f64 = sums.iter().map(|(v, f)| (f * self.values[*v].scale).abs()).fold(0.0, f64::max).max(1e-300);
        let slack = 1e-9 * size;
        if at < low - slack || at > high + slack || !at.is_finite() {
            return;
        }
        // Exactly true, so that rounding never makes the whole system impossible.
        let (low, high) = (low.min(at), high.max(at));
        let terms: Vec<(usize, f64)> = sums.into_iter().filter(|(_, f)| *f != 0.0).collect();
        terms.iter().for_each(|(v, _)| self.places[*v].push(self.rows.len()));
        self.rows.push(Row { terms, low, high });
    }

    /// Says that `Σ terms = value`.
    pub fn equals(&mut self, terms: &[(Variable, f64)], value: f64) {
        self.says(terms, value, value);
    }

    /// The withheld values that can be told to within ±10 %.
    pub fn exposed(&self) -> Vec<Variable> {
        (0..self.values.len()).filter(|v| self.values[*v].secret && self.is_exposed(*v)).map(Variable).collect()
    }

    fn is_exposed(&self, variable: usize) -> bool {
        let value = &self.values[variable];
        let reaches = |bound: Option<f64>, wide: &dyn Fn(f64) -> bool| bound.is_some_and(wide);
        // What is exactly zero is told where it can be nothing else.
        let width = if value.truth == 0.0 { TOLERANCE } else { PROTECTION * value.truth.abs() - TOLERANCE * value.scale };
        let low = self.bound(variable, OptimizationDirection::Minimize);
        let high = || self.bound(variable, OptimizationDirection::Maximize);
        !(reaches(low, &|low| low <= value.truth - width) || reaches(high(), &|high| high >= value.truth + width))
    }

    /// The least and the greatest that a reader must think possible; none where the solver gives up, which counts as told.
    pub fn bounds(&self, variable: Variable) -> Option<[f64; 2]> {
        Some([self.bound(variable.0, OptimizationDirection::Minimize)?, self.bound(variable.0, OptimizationDirection::Maximize)?])
    }

    fn bound(&self, variable: usize, direction: OptimizationDirection) -> Option<f64> {
        if self.values[variable].known {
            return Some(self.values[variable].truth);
        }
        let (reached, rows) = self.around(variable);
        let mut problem = Problem::new(direction);
        let mut columns = BTreeMap::new();
        for v in reached {
            let Value { scale, low, .. } = self.values[v];
            let cost = if v == variable { 1.0 } else { 0.0 };
            columns.insert(v, problem.add_var(cost, ((low / scale).max(-FAR), FAR)));
        }
        for row in rows {
            let Row { terms, low, high } = &self.rows[row];
            let (mut sum, mut shift) = (Vec::new(), 0.0);
            for (v, factor) in terms {
                match columns.get(v) {
                    Some(column) => sum.push((*column, factor * self.values[*v].scale)),
                    None => shift += factor * self.values[*v].truth,
                }
            }
            let size = sum.iter().map(|(_, f)| f.abs()).fold(0.0, f64::max);
            let sum: Vec<_> = sum.into_iter().map(|(c, f)| (c, f / size)).collect();
            let (low, high) = ((low - shift) / size, (high - shift) / size);
            if low == high {
                problem.add_constraint(sum.as_slice(), ComparisonOp::Eq, low);
                continue;
            }
            if low.is_finite() {
                problem.add_constraint(sum.as_slice(), ComparisonOp::Ge, low);
            }
            if high.is_finite() {
                problem.add_constraint(sum.as_slice(), ComparisonOp::Le, high);
            }
        }
        let found = problem.solve().ok()?.into_solution().ok()?.objective();
        Some(if found.abs() < FAR * (1.0 - TOLERANCE) { found * self.values[variable].scale } else { found * f64::INFINITY })
    }

    /// The unknown values that a chain of relations ties to this one, and these relations.
    fn around(&self, variable: usize) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut reached, mut rows, mut open) = (BTreeSet::from([variable]), BTreeSet::new(), vec![variable]);
        while let Some(v) = open.pop() {
            for i in self.places[v].iter().copied() {
                if rows.insert(i) {
                    let unknown = self.rows[i].terms.iter().map(|(t, _)| *t).filter(|t| !self.values[*t].known);
                    open.extend(unknown.filter(|t| reached.insert(*t)));
                }
            }
        }
        (reached, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<[f64; 2]>, expected: [f64; 2]) -> bool {
        found.is_some_and(|f| f.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0) || *a == b))
    }

    /// A total minus its other parts gives the one withheld part; two withheld parts hide each other.
    #[test]
    fn a_part_is_told_from_the_total_and_the_others() {
        let mut one = System::default();
        let (total, a, b) = (one.known(100.0), one.known(60.0), one.secret(40.0, 0.0));
        one.equals(&[(total, 1.0), (a, -1.0), (b, -1.0)], 0.0);
        assert!(close(one.bounds(b), [40.0, 40.0]));
        assert_eq!(one.exposed(), [b]);
        let mut two = System::default();
        let (total, a, b) = (two.known(100.0), two.secret(60.0, 0.0), two.secret(40.0, 0.0));
        two.equals(&[(total, 1.0), (a, -1.0), (b, -1.0)], 0.0);
        assert!(close(two.bounds(b), [0.0, 100.0]));
        assert!(two.exposed().is_empty());
    }

    /// The classical table of two ways (Willenborg and de Waal, «Elements of Statistical Disclosure Control», 2001, section 6.2: the
    /// margins of a table bound its suppressed cells): the bounds of a square of four are those that Fréchet gives.
    #[test]
    fn a_square_of_four_is_bounded_as_frechet_says() {
        let (mut s, cells) = (System::default(), [[20.0, 50.0], [8.0, 19.0]]);
        let v = cells.map(|row| row.map(|x| s.secret(x, 0.0)));
        for row in 0..2 {
            s.equals(&[(v[row][0], 1.0), (v[row][1], 1.0)], cells[row][0] + cells[row][1]);
            s.equals(&[(v[0][row], 1.0), (v[1][row], 1.0)], cells[0][row] + cells[1][row]);
        }
        assert!(close(s.bounds(v[0][0]), [1.0, 28.0]));
        assert!(close(s.bounds(v[1][1]), [0.0, 27.0]));
        assert!(s.exposed().is_empty());
    }

    #[test]
    fn what_nothing_bounds_is_not_told_and_what_is_nearly_told_is() {
        let mut s = System::default();
        let (alone, wide, narrow) = (s.secret(1e9, f64::NEG_INFINITY), s.secret(200.0, 0.0), s.secret(200.0, 0.0));
        s.says(&[(wide, 1.0)], 150.0, 215.0);
        s.says(&[(narrow, 1.0)], 185.0, 215.0);
        s.says(&[(narrow, 1.0)], 500.0, 600.0); // not so: nobody knows it
        assert_eq!(s.bounds(alone), Some([f64::NEG_INFINITY, f64::INFINITY]));
        assert!(close(s.bounds(wide), [150.0, 215.0]));
        assert_eq!(s.exposed(), [narrow]);
        let zero = s.secret(0.0, 0.0);
        s.says(&[(zero, 1.0)], f64::NEG_INFINITY, 0.0);
        assert_eq!(s.exposed(), [narrow, zero]);
    }
}
