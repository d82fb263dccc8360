//! [`Client`]: a connection to a server: what it sends comes as events, and events go to it.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::{Backoff, Context, EventThing, InputThing, Limit, Port, Registry, Shared, StreamError};

use super::link::Link;
use crate::framing::{Framing, Lines};
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::net::{Address, AddressError, Dialer, Scheduled};

/// A client of a server of lines of text, with the usual [`ClientOptions`]: at `tcp://host:7000`, by TLS at `tls://host:7000`, or
/// at the Unix socket `unix:///run/lux.sock`.
///
/// # Errors
/// A text that is no such address.
pub fn connect(address: &str) -> Result<Client<Lines>, AddressError> {
    Ok(ClientOptions::new(address)?.connect())
}

/// A client that is not made yet.
///
/// ```
/// use thingflow_adapters::framing::LengthPrefixed;
/// use thingflow_adapters::tcp::ClientOptions;
/// use thingflow_core::Limit;
/// let options = ClientOptions::new("tcp://192.168.1.7:7000")?.framed(LengthPrefixed::default());
/// let client = options.queue(Limit::drop_oldest(100)).connect();
/// assert!(ClientOptions::new("tcp://192.168.1.7").is_err()); // it has no port
/// # Ok::<(), thingflow_adapters::net::AddressError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientOptions<F> {
    pub(super) address: Address,
    pub(super) framing: F,
    pub(super) queue: Limit,
    pub(super) retry: Backoff,
    pub(super) patience: Duration,
    pub(super) longest_silence: Duration,
    #[cfg(feature = "tls")]
    tls: Tls,
}

impl ClientOptions<Lines> {
    /// A client of lines of text. A try to connect takes ten seconds at most; after a failure the next one comes within a second,
    /// then later and later, up to a minute. What is to be sent waits meanwhile, 1024 frames at most.
    ///
    /// # Errors
    /// A text that is none of `tcp://HOST:PORT`, `tls://HOST:PORT` and `unix:///PATH`.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        let address: Address = address.parse()?;
        let wrong = |why| Err(AddressError::of(&address, why));
        match (address.scheme(), address.port()) {
            ("tls", _) if !cfg!(feature = "tls") => return wrong("`tls://` needs the feature `tls` of this library"),
            ("unix", _) | ("tcp" | "tls", Some(_)) => {}
            ("tcp" | "tls", None) => {
                return wrong("it has no port, and there is no usual one; give it behind the host");
            }
            _ => return wrong("its scheme is none of tcp, tls and unix"),
        }
        if address.user().is_some() {
            return wrong("nobody asks for a user there; leave out what is before the `@`");
        }
        Ok(Self {
            address,
            framing: Lines::default(),
            queue: Limit::default(),
            retry: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).jitter(25),
            patience: Duration::from_secs(10),
            longest_silence: Duration::MAX,
            #[cfg(feature = "tls")]
            tls: Tls::default(),
        })
    }
}

impl<F: Framing + 'static> ClientOptions<F> {
    /// Another kind of frames.
    pub fn framed<G: Framing>(self, framing: G) -> ClientOptions<G> {
        let Self { address, queue, retry, patience, longest_silence, .. } = self;
        #[cfg(feature = "tls")]
        let tls = self.tls;
        ClientOptions {
            address,
            framing,
            queue,
            retry,
            patience,
            longest_silence,
            #[cfg(feature = "tls")]
            tls,
        }
    }

    /// How many frames may wait to be sent, and what happens to one more.
    pub fn queue(self, queue: Limit) -> Self {
        Self { queue, ..self }
    }

    /// The waits before the connection is tried again.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// How long a try may take, the name and TLS included.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Makes the connection anew when nothing has come for so long: for a server that says something all the time. The system
    /// notices within some two minutes that the other machine is gone, but not that its program hangs.
    pub fn longest_silence(self, longest: Duration) -> Self {
        Self { longest_silence: longest, ..self }
    }

    /// Which certificates to trust and to show at a `tls://` address.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    /// The client. It connects when it has been scheduled.
    pub fn connect(self) -> Client<F> {
        Client::new(self)
    }

    pub(super) fn dialer(&self) -> Dialer {
        let dialer = Dialer::new(self.address.clone(), 0);
        #[cfg(feature = "tls")]
        if self.address.scheme() == "tls" {
            return dialer.secured(self.tls.clone());
        }
        dialer
    }
}

