//! Pages and API. [`router`](router::router) shows every route on one screen; a handler parses, calls one domain function and renders.

pub mod api;
pub mod assets;
pub mod editor;
pub mod failure;
pub mod health;
pub mod limits;
pub mod load;
pub mod markdown;
pub mod pages;
pub mod present;
pub mod problem;
pub mod reads;
pub mod router;
pub mod security;
pub mod state;
pub mod trail;
pub mod view;

use std::net::SocketAddr;

use tokio::net::TcpListener;

pub use crate::words;
use crate::{app::App, error::Result};

/// Serves pages and API on an open listener until `stop` completes; requests under way are let finish.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let service = router::router(app).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).with_graceful_shutdown(stop).await?)
}
