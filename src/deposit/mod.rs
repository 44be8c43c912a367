//! A deposit: one file sent by one site for one dataset and one period.

pub mod calendar;
pub mod check;
pub mod decode;
pub mod folder;
pub mod parquet;
pub mod report;
pub mod validate;
