//! [`Options`]: which broker, and how.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use thingflow_core::{Backoff, Limit, Size};

use super::carrier::Carrier;
use super::error::OptionsError;
use super::identity;
use super::message::{Message, Qos};
use super::topic;
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::net::{Address, AddressError, Dialer, Secret, Stream};
#[cfg(feature = "websocket")]
use crate::websocket::Target;

/// The version of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1, of 2014, which every broker speaks.
    V3_1_1,
    /// MQTT 5, of 2019. A broker that refuses it is asked again by MQTT 3.1.1.
    #[default]
    V5,
}

/// What the broker publishes when the client is gone without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Will(pub(super) Message);

/// A topic that says whether the program is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Availability {
    pub(super) topic: String,
}

/// What is said at the topic of [`Options::availability`], as Home Assistant expects it.
pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE: &str = "offline";

/// Which broker, and how to deal with it. [`Client::new`](super::Client::new) makes a client of it.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::mqtt::Options;
/// use thingflow_adapters::net::Secret;
/// let options = Options::new("mqtt://greenhouse@broker.local")?
///     .password(Secret::credential("mqtt"))
///     .keep_session(Duration::from_secs(24 * 3600))
///     .availability("greenhouse/status")?;
/// # let _ = options;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) address: Address,
    pub(super) version: Version,
    pub(super) client_id: String,
    pub(super) password: Option<Secret>,
    pub(super) expiry: u32,
    pub(super) keep_alive: Duration,
    pub(super) timeout: Duration,
    pub(super) queue: Limit,
    pub(super) in_flight: u16,
    pub(super) receive_maximum: u16,
    pub(super) max_packet: u32,
    pub(super) retry: Backoff,
    pub(super) setup: Backoff,
    pub(super) will: Option<Will>,
    pub(super) availability: Option<Availability>,
    pub(super) announcements: Vec<Message>,
    pub(super) birth: Option<(String, Vec<u8>)>,
    /// Topics whose last message is part of what is announced.
    pub(super) states: BTreeSet<String>,
    #[cfg(feature = "websocket")]
    web: Option<Target>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

