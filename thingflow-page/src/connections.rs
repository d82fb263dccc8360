//! Accepting connections, so many at a time, none of which may take for ever to ask.

use std::io::{self, PipeReader};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;

use crate::impatient::Impatient;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// A browser opens six connections to a host.
const MOST: usize = 64;
/// How long a request may take to come.
const SLOWEST: Duration = Duration::from_secs(10);
/// How long an answer may wait until some more of it is taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the head of a request may take.
const LARGEST_HEAD: usize = 16 * 1024;

/// Room for so many connections as a page has at once.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }

    /// How many there are. One more is being waited for.
    pub(crate) fn taken(&self) -> usize {
        (MOST - self.0.available_permits()).saturating_sub(1)
    }
}

/// Where connections come from.
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, Tls),
    Unix(UnixListener),
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            #[cfg(feature = "tls")]
            Self::Tls(listener, _) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

/// Waits until somebody connects: whether that was before the other end of `is_served` was dropped.
pub(crate) fn somebody_comes(listener: &Listener, is_served: &PipeReader) -> bool {
    let mut waits = [PollFd::new(listener, PollFlags::IN), PollFd::new(is_served, PollFlags::IN)];
    loop {
        match poll(&mut waits, None) {
            Ok(_) if !waits[1].revents().is_empty() => return false,
            Ok(_) if !waits[0].revents().is_empty() => return true,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                log::warn!("the page cannot sleep until somebody connects: {error}");
                return true;
            }
        }
    }
}

/// The same, of `tokio`.
enum Accepting {
    Tcp(tokio::net::TcpListener),
    #[cfg(feature = "tls")]
    Tls(tokio::net::TcpListener, TlsAcceptor),
    Unix(tokio::net::UnixListener),
}

impl Listener {
    /// Within a runtime.
    fn accepting(self) -> io::Result<Accepting> {
        Ok(match self {
            Self::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Accepting::Tcp(tokio::net::TcpListener::from_std(listener)?)
            }
            #[cfg(feature = "tls")]
            Self::Tls(listener, tls) => {
                listener.set_nonblocking(true)?;
                Accepting::Tls(tokio::net::TcpListener::from_std(listener)?, tls.acceptor())
            }
            Self::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Accepting::Unix(tokio::net::UnixListener::from_std(listener)?)
            }
        })
    }
}

impl Accepting {
    /// Talks to the next who connects.
    async fn accept(&self, router: &Router, permit: OwnedSemaphorePermit) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => drop(tokio::spawn(talk(listener.accept().await?.0, router.clone(), permit))),
            #[cfg(feature = "tls")]
            Self::Tls(listener, acceptor) => {
                let (socket, _) = listener.accept().await?;
                drop(tokio::spawn(talk_secretly(acceptor.accept(socket), router.clone(), permit)));
            }
            Self::Unix(listener) => drop(tokio::spawn(talk(listener.accept().await?.0, router.clone(), permit))),
        }
        Ok(())
    }
}

/// Serves until the other end of `stopped` is dropped.
pub(crate) async fn serve(listener: Listener, router: Router, room: Room, stopped: oneshot::Receiver<()>) {
    let listener = match listener.accepting() {
        Ok(listener) => listener,
        Err(error) => return log::error!("cannot serve the page: {error}"),
    };
    let accept = async {
        loop {
            let Ok(permit) = room.0.clone().acquire_owned().await else { return };
            if let Err(error) = listener.accept(&router, permit).await {
                log::warn!("the page cannot accept a connection, trying again: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
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

/// Once both are agreed on how.
#[cfg(feature = "tls")]
async fn talk_secretly(
    handshake: tokio_rustls::Accept<tokio::net::TcpStream>,
    router: Router,
    permit: OwnedSemaphorePermit,
) {
    match tokio::time::timeout(SLOWEST, handshake).await {
        Ok(Ok(socket)) => talk(socket, router, permit).await,
        Ok(Err(error)) => log::debug!("a connection of the page: {error}"),
        Err(_) => log::debug!("a connection of the page: no handshake within {SLOWEST:?}"),
    }
}

async fn talk(socket: impl AsyncRead + AsyncWrite + Unpin + 'static, router: Router, permit: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(SLOWEST).max_buf_size(LARGEST_HEAD);
    let socket = Impatient::new(socket, PATIENCE);
    if let Err(error) = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router)).await {
        log::debug!("a connection of the page: {error}");
    }
    drop(permit);
}
