//! [`Impatient`]: a socket whose other end has to take what it is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A socket at which writing fails when nothing has been taken for a while: so whoever reads nothing keeps no place for ever.
pub(crate) struct Impatient<S> {
    socket: S,
    patience: Duration,
    /// Since something waits to be taken.
    waits: bool,
    until: Pin<Box<Sleep>>,
}

impl<S> Impatient<S> {
    /// Within a runtime.
    pub(crate) fn new(socket: S, patience: Duration) -> Self {
        Self { socket, patience, waits: false, until: Box::pin(sleep(patience)) }
    }

    fn bounded<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        if !std::mem::replace(&mut self.waits, true) {
            self.until.as_mut().reset(Instant::now() + self.patience);
        }
        ready!(self.until.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nobody takes what is sent")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, to)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.bounded(written, cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.bounded(written, cx)
    }
    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.socket).poll_flush(cx);
        self.bounded(written, cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.bounded(written, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const PATIENCE: Duration = Duration::from_secs(30);

    fn run<T>(work: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(work)
    }

    #[test]
    fn s05_who_takes_nothing_is_left_and_who_takes_slowly_is_not() {
        run(async {
            let (near, mut far) = duplex(10);
            let mut socket = Impatient::new(near, PATIENCE);
            tokio::time::sleep(10 * PATIENCE).await; // nothing waits: that is no silence of the other end
            let begun = Instant::now();
            let (slow, written) = (
                async {
                    let mut taken = [0; 10];
                    for _ in 0..10 {
                        tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
                        far.read_exact(&mut taken).await.unwrap();
                    }
                },
                socket.write_all(&[7; 100]),
            );
            let mut slow = std::pin::pin!(slow);
            let mut written = std::pin::pin!(written);
            let mut is_written = None;
            std::future::poll_fn(|cx| {
                if is_written.is_none()
                    && let Poll::Ready(result) = written.as_mut().poll(cx)
                {
                    is_written = Some(result);
                }
                slow.as_mut().poll(cx)
            })
            .await;
            is_written.unwrap().unwrap();
            assert!(begun.elapsed() > 9 * (PATIENCE - Duration::from_secs(1)));
            let begun = Instant::now();
            let error = socket.write_all(&[7; 100]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(begun.elapsed() <= PATIENCE + Duration::from_secs(1));
        });
    }
}
