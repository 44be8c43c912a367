//! All integration tests, in one binary: it links once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod architecture;
mod backup;
mod check;
mod check_properties;
mod config;
mod convention;
mod evaluate;
mod fixtures;
mod ground;
mod http;
mod jobs;
mod lake;
mod migrations;
mod parquet;
mod perimeter;
mod report;
mod samples;
mod store;
