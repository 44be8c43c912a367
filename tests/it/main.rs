//! All integration tests, in one binary: it links once.

mod architecture;
mod config;
mod convention;
mod evaluate;
mod report;
mod samples;