impl Options {
    /// The broker at this address: `mqtt://host`, port 1883 unless it names one; `mqtts://host` with TLS, port 8883;
    /// `mqtt+unix:///path` for a socket of this machine; with the feature `websocket` `ws://host/path` and `wss://host/path` for a
    /// broker behind a web server, port 80 and 443. `mqtt://user@host` names the user.
    ///
    /// # Errors
    /// An address that cannot be read, or has another scheme.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        #[cfg(feature = "websocket")]
        let web = is_web(address).then(|| Target::read(address)).transpose()?;
        #[cfg(feature = "websocket")]
        let address = web.as_ref().map_or_else(|| address.parse(), |web| Ok(web.address.clone()))?;
        #[cfg(not(feature = "websocket"))]
        let address: Address = address.parse()?;
        let known = match address.scheme() {
            "mqtt" | "mqtt+unix" => true,
            "mqtts" if cfg!(feature = "tls") => true,
            "ws" | "wss" if cfg!(feature = "websocket") => true, // by TLS: looked at above
            "mqtts" => return Err(AddressError::of(&address, "it asks for TLS, which the feature `tls` brings")),
            _ => false,
        };
        if !known {
            return Err(AddressError::of(
                &address,
                "MQTT knows `mqtt`, `mqtts` and `mqtt+unix`, and by the feature `websocket` `ws` and `wss`",
            ));
        }
        let client_id = identity::default_id();
        Ok(Self {
            version: Version::default(),
            password: None,
            expiry: 0,
            keep_alive: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            queue: Limit::default(),
            in_flight: 64,
            receive_maximum: 64,
            max_packet: 1 << 20,
            retry: default_retry(&client_id),
            setup: Backoff::new(Duration::from_secs(60), Duration::from_secs(900)).jitter(25),
            will: None,
            availability: None,
            announcements: Vec::new(),
            birth: None,
            states: BTreeSet::new(),
            #[cfg(feature = "tls")]
            tls: matches!(address.scheme(), "mqtts" | "wss").then(Tls::default),
            #[cfg(feature = "websocket")]
            web,
            client_id,
            address,
        })
    }

    /// Speaks this version; MQTT 5 unless told otherwise.
    pub fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// The client id, by which the broker knows the session: one for each client. Unless told otherwise it is made of the
    /// machine, the path of the program and the number of the client in it. When another client takes it, this one stops.
    ///
    /// The [waits](Self::retry) before each try differ by it, unless a seed was chosen.
    pub fn client_id(self, id: impl Into<String>) -> Self {
        let client_id = id.into();
        let retry = if self.retry == default_retry(&self.client_id) { default_retry(&client_id) } else { self.retry };
        Self { client_id, retry, ..self }
    }

    /// The password of the user that the address names.
    pub fn password(self, secret: Secret) -> Self {
        Self { password: Some(secret), ..self }
    }

    /// The broker keeps the session while the client is away, for so long (MQTT 5; by MQTT 3.1.1 as long as it likes):
    /// subscriptions, messages for them, and what was on its way. Otherwise each connection begins anew; what the client had
    /// not got an acknowledgement for is then published once more.
    ///
    /// What was in the client when the process ended is not in the broker: put an outbox in front, and publish tracked
    /// events.
    pub fn keep_session(self, expiry: Duration) -> Self {
        let seconds = u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX);
        Self { expiry: seconds.max(1), ..self }
    }

    /// How often at least both sides hear of each other, 60 s unless told otherwise; up to 65535 s, in whole seconds. A broker
    /// that does not answer within [`timeout`](Self::timeout) then is gone. Zero switches it off.
    pub fn keep_alive(self, interval: Duration) -> Self {
        Self { keep_alive: Duration::from_secs(interval.as_secs().min(65_535)), ..self }
    }

    /// How long the broker may take to answer anything, 30 s unless told otherwise: a connection, a message, a
    /// subscription, a ping. A connection by which nothing is acknowledged for so long is made anew.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How many messages may wait to be sent, and what follows if there are more: 1024, and then the source waits.
    /// Those that are [in flight](Self::in_flight) come on top.
    pub fn queue(self, queue: Limit) -> Self {
        Self { queue, ..self }
    }

    /// How many messages may be on their way to the broker and not acknowledged, 64 unless told otherwise, at most 65535, and
    /// no more than the broker allows.
    #[track_caller]
    pub fn in_flight(self, most: impl Into<Size>) -> Self {
        Self { in_flight: u16::try_from(most.into().get()).unwrap_or(u16::MAX), ..self }
    }

    /// How many messages of subscriptions may be on their way through the graph and not acknowledged, 64 unless told
    /// otherwise, at most 65535: with MQTT 5 the broker brings no more before, with MQTT 3.1.1 it is not read, unless messages
    /// of this client wait to be acknowledged.
    #[track_caller]
    pub fn receive_maximum(self, most: impl Into<Size>) -> Self {
        Self { receive_maximum: u16::try_from(most.into().get()).unwrap_or(u16::MAX), ..self }
    }

    /// How many bytes a packet of the broker may have: 1 MiB unless told otherwise. A larger one ends the connection.
    #[track_caller]
    pub fn max_packet(self, bytes: impl Into<Size>) -> Self {
        Self { max_packet: u32::try_from(bytes.into().get()).unwrap_or(u32::MAX), ..self }
    }

    /// How long to wait before connecting again: four seconds, doubled up to two minutes, each made shorter by up to three
    /// quarters at random. The random part begins with the client id.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// How long to wait if the broker refuses the client, its password or its certificate: one to fifteen minutes.
    pub fn retry_setup(self, retry: Backoff) -> Self {
        Self { setup: retry, ..self }
    }

    /// What the broker publishes if the client is gone without a word, once. A clean end of the run takes it back.
    ///
    /// # Errors
    /// A message that cannot be published; a payload larger than 65535 bytes.
    pub fn will(self, message: Message) -> Result<Self, OptionsError> {
        if let Some(fault) = message.fault() {
            return Err(OptionsError::new("will", &message.topic, fault));
        }
        if message.payload.len() > usize::from(u16::MAX) {
            return Err(OptionsError::new("will", &message.topic, "its payload is larger than 65535 bytes"));
        }
        Ok(Self { will: Some(Will(message)), ..self })
    }

    /// A topic that says whether the program is there, retained: `online` after each connection, `offline` at the end, and
    /// as the will.
    ///
    /// # Errors
    /// A topic that cannot be published to.
    pub fn availability(self, topic: impl Into<String>) -> Result<Self, OptionsError> {
        let topic = topic.into();
        let will = Message::new(&topic, OFFLINE).retained();
        Ok(Self { availability: Some(Availability { topic }), ..self.will(will)? })
    }

    /// A message that is published after each connection, before all others, and again when
    /// [what is announced to](Self::announce_on) begins.
    ///
    /// # Errors
    /// A message that cannot be published.
    pub fn announce(mut self, message: Message) -> Result<Self, OptionsError> {
        if let Some(fault) = message.fault() {
            return Err(OptionsError::new("announcement", &message.topic, fault));
        }
        self.announcements.push(message);
        Ok(self)
    }

    /// Announces again when this payload comes at this topic: the birth message of whoever is announced to.
    ///
    /// # Errors
    /// A topic that cannot be published to.
    pub fn announce_on(self, topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Result<Self, OptionsError> {
        let topic = topic.into();
        if let Some(fault) = topic::name_fault(&topic) {
            return Err(OptionsError::new("birth message", &topic, fault));
        }
        Ok(Self { birth: Some((topic, payload.into())), ..self })
    }

    /// The certificates to trust and to show; unless told otherwise those that the system trusts, and none.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: self.tls.is_some().then_some(tls), ..self }
    }

    pub(super) fn dialer(&self) -> Dialer {
        let port = match self.address.scheme() {
            "mqtts" => 8883,
            "wss" => 443,
            "ws" => 80,
            _ => 1883,
        };
        let dialer = Dialer::new(self.address.clone(), port);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return dialer.secured(tls.clone());
        }
        dialer
    }

    /// What carries packets over a connection.
    #[allow(clippy::unnecessary_wraps, clippy::unused_self)] // without WebSockets
    pub(super) fn carrier(&self, stream: Stream) -> io::Result<Carrier> {
        #[cfg(feature = "websocket")]
        if let Some(target) = &self.web {
            return Carrier::web(stream, target, self.max_packet);
        }
        Ok(Carrier::Plain(stream))
    }

    /// What is published as soon as a connection has been made, in order.
    pub(super) fn greeting(&self) -> impl Iterator<Item = Message> {
        let online = self.availability.as_ref().map(|there| Message::new(&there.topic, ONLINE).retained());
        self.announcements.iter().cloned().chain(online)
    }
}

#[cfg(feature = "websocket")]
fn is_web(address: &str) -> bool {
    let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("ws") || scheme.eq_ignore_ascii_case("wss")
}

fn default_retry(client_id: &str) -> Backoff {
    let seed = identity::seed(client_id);
    Backoff::new(Duration::from_secs(4), Duration::from_secs(120)).jitter(75).seed(seed)
}

impl Qos {
    /// The lower of both.
    pub(super) fn at_most(self, other: Self) -> Self {
        self.min(other)
    }
}
