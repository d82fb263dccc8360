//! [`Client`]: a WebSocket to a server: what it sends comes as events, and events go to it.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::{Backoff, DeliveryMeter, EventThing, InputThing, Limit, Port};
use tungstenite::handshake::client::generate_key;
use tungstenite::protocol::Role;

use super::address::Target;
use super::error::HeaderError;
use super::handshake::{Invitation, is_value, is_word, subprotocol};
use super::message::Message;
use super::talk::{Encoder, Side, Talk};
use super::{ASK_AFTER, MAX_MESSAGE, TIMEOUT};
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::net::{AddressError, Dialer, Secret, Stream};
use crate::tcp::{Calling, ClientStats, Conduct, Handle, Protocol, Pulse, Status};

/// A client of the server at `ws://host/path`, or by TLS at `wss://host/path`, with the usual [`ClientOptions`].
///
/// # Errors
/// A text that is no such address.
pub fn connect(address: &str) -> Result<Client, AddressError> {
    Ok(ClientOptions::new(address)?.connect())
}

/// A client that is not made yet.
///
/// ```
/// use thingflow_adapters::net::Secret;
/// use thingflow_adapters::websocket::ClientOptions;
/// use thingflow_core::Limit;
/// let options = ClientOptions::new("ws://192.168.1.7:8080/readings")?.token(Secret::credential("readings"));
/// let client = options.queue(Limit::drop_oldest(100)).connect();
/// assert!(ClientOptions::new("http://192.168.1.7").is_err());
/// # Ok::<(), thingflow_adapters::net::AddressError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientOptions {
    target: Target,
    headers: Vec<(String, String)>,
    token: Option<Secret>,
    subprotocol: Option<String>,
    max_message: usize,
    conduct: Conduct,
    ask_after: Duration,
}

/// The handshake says these itself.
const OURS: [&str; 4] = ["Host", "Upgrade", "Connection", "Authorization"];

impl ClientOptions {
    /// The server at `ws://HOST:PORT/PATH`, port 80 unless it names one, or by TLS at `wss://…`, port 443. A try to connect takes
    /// ten seconds at most; after a failure the next one comes within a second, then later and later, up to a minute. What is to
    /// be sent waits meanwhile, 1024 messages at most; one that comes may have 64 KiB.
    ///
    /// # Errors
    /// A text that is no such address.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Ok(Self {
            target: Target::without_user(address)?,
            headers: Vec::new(),
            token: None,
            subprotocol: None,
            max_message: MAX_MESSAGE,
            conduct: Conduct { timeout: TIMEOUT, ..Conduct::default() },
            ask_after: ASK_AFTER,
        })
    }

    /// Sends a header with the request for the WebSocket.
    ///
    /// # Errors
    /// A name that is not an HTTP token, or that the handshake itself needs; a value with a line break or another control character.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, HeaderError> {
        let (name, value) = (name.into(), value.into());
        let is_ours = OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
        if !is_word(&name) {
            return Err(HeaderError::new(
                &name,
                "its name must be an HTTP token: letters, digits, `-` and the like, without spaces",
            ));
        }
        if is_ours || name.to_ascii_lowercase().starts_with("sec-websocket-") {
            return Err(HeaderError::new(&name, "the handshake says it itself; see `token` and `subprotocol`"));
        }
        if !is_value(&value) {
            return Err(HeaderError::new(&name, "its value has a control character, such as a line break"));
        }
        self.headers.push((name, value));
        Ok(self)
    }

    /// Sends a token: `Authorization: Bearer …`. It is read anew for each connection.
    pub fn token(self, token: Secret) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Speaks this subprotocol only: a server that does not choose it is none.
    ///
    /// # Errors
    /// A name that is not an HTTP token: letters, digits, `-` and the like.
    pub fn subprotocol(self, name: impl Into<String>) -> Result<Self, HeaderError> {
        Ok(Self { subprotocol: Some(subprotocol(name.into())?), ..self })
    }

    /// How many bytes an incoming message may have: 64 KiB unless told otherwise. A longer one ends the connection, before its bytes
    /// are kept.
    pub fn max_message(self, bytes: usize) -> Self {
        Self { max_message: bytes, ..self }
    }

    /// How many messages may wait to be sent, and what happens to one more: 1024 unless told otherwise, then the source waits.
    pub fn queue(self, queue: Limit) -> Self {
        Self { conduct: Conduct { queue, ..self.conduct }, ..self }
    }

    /// The waits before the connection is tried again: a second at first, up to a minute, each shorter by up to a quarter at random.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { conduct: Conduct { retry, ..self.conduct }, ..self }
    }

    /// How long a try may take, with the name, TLS and the handshake, and how long the answer to a ping: 10 s unless told otherwise.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { conduct: Conduct { timeout, ..self.conduct }, ..self }
    }

    /// Pings the server when nothing has come for so long, 30 s unless told otherwise, and makes the connection anew when it does not
    /// answer within [`timeout`](Self::timeout).
    pub fn ping_after(self, silence: Duration) -> Self {
        Self { ask_after: silence, ..self }
    }

    /// Which certificates to trust and to show at a `wss://` address.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { conduct: Conduct { tls, ..self.conduct }, ..self }
    }

    /// The client. It connects when it has been scheduled.
    pub fn connect(self) -> Client {
        let Self { target, headers, token, subprotocol, max_message, conduct, ask_after } = self;
        let dialer = Dialer::new(target.address.clone(), target.usual_port());
        let dialer = conduct.secured(dialer, target.is_by_tls());
        let (name, host) = (target.address.to_string(), target.host());
        let invitation = Invitation { host, path: target.path, headers, token, subprotocol };
        let caller = Caller { invitation: Rc::new(invitation), encoder: Encoder::new(Role::Client), max_message };
        let pulse = Pulse { ask_after, idle_timeout: ask_after.saturating_add(conduct.timeout) };
        Client(Handle::new(caller, Calling { name, dialer, conduct, pulse }))
    }
}

