//! All integration tests, in one binary: it links once.

mod convention;
mod fixtures;
mod report;