/// How a connection fares.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// It has been made.
    Connected,
    /// There is none; the next try comes after a while.
    Disconnected {
        /// Why.
        error: StreamError,
        /// How long until the next try.
        retry_in: Duration,
    },
}

/// What has become of the frames of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Frames that were to be sent.
    pub posted: u64,
    /// Frames that were handed to the operating system. What it has not sent when a connection is lost is lost, too.
    pub sent: u64,
    /// Frames that wait to be sent.
    pub waiting: u64,
    /// Frames that the policy of the queue has dropped, or that were still waiting at the end of the run.
    pub dropped: u64,
    /// Frames that have come.
    pub received: u64,
    /// Frames that were left out, since they could not be read.
    pub invalid: u64,
    /// How often a connection has been made.
    pub connections: u64,
}

/// A handle to a client: its port and its inputs. Give [`thing`](Self::thing) to the scheduler. Clones are the same client.
///
/// It connects by itself, and again when the connection is lost. A frame that was being sent then is sent anew and whole. TCP
/// does not say what has arrived: where nothing may be lost the server has to answer, or use [MQTT](crate::mqtt) or
/// [HTTP](crate::http) behind an outbox.
///
/// When nobody sends any more, nobody listens, and all is sent, it hangs up, and its schedule ends.
///
/// ```
/// use thingflow_adapters::tcp;
/// use thingflow_core::prelude::*;
/// let server = tcp::listen("127.0.0.1:0")?; // in another program: it echoes
/// server.received().connect(server.reply());
/// let client = tcp::connect(&format!("tcp://{}", server.local_addr()))?;
/// let mut scheduler = Scheduler::new()?;
/// scheduler.schedule_on_main_event_loop(server.thing())?;
/// scheduler.schedule_on_main_event_loop(client.thing())?;
/// scheduler.schedule_recurring(from_iter(["hello".to_owned()]).connect(client.sender()))?;
/// let stopper = scheduler.stopper();
/// client.received().for_each(move |line| {
///     assert_eq!(line, "hello");
///     stopper.stop();
/// });
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client<F: Framing> {
    link: Shared<Link<F>>,
    desk: Rc<Desk>,
    received: Port<F::Frame>,
}

impl<F: Framing + 'static> Client<F> {
    fn new(options: ClientOptions<F>) -> Self {
        let (desk, received) = (Rc::new(Desk::default()), Port::new().named("received"));
        let link = Shared::without_ports(Link::new(options, desk.clone(), received.clone())).has_room(Link::has_room);
        Self { link, desk, received }
    }

    /// The port of what the server sends.
    pub fn received(&self) -> &Port<F::Frame> {
        &self.received
    }

    /// An input whose events are sent to the server.
    pub fn sender(&self) -> impl InputThing<F::Frame> + use<F> {
        let pass = Pass::new(&self.desk);
        self.link.input(move |link: &mut Link<F>, frame, cx: &mut Context<'_>| {
            let _keeps = &pass;
            link.post(frame, cx)
        })
    }

    /// How the connection fares: each time that it is made or lost.
    pub fn status(&self) -> &Port<Status> {
        &self.desk.status
    }

    /// What has become of the frames so far.
    pub fn stats(&self) -> ClientStats {
        self.desk.stats.get()
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<F> {
        Scheduled::new(&self.link, Link::close)
    }
}

impl<F: Framing> Clone for Client<F> {
    fn clone(&self) -> Self {
        Self { link: self.link.clone(), desk: self.desk.clone(), received: self.received.clone() }
    }
}

impl<F: Framing> fmt::Debug for Client<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("stats", &self.desk.stats.get()).finish_non_exhaustive()
    }
}

/// What the handles of a client and its connection share.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) registry: OnceCell<Registry>,
    pub(super) senders: Cell<usize>,
    pub(super) stats: Cell<ClientStats>,
    pub(super) status: Port<Status>,
}

impl Desk {
    /// Has the connection called in the next turn.
    pub(super) fn ring(&self) {
        self.registry.get().into_iter().for_each(Registry::call_soon);
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut ClientStats)) {
        let mut stats = self.stats.get();
        change(&mut stats);
        stats.waiting = stats.posted - stats.sent - stats.dropped;
        self.stats.set(stats);
    }
}

/// While it lives, somebody may send.
struct Pass(Rc<Desk>);

impl Pass {
    fn new(desk: &Rc<Desk>) -> Self {
        desk.senders.set(desk.senders.get() + 1);
        Self(desk.clone())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        self.0.ring();
    }
}
