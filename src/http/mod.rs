//! Pages and API. [`router`] shows every route on one screen; a handler parses, calls one domain function and renders.

pub mod assets;
pub mod pages;
pub mod view;
pub mod words;
