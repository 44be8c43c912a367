//! All integration tests, in one binary: it links once.

mod backup;
mod ground;
mod jobs;
mod lake;
mod migrations;
mod store;
