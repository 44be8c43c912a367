//! All integration tests, in one binary: it links once.

mod architecture;
mod config;
mod convention;
mod report;
mod samples;
