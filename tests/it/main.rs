//! All integration tests, in one binary: it links once.

mod architecture;
mod backup;
mod config;
mod convention;
mod evaluate;
mod ground;
mod http;
mod jobs;
mod lake;
mod migrations;
mod report;
mod samples;
mod store;
