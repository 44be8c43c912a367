//! `retex serve` and `retex worker`.

use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::runtime;
use crate::{
    app::App,
    clock::Clock,
    config::Config,
    error::{Error, Kind, Result},
    http, jobs,
    mail::smtp,
};

/// Settings.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
}

/// Serves pages and API, with jobs in the same process.
///
/// # Errors
/// A database, a lake or an address that does not open.
pub fn serve(arguments: Arguments) -> Result<ExitCode> {
    log(arguments.config.log_json);
    runtime()?.block_on(async {
        smtp::Server::of(&arguments.config)?;
        let app = App::open(arguments.config, Clock::system()).await?;
        let stop = stop_on_signal();
        let listener = listen(&app.config).await?;
        println!("Retex écoute sur http://{}", listener.local_addr()?);
        serve_on(app, listener, stop).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs jobs only.
///
/// # Errors
/// A database or a lake that does not open.
pub fn worker(mut arguments: Arguments) -> Result<ExitCode> {
    log(arguments.config.log_json);
    // A worker that does nothing serves nobody.
    arguments.config.workers = arguments.config.workers.max(1);
    runtime()?.block_on(async {
        smtp::Server::of(&arguments.config)?;
        let app = App::open(arguments.config, Clock::system()).await?;
        println!("Retex mène les traitements.");
        jobs::work::run(&app, stop_on_signal()).await;
        app.store.close().await;
        Ok::<_, Error>(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the listening socket.
pub(super) async fn listen(config: &Config) -> Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(config.listen).await.map_err(|e| {
        Error::new(
            Kind::Unavailable,
            "listen",
            format!("L'adresse {} est déjà prise ou interdite. Choisissez-en une autre avec --listen.", config.listen),
        )
        .with_source(e)
    })
}

/// Serves until `stop`, then lets requests and jobs end.
pub(super) async fn serve_on(app: App, listener: tokio::net::TcpListener, stop: CancellationToken) -> Result<()> {
    let workers = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move { jobs::work::run(&app, stop).await }
    });
    let reads = tokio::spawn(app.reads.clone().keep(app.store.clone(), stop.clone().cancelled_owned()));
    let served = http::serve(app.clone(), listener, stop.clone().cancelled_owned()).await;
    stop.cancel();
    workers.await.map_err(Error::internal)?;
    reads.await.map_err(Error::internal)?;
    // Those of the requests that were let finish.
    app.reads.flush(&app.store).await?;
    app.store.close().await;
    served
}

/// A token that Ctrl-C or SIGTERM cancels.
pub(super) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    tokio::spawn(async move {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            Some(()) = async { match &mut terminate { Some(t) => t.recv().await, None => std::future::pending().await } } => {}
        }
        signalled.cancel();
    });
    stop
}

/// Starts the log on stderr; `RUST_LOG` chooses what it says.
pub(super) fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "retex=info,warn".into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json { builder.json().try_init() } else { builder.try_init() };
    drop(started);
}
