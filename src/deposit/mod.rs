//! A deposit: one file sent by one site for one dataset and one period.

mod accept;
pub mod annotated;
pub mod calendar;
pub mod check;
mod check_only;
pub mod correct;
mod correct_file;
mod covered;
pub mod decode;
pub mod dictionary;
pub mod differences;
pub mod export;
pub mod folder;
mod linked;
mod list;
pub mod parquet;
mod process;
pub mod reading;
mod recheck;
pub mod report;
pub mod sheets;
pub mod starter;
pub mod template;
mod typed;
pub mod upload;
pub mod validate;

pub use accept::{
    Accepted, Allowed, Correction, Sending, Slot, accept, allow, confirm, confirmable, find, readable, withdraw, withdrawable,
};
pub use check_only::check_only;
pub use list::{list, report};
pub use process::{LIMIT, REFUSED_KEPT, give_up, process};
pub use recheck::{RefusedFile, WouldRefuse, would_refuse};
