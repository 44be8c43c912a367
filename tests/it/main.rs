//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod check;
mod check_properties;
mod convention;
mod evaluate;
mod parquet;
mod perimeter;
