//! All integration tests, in one binary: it links once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy.toml allows them in tests, but not in what tests share")]

mod backup;
mod ground;
mod jobs;
mod lake;
mod migrations;
mod store;
