//! All integration tests, in one binary: it links once.

mod fixtures;
mod http;
mod report;
