//! Retex, the hub of « Appropriation Métropolitaine »: communes deposit the results of an experiment, the hub checks them
//! against the signed convention, computes the agreed indicators across sites, and writes the evaluation report.
//!
//! # The map
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`] | what each command does, between its arguments and the library |
//! | [`http`] | pages and API: parse, call one domain function, render; [`http::router`](http) shows every route |
//! | [`jobs`] | the queue in the database, its runner, one thin function per job |
//! | [`deposit`] | a file: read ([`deposit::decode`]), checked ([`deposit::check`]), kept as a typed table ([`deposit::parquet`]); what is given to fill in ([`deposit::template`]) and given back annotated ([`deposit::annotated`]); a deposit read otherwise ([`deposit::reading`]), mended ([`deposit::correct`]), compared with another ([`deposit::differences`]) |
//! | [`indicator`] | accepted deposits → sufficient statistics per site and group |
//! | [`evaluation`] | statistics and plan → effects, pooled values, verdicts; REX answers |
//! | [`report`] | one view → HTML and PDF |
//! | [`convention`] | the signed document: its schema, its compiled rules and expressions, its perimeter |
//! | [`retention`] | the end of the data: list of elimination, visa, destruction, holds, early withdrawal |
//! | [`statistics`] | pure functions: intervals, effects, pooling, multiplicity |
//! | [`territory`] | who exists in the Métropole |
//! | [`openid`] | sign-in through an identity provider: the protocol alone |
//! | [`access`] | accounts, roles, sessions, tokens |
//! | [`audit`] | the chained trail |
//! | [`mail`] | letters by e-mail, queued with what causes them |
//! | [`words`] | numbers, dates and distances in French |
//! | [`backup`] | a consistent copy of the hub, and its return |
//! | [`verify`] | the trail, the rows and the files against each other |
//! | [`store`] | the only SQL |
//! | [`lake`] | the only object store; [`lake::key`] is the only place where a path is built |
//!
//! Dependencies go one way, which `tests/it/architecture.rs` checks: `http | jobs | cli` → `deposit | indicator | evaluation |
//! report` → `convention | statistics | territory` → `store | lake`; [`error`], [`ids`] and [`clock`] are below all.
//!
//! # The three paths
//!
//! **A deposit.** [`deposit::accept()`] streams the body to the lake while hashing it, answers the bytes it already knows with
//! their first receipt, and writes the deposit, its audit entry and its job in one transaction. The job calls
//! [`deposit::process()`]: the original is read and checked by [`deposit::check::check_file`], the typed table goes to the lake, and
//! the state, the receipt, the audit entry and the next job are one transaction again. A large file may come in pieces
//! ([`deposit::upload`]); once whole it takes the same path. An object is written before the row that
//! names it; [`jobs`] sweeps what no row names.
//!
//! **An evaluation.** The job calls [`evaluation::refresh()`]: the current accepted tables are read from the lake and summarised one by
//! one ([`indicator`]), merged in the order of their hashes, turned into effects and pooled values by [`statistics`], and stored as
//! a numbered snapshot ([`evaluation::result::Evaluation`]). Pages and API render that same struct.
//!
//! **A report.** [`report::build()`] takes the snapshot and the REX answers, makes one [`report::View`], and renders it as HTML or PDF.
//!
//! `retex check`, `retex evaluate` and `retex report` call the same functions on files, with no server and no account.

pub mod access;
pub mod app;
pub mod audit;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod convention;
pub mod deposit;
pub mod error;
pub mod evaluation;
pub mod http;
pub mod ids;
pub mod indicator;
pub mod jobs;
pub mod lake;
pub mod mail;
pub mod openid;
pub mod report;
pub mod retention;
pub mod signature;
pub mod statistics;
pub mod store;
pub mod territory;
pub mod verify;
pub mod words;
