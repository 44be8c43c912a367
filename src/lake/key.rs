//! The only place where a path of the lake is built or read.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{DepositId, Period, PurgeId, Siren},
};

/// What Hive, Spark, DuckDB and polars read as «no value» in a partition's folder.
const NO_PERIOD: &str = "__HIVE_DEFAULT_PARTITION__";

/// The name of one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Bytes on their way in: `uploads/{id}`.
    Upload(Uuid),
    /// A piece of a file that comes in over several requests: `parts/{id}`.
    Part(Uuid),
    /// A file as its site sent it, never shared between sites: `originals/{site}/{sha256}`.
    Original {
        /// Who sent it.
        site: Siren,
        /// Of its bytes.
        sha256: Hash,
    },
    /// The typed table of one deposit: `tables/{convention}/{dataset}/site={siren}/period={2026-03}/{deposit}.parquet`.
    Table {
        /// The convention's name.
        convention: Name,
        /// The dataset's name.
        dataset: Name,
        /// Who sent it.
        site: Siren,
        /// For which month.
        period: Option<Period>,
        /// Which deposit.
        deposit: DepositId,
    },
    /// A document that a party signed outside the hub: `signatures/{convention}/{sha256}`.
    Signed {
        /// The convention's name.
        convention: Name,
        /// Of its bytes.
        sha256: Hash,
    },
    /// A report as it was produced: `reports/{convention}/{evaluation}.{format}`.
    Report {
        /// The convention's name.
        convention: Name,
        /// Number of the snapshot that it tells.
        evaluation: u32,
        /// `pdf`, `html` …
        format: Name,
    },
    /// The scan of the archives' visa on a list of elimination: `visas/{purge}.pdf`.
    Visa(PurgeId),
    /// The ends of the audit trail's chains on a day, never swept: `audit/heads/{2026-03-12}.json`.
    AuditHeads(NaiveDate),
}

/// A folder of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prefix {
    /// Everything.
    All,
    /// `uploads/`.
    Uploads,
    /// `parts/`.
    Parts,
    /// `originals/`.
    Originals,
    /// `tables/{convention}/{dataset}/`.
    Table(Name, Name),
    /// `audit/heads/`.
    AuditHeads,
}

/// A SHA-256 in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(String);

/// A name that is safe as a folder: ASCII letters, digits, `-`, `_` and `.`, not first a `.`, at most 100.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Hash {
    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hash {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let good = s.len() == 64 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        good.then(|| Self(s.to_owned())).ok_or_else(|| not_a_key(s))
    }
}

impl FromStr for Name {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let good = (1..=100).contains(&s.len())
            && !s.starts_with('.')
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        good.then(|| Self(s.to_owned())).ok_or_else(|| not_a_key(s))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Key {
    /// Key of a file as its site sent it; `sha256` in lower-case hexadecimal.
    pub fn original(site: &Siren, sha256: &str) -> Result<Self> {
        Ok(Self::Original { site: site.clone(), sha256: sha256.parse()? })
    }

    /// Key of the typed table of a deposit.
    pub fn table(convention: &str, dataset: &str, site: &Siren, period: Option<Period>, deposit: DepositId) -> Result<Self> {
        Ok(Self::Table { convention: convention.parse()?, dataset: dataset.parse()?, site: site.clone(), period, deposit })
    }

    /// Key of a document that a party signed outside the hub; `sha256` in lower-case hexadecimal.
    pub fn signed(convention: &str, sha256: &str) -> Result<Self> {
        Ok(Self::Signed { convention: convention.parse()?, sha256: sha256.parse()? })
    }

    /// Key of a report.
    pub fn report(convention: &str, evaluation: u32, format: &str) -> Result<Self> {
        Ok(Self::Report { convention: convention.parse()?, evaluation, format: format.parse()? })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(id) => write!(f, "uploads/{id}"),
            Self::Part(id) => write!(f, "parts/{id}"),
            Self::Original { site, sha256 } => write!(f, "originals/{site}/{sha256}"),
            Self::Table { convention, dataset, site, period, deposit } => {
                let period = period.map_or_else(|| NO_PERIOD.to_owned(), |p| p.to_string());
                write!(f, "tables/{convention}/{dataset}/site={site}/period={period}/{deposit}.parquet")
            }
            Self::Signed { convention, sha256 } => write!(f, "signatures/{convention}/{sha256}"),
            Self::Report { convention, evaluation, format } => write!(f, "reports/{convention}/{evaluation}.{format}"),
            Self::Visa(purge) => write!(f, "visas/{purge}.pdf"),
            Self::AuditHeads(day) => write!(f, "audit/heads/{day}.json"),
        }
    }
}

