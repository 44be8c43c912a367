//! Accounts, roles, sessions, tokens.
