//! Packets to bytes and back, for both versions of MQTT, by `mqtt-protocol-core`. Its state machine is not used: it counts
//! nothing of what is sent again against the receive maximum, acknowledges a QoS 2 message that comes again whether it has been
//! dealt with or not, and forgets what it was to deliver when the broker has lost the session.

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{PacketBuildResult, PacketBuilder, PacketData, RawPacket};
use mqtt_protocol_core::mqtt::packet::{self as p, Property, v3_1_1 as v3, v5_0 as v5};
use mqtt_protocol_core::mqtt::result_code::{self as codes, MqttError};

use super::message::{Message, Qos};
use super::options::{Version, Will};

/// What a broker says.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    Connack(Connack),
    Publish(Publish),
    /// The broker has it, or refuses it.
    Puback(u16, Result<(), String>),
    Pubrec(u16, Result<(), String>),
    Pubrel(u16),
    Pubcomp(u16),
    Suback(u16, Vec<Result<(), String>>),
    Unsuback(u16),
    Pingresp,
    Disconnect {
        taken_over: bool,
        why: String,
    },
}

/// What the broker answers to a connection.
#[derive(Debug, PartialEq)]
pub(super) struct Connack {
    pub(super) session_present: bool,
    pub(super) refused: Option<ConnectRefusal>,
    pub(super) keep_alive: Option<u16>,
    pub(super) most_in_flight: u16,
    pub(super) max_packet: u32,
    pub(super) best_qos: Qos,
    pub(super) retains: bool,
    pub(super) names_subscriptions: bool,
}

impl Connack {
    /// One that limits nothing, as all of version 3.
    fn new(session_present: bool, refused: Option<ConnectRefusal>) -> Self {
        Self {
            session_present,
            refused,
            keep_alive: None,
            most_in_flight: u16::MAX,
            max_packet: u32::MAX,
            best_qos: Qos::ExactlyOnce,
            retains: true,
            names_subscriptions: false,
        }
    }
}

/// Why a broker lets nobody in, by who must act.
#[derive(Debug, PartialEq)]
pub(super) enum ConnectRefusal {
    /// It speaks an older version.
    Version,
    /// Later perhaps.
    Peer(String),
    /// Somebody must change something.
    Setup(String),
}

/// A message that the broker brings.
#[derive(Debug, PartialEq)]
pub(super) struct Publish {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) qos: Qos,
    /// None for QoS 0.
    pub(super) id: Option<u16>,
    pub(super) retain: bool,
    pub(super) dup: bool,
    /// The subscriptions that it comes by, where the broker says so.
    pub(super) subscriptions: Vec<u32>,
}

/// What is said to begin with.
pub(super) struct Connect<'a> {
    pub(super) client_id: &'a str,
    pub(super) clean: bool,
    /// For how long the broker keeps the session, in seconds.
    pub(super) expiry: u32,
    pub(super) keep_alive: u16,
    pub(super) will: Option<&'a Will>,
    pub(super) user: Option<&'a str>,
    pub(super) password: Option<Vec<u8>>,
    pub(super) most_in_flight: u16,
    pub(super) max_packet: u32,
}

/// One subscription to ask for.
pub(super) struct Asked<'a> {
    pub(super) filter: &'a str,
    pub(super) qos: Qos,
    /// Its number, where the broker is to name it.
    pub(super) number: Option<u32>,
    /// Kept messages only if it is new to the broker.
    pub(super) only_new: bool,
}

/// Makes packets of bytes as they come.
pub(super) struct Reader {
    version: Version,
    builder: PacketBuilder,
}

impl Reader {
    pub(super) fn new(version: Version, largest: u32) -> Self {
        Self { version, builder: PacketBuilder::with_maximum_packet_size(largest) }
    }

