//! `outpace serve`: the product. One control thread owns all live state; HTTP and signals ask it.
//!
//! ```text
//!  product.rs: configuration, store, recovery, engine, conductor ──> web.rs: HTTP: ready
//!       SIGTERM, SIGINT: drain, then hang up ── SIGHUP: reload.rs: read the configuration anew
//! ```
//!
//! **Invariants.** HTTP answers only after everything live is as the store says. One process at a time works on a data
//! folder. What cannot change while running says so at SIGHUP and stays as it was.

mod boot;
mod flights;
pub(crate) mod kept;
mod lock;
mod product;
mod recovery;
mod reload;
mod web;

pub(crate) use product::Product;
pub(crate) use web::Web;

use crate::config::Config;
use crate::control::{Control, Refusal, Request};
use crate::failure::Failure;
use crate::http;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Serve calls, campaigns and the API as the configuration says
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace serve --config outpace.toml\n\n\
    Ready when GET /healthz answers 200. SIGTERM lets running calls end and starts none; a second one ends them.\n\
    SIGHUP reads the configuration anew.")]
pub struct ServeArgs {
    /// Configuration to serve; see outpace check
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A faulty configuration (wrong use); a store, address or thread that cannot be had; a shard that ended by a fault.
pub fn run(arguments: &ServeArgs) -> Result<(), Failure> {
    let mut product = Product::boot(Config::load(&arguments.config)?, net::entropy::seed()?)?;
    let mut web = Web::start()?;
    let address = product.config.load().server.http;
    let address = web.serve(&product, &[address], http::Outfit::default())?;
    let hurry = Arc::new(AtomicBool::new(false));
    let reload = reload::Reload::new(arguments.config.clone(), &product);
    web.handle().spawn(signals(product.control.clone(), Arc::clone(&hurry), reload));
    tracing::info!("API on http://{address}");

    let result = until_told(&mut product, &hurry).and_then(|()| product.put_down());
    web.stop();
    let stats = product.shutdown();
    result?;
    tracing::info!("stopped; {} legs were dropped", stats?.counts().legs);
    Ok(())
}

/// The control thread's life: until every call has ended after a drain, the drain's limit is over, or somebody hurries.
fn until_told(product: &mut Product, hurry: &AtomicBool) -> Result<(), Failure> {
    let mut limit = None;
    loop {
        product.step()?;
        let runtime = &product.runtime;
        if !runtime.conductor().draining() {
            continue;
        }
        let limit = *limit.get_or_insert(runtime.now() + runtime.drain_limit());
        if runtime.conductor().calls_live() == 0 || runtime.now() >= limit || hurry.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// SIGTERM and SIGINT drain, a second one hurries; SIGHUP reads the configuration anew.
async fn signals(control: Control, hurry: Arc<AtomicBool>, reload: Arc<reload::Reload>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (term, int, hup) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) = (term, int, hup) else {
        tracing::error!("signals cannot be watched; the process ends calls only when it is killed");
        return;
    };
    let mut draining = false;
    loop {
        let end = tokio::select! {
            _ = term.recv() => true,
            _ = int.recv() => true,
            _ = hup.recv() => false,
        };
        match (end, draining) {
            (true, false) => {
                draining = true;
                tracing::info!("draining: no new calls; those under way may end");
                loop {
                    match control.ask(Request::Drain).await {
                        Ok(_) => break,
                        // The queue moves on within milliseconds, or the control thread is gone and so is the process.
                        Err(Refusal::Busy { .. }) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                        Err(refusal) => {
                            tracing::error!("{refusal}");
                            break;
                        }
                    }
                }
            }
            (true, true) => hurry.store(true, Ordering::Relaxed),
            // Beside the watch, since a resolver may take its time and SIGTERM must not wait for it.
            (false, _) => {
                let reload = Arc::clone(&reload);
                tokio::spawn(async move { reload.run().await });
            }
        }
    }
}
