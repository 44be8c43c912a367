//! What a token may be used for, less than its account may do: some sites, some datasets, some verbs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{Error, Kind, Result},
    ids::Siren,
};

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Reads: conventions, deposits, results, reports.
    Read,
    /// Sends, checks, corrects and withdraws files.
    Deposit,
    /// Writes what people write: drafts, answers, comments, decisions.
    Write,
    /// Manages accounts and tokens.
    Manage,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 4] = [Self::Read, Self::Deposit, Self::Write, Self::Manage];

    /// Stable English name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deposit => "deposit",
            Self::Write => "write",
            Self::Manage => "manage",
        }
    }

    /// As pages say it.
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Read => "consulter",
            Self::Deposit => "déposer des fichiers",
            Self::Write => "rédiger",
            Self::Manage => "gérer les comptes",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Verb {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let unknown =
            || Error::invalid("verb", format!("«\u{a0}{s}\u{a0}» n'est pas une action de jeton\u{a0}; il y a\u{a0}: {}.", names()));
        Self::ALL.into_iter().find(|v| v.name() == s).ok_or_else(unknown)
    }
}

/// What a token may be used for. An empty list of sites or datasets leaves what the account itself may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// SIREN of the sites.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub sites: Vec<Siren>,
    /// Names of the datasets.
    #[serde(default)]
    pub datasets: Vec<String>,
    /// What may be done.
    pub verbs: Vec<Verb>,
}

impl Scope {
    /// Whether this act on this dataset (any, if none) of this site (all, if none) is within the scope.
    ///
    /// # Errors
    /// [`Kind::Forbidden`] for a verb that the token does not have; [`Kind::NotFound`] for a site or a dataset outside, which is answered
    /// like what is not there.
    pub fn allows(&self, verb: Verb, dataset: Option<&str>, site: Option<&Siren>) -> Result<()> {
        self.allows_verb(verb)?;
        let site_within = self.sites.is_empty() || site.is_some_and(|s| self.sites.contains(s));
        let dataset_within = self.datasets.is_empty() || dataset.is_some_and(|d| self.datasets.iter().any(|own| own == d));
        if site_within && dataset_within {
            return Ok(());
        }
        Err(outside())
    }

    /// Whether the token has this verb at all.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn allows_verb(&self, verb: Verb) -> Result<()> {
        if self.verbs.contains(&verb) {
            return Ok(());
        }
        let asked = verb.in_french();
        Err(Error::new(
            Kind::Forbidden,
            "token_scope",
            format!("Ce jeton d'accès ne permet pas de {asked}. Demandez-en un qui le permette."),
        ))
    }

    /// The site and the dataset that a list is of: those asked for, else the only ones of the scope.
    ///
    /// # Errors
    /// [`Kind::NotFound`] for one outside; `scope_narrower` where the scope has several and none is asked for.
    pub fn narrow(&self, site: Option<Siren>, dataset: Option<String>) -> Result<(Option<Siren>, Option<String>)> {
        self.allows_verb(Verb::Read)?;
        Ok((one_of(&self.sites, site, "site")?, one_of(&self.datasets, dataset, "dataset")?))
    }

    /// In words: «consulter, déposer des fichiers».
    pub fn verbs_in_french(&self) -> String {
        self.verbs.iter().map(|v| v.in_french()).collect::<Vec<_>>().join(", ")
    }
}

fn outside() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}

fn one_of<T: Clone + PartialEq>(within: &[T], asked: Option<T>, parameter: &str) -> Result<Option<T>> {
    match (within, asked) {
        ([], asked) => Ok(asked),
        (within, Some(asked)) if within.contains(&asked) => Ok(Some(asked)),
        (_, Some(_)) => Err(outside()),
        ([only], None) => Ok(Some(only.clone())),
        (_, None) => Err(Error::invalid(
            "scope_narrower",
            format!("Votre jeton d'accès en vise plusieurs\u{a0}: précisez le paramètre «\u{a0}{parameter}\u{a0}»."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn siren(n: u32) -> Siren {
        format!("{:09}", 200_000_000 + n).parse().expect("a SIREN")
    }

    #[test]
    fn a_scope_only_takes_away() {
        let scope = Scope { sites: vec![siren(1)], datasets: vec!["releves".into()], verbs: vec![Verb::Read] };
        let code =
            |verb, dataset, site: Option<u32>| scope.allows(verb, dataset, site.map(siren).as_ref()).map_or_else(|e| e.code, |()| "ok");
        assert_eq!(code(Verb::Read, Some("releves"), Some(1)), "ok");
        assert_eq!(code(Verb::Deposit, Some("releves"), Some(1)), "token_scope");
        assert_eq!(code(Verb::Deposit, Some("releves"), Some(2)), "token_scope", "the same for a foreign site: it says nothing of it");
        for (dataset, site) in [(Some("releves"), Some(2)), (Some("autre"), Some(1)), (None, Some(1)), (Some("releves"), None)] {
            assert_eq!(code(Verb::Read, dataset, site), "not_found");
        }
        let open = Scope { verbs: vec![Verb::Read], ..Scope::default() };
        assert!(open.allows(Verb::Read, None, None).is_ok());
    }

    proptest! {
        #[test]
        fn a_wider_scope_never_refuses_what_a_narrower_one_allows(
            sites in prop::collection::vec(0..4u32, 0..3), more in 0..4u32, site in prop::option::of(0..4u32), verbs in prop::collection::vec(0..4usize, 0..4)
        ) {
            let verbs: Vec<Verb> = verbs.into_iter().map(|i| Verb::ALL[i]).collect();
            let narrow = Scope { sites: sites.iter().copied().map(siren).collect(), datasets: vec![], verbs: verbs.clone() };
            let mut wider = narrow.clone();
            if !wider.sites.is_empty() {
                wider.sites.push(siren(more));
            }
            for verb in Verb::ALL {
                if narrow.allows(verb, None, site.map(siren).as_ref()).is_ok() {
                    prop_assert!(verbs.contains(&verb));
                    prop_assert!(wider.allows(verb, None, site.map(siren).as_ref()).is_ok());
                }
            }
        }
    }
}
