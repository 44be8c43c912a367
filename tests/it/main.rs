//! All integration tests, in one binary: it links once.

mod convention;
mod evaluate;
mod fixtures;
mod http;
mod perimeter;
mod report;
