//! [`Guest`]: a client of the broker in the process, with its session.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{Connection, Event, Version};
use mqtt_protocol_core::mqtt::packet::{self as p, Packet, Property, StorePacket, v3_1_1 as v3, v5_0 as v5};
use mqtt_protocol_core::mqtt::result_code as codes;
use mqtt_protocol_core::mqtt::role;

use super::super::message::{Message, Qos};
use super::super::topic;

/// A client, and what the broker knows of it.
pub(super) struct Guest {
    pub(super) id: String,
    /// The number of its connection.
    pub(super) arrival: u64,
    connection: Connection<role::Server>,
    socket: Option<TcpStream>,
    subscriptions: Vec<(String, Qos, Option<u32>)>,
    waiting: VecDeque<(Message, bool)>,
    /// Sent by an earlier connection, and not acknowledged.
    unanswered: Vec<StorePacket>,
    /// Messages of QoS 2 that it has not released.
    handled: Vec<u16>,
    will: Option<Message>,
    clean: bool,
    kept: bool,
    session_present: bool,
}

/// What the broker has to do for a client.
pub(super) enum Said {
    Publish(Message),
    Subscribe(String),
}

impl Guest {
    /// Somebody at the door.
    pub(super) fn arriving(socket: &TcpStream) -> Option<Self> {
        let _ = (socket.set_nodelay(true), socket.set_write_timeout(Some(Duration::from_secs(5))));
        let mut connection = Connection::new(Version::Undetermined);
        connection.set_auto_pub_response(true);
        connection.set_auto_ping_response(true);
        Some(Self {
            id: String::new(),
            arrival: 0,
            connection,
            socket: Some(socket.try_clone().ok()?),
            subscriptions: Vec::new(),
            waiting: VecDeque::new(),
            unanswered: Vec::new(),
            handled: Vec::new(),
            will: None,
            clean: true,
            kept: false,
            session_present: false,
        })
    }

    /// Whether it has greeted.
    pub(super) fn greet(&mut self, bytes: &[u8], at: &mut usize) -> bool {
        for event in self.receive(bytes, at) {
            match event {
                Event::NotifyPacketReceived(Packet::V3_1_1Connect(connect)) => {
                    self.id = connect.client_id().to_owned();
                    self.clean = connect.clean_session();
                    self.kept = !self.clean;
                    let will = (connect.will_topic(), connect.will_payload());
                    self.will = will_of(will, connect.will_qos(), connect.will_retain());
                    return true;
                }
                Event::NotifyPacketReceived(Packet::V5_0Connect(connect)) => {
                    self.id = connect.client_id().to_owned();
                    self.clean = connect.clean_start();
                    let lasts =
                        |property: &Property| matches!(property, Property::SessionExpiryInterval(s) if s.val() > 0);
                    self.kept = connect.props.iter().any(lasts);
                    let will = (connect.will_topic(), connect.will_payload());
                    self.will = will_of(will, connect.will_qos(), connect.will_retain());
                    return true;
                }
                event => drop(self.obey(event)),
            }
        }
        false
    }

    /// Whether a session that was kept is to go on.
    pub(super) fn keeps_on(&self) -> bool {
        !self.clean
    }

    /// Another client has come by its id.
    pub(super) fn turn_out(&mut self) {
        if self.connection.get_protocol_version() == Version::V5_0 {
            let why = codes::DisconnectReasonCode::SessionTakenOver;
            let packet = v5::Disconnect::builder().reason_code(why).build();
            packet.into_iter().for_each(|packet| self.send(packet.into()));
        }
        self.cut();
    }

    /// Goes on with a session.
    pub(super) fn take_over(&mut self, mut before: Self) {
        let _ = before.leave();
        self.session_present = before.kept;
        if before.kept {
            self.subscriptions = before.subscriptions;
            self.waiting = before.waiting;
            self.unanswered = before.unanswered;
            self.handled = before.handled;
        }
    }

    /// Lets it in, and sends again what it has not acknowledged.
    pub(super) fn answer(&mut self) {
        self.connection.restore_qos2_publish_handled(self.handled.drain(..).collect());
        let present = self.session_present;
        let answer: Option<Packet> = match self.connection.get_protocol_version() {
            Version::V5_0 => {
                let answer = v5::Connack::builder().session_present(present);
                answer.reason_code(codes::ConnectReasonCode::Success).build().ok().map(Into::into)
            }
            _ => {
                let answer = v3::Connack::builder().session_present(present);
                answer.return_code(codes::ConnectReturnCode::Accepted).build().ok().map(Into::into)
            }
        };
        let Some(answer) = answer else { return };
        self.send(answer);
        for packet in std::mem::take(&mut self.unanswered) {
            if self.connection.register_packet_id(packet.packet_id()).is_ok() {
                self.send(packet.into()); // with the mark that it comes again
            }
        }
        self.flush();
    }

