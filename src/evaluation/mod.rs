//! Indicators and plan → effects, pooled values, verdicts; REX answers.

pub mod answers;
pub mod disclosure;
pub mod result;
pub mod rex;
pub mod snapshot;

pub use snapshot::{Snapshot, latest, lock, numbered, refresh};

use self::result::Evaluation;
use crate::{convention::Convention, indicator::DepositTable};

/// Computes every indicator of the plan over these deposits, whatever their order.
pub fn evaluate(_convention: &Convention, _version: u32, _deposits: &[DepositTable], _is_final: bool) -> Evaluation {
    todo!()
}