impl FromStr for Key {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let bad = || not_a_key(s);
        let parts: Vec<&str> = s.split('/').collect();
        let key = match parts[..] {
            ["uploads", id] => Self::Upload(id.parse().map_err(|_| bad())?),
            ["parts", id] => Self::Part(id.parse().map_err(|_| bad())?),
            ["originals", site, sha256] => Self::Original { site: site.parse().map_err(|_| bad())?, sha256: sha256.parse()? },
            ["tables", convention, dataset, site, period, file] => Self::Table {
                convention: convention.parse()?,
                dataset: dataset.parse()?,
                site: site.strip_prefix("site=").and_then(|s| s.parse().ok()).ok_or_else(bad)?,
                period: match period.strip_prefix("period=").ok_or_else(bad)? {
                    NO_PERIOD => None,
                    month => Some(month.parse().map_err(|_| bad())?),
                },
                deposit: file.strip_suffix(".parquet").and_then(|id| id.parse().ok()).ok_or_else(bad)?,
            },
            ["signatures", convention, sha256] => Self::Signed { convention: convention.parse()?, sha256: sha256.parse()? },
            ["visas", file] => Self::Visa(file.strip_suffix(".pdf").and_then(|id| id.parse().ok()).ok_or_else(bad)?),
            ["reports", convention, file] => {
                let (evaluation, format) = file.split_once('.').ok_or_else(bad)?;
                Self::Report {
                    convention: convention.parse()?,
                    evaluation: evaluation.parse().map_err(|_| bad())?,
                    format: format.parse()?,
                }
            }
            ["audit", "heads", file] => Self::AuditHeads(file.strip_suffix(".json").and_then(|day| day.parse().ok()).ok_or_else(bad)?),
            _ => return Err(bad()),
        };
        // Only the one spelling that Display gives is a key: `+1.pdf` or an upper-case UUID is not.
        if key.to_string() == s { Ok(key) } else { Err(bad()) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Uploads => f.write_str("uploads"),
            Self::Parts => f.write_str("parts"),
            Self::Originals => f.write_str("originals"),
            Self::Table(convention, dataset) => write!(f, "tables/{convention}/{dataset}"),
            Self::AuditHeads => f.write_str("audit/heads"),
        }
    }
}

fn not_a_key(s: &str) -> Error {
    Error::invalid(
        "lake_key",
        format!(
            "« {} » ne peut pas nommer un fichier conservé. Employez des lettres sans accent, des chiffres, « - » et « _ ».",
            s.chars().take(200).collect::<String>()
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_written_as_the_architecture_says() {
        let site: Siren = "217500016".parse().unwrap();
        let deposit = DepositId(Uuid::from_u128(7));
        let table = |period| Key::table("tri-demandes-2026", "demandes", &site, period, deposit).unwrap().to_string();
        assert_eq!(
            table("2026-03".parse().ok()),
            "tables/tri-demandes-2026/demandes/site=217500016/period=2026-03/00000000-0000-0000-0000-000000000007.parquet"
        );
        assert_eq!(
            table(None),
            "tables/tri-demandes-2026/demandes/site=217500016/period=__HIVE_DEFAULT_PARTITION__/00000000-0000-0000-0000-000000000007.parquet"
        );
        let sha256 = "a".repeat(64);
        assert_eq!(Key::original(&site, &sha256).unwrap().to_string(), format!("originals/217500016/{sha256}"));
        for bad in ["", "..", "a/b", ".x", "é", "a b"] {
            assert!(Key::table(bad, "d", &site, None, deposit).is_err(), "{bad}");
            assert!(Key::original(&site, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let sha256 = "a".repeat(64);
        for bad in [
            "",
            "uploads/x",
            "uploads/../originals/217500016",
            "reports/a/+1.pdf",
            "reports/a/01.pdf",
            "uploads/00000000-0000-0000-0000-00000000000A",
            &format!("originals/21750001/{sha256}"),
            &format!("originals/217500016/{}", sha256.to_uppercase()),
            &format!("/originals/217500016/{sha256}"),
            "tables/a/b/site=217500016/period=2026-13/00000000-0000-0000-0000-000000000007.parquet",
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_key_reads_back_as_itself(
            convention in "[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,30}", dataset in "[a-z]{1,9}", site in "[0-9]{9}",
            month in proptest::option::of(1u32..=12), id: u128, number: u32, sha256 in "[0-9a-f]{64}",
        ) {
            let site: Siren = site.parse().unwrap();
            let period = month.map(|m| format!("2026-{m:02}").parse().unwrap());
            for key in [
                Key::Upload(Uuid::from_u128(id)),
                Key::Part(Uuid::from_u128(id)),
                Key::Visa(PurgeId(Uuid::from_u128(id))),
                Key::original(&site, &sha256).unwrap(),
                Key::table(&convention, &dataset, &site, period, DepositId(Uuid::from_u128(id))).unwrap(),
                Key::signed(&convention, &sha256).unwrap(),
                Key::report(&convention, number, "pdf").unwrap(),
            ] {
                prop_assert_eq!(&key.to_string().parse::<Key>().unwrap(), &key);
            }
        }

        #[test]
        fn reading_a_key_never_panics(s in ".*") {
            let _ = s.parse::<Key>();
        }
    }
}
