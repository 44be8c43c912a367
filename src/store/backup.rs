//! Copies of the whole database.
