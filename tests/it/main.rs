//! All integration tests, in one binary: it links once.

mod architecture;
mod config;
mod convention;
mod evaluate;
mod fixtures;
mod http;
mod perimeter;
mod report;
mod samples;
