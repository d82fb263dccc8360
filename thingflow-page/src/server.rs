//! [`Page`]: the page while it is served, on a thread of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, PipeWriter};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use thingflow_core::{Control, InspectError, Inspector, Scheduler, Snapshot};
use tokio::sync::{Semaphore, oneshot};

use crate::connections::Listener;
use crate::guard::{self, Guard};
use crate::notes::Notes;
use crate::offers::Offers;
use crate::options::Options;
use crate::past::Pasts;
use crate::room::Room;
use crate::stream::Tabs;
use crate::token::Token;
use crate::unix::{MODE, UnixPage};
use crate::{answers, assets, connections, stream};

/// How long the scheduler may take for an answer before it is said to hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// Questions that are asked at the same time.
const ASKERS: usize = 4;
/// No request has more to say.
const LONGEST_BODY: usize = 4096;

/// What all answers are made of.
pub(crate) struct Site {
    pub(crate) title: String,
    pub(crate) inspector: Inspector,
    pub(crate) control: Option<Control>,
    pub(crate) pasts: Pasts,
    pub(crate) units: BTreeMap<String, String>,
    pub(crate) offers: Offers,
    /// Who may run what may take long, so that there is always a thread for a short question.
    pub(crate) slow: Arc<Semaphore>,
    pub(crate) tabs: Mutex<Tabs>,
    pub(crate) connections: Room,
    pub(crate) notes: Notes,
}

impl Site {
    pub(crate) fn tabs(&self) -> MutexGuard<'_, Tabs> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, InspectError> {
        self.inspector.snapshot()
    }

    /// How long the call takes that holds the scheduler up, if one does and that is watched.
    pub(crate) fn held_for(&self) -> Option<Duration> {
        self.inspector.overruns().iter().find_map(|overrun| overrun.ongoing)
    }
}

/// A page that is being served. Dropping it ends that.
#[must_use = "the page is gone when this is dropped"]
pub struct Page {
    address: SocketAddr,
    /// How browsers ask for it.
    base: String,
    token: Token,
    _running: Running,
}

impl Page {
    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The address to open in a browser, with the token behind the `#`; by TLS with the first name of
    /// [`allow_host`](crate::Options::allow_host). Whoever has it may look: print it where only those read
    /// it who may.
    pub fn url(&self) -> String {
        format!("{}/#token={}", self.base, self.token.text())
    }
}

/// The thread that serves. Dropping it ends that.
pub(crate) struct Running {
    /// Once for what is served, once for who waits to serve: both hear that their other ends are gone.
    stop: Option<(oneshot::Sender<()>, PipeWriter)>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
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

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

pub(crate) fn serve_tcp(listener: TcpListener, mut options: Options, scheduler: &Scheduler) -> io::Result<Page> {
    let address = listener.local_addr()?;
    let token = options.token.take().map_or_else(Token::random, Ok)?;
    let names = std::mem::take(&mut options.hosts);
    let listener = listen(listener, &mut options);
    let is_tls = !matches!(listener, Listener::Tcp(_));
    // A certificate is for names.
    let base = match names.first().filter(|_| is_tls) {
        Some(name) => match name.parse().map(|ip| SocketAddr::new(ip, address.port())) {
            Ok(address) => format!("https://{address}"), // of version 6 it is in brackets
            Err(_) => format!("https://{name}:{}", address.port()),
        },
        None => format!("{}://{address}", if is_tls { "https" } else { "http" }),
    };
    let guard = Guard { address: Some(address), names, token: Some(token.clone()), is_tls };
    Ok(Page { address, base, token, _running: start(listener, guard, options, scheduler)? })
}

#[cfg(feature = "tls")]
fn listen(listener: TcpListener, options: &mut Options) -> Listener {
    match options.tls.take() {
        Some(tls) => Listener::Tls(listener, tls),
        None => Listener::Tcp(listener),
    }
}

#[cfg(not(feature = "tls"))]
fn listen(listener: TcpListener, _: &mut Options) -> Listener {
    Listener::Tcp(listener)
}

/// Whoever may open the socket may look. It may be forwarded by ssh to a port at which browsers ask: to them the machine has the
/// names of any.
pub(crate) fn serve_unix(path: &Path, options: Options, scheduler: &Scheduler) -> io::Result<UnixPage> {
    let (listener, file) = thingflow_unix::bind(path, MODE)?;
    let guard = Guard { address: None, names: Vec::new(), token: None, is_tls: false };
    Ok(UnixPage::new(file, start(Listener::Unix(listener), guard, options, scheduler)?))
}

fn start(listener: Listener, guard: Guard, options: Options, scheduler: &Scheduler) -> io::Result<Running> {
    let site = Site {
        title: options.title,
        inspector: scheduler.inspector().timeout(PATIENCE),
        control: options.has_control.then(|| scheduler.control().timeout(PATIENCE)),
        pasts: options.pasts,
        units: options.units,
        offers: options.offers,
        slow: Arc::new(Semaphore::new(ASKERS / 2)),
        tabs: Mutex::default(),
        connections: Room::new(),
        notes: Notes::default(),
    };
    let (stop, stopped) = oneshot::channel();
    let (is_served, left) = io::pipe()?;
    // Until somebody comes there is a thread that sleeps, and nothing else.
    let serve = move || {
        if connections::somebody_comes(&listener, &is_served) {
            answer(listener, site, guard, stopped);
        }
    };
    let thread = thread::Builder::new().name("thingflow-page".into()).spawn(serve)?;
    Ok(Running { stop: Some((stop, left)), thread: Some(thread) })
}

fn answer(listener: Listener, site: Site, guard: Guard, stopped: oneshot::Receiver<()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    match runtime.enable_io().enable_time().max_blocking_threads(ASKERS).build() {
        Ok(runtime) => {
            let room = site.connections.clone();
            let router = router(Arc::new(site), Arc::new(guard));
            runtime.block_on(connections::serve(listener, router, room, stopped));
            runtime.shutdown_background(); // a question that waits for the scheduler is not waited for
        }
        Err(error) => log::error!("cannot serve the page: {error}"),
    }
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
        .route("/api/snapshot", get(answers::whole))
        .route("/api/outputs", get(answers::counts))
        .route("/api/graph.svg", get(answers::graph))
        .route("/api/past", get(answers::past))
        .route("/api/stream", get(stream::open))
        .route("/api/press", post(answers::press))
        .route("/api/set", post(answers::set))
        .route("/api/pause", post(answers::pause))
        .route("/api/resume", post(answers::resume))
        .route("/api/end", post(answers::end))
        .fallback(answers::unknown)
        .with_state(site)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(guard, guard::check))
}