    /// What it says, and whether that is goodbye.
    pub(super) fn hear(&mut self, bytes: &[u8], at: &mut usize) -> (Vec<Said>, bool) {
        let (mut said, mut goodbye) = (Vec::new(), false);
        for event in self.receive(bytes, at) {
            let Some(packet) = self.obey(event) else { continue };
            match packet {
                Packet::V3_1_1Publish(publish) => {
                    let message = message_of(publish.topic_name(), publish.payload().as_slice(), publish.qos());
                    said.push(Said::Publish(Message { retain: publish.retain(), ..message }));
                }
                Packet::V5_0Publish(publish) => {
                    let message = message_of(publish.topic_name(), publish.payload().as_slice(), publish.qos());
                    said.push(Said::Publish(Message { retain: publish.retain(), ..message }));
                }
                Packet::V3_1_1Subscribe(subscribe) => {
                    let filters = self.subscribe(subscribe.entries(), None);
                    let granted = filters.iter().map(|_| codes::SubackReturnCode::SuccessMaximumQos2).collect();
                    let suback = v3::Suback::builder().packet_id(subscribe.packet_id()).return_codes(granted).build();
                    suback.into_iter().for_each(|packet| self.send(packet.into()));
                    said.extend(filters.into_iter().map(Said::Subscribe));
                }
                Packet::V5_0Subscribe(subscribe) => {
                    let number = subscribe.props.iter().find_map(|property| match property {
                        Property::SubscriptionIdentifier(number) => Some(number.val()),
                        _ => None,
                    });
                    let filters = self.subscribe(subscribe.entries(), number);
                    let granted = filters.iter().map(|_| codes::SubackReasonCode::GrantedQos2).collect();
                    let suback = v5::Suback::builder().packet_id(subscribe.packet_id()).reason_codes(granted).build();
                    suback.into_iter().for_each(|packet| self.send(packet.into()));
                    said.extend(filters.into_iter().map(Said::Subscribe));
                }
                Packet::V3_1_1Unsubscribe(unsubscribe) => {
                    self.unsubscribe(unsubscribe.entries());
                    let unsuback = v3::Unsuback::builder().packet_id(unsubscribe.packet_id()).build();
                    unsuback.into_iter().for_each(|packet| self.send(packet.into()));
                }
                Packet::V5_0Unsubscribe(unsubscribe) => {
                    self.unsubscribe(unsubscribe.entries());
                    let gone = unsubscribe.entries().iter().map(|_| codes::UnsubackReasonCode::Success).collect();
                    let unsuback =
                        v5::Unsuback::builder().packet_id(unsubscribe.packet_id()).reason_codes(gone).build();
                    unsuback.into_iter().for_each(|packet| self.send(packet.into()));
                }
                Packet::V3_1_1Disconnect(_) => goodbye = true,
                Packet::V5_0Disconnect(disconnect) => {
                    let wants_will = codes::DisconnectReasonCode::DisconnectWithWillMessage;
                    goodbye = disconnect.reason_code() != Some(wants_will);
                }
                _ => {}
            }
        }
        self.flush(); // something may have been acknowledged
        (said, goodbye)
    }

    fn subscribe(&mut self, entries: &[p::SubEntry], number: Option<u32>) -> Vec<String> {
        let mut filters = Vec::new();
        for entry in entries {
            let filter = entry.topic_filter().to_owned();
            self.subscriptions.retain(|(other, ..)| *other != filter);
            self.subscriptions.push((filter.clone(), qos_of(entry.sub_opts().qos()), number));
            filters.push(filter);
        }
        filters
    }

    fn unsubscribe(&mut self, filters: &[p::MqttString]) {
        self.subscriptions.retain(|(filter, ..)| !filters.iter().any(|gone| gone.as_str() == filter));
    }

