//! [`Client`]: a connection to a server: what it sends comes as events, and events go to it.

use std::fmt;
use std::time::Duration;

use thingflow_core::{Backoff, DeliveryMeter, EventThing, InputThing, Limit, Port};

use super::conduct::Conduct;
use super::desk::{ClientStats, Handle, Status};
use super::link::Calling;
use super::protocol::Pulse;
use crate::framing::{Framing, Lines};
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::net::{Address, AddressError, Dialer};

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
    address: Address,
    framing: F,
    conduct: Conduct,
    idle_timeout: Duration,
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
                return wrong("it has no port, and there is no default one: append it, as in `tcp://host:7000`");
            }
            _ => return wrong("its scheme must be `tcp`, `tls` or `unix`"),
        }
        if address.user().is_some() {
            return wrong("nobody asks for a user there; leave out what is before the `@`");
        }
        let (framing, conduct) = (Lines::default(), Conduct::default());
        Ok(Self { address, framing, conduct, idle_timeout: Duration::MAX })
    }
}

impl<F: Framing + 'static> ClientOptions<F> {
    /// Another kind of frames.
    pub fn framed<G: Framing>(self, framing: G) -> ClientOptions<G> {
        let Self { address, conduct, idle_timeout, .. } = self;
        ClientOptions { address, framing, conduct, idle_timeout }
    }

    /// How many frames may wait to be sent, and what happens to one more: 1024 unless told otherwise, then the source waits.
    pub fn queue(self, queue: Limit) -> Self {
        Self { conduct: Conduct { queue, ..self.conduct }, ..self }
    }

    /// The waits before the connection is tried again: a second at first, up to a minute, each shorter by up to a quarter at random.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { conduct: Conduct { retry, ..self.conduct }, ..self }
    }

    /// How long a try may take, the name and TLS included: 10 s unless told otherwise.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { conduct: Conduct { timeout, ..self.conduct }, ..self }
    }

    /// Makes the connection anew when nothing has come for so long: for a server that says something all the time. The system
    /// notices within some two minutes that the other machine is gone, but not that its program hangs.
    pub fn idle_timeout(self, longest: Duration) -> Self {
        Self { idle_timeout: longest, ..self }
    }

    /// Which certificates to trust and to show at a `tls://` address.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { conduct: Conduct { tls, ..self.conduct }, ..self }
    }

    /// The client. It connects when it has been scheduled.
    pub fn connect(self) -> Client<F> {
        let Self { address, framing, conduct, idle_timeout } = self;
        let (name, by_tls) = (address.to_string(), address.scheme() == "tls");
        let dialer = conduct.secured(Dialer::new(address, 0), by_tls);
        let pulse = Pulse { idle_timeout, ..Pulse::NONE };
        Client(Handle::new(framing, Calling { name, dialer, conduct, pulse }))
    }
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
pub struct Client<F: Framing + 'static>(pub(crate) Handle<F>);

impl<F: Framing + 'static> Client<F> {
    /// The port of what the server sends.
    pub fn received(&self) -> &Port<F::Frame> {
        self.0.received()
    }

    /// An input whose events are sent to the server.
    pub fn sender(&self) -> impl InputThing<F::Frame> + use<F> {
        self.0.sender()
    }

    /// How the connection fares: each time that it is made or lost.
    pub fn status(&self) -> &Port<Status> {
        self.0.status()
    }

    /// What has become of the frames so far.
    pub fn stats(&self) -> ClientStats {
        self.0.stats()
    }

    /// What has become of the frames that were to be sent, from any thread: a live page shows it as an output.
    pub fn meter(&self) -> DeliveryMeter {
        self.0.meter()
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<F> {
        self.0.thing()
    }
}

impl<F: Framing + 'static> Clone for Client<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Framing + 'static> fmt::Debug for Client<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("stats", &self.0.stats()).finish_non_exhaustive()
    }
}
