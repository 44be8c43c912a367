//! The work that does not make a person wait: a queue in the database, the runner, one thin file per job.
//!
//! A [`Job`] is added in the transaction of what asks for it ([`crate::store::Tx::enqueue`]), runs at least once, and so must be safe to
//! run again.

pub mod daily;
mod runner;
pub mod sweep;
pub mod work;

pub use self::runner::{Runner, Task};
pub use crate::store::jobs::Job;