    /// A message, for which it may have a subscription.
    pub(super) fn offer(&mut self, message: &Message, kept: bool) {
        let wanting = self.subscriptions.iter().filter(|(filter, ..)| topic::matches(filter, &message.topic));
        let Some(best) = wanting.map(|(_, qos, _)| *qos).max() else { return };
        let qos = message.qos.min(best);
        if self.socket.is_some() || self.kept && qos > Qos::AtMostOnce {
            self.waiting.push_back((Message { qos, retain: kept, ..message.clone() }, kept));
        }
        self.flush();
    }

    /// Sends what waits, as far as it may.
    fn flush(&mut self) {
        while self.socket.is_some() && self.connection.get_receive_maximum_vacancy_for_send() != Some(0) {
            let Some((message, _)) = self.waiting.pop_front() else { return };
            let id = match message.qos {
                Qos::AtMostOnce => None,
                _ => match self.connection.acquire_packet_id() {
                    Ok(id) => Some(id),
                    Err(_) => return self.waiting.push_front((message, false)),
                },
            };
            let Some(packet) = self.packet(&message, id) else { continue };
            self.send(packet);
        }
    }

    fn packet(&self, message: &Message, id: Option<u16>) -> Option<Packet> {
        macro_rules! fill {
            ($builder:expr) => {{
                let mut builder = $builder.topic_name(message.topic.as_str()).ok()?.qos(qos_to(message.qos));
                builder = builder.retain(message.retain).payload(message.payload.as_slice());
                if let Some(id) = id {
                    builder = builder.packet_id(id);
                }
                builder
            }};
        }
        if self.connection.get_protocol_version() != Version::V5_0 {
            return fill!(v3::Publish::builder()).build().ok().map(Into::into);
        }
        let mut names: Vec<Property> = Vec::new();
        for (filter, _, number) in &self.subscriptions {
            if let Some(number) = number
                && topic::matches(filter, &message.topic)
            {
                names.push(p::SubscriptionIdentifier::new(*number).ok()?.into());
            }
        }
        fill!(v5::Publish::builder()).props(names).build().ok().map(Into::into)
    }

    pub(super) fn is_here(&self) -> bool {
        self.socket.is_some()
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    pub(super) fn cut(&mut self) {
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// It is gone: its will.
    pub(super) fn leave(&mut self) -> Option<Message> {
        self.socket = None;
        self.unanswered = self.connection.get_stored_packets();
        self.handled = self.connection.get_qos2_publish_handled().into_iter().collect();
        self.will.take()
    }

    fn receive(&mut self, bytes: &[u8], at: &mut usize) -> Vec<Event> {
        let mut rest = Cursor::new(&bytes[*at..]);
        let events = self.connection.recv(&mut rest);
        *at += usize::try_from(rest.position()).unwrap_or(usize::MAX);
        events
    }

    fn send(&mut self, packet: Packet) {
        for event in self.connection.send(packet) {
            let _ = self.obey(event);
        }
    }

    /// Does what the protocol asks for. A packet is handed on.
    fn obey(&mut self, event: Event) -> Option<Packet> {
        match event {
            Event::NotifyPacketReceived(packet) => return Some(packet),
            Event::RequestSendPacket { packet, .. } => {
                use mqtt_protocol_core::mqtt::packet::GenericPacketTrait as _;
                if let Some(mut socket) = self.socket.as_ref() {
                    let _ = socket.write_all(&packet.to_continuous_buffer());
                }
            }
            Event::RequestClose => self.cut(),
            _ => {}
        }
        None
    }
}

fn message_of(topic: &str, payload: &[u8], qos: p::Qos) -> Message {
    Message::new(topic, payload).qos(qos_of(qos))
}

fn will_of(will: (Option<&str>, Option<&[u8]>), qos: p::Qos, retain: bool) -> Option<Message> {
    let (Some(topic), Some(payload)) = will else { return None };
    Some(Message { retain, ..message_of(topic, payload, qos) })
}

fn qos_of(qos: p::Qos) -> Qos {
    match qos {
        p::Qos::AtMostOnce => Qos::AtMostOnce,
        p::Qos::AtLeastOnce => Qos::AtLeastOnce,
        p::Qos::ExactlyOnce => Qos::ExactlyOnce,
    }
}

fn qos_to(qos: Qos) -> p::Qos {
    match qos {
        Qos::AtMostOnce => p::Qos::AtMostOnce,
        Qos::AtLeastOnce => p::Qos::AtLeastOnce,
        Qos::ExactlyOnce => p::Qos::ExactlyOnce,
    }
}
