//! Pages and API. [`router`] shows every route on one screen; a handler parses, calls one domain function and renders.

pub mod assets;
pub mod describe;
pub mod domain_stub;
pub mod failure;
pub mod load;
pub mod pages;
pub mod present;
pub mod problem;
pub mod security;
pub mod state;
pub mod view;
pub mod words;
