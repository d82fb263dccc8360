//! [`Options`]: what a web hook takes, and from whom.

use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::request::{self, Request};
use super::server::Hook;
use crate::bound::bound;
use crate::net::Secret;
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::requests::Access;

type Read<T> = dyn Fn(&Request) -> Result<Vec<T>, String>;

/// A web hook that is not bound yet: what is made of a request, and what is allowed. It must be told a [`token`](Self::token), or that
/// there is [none](Self::without_token).
///
/// ```
/// use thingflow_adapters::net::Secret;
/// use thingflow_adapters::webhook::Options;
/// use thingflow_core::prelude::*;
/// let hook = Options::<SensorEvent<f64>>::json().path("/events").token(Secret::credential("hook")).listen("127.0.0.1:0")?;
/// assert_eq!(hook.stats().requests, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Options<T> {
    pub(super) read: Rc<Read<T>>,
    pub(super) path: Option<String>,
    pub(super) access: Access,
    pub(super) max_body: usize,
    pub(super) max_bodies: usize,
    pub(super) max_clients: usize,
    pub(super) max_waiting: usize,
    pub(super) read_timeout: Duration,
    pub(super) answer_timeout: Duration,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

impl<T: DeserializeOwned + Clone + 'static> Options<T> {
    /// Events are what the JSON text in a body is read as: one, several one after the other, such as lines, or an array of them.
    pub fn json() -> Self {
        Self::with(|request| request::json(&request.body))
    }
}

impl Options<String> {
    /// Each line of a body is an event.
    pub fn lines() -> Self {
        Self::with(|request| request::lines(&request.body))
    }
}

impl Options<Request> {
    /// Each request is an event.
    pub fn requests() -> Self {
        Self::with(|request| Ok(vec![request.clone()]))
    }
}

impl<T: Clone + 'static> Options<T> {
    /// Makes events of a request, or says what is wrong with it, which is answered by 400. Without anything else said a body may have
    /// 1 MiB, all of them together 4 MiB, 64 clients may be connected, a request has to come within 10 s, and the graph to deal with its events within 30 s.
    pub fn with(read: impl Fn(&Request) -> Result<Vec<T>, String> + 'static) -> Self {
        Self {
            read: Rc::new(read),
            path: None,
            access: Access::default(),
            max_body: 1 << 20,
            max_bodies: 4 << 20,
            max_clients: 64,
            max_waiting: 1024,
            read_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Takes what is posted to this path only. Otherwise the path does not matter.
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Takes only what comes with `Authorization: Bearer` and this token. One that is changed on disk is taken within
    /// a second. While its file cannot be read, or is empty, requests are put off by 503, and the log says why.
    pub fn token(self, token: Secret) -> Self {
        Self { access: Access::Token(token), ..self }
    }

    /// Takes what anybody sends who reaches the address, except web pages, which are refused by their `Origin`.
    pub fn without_token(self) -> Self {
        Self { access: Access::Everybody, ..self }
    }

    /// How many bytes a body may have, compressed and uncompressed: 1 MiB unless told otherwise.
    pub fn max_body(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// How many bytes all bodies together may take, from the head of their request, which says how long it is, until its events
    /// have been dealt with: 4 MiB unless told otherwise, and never less than [`max_body`](Self::max_body). Requests beyond are put
    /// off by 503, before their bodies are read.
    pub fn max_bodies(self, max_bodies: usize) -> Self {
        Self { max_bodies, ..self }
    }

    /// Turns away clients beyond so many: 64 unless told otherwise.
    pub fn max_clients(self, max_clients: usize) -> Self {
        Self { max_clients, ..self }
    }

    /// How many events may be on their way through the graph: 1024 unless told otherwise. Requests beyond are put off by 503; one that
    /// has more of them itself is refused by 413, and `http::Writer` sends it in halves.
    pub fn max_waiting(self, max_waiting: usize) -> Self {
        Self { max_waiting, ..self }
    }

    /// Within what time a request has to come, from its first byte to its last: 10 s unless told otherwise.
    pub fn read_timeout(self, read_timeout: Duration) -> Self {
        Self { read_timeout, ..self }
    }

    /// For how long the graph may hold the events of a request: 30 s unless told otherwise. Then it is answered by 503, and what becomes of them is not told any
    /// more: the client sends them again, so they may come twice.
    pub fn answer_timeout(self, answer_timeout: Duration) -> Self {
        Self { answer_timeout, ..self }
    }

    /// Speaks HTTPS only: shows a certificate, and lets in everybody, or those who show one that is trusted, see [`Tls`].
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Binds the address. Clients are accepted when the hook has been scheduled.
    ///
    /// # Errors
    /// Those of the operating system: the address is in use, or is not one of this machine. Nothing was said of a token, or
    /// its file is empty. A certificate that cannot be used.
    pub fn listen(self, address: impl ToSocketAddrs) -> io::Result<Hook<T>> {
        self.access.check("web hook")?;
        Hook::new(bound(address, |addresses| TcpListener::bind(addresses))?, self)
    }
}

impl<T> std::fmt::Debug for Options<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("path", &self.path).field("access", &self.access).finish_non_exhaustive()
    }
}
