//! Connections: accepted, counted, kept from being slow for ever, and let go in order.

use super::auth::{self, Peer};
use super::limits::{
    CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HEAD_BYTES_MAX, HEAD_WAIT, KEY_LIFE, LOGIN_IDLE, LOGIN_LIFE,
    STOP_WAIT, Shares, WRITE_WAIT,
};
use super::{Service, amd_watch, contacts, imports, openapi};
use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use base::WallTime;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::Sleep;
use tower::ServiceExt;

/// A pause after a failed accept (no file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often what is over is swept: idempotency keys and logins.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// Serves until `shutdown` is done; then takes no new connections, ends event streams, and waits up to 5 s for answers
/// under way.
pub async fn serve(listener: TcpListener, service: Arc<Service>, shutdown: impl Future<Output = ()>) {
    imports::mend(&service).await;
    let app = openapi::app(service.clone());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let addresses = Arc::new(Shares::new(CONNECTIONS_PER_ADDRESS_MAX));
    let stop = service.stopping.subscribe();
    let mut shutdown = std::pin::pin!(shutdown);
    let sweeper = tokio::spawn(sweep(service.clone()));
    tokio::spawn(contacts::fill(service.clone()));
    tokio::spawn(amd_watch::watch(service.clone()));
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (Ok(place), Some(share)) = (places.clone().try_acquire_owned(), addresses.take(from.ip())) else {
            service.figures.refused_connection();
            continue;
        };
        let (app, stop) = (app.clone(), stop.clone());
        let proxy = service.config.load().server.trusted_proxy;
        tokio::spawn(async move {
            let _held = (place, share);
            connection(stream, from, proxy, app, stop).await;
        });
    }
    drop(listener);
    sweeper.abort();
    service.stopping.send_replace(true);
    // All places free again: every connection has ended.
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_WAIT, places.acquire_many(all)).await;
}

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    proxy: Option<IpAddr>,
    app: Router,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small and written whole; waiting to fill a segment only delays them.
    let _ = stream.set_nodelay(true);
    let answer = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let peer = Peer(asking(from.ip(), proxy, request.headers()));
        request.extensions_mut().insert(peer);
        app.clone().oneshot(request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_BYTES_MAX.max(8_192));
    let connection = builder.serve_connection(TokioIo::new(Cut::new(stream, WRITE_WAIT)), answer);
    let mut connection = std::pin::pin!(connection);
    // A client's faults end its connection and are no concern of the log.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Whose request it is: what the trusted proxy says, or whoever holds the connection. Of the addresses that a proxy passes
/// on the last one is its own word, those before it are the client's.
fn asking(from: IpAddr, proxy: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
    if proxy != Some(from.to_canonical()) {
        return from;
    }
    let said = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    said.and_then(|said| said.rsplit(',').next()?.trim().parse().ok()).unwrap_or(from)
}

/// Forgets idempotency keys that are too old, and logins that are over.
async fn sweep(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        let life_us = i64::try_from(KEY_LIFE.as_micros()).unwrap_or(i64::MAX);
        let before = WallTime::from_unix_us(service.wall_now().as_unix_us() - life_us);
        if let Err(problem) = service.store(move |store| store.idempotency_sweep(before)).await {
            tracing::warn!(problem = problem.detail, "old idempotency keys could not be swept");
        }
        let now_us = service.wall_now().as_unix_us();
        let (began, used) = (now_us - auth::us(LOGIN_LIFE), now_us - auth::us(LOGIN_IDLE));
        let (began, used) = (WallTime::from_unix_us(began), WallTime::from_unix_us(used));
        if let Err(problem) = service.store(move |store| store.sweep_logins(began, used)).await {
            tracing::warn!(problem = problem.detail, "logins that are over could not be swept");
        }
    }
}

/// A connection whose reader is cut when it takes nothing for `wait`.
struct Cut<S> {
    stream: S,
    wait: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Cut<S> {
    fn new(stream: S, wait: Duration) -> Cut<S> {
        Cut { stream, wait, stalled: None }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let sleep = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.wait)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cut<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, shut)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watch(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_cut_and_one_that_takes_a_little_is_not() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut cut = Cut::new(near, Duration::from_secs(60));
        let write = tokio::spawn(async move { cut.write_all(&[7; 64]).await });
        let mut taken = [0; 64];
        for byte in &mut taken {
            *byte = far.read_u8().await.unwrap();
        }
        write.await.unwrap().unwrap();
        assert_eq!(taken, [7; 64]);

        let (near, _far) = tokio::io::duplex(16);
        let error = Cut::new(near, Duration::from_millis(10)).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn only_the_trusted_proxy_is_believed_and_only_its_own_word() {
        let (proxy, far): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "192.0.2.9".parse().unwrap());
        let mut headers = HeaderMap::new();
        assert_eq!(asking(proxy, Some(proxy), &headers), proxy);
        headers.insert("x-forwarded-for", "203.0.113.5, 198.51.100.7".parse().unwrap());
        assert_eq!(asking(proxy, Some(proxy), &headers), "198.51.100.7".parse::<IpAddr>().unwrap());
        assert_eq!(asking(far, Some(proxy), &headers), far);
        assert_eq!(asking(proxy, None, &headers), proxy);
        let mapped = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(asking(mapped, Some(proxy), &headers), "198.51.100.7".parse::<IpAddr>().unwrap());
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(asking(proxy, Some(proxy), &headers), proxy);
    }
}
