//! Typed identifiers: one type for one thing, so that a site is never passed for a deposit.

use std::{fmt, str::FromStr};

use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(s: &str) -> Result<Self, Error> {
                Uuid::parse_str(s).map(Self).map_err(|_| Error::new(crate::error::Kind::NotFound, "not_found", "Cette page n'existe pas."))
            }
        }
    };
}

uuid_id!(
    /// An account.
    AccountId
);
uuid_id!(
    /// One version of a convention.
    ConventionId
);
uuid_id!(
    /// A deposit.
    DepositId
);
uuid_id!(
    /// A convention being drawn up.
    DraftId
);
uuid_id!(
    /// A remark on a draft.
    CommentId
);
uuid_id!(
    /// An evaluation snapshot.
    EvaluationId
);
uuid_id!(
    /// A job of the queue.
    JobId
);
uuid_id!(
    /// A letter by e-mail.
    MailId
);
uuid_id!(
    /// A suspension of every destruction.
    HoldId
);
uuid_id!(
    /// A list of elimination.
    PurgeId
);
uuid_id!(
    /// A request for an early withdrawal.
    RemovalId
);
uuid_id!(
    /// A party's signature of a version of a convention.
    SignatureId
);
uuid_id!(
    /// A personal or service token.
    TokenId
);
uuid_id!(
    /// A file that comes in piece by piece.
    UploadId
);

/// A SIREN: nine digits that identify an organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
pub struct Siren(String);

impl Siren {
    /// The nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Siren {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        if s.len() == 9 && s.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(s.to_owned()))
        } else {
            Err(Error::invalid("siren", format!("« {s} » n'est pas un SIREN : il en faut les neuf chiffres.")))
        }
    }
}

impl TryFrom<String> for Siren {
    type Error = Error;
    fn try_from(s: String) -> Result<Self, Error> {
        s.parse()
    }
}

impl From<Siren> for String {
    fn from(s: Siren) -> Self {
        s.0
    }
}

impl fmt::Display for Siren {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One calendar month, the period of a monthly deposit, written `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(NaiveDate);

impl Period {
    /// The month that holds `day`.
    pub fn containing(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// First day.
    pub fn start(self) -> NaiveDate {
        self.0
    }

    /// Last day.
    pub fn end(self) -> NaiveDate {
        self.next().0.pred_opt().unwrap_or(self.0)
    }

    /// The month after.
    pub fn next(self) -> Self {
        Self(self.0 + Months::new(1))
    }

    /// The first `YYYY-MM` of a file's name that is not part of a longer number, if any.
    pub fn in_name(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        (0..bytes.len().saturating_sub(6)).find_map(|i| {
            let digit = |j: usize| bytes.get(j).is_some_and(u8::is_ascii_digit);
            let bounded = (i == 0 || !digit(i - 1)) && !digit(i + 7);
            (bounded && name.is_char_boundary(i) && name.is_char_boundary(i + 7)).then(|| name[i..i + 7].parse().ok()).flatten()
        })
    }

    /// «mars 2026».
    pub fn in_french(self) -> String {
        const MONTHS: [&str; 12] =
            ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];
        format!("{} {}", MONTHS[self.0.month0() as usize], self.0.year())
    }
}

impl FromStr for Period {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        let bad = || Error::invalid("period", format!("« {s} » n'est pas une période : écrivez l'année et le mois, par exemple 2026-03."));
        let (year, month) = s.split_once('-').filter(|(y, m)| y.len() == 4 && m.len() == 2).ok_or_else(bad)?;
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u32>().ok()).flatten().ok_or_else(bad);
        let (year, month) = (digits(year)?, digits(month)?);
        NaiveDate::from_ymd_opt(i32::try_from(year).map_err(|_| bad())?, month, 1).map(Self).ok_or_else(bad)
    }
}

impl TryFrom<String> for Period {
    type Error = Error;
    fn try_from(s: String) -> Result<Self, Error> {
        s.parse()
    }
}

impl From<Period> for String {
    fn from(p: Period) -> Self {
        p.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_from_a_file_name() {
        assert_eq!(Period::in_name("demandes_2026-03_v2.csv").map(|p| p.to_string()).as_deref(), Some("2026-03"));
        assert_eq!(Period::in_name("2026-02.csv").map(|p| p.end().to_string()).as_deref(), Some("2026-02-28"));
        for none in ["demandes.csv", "12026-03.csv", "2026-031.csv", "2026-13.csv", "é2026-3é.csv", ""] {
            assert_eq!(Period::in_name(none), None, "{none}");
        }
    }
}
