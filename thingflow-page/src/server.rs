//! [`Page`]: the page while it is served, on a thread of its own.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use thingflow_core::{Control, Inspector, Scheduler};
use tokio::sync::oneshot;

use crate::guard::{self, Guard};
use crate::options::Options;
use crate::token::Token;
use crate::{answers, assets, connections, stream};

/// How long the scheduler may take for an answer before it is said to hang.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions that are asked at the same time.
const ASKERS: usize = 4;
/// No request has more to say.
const LONGEST_BODY: usize = 4096;

/// What all answers are made of.
pub(crate) struct Site {
    pub(crate) title: String,
    pub(crate) inspector: Inspector,
    pub(crate) control: Option<Control>,
    /// How many tabs are open.
    pub(crate) streams: AtomicUsize,
}

/// A page that is being served. Dropping it ends that.
#[must_use = "the page is gone when this is dropped"]
pub struct Page {
    address: SocketAddr,
    token: Token,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The address to open in a browser, with the token behind the `#`. Whoever has it may look: print it where only those read
    /// it who may.
    pub fn url(&self) -> String {
        format!("http://{}/#token={}", self.address, self.token.text())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread of the page has panicked");
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("address", &self.address).finish_non_exhaustive()
    }
}

pub(crate) fn start(listener: TcpListener, options: Options, scheduler: &Scheduler) -> io::Result<Page> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let token = options.token.map_or_else(Token::random, Ok)?;
    let guard = Guard { address, names: options.hosts, token: token.clone() };
    let site = Site {
        title: options.title,
        inspector: scheduler.inspector().within(PATIENCE),
        control: options.has_control.then(|| scheduler.control().within(PATIENCE)),
        streams: AtomicUsize::new(0),
    };
    let router = router(Arc::new(site), Arc::new(guard));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(ASKERS).build()?;
    let (stop, stopped) = oneshot::channel();
    let serve = move || {
        runtime.block_on(connections::serve(listener, router, stopped));
        runtime.shutdown_background(); // a question that waits for the scheduler is not waited for
    };
    let thread = thread::Builder::new().name("thingflow-page".into()).spawn(serve)?;
    Ok(Page { address, token, stop: Some(stop), thread: Some(thread) })
}

fn router(site: Arc<Site>, guard: Arc<Guard>) -> Router {
    let mut router = Router::new().route("/", get(async || assets::INDEX.response()));
    for asset in &assets::OTHERS {
        router = router.route(asset.path, get(async move || asset.response()));
    }
    router
        .route("/favicon.ico", get(async || axum::http::StatusCode::NO_CONTENT)) // browsers ask for it
        .route("/health", get(answers::health))
        .route("/ready", get(answers::ready))
        .route("/metrics", get(answers::metrics))
        .route("/api/about", get(answers::about))
        .route("/api/graph.svg", get(answers::graph))
        .route("/api/stream", get(stream::open))
        .route("/api/pause", post(answers::pause))
        .route("/api/resume", post(answers::resume))
        .route("/api/end", post(answers::end))
        .with_state(site)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(guard, guard::check))
}
