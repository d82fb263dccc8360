//! Accepting connections, so many at a time, none of which may take for ever to ask.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, PipeReader};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::impatient::Impatient;
use crate::room::{Room, Seat};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How long a request may take to come.
const SLOWEST: Duration = Duration::from_secs(10);
/// How long an answer may wait until some more of it is taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the end of an answer may take to go out, when another waits for the place.
const PARTING: Duration = Duration::from_secs(1);
/// What the head of a request may take.
const LARGEST_HEAD: usize = 16 * 1024;

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
    Tls(tokio::net::TcpListener, Tls),
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
                Accepting::Tls(tokio::net::TcpListener::from_std(listener)?, tls)
            }
            Self::Unix(listener) => Accepting::Unix(tokio::net::UnixListener::from_std(listener)?),
        })
    }
}

impl Accepting {
    /// Talks to the next who connects.
    async fn accept(&self, router: &Router, room: &Room) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (socket, _) = listener.accept().await?;
                let Some(seat) = room.seat().await else { return Ok(()) };
                drop(tokio::spawn(talk(socket, router.clone(), seat)));
            }
            #[cfg(feature = "tls")]
            Self::Tls(listener, tls) => {
                let (socket, _) = listener.accept().await?;
                let Some(seat) = room.seat().await else { return Ok(()) };
                drop(tokio::spawn(talk_secretly(tls.acceptor().accept(socket), router.clone(), seat)));
            }
            Self::Unix(listener) => {
                let (socket, _) = listener.accept().await?;
                let Some(seat) = room.seat().await else { return Ok(()) };
                drop(tokio::spawn(talk(socket, router.clone(), seat)));
            }
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
            if let Err(error) = listener.accept(&router, &room).await {
                log::warn!("the page cannot accept a connection, trying again: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    until(accept, stopped).await;
}

/// What comes of some work; `None` if something else happens before it is done.
async fn until<T>(work: impl Future<Output = T>, end: impl Future) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(cx).map(|_| None),
    })
    .await
}

/// Once both are agreed on how.
#[cfg(feature = "tls")]
async fn talk_secretly(handshake: tokio_rustls::Accept<tokio::net::TcpStream>, router: Router, seat: Arc<Seat>) {
    match until(tokio::time::timeout(SLOWEST, handshake), seat.dismissed()).await {
        Some(Ok(Ok(socket))) => talk(socket, router, seat).await,
        Some(Ok(Err(error))) => log::debug!("a connection of the page: {error}"),
        Some(Err(_)) => log::debug!("a connection of the page: no handshake within {SLOWEST:?}"),
        None => log::debug!("a connection of the page: dismissed before its handshake"),
    }
}

async fn talk(socket: impl AsyncRead + AsyncWrite + Unpin + 'static, router: Router, seat: Arc<Seat>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(SLOWEST).max_buf_size(LARGEST_HEAD);
    let socket = Impatient::new(socket, PATIENCE);
    let service = Seated { router: TowerToHyperService::new(router), seat: seat.clone() };
    let mut served = pin!(http.serve_connection(TokioIo::new(socket), service));
    let result = match until(served.as_mut(), seat.dismissed()).await {
        Some(result) => result,
        None if !seat.has_asked() => Ok(()),
        None => {
            served.as_mut().graceful_shutdown(); // the end of an answer may be on its way
            tokio::time::timeout(PARTING, served).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        log::debug!("a connection of the page: {error}");
    }
}

/// Answers, and notes when it does.
struct Seated {
    router: TowerToHyperService<Router>,
    seat: Arc<Seat>,
}

impl Service<Request<Incoming>> for Seated {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.seat.asks();
        let (answer, seat) = (self.router.call(request), Resting(self.seat.clone()));
        Box::pin(async move { Ok(answer.await?.map(|body| Answer { body, _seat: seat })) })
    }
}

/// An answer on its way. When it is dropped it has gone.
struct Answer {
    body: axum::body::Body,
    _seat: Resting,
}

struct Resting(Arc<Seat>);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.rests();
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
