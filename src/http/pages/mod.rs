//! The pages: one file and one template struct per page.

pub mod accounts;
pub mod audit;
pub mod compare;
pub mod confirm;
pub mod convention;
pub mod deposit;
pub mod deposit_new;
pub mod deposits;
pub mod evaluation;
pub mod experiment;
pub mod experiments;
pub mod failure;
pub mod holds;
pub mod home;
pub mod indicator;
pub mod mail_preferences;
pub mod mails;
pub mod own_data;
pub mod purge;
pub mod removal;
pub mod retention;
pub mod rex;
pub mod second_factor;
pub mod sign_in;
pub mod text;
pub mod tokens;
