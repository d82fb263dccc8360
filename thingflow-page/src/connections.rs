//! Accepting connections, so many at a time, none of which may take for ever to ask.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// A browser opens six connections to a host.
const MOST: usize = 64;
/// How long a request may take to come.
const SLOWEST: Duration = Duration::from_secs(10);
/// What the head of a request may take.
const LARGEST_HEAD: usize = 16 * 1024;

/// Serves until the other end of `stopped` is dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return log::error!("cannot serve the page: {error}"),
    };
    let room = Arc::new(Semaphore::new(MOST));
    let accept = async {
        loop {
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((socket, _)) => drop(tokio::spawn(talk(socket, router.clone(), permit))),
                Err(error) => {
                    log::warn!("the page cannot accept a connection, trying again: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    };
    let mut accept = std::pin::pin!(accept);
    let mut stopped = std::pin::pin!(stopped);
    std::future::poll_fn(|cx| {
        if stopped.as_mut().poll(cx).is_ready() { std::task::Poll::Ready(()) } else { accept.as_mut().poll(cx) }
    })
    .await;
}

async fn talk(socket: tokio::net::TcpStream, router: Router, permit: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(SLOWEST).max_buf_size(LARGEST_HEAD);
    if let Err(error) = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router)).await {
        log::debug!("a connection of the page: {error}");
    }
    drop(permit);
}
