//! [`Options`]: where the page is, and what it may do.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;

use thingflow_core::history::Kept;
use thingflow_core::{DeliveryMeter, Scheduler, Timestamp};

use crate::error::PageError;
use crate::offers::Offers;
use crate::past::Pasts;
use crate::push::Metrics;
use crate::server::{self, Page};
use crate::slider::Slider;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::token::Token;
use crate::unix::UnixPage;

/// Where the page is, and what it may do.
///
/// ```
/// # use thingflow_core::prelude::*;
/// use thingflow_page::Options;
/// # let scheduler = Scheduler::new()?;
/// let page = Options::new("127.0.0.1:0").title("Greenhouse").allow_control().serve(&scheduler)?;
/// # assert!(page.url().contains("#token="));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) address: String,
    pub(crate) title: String,
    pub(crate) token: Option<Token>,
    pub(crate) hosts: Vec<String>,
    pub(crate) has_control: bool,
    pub(crate) pasts: Pasts,
    pub(crate) units: BTreeMap<String, String>,
    pub(crate) offers: Offers,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    is_open: bool,
}

/// At a port of this machine that the system chooses.
impl Default for Options {
    fn default() -> Self {
        Self::new("127.0.0.1:0")
    }
}

impl Options {
    /// A page at an address of this machine, such as `127.0.0.1:8080`; with a port of 0 the system chooses one.
    pub fn new(address: impl Into<String>) -> Self {
        let (title, hosts) = ("ThingFlow".to_owned(), Vec::new());
        let (pasts, units, offers) = (Pasts::default(), BTreeMap::new(), Offers::default());
        let address = address.into();
        Self {
            address,
            title,
            token: None,
            hosts,
            has_control: false,
            pasts,
            units,
            offers,
            #[cfg(feature = "tls")]
            tls: None,
            is_open: false,
        }
    }

    /// What the page is called.
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// A token of your own instead of a new one each time.
    pub fn token(self, token: Token) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Lets the page pause, resume and end what is scheduled. While it does, the run goes on although all is paused.
    pub fn allow_control(self) -> Self {
        Self { has_control: true, ..self }
    }

