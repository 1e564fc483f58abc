//! The threads of HTTP and signals beside the control thread.

use super::product::Product;
use crate::failure::Failure;
use crate::http;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// It waits for the store and the control thread, and computes little.
const HTTP_THREADS: usize = 2;
/// Those who watch learn that it is over; whoever does not go in time is cut.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);
/// Work for requests that still runs on threads of its own.
const THREADS_LIMIT: Duration = Duration::from_secs(1);

/// See the module's head. Nothing is served before [`Web::serve`].
pub(crate) struct Web {
    threads: tokio::runtime::Runtime,
    served: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Web {
    /// The threads alone.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn start() -> Result<Web, Failure> {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(HTTP_THREADS)
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(|e| Failure::io("the threads of HTTP", e))?;
        Ok(Web { threads, served: None })
    }

    /// Where work can be started.
    pub(crate) fn handle(&self) -> &Handle {
        self.threads.handle()
    }

    /// Serves API and console on the first of these addresses that can be had; gives the address.
    ///
    /// # Errors
    /// None can be had: what the last one said.
    pub(crate) fn serve(
        &mut self,
        product: &Product,
        addresses: &[SocketAddr],
        outfit: http::Outfit,
    ) -> Result<SocketAddr, Failure> {
        let mut tried = Err(Failure::misuse("no http address was given"));
        for address in addresses {
            let bound = self.threads.block_on(TcpListener::bind(address));
            tried = bound.map_err(|e| Failure::io(&format!("http address {address}"), e));
            if tried.is_ok() {
                break;
            }
        }
        let listener = tried?;
        let address = listener.local_addr().map_err(|e| Failure::io("the http address", e))?;
        let (control, config) = (product.control.clone(), Arc::clone(&product.config));
        let engine = Some(product.engine.clone());
        let outfit = http::Outfit { settings: Arc::clone(&product.settings), ..outfit };
        let service = http::Service::new(control, Arc::clone(&product.store), config, engine, outfit);
        let (over, closed) = oneshot::channel::<()>();
        let served = self.threads.spawn(http::serve(listener, service, async {
            // Told, or the control thread is gone: both are the end.
            let _ = closed.await;
        }));
        self.served = Some((over, served));
        Ok(address)
    }

    /// Ends answers, streams and threads.
    pub(crate) fn stop(self) {
        if let Some((over, served)) = self.served {
            drop(over);
            let _ = self.threads.block_on(async { tokio::time::timeout(GOODBYE_LIMIT, served).await });
        }
        self.threads.shutdown_timeout(THREADS_LIMIT);
    }
}