    /// The next packet in `bytes`, from `at` on, which moves on. None if there is no whole one left.
    pub(super) fn next(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<Incoming>, MqttError> {
        let mut rest = Cursor::new(&bytes[*at..]);
        loop {
            let before = rest.position();
            match self.builder.feed(&mut rest) {
                PacketBuildResult::Complete(packet) => {
                    *at += usize::try_from(rest.position()).unwrap_or(usize::MAX);
                    return decode(self.version, &packet).map(Some);
                }
                PacketBuildResult::Incomplete if rest.position() == before => {
                    *at = bytes.len();
                    return Ok(None);
                }
                PacketBuildResult::Incomplete => {}
                PacketBuildResult::Error(error) => return Err(error),
            }
        }
    }
}

/// The packets in bytes that come in pieces, as texts, up to the first error. For tests that feed it with any bytes.
#[doc(hidden)]
pub fn packets<'a>(version: Version, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut reader = Reader::new(version, 1 << 20);
    let mut seen = Vec::new();
    for piece in pieces {
        let mut at = 0;
        loop {
            match reader.next(piece, &mut at) {
                Ok(Some(packet)) => seen.push(format!("{packet:?}")),
                Ok(None) => break,
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

fn decode(version: Version, packet: &RawPacket) -> Result<Incoming, MqttError> {
    if let PacketData::Publish(data) = &packet.data {
        if packet.flags() & 0b110 == 0b110 {
            return Err(MqttError::MalformedPacket); // QoS 3, by which the library would panic
        }
        return match version {
            Version::V3_1_1 => publish_3(&v3::Publish::parse(packet.flags(), data.clone())?.0),
            Version::V5 => publish_5(&v5::Publish::parse(packet.flags(), data.clone())?.0),
        };
    }
    match version {
        Version::V3_1_1 => decode_3(packet),
        Version::V5 => decode_5(packet),
    }
}

fn decode_3(packet: &RawPacket) -> Result<Incoming, MqttError> {
    Ok(match packet.packet_type() {
        2 => Incoming::Connack(connack_3(&packet.parse_exact(v3::Connack::parse)?)),
        4 => Incoming::Puback(packet.parse_exact(v3::Puback::parse)?.packet_id(), Ok(())),
        5 => Incoming::Pubrec(packet.parse_exact(v3::Pubrec::parse)?.packet_id(), Ok(())),
        6 => Incoming::Pubrel(packet.parse_exact(v3::Pubrel::parse)?.packet_id()),
        7 => Incoming::Pubcomp(packet.parse_exact(v3::Pubcomp::parse)?.packet_id()),
        9 => {
            let suback = packet.parse_exact(v3::Suback::parse)?;
            let said = |code: codes::SubackReturnCode| {
                if code.is_success() { Ok(()) } else { Err("it gives no reason".to_owned()) }
            };
            Incoming::Suback(suback.packet_id(), suback.return_codes().into_iter().map(said).collect())
        }
        11 => Incoming::Unsuback(packet.parse_exact(v3::Unsuback::parse)?.packet_id()),
        13 => packet.parse_exact(v3::Pingresp::parse).map(|_| Incoming::Pingresp)?,
        _ => return Err(MqttError::ProtocolError),
    })
}

fn decode_5(packet: &RawPacket) -> Result<Incoming, MqttError> {
    Ok(match packet.packet_type() {
        // A broker that knows no MQTT 5 refuses it by a packet of MQTT 3.1.1.
        2 if packet.remaining_length() == 2 => Incoming::Connack(connack_3(&packet.parse_exact(v3::Connack::parse)?)),
        2 => Incoming::Connack(connack_5(&packet.parse_exact(v5::Connack::parse)?)),
        4 => {
            let ack = packet.parse_exact(v5::Puback::parse)?;
            Incoming::Puback(ack.packet_id(), ack.reason_code().map_or(Ok(()), |code| refusal(code.is_failure(), code)))
        }
        5 => {
            let ack = packet.parse_exact(v5::Pubrec::parse)?;
            Incoming::Pubrec(ack.packet_id(), ack.reason_code().map_or(Ok(()), |code| refusal(code.is_failure(), code)))
        }
        6 => Incoming::Pubrel(packet.parse_exact(v5::Pubrel::parse)?.packet_id()),
        7 => Incoming::Pubcomp(packet.parse_exact(v5::Pubcomp::parse)?.packet_id()),
        9 => {
            let suback = packet.parse_exact(v5::Suback::parse)?;
            let said = |code: codes::SubackReasonCode| refusal(!code.is_success(), code);
            Incoming::Suback(suback.packet_id(), suback.reason_codes().into_iter().map(said).collect())
        }
        11 => Incoming::Unsuback(packet.parse_exact(v5::Unsuback::parse)?.packet_id()),
        13 => packet.parse_exact(v5::Pingresp::parse).map(|_| Incoming::Pingresp)?,
        14 => {
            let disconnect = packet.parse_exact(v5::Disconnect::parse)?;
            let code = disconnect.reason_code();
            Incoming::Disconnect {
                taken_over: code == Some(codes::DisconnectReasonCode::SessionTakenOver),
                why: code.map_or_else(|| "without a reason".to_owned(), words),
            }
        }
        _ => return Err(MqttError::ProtocolError),
    })
}

fn refusal(fails: bool, code: impl std::fmt::Display) -> Result<(), String> {
    if fails { Err(words(code)) } else { Ok(()) }
}

/// `not authorized` for `NotAuthorized`, as the library calls what the standard does.
fn words(code: impl std::fmt::Display) -> String {
    let mut words = String::new();
    for char in code.to_string().chars() {
        if char.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(char.to_lowercase());
    }
    words
}

fn publish_3(packet: &v3::Publish) -> Result<Incoming, MqttError> {
    let (topic, payload) = (packet.topic_name(), packet.payload().as_slice());
    let (retain, dup) = (packet.retain(), packet.dup());
    publish(topic, payload, packet.qos(), packet.packet_id(), (retain, dup), Vec::new())
}

fn publish_5(packet: &v5::Publish) -> Result<Incoming, MqttError> {
    let mut subscriptions = Vec::new();
    for property in &packet.props {
        match property {
            Property::SubscriptionIdentifier(number) => subscriptions.push(number.val()),
            Property::TopicAlias(_) => return Err(MqttError::TopicAliasInvalid), // we have allowed none
            _ => {}
        }
    }
    let (topic, payload) = (packet.topic_name(), packet.payload().as_slice());
    let (retain, dup) = (packet.retain(), packet.dup());
    publish(topic, payload, packet.qos(), packet.packet_id(), (retain, dup), subscriptions)
}

fn publish(
    topic: &str,
    payload: &[u8],
    qos: p::Qos,
    id: Option<u16>,
    (retain, dup): (bool, bool),
    subscriptions: Vec<u32>,
) -> Result<Incoming, MqttError> {
    if topic.is_empty() || topic.contains(['+', '#']) || id == Some(0) {
        return Err(MqttError::TopicNameInvalid);
    }
    let (topic, payload, qos) = (topic.to_owned(), payload.to_vec(), qos_of(qos));
    Ok(Incoming::Publish(Publish { topic, payload, qos, id, retain, dup, subscriptions }))
}

fn connack_3(packet: &v3::Connack) -> Connack {
    use codes::ConnectReturnCode as Code;
    let code = packet.return_code();
    let refused = match code {
        Code::Accepted => None,
        Code::UnacceptableProtocolVersion => Some(ConnectRefusal::Version),
        Code::ServerUnavailable => Some(ConnectRefusal::Peer(words(code))),
        _ => Some(ConnectRefusal::Setup(words(code))),
    };
    Connack::new(packet.session_present(), refused)
}

fn connack_5(packet: &v5::Connack) -> Connack {
    use codes::ConnectReasonCode as Code;
    let code = packet.reason_code();
    let refused = match code {
        Code::Success => None,
        Code::UnsupportedProtocolVersion => Some(ConnectRefusal::Version),
        Code::UnspecifiedError
        | Code::ServerUnavailable
        | Code::ServerBusy
        | Code::QuotaExceeded
        | Code::ConnectionRateExceeded => Some(ConnectRefusal::Peer(words(code))),
        _ => Some(ConnectRefusal::Setup(words(code))),
    };
    let mut answer = Connack { names_subscriptions: true, ..Connack::new(packet.session_present(), refused) };
    for property in &packet.props {
        match property {
            Property::ServerKeepAlive(seconds) => answer.keep_alive = Some(seconds.val()),
            Property::ReceiveMaximum(most) => answer.most_in_flight = most.val().max(1),
            Property::MaximumPacketSize(most) => answer.max_packet = most.val(),
            Property::MaximumQos(best) if best.val() == 0 => answer.best_qos = Qos::AtMostOnce,
            Property::MaximumQos(_) => answer.best_qos = Qos::AtLeastOnce,
            Property::RetainAvailable(is) => answer.retains = is.val() != 0,
            Property::SubscriptionIdentifierAvailable(is) => answer.names_subscriptions = is.val() != 0,
            _ => {}
        }
    }
    answer
}

/// Writes packets. What cannot be written is left out, with the library's reason.
pub(super) struct Writer {
    pub(super) version: Version,
}

type Written = Result<(), MqttError>;

/// Writes the same packet of both versions.
macro_rules! put {
    ($self:ident, $out:ident, $packet:ident, $($call:tt)*) => {
        match $self.version {
            Version::V3_1_1 => $out.extend(v3::$packet::builder()$($call)*.build()?.to_continuous_buffer()),
            Version::V5 => $out.extend(v5::$packet::builder()$($call)*.build()?.to_continuous_buffer()),
        }
    };
}

impl Writer {
    pub(super) fn connect(&self, out: &mut Vec<u8>, connect: Connect<'_>) -> Written {
        let Connect { client_id, clean, keep_alive, will, user, .. } = connect;
        macro_rules! fill {
            ($builder:expr) => {{
                let mut builder = $builder.client_id(client_id)?.clean_start(clean).keep_alive(keep_alive);
                if let Some(Will(message)) = will {
                    let (topic, payload) = (message.topic.as_str(), message.payload.clone());
                    builder = builder.will_message(topic, payload, qos_to(message.qos), message.retain)?;
                }
                if let Some(user) = user {
                    builder = builder.user_name(user)?;
                }
                if let Some(password) = connect.password {
                    builder = builder.password(password)?;
                }
                builder
            }};
        }
        let bytes = match self.version {
            Version::V3_1_1 => fill!(v3::Connect::builder()).build()?.to_continuous_buffer(),
            Version::V5 => {
                let mut props: Vec<Property> = vec![p::ReceiveMaximum::new(connect.most_in_flight)?.into()];
                props.push(p::MaximumPacketSize::new(connect.max_packet)?.into());
                if connect.expiry > 0 {
                    props.push(p::SessionExpiryInterval::new(connect.expiry)?.into());
                }
                fill!(v5::Connect::builder()).props(props).build()?.to_continuous_buffer()
            }
        };
        out.extend(bytes);
        Ok(())
    }

    pub(super) fn publish(&self, out: &mut Vec<u8>, message: &Message, id: Option<u16>, dup: bool) -> Written {
        macro_rules! fill {
            ($builder:expr) => {{
                let mut builder = $builder.topic_name(message.topic.as_str())?.qos(qos_to(message.qos));
                builder = builder.retain(message.retain).dup(dup).payload(message.payload.as_slice());
                if let Some(id) = id {
                    builder = builder.packet_id(id);
                }
                builder.build()?.to_continuous_buffer()
            }};
        }
        out.extend(match self.version {
            Version::V3_1_1 => fill!(v3::Publish::builder()),
            Version::V5 => fill!(v5::Publish::builder()),
        });
        Ok(())
    }

    /// `failed` says that the message could not be dealt with, where MQTT has a word for it.
    pub(super) fn puback(&self, out: &mut Vec<u8>, id: u16, failed: bool) -> Written {
        if failed && self.version == Version::V5 {
            let code = codes::PubackReasonCode::UnspecifiedError;
            out.extend(v5::Puback::builder().packet_id(id).reason_code(code).build()?.to_continuous_buffer());
            return Ok(());
        }
        put!(self, out, Puback, .packet_id(id));
        Ok(())
    }

    pub(super) fn pubrec(&self, out: &mut Vec<u8>, id: u16) -> Written {
        put!(self, out, Pubrec, .packet_id(id));
        Ok(())
    }

    pub(super) fn pubrel(&self, out: &mut Vec<u8>, id: u16) -> Written {
        put!(self, out, Pubrel, .packet_id(id));
        Ok(())
    }

    pub(super) fn pubcomp(&self, out: &mut Vec<u8>, id: u16) -> Written {
        put!(self, out, Pubcomp, .packet_id(id));
        Ok(())
    }

    pub(super) fn subscribe(&self, out: &mut Vec<u8>, id: u16, asked: &Asked<'_>) -> Written {
        let mut options = p::SubOpts::new().set_qos(qos_to(asked.qos));
        if self.version == Version::V3_1_1 {
            let entry = p::SubEntry::new(asked.filter, options)?;
            out.extend(v3::Subscribe::builder().packet_id(id).entries(vec![entry]).build()?.to_continuous_buffer());
            return Ok(());
        }
        if asked.only_new {
            options = options.set_rh(p::RetainHandling::SendRetainedIfNotExists);
        }
        let entry = p::SubEntry::new(asked.filter, options)?;
        let mut builder = v5::Subscribe::builder().packet_id(id).entries(vec![entry]);
        if let Some(number) = asked.number {
            builder = builder.props(vec![p::SubscriptionIdentifier::new(number)?.into()]);
        }
        out.extend(builder.build()?.to_continuous_buffer());
        Ok(())
    }

    pub(super) fn unsubscribe(&self, out: &mut Vec<u8>, id: u16, filter: &str) -> Written {
        put!(self, out, Unsubscribe, .packet_id(id).entries(vec![filter])?);
        Ok(())
    }

    pub(super) fn pingreq(&self, out: &mut Vec<u8>) -> Written {
        put!(self, out, Pingreq,);
        Ok(())
    }

    pub(super) fn disconnect(&self, out: &mut Vec<u8>) -> Written {
        put!(self, out, Disconnect,);
        Ok(())
    }
}

fn qos_to(qos: Qos) -> p::Qos {
    match qos {
        Qos::AtMostOnce => p::Qos::AtMostOnce,
        Qos::AtLeastOnce => p::Qos::AtLeastOnce,
        Qos::ExactlyOnce => p::Qos::ExactlyOnce,
    }
}

fn qos_of(qos: p::Qos) -> Qos {
    match qos {
        p::Qos::AtMostOnce => Qos::AtMostOnce,
        p::Qos::AtLeastOnce => Qos::AtLeastOnce,
        p::Qos::ExactlyOnce => Qos::ExactlyOnce,
    }
}
