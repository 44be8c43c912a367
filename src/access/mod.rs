//! Accounts, roles, sessions, tokens.

pub mod password;
