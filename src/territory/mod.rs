//! Who exists in the Métropole du Grand Paris: the Métropole, its EPT and its communes, from the official list (COG 2026,
//! Licence Ouverte), which is part of the program.

use std::{collections::HashMap, sync::LazyLock};

use crate::ids::Siren;

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganisationKind {
    /// The Métropole du Grand Paris.
    Metropole,
    /// An établissement public territorial.
    Ept,
    /// A commune.
    Commune,
}

/// One organisation of the territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Identifies it.
    pub siren: Siren,
    /// INSEE code, of a commune.
    pub insee: Option<&'static str>,
    /// Official name.
    pub name: &'static str,
    /// What it is.
    pub kind: OrganisationKind,
    /// EPT of a commune; none for Paris.
    pub ept: Option<Siren>,
    /// Municipal population.
    pub population: u32,
}

struct Territory {
    all: Vec<Organisation>,
    by_siren: HashMap<Siren, usize>,
    by_insee: HashMap<&'static str, usize>,
}

static TERRITORY: LazyLock<Territory> = LazyLock::new(|| {
    let all: Vec<Organisation> = include_str!("territoire.csv").lines().skip(1).filter_map(parse).collect();
    let by_siren = all.iter().enumerate().map(|(i, o)| (o.siren.clone(), i)).collect();
    let by_insee = all.iter().enumerate().filter_map(|(i, o)| Some((o.insee?, i))).collect();
    Territory { all, by_siren, by_insee }
});

/// A line of the embedded list, whose shape a test holds (no quoted field).
fn parse(line: &'static str) -> Option<Organisation> {
    let mut fields = line.split(',');
    let mut next = || fields.next();
    let some = |s: &'static str| (!s.is_empty()).then_some(s);
    let (siren, insee, name, kind, _departement, ept, population) = (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    Some(Organisation {
        siren: siren.parse().ok()?,
        insee: some(insee),
        name,
        kind: match kind {
            "metropole" => OrganisationKind::Metropole,
            "ept" => OrganisationKind::Ept,
            "commune" => OrganisationKind::Commune,
            _ => return None,
        },
        ept: some(ept).and_then(|s| s.parse().ok()),
        population: population.parse().ok()?,
    })
}

/// All organisations, in the list's order.
pub fn all() -> &'static [Organisation] {
    &TERRITORY.all
}

/// The organisation of this SIREN.
pub fn by_siren(siren: &Siren) -> Option<&'static Organisation> {
    TERRITORY.by_siren.get(siren).map(|&i| &TERRITORY.all[i])
}

/// The commune of this INSEE code.
pub fn by_insee(code: &str) -> Option<&'static Organisation> {
    TERRITORY.by_insee.get(code).map(|&i| &TERRITORY.all[i])
}

/// The organisation named by a SIREN or an INSEE code.
pub fn by_code(code: &str) -> Option<&'static Organisation> {
    by_insee(code).or_else(|| by_siren(&code.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        let count = |kind| all().iter().filter(|o| o.kind == kind).count();
        assert_eq!((count(OrganisationKind::Metropole), count(OrganisationKind::Ept), count(OrganisationKind::Commune)), (1, 11, 130));
        assert_eq!(all().len(), include_str!("territoire.csv").lines().count() - 1);
        let communes = all().iter().filter(|o| o.kind == OrganisationKind::Commune);
        assert_eq!(communes.map(|o| o.population).sum::<u32>(), by_code("200054781").expect("listed").population);
        assert!(by_insee("75056").expect("listed").ept.is_none(), "Paris belongs to no EPT");
    }
}
