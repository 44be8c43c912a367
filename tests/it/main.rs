//! All integration tests, in one binary: it links once.

mod architecture;
mod backup;
mod check;
mod check_properties;
mod config;
mod convention;
mod evaluate;
mod ground;
mod http;
mod jobs;
mod lake;
mod migrations;
mod parquet;
mod report;
mod samples;
mod store;
