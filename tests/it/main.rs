//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its own setting fails")]

mod access;
mod access_matrix;
mod agreement;
mod amendment;
mod architecture;
mod audit;
mod backup;
mod check;
mod check_properties;
mod config;
mod convention;
mod disclosure;
mod drafts;
mod evaluate;
mod fixtures;
mod ground;
mod http;
mod hub;
mod hub_admin;
mod hub_api;
mod jobs;
mod lake;
mod mail;
mod mail_pages;
mod mail_texts;
mod migrations;
mod openid;
mod paper;
mod parquet;
mod report;
mod retention;
mod samples;
mod security;
mod signature;
mod store;