/// A handle to a client: its port and its inputs. Give [`thing`](Self::thing) to the scheduler. Clones are the same client.
///
/// It connects by itself, and again when the connection is lost. A message that was being sent then is sent anew and whole. What a
/// server has got it does not say: where nothing may be lost use [MQTT](crate::mqtt) or [HTTP](crate::http) behind an outbox.
///
/// When nobody sends any more, nobody listens, and all is sent, it closes the connection, and its schedule ends.
///
/// ```
/// use thingflow_adapters::websocket::{self, ServerOptions};
/// use thingflow_core::prelude::*;
/// let server = ServerOptions::default().without_token().listen("127.0.0.1:0")?; // in another program: it echoes
/// server.received().connect(server.reply());
/// let client = websocket::connect(&format!("ws://{}", server.local_addr()))?;
/// let mut scheduler = Scheduler::new()?;
/// scheduler.schedule_on_main_event_loop(server.thing())?;
/// scheduler.schedule_on_main_event_loop(client.thing())?;
/// scheduler.schedule_recurring(from_iter(["hello"]).map(websocket::Message::from).connect(client.sender()))?;
/// let stopper = scheduler.stopper();
/// client.received().for_each(move |message| {
///     assert_eq!(message.as_text(), Some("hello"));
///     stopper.stop();
/// });
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client(Handle<Caller>);

impl Client {
    /// The port of the messages that the server sends.
    pub fn received(&self) -> &Port<Message> {
        self.0.received()
    }

    /// An input whose events are sent to the server, each as a message.
    pub fn sender(&self) -> impl InputThing<Message> + use<> {
        self.0.sender()
    }

    /// How the connection fares: each time that it is made or lost.
    pub fn status(&self) -> &Port<Status> {
        self.0.status()
    }

    /// What has become of the messages so far.
    pub fn stats(&self) -> ClientStats {
        self.0.stats()
    }

    /// What has become of the frames that were to be sent, from any thread: a live page shows it as an output.
    pub fn meter(&self) -> DeliveryMeter {
        self.0.meter()
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<> {
        self.0.thing()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// A client's side of the protocol.
struct Caller {
    invitation: Rc<Invitation>,
    encoder: Encoder,
    max_message: usize,
}

impl Protocol for Caller {
    type Frame = Message;
    type Talk = Talk;

    fn begin(&mut self, stream: Stream) -> io::Result<Talk> {
        Talk::new(stream, Side::Client(self.invitation.clone(), generate_key()), self.max_message)
    }

    fn encode(&mut self, message: &Message, to: &mut Vec<u8>) {
        self.encoder.encode(message, to);
    }
}
