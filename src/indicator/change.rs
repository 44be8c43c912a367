//! How many units differ between two sets of files: what the difference of two published values would be about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    DepositTable,
    rows::{Seen, walk},
    source::{Source, Sources},
    summary::{GroupKey, is_unclustered},
};
use crate::error::{Error, Result};

/// What differs in one group of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Distinct units of the rows that came, went or changed and have a value: a lower bound.
    pub units: u64,
    /// Whether the rows that came (or went) are all of the same value: then the difference tells each of them.
    pub uniform: bool,
}

/// A row without its place: its unit, its value, its denominator.
type Print = (GroupKey, Option<String>, Option<u64>, Option<u64>);

/// Compares the rows that an indicator reads in two sets of files of a site; one entry per source and group that differs at all. Files that
/// are in both sets need not be given.
///
/// # Errors
/// `not_computable`, as for a summary.
pub fn differences(sources: &Sources<'_>, before: &[&DepositTable], after: &[&DepositTable]) -> Result<Vec<Difference>> {
    let mut all = Vec::new();
    for source in [Some(&sources.value), sources.per.as_ref()].into_iter().flatten() {
        let mut prints: HashMap<Print, i64> = HashMap::new();
        for (tables, sign) in [(before, -1), (after, 1)] {
            for table in tables.iter().filter(|t| t.dataset == source.dataset) {
                read(source, table, sign, &mut prints)?;
            }
        }
        prints.retain(|_, count| *count != 0);
        all.extend(compare(&prints));
    }
    Ok(all)
}

fn read(source: &Source<'_>, table: &DepositTable, sign: i64, prints: &mut HashMap<Print, i64>) -> Result<()> {
    let bits = |x: Option<f64>| x.map(f64::to_bits);
    walk(source, table, |seen| {
        if let Seen::Row { group, row, .. } = seen {
            // The name that a row without unit is given says its place in the file.
            let unit = row.cluster.filter(|name| !is_unclustered(name));
            *prints.entry((group, unit, bits(row.value), bits(row.per))).or_default() += sign;
        }
    })
    .map_err(|error| Error::invalid("not_computable", "Le calcul échoue sur les lignes reçues.").with_source(error))
}

fn compare(prints: &HashMap<Print, i64>) -> Vec<Difference> {
    #[derive(Default)]
    struct Of<'a> {
        named: BTreeSet<&'a str>,
        /// Rows without a unit that went, and that came.
        apart: [u64; 2],
        values: [BTreeSet<u64>; 2],
    }
    let mut groups: BTreeMap<GroupKey, Of<'_>> = BTreeMap::new();
    for ((group, unit, value, _), count) in prints {
        let of = groups.entry(*group).or_default();
        let Some(value) = value else { continue };
        let side = usize::from(*count > 0);
        of.values[side].insert(*value);
        match unit {
            Some(unit) => drop(of.named.insert(unit)),
            None => of.apart[side] += count.unsigned_abs(),
        }
    }
    let difference = |of: Of<'_>| {
        let [went, came] = &of.values;
        Difference {
            // A row that changed went and came.
            units: of.named.len() as u64 + of.apart[0].max(of.apart[1]),
            uniform: went.len() + came.len() == 1,
        }
    };
    groups.into_values().map(difference).collect()
}