    /// Another name or address by which browsers may call this machine, besides `localhost` and the address itself: `board.local`,
    /// `192.168.1.4`, `fd00::5`. Requests by any other name are refused, since a foreign page could make them.
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// The past of a place, by its name, for its plots: what `read` gives of a span of time, from memory or from a journal. It is called
    /// on the page's threads, for some hundred short spans one after the other, so that no more than one of them is in memory; a plot
    /// keeps the extremes of each.
    ///
    /// ```
    /// use thingflow_core::history::{History, Past};
    /// use thingflow_core::prelude::*;
    /// use thingflow_page::Options;
    /// # let scheduler = Scheduler::new()?;
    /// let history = History::new(Limit::drop_oldest(36_000)); // an hour of ten a second
    /// let keeper = history.keeper();
    /// let level = interval(Duration::from_millis(100)).map(|n| n as f64).probe("level");
    /// scheduler.schedule_recurring(level.also_to(keeper).connect(call(drop)))?;
    /// let page = Options::new("127.0.0.1:0").past("level", move |span| Ok(history.range(span)?)).serve(&scheduler)?;
    /// # use std::time::Duration;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn past<T: Into<f64>>(
        mut self,
        place: impl Into<String>,
        read: impl Fn(Range<Timestamp>) -> Result<Vec<Kept<T>>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.pasts.add(place.into(), read);
        self
    }

    /// The unit of what a place sends, by its name, such as `°C`: it stands behind its values.
    pub fn unit(mut self, place: impl Into<String>, unit: impl Into<String>) -> Self {
        self.units.insert(place.into(), unit.into());
        self
    }

    /// A number that whoever looks may change.
    pub fn slider(mut self, slider: &Slider) -> Self {
        self.offers.sliders.push(slider.clone());
        self
    }

    /// A button that whoever looks may press, such as `flush` or `water now`. `press` is called on a thread of the page's: to reach the
    /// graph it posts to a [`Remote`](thingflow_core::Remote).
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_page::Options;
    /// # let scheduler = Scheduler::new()?;
    /// let (remote, presses) = scheduler.remote::<()>(Limit::drop_newest(4))?;
    /// presses.for_each(|()| println!("watering"));
    /// let page = Options::new("127.0.0.1:0").button("water now", move || drop(remote.post(()))).serve(&scheduler)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn button(mut self, name: impl Into<String>, press: impl Fn() + Send + Sync + 'static) -> Self {
        self.offers.add_button(name.into(), press);
        self
    }

    /// An output of the program, by a name: what has become of the events that it was given is on the page and in the metrics, and
    /// `/ready` says whether it is usable. The meter is that of an [`EdgeSink`](thingflow_core::EdgeSink::meter), of an outbox or of
    /// a client; [`DeliveryMeter::new`] makes one for an output of your own.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::{Batch, Delivery};
    /// use thingflow_page::Options;
    /// # let scheduler = Scheduler::new()?;
    /// let upload = |batch: &mut Batch<f64>| Ok(batch.done(batch.len()));
    /// let (cloud, refused) = scheduler.worker("cloud", upload, Delivery::within(Limit::drop_oldest(1000)))?;
    /// let page = Options::new("127.0.0.1:0").output("cloud", cloud.meter()).serve(&scheduler)?;
    /// # let _ = refused;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn output(mut self, name: impl Into<String>, meter: impl Into<DeliveryMeter>) -> Self {
        self.offers.outputs.add(name.into(), meter.into());
        self
    }

    /// The metrics of the scheduler and of the [outputs](Self::output), as events for a writer: what `/metrics` has, for boards that
    /// nobody can scrape. Whether a page is served besides does not matter.
    pub fn metrics(&self, scheduler: &Scheduler) -> Metrics {
        Metrics::of(scheduler, self.offers.clone())
    }

    /// Serves the page by TLS: then it may be bound to an address that other machines reach. Its names, by which browsers ask and which
    /// are in the certificate, are told by [`allow_host`](Self::allow_host). A page at a Unix socket is without.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Whether what is said is encrypted.
    fn is_encrypted(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// Lets the page be bound to an address that other machines reach, without TLS. Nothing is encrypted: whoever listens on the network reads
    /// the token. For networks of which you know every machine.
    pub fn open_to_network(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Serves the page.
    ///
    /// # Errors
    /// If the address is not one of this machine alone, is in use, or is none.
    pub fn serve(self, scheduler: &Scheduler) -> Result<Page, PageError> {
        let address: SocketAddr = self.address.parse().map_err(|_| PageError::Address(self.address.clone()))?;
        if !self.is_open && !self.is_encrypted() && !address.ip().to_canonical().is_loopback() {
            return Err(PageError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).map_err(|error| PageError::Bind(address, error))?;
        server::serve_tcp(listener, self, scheduler).map_err(PageError::System)
    }

    /// Serves the same at a Unix socket instead of the address, for `thingflow top` and its like on the machine itself. Its file
    /// is made anew, with permissions for the program's own user only: who may open it needs no token. Keep what it returns.
    ///
    /// Through `ssh -L 8080:/run/thingflow/greenhouse.sock board` every user of the machine where that runs may look and change, and
    /// of the pages in a browser only this one may change anything: the `Origin` has to be the address that was asked.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// use thingflow_page::Options;
    /// # let scheduler = Scheduler::new()?;
    /// # let folder = std::env::temp_dir().join(format!("thingflow-page-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let path = folder.join("greenhouse.sock"); // for a service /run/thingflow/greenhouse.sock
    /// let page = Options::default().title("Greenhouse").serve_unix(&scheduler, &path)?;
    /// assert_eq!(page.path(), path);
    /// drop(page);
    /// assert!(!path.exists());
    /// # std::fs::remove_dir(folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be made: its folder does not exist or is not the program's, another program listens there or is
    /// about to, there is another file, or the path is longer than 107 bytes.
    pub fn serve_unix(self, scheduler: &Scheduler, path: impl Into<PathBuf>) -> Result<UnixPage, PageError> {
        let path = path.into();
        server::serve_unix(&path, self, scheduler).map_err(|error| PageError::Unix(path, error))
    }
}
