//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what failed by panicking, in its helpers too")]

mod convention;
mod evaluate;
mod fixtures;
mod perimeter;
mod report;
