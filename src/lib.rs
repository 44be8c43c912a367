//! Retex, the hub of « Appropriation Métropolitaine ».

pub mod access;
pub mod app;
pub mod audit;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod convention;
pub mod deposit;
pub mod error;
pub mod evaluation;
pub mod http;
pub mod ids;
pub mod indicator;
pub mod jobs;
pub mod lake;
pub mod report;
pub mod statistics;
pub mod store;
pub mod territory;
