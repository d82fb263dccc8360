//! [`Broker`]: a broker in the process.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::message::Message;
use super::super::topic;
use super::guest::{Guest, Said};

/// A broker on a port of loopback, which speaks MQTT 3.1.1 and 5: all qualities of service, retained messages, wills, kept
/// sessions, wildcards. It lets everybody in, checks no rights, writes nothing to disk, and goes when it is dropped.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::mqtt::{Client, Message, Options, testing::Broker};
/// use thingflow_core::prelude::*;
/// let broker = Broker::start()?;
/// let mut scheduler = Scheduler::new()?;
/// let client = Client::new(Options::new(&broker.address())?);
/// scheduler.schedule_on_main_event_loop(client.thing())?;
/// let lux = from_iter([20.5, 20.6]).map(|lux| Message::new("lab/lux", lux.to_string()));
/// scheduler.schedule_recurring(lux.connect(client.publisher()))?;
/// scheduler.run_forever()?; // ends when all is acknowledged
/// assert_eq!(broker.published("lab/#"), ["20.5", "20.6"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Broker {
    address: SocketAddr,
    hall: Arc<Hall>,
}

/// What the threads of the broker share.
pub(super) struct Hall {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    published: Vec<Message>,
    retained: HashMap<String, Message>,
    /// By their client ids, those with a kept session also while they are away.
    guests: HashMap<String, Guest>,
    arrivals: u64,
    closed: bool,
}

impl Broker {
    /// Starts one.
    ///
    /// # Errors
    /// That there is no free port, or no thread.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let hall = Arc::new(Hall { state: Mutex::default(), changed: Condvar::new() });
        let there = hall.clone();
        thread::Builder::new().name("broker".into()).spawn(move || accept(&listener, &there))?;
        Ok(Self { address, hall })
    }

    /// Its address, for [`Options::new`](super::super::Options::new).
    pub fn address(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// The payloads that have been published so far to the topics of a filter, as text.
    pub fn published(&self, filter: &str) -> Vec<String> {
        let matching = self.messages().into_iter().filter(|message| topic::matches(filter, &message.topic));
        matching.map(|message| String::from_utf8_lossy(&message.payload).into_owned()).collect()
    }

    /// All messages that have been published so far.
    pub fn messages(&self) -> Vec<Message> {
        self.hall.lock().published.clone()
    }

    /// What is retained at a topic, as text. The goodbye of a client that has just ended may be on its way still:
    /// [`wait_until`](Self::wait_until) waits for it.
    pub fn retained(&self, topic: &str) -> Option<String> {
        let kept = self.hall.lock().retained.get(topic).map(|message| message.payload.clone());
        kept.map(|payload| String::from_utf8_lossy(&payload).into_owned())
    }

    /// Publishes a message, as another client would.
    pub fn publish(&self, message: Message) {
        self.hall.lock().publish(message);
        self.hall.changed.notify_all();
    }

    /// Whether a client of that id is connected.
    pub fn is_connected(&self, client_id: &str) -> bool {
        self.hall.lock().guests.get(client_id).is_some_and(Guest::is_here)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.hall.lock().arrivals
    }

    /// Cuts all connections, as a network does. Clients may connect again.
    pub fn cut(&self) {
        self.hall.lock().guests.values_mut().for_each(Guest::cut);
    }

    /// Forgets all sessions and what is retained, as a broker does that was killed.
    pub fn forget(&self) {
        self.cut();
        let mut state = self.hall.lock();
        state.guests.clear();
        state.retained.clear();
    }

    /// Waits, on the thread of the test, until something holds, for `timeout` at most. Whether it does.
    pub fn wait_until(&self, timeout: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            if holds(self) {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            let state = self.hall.lock();
            drop(self.hall.changed.wait_timeout(state, left.min(Duration::from_millis(20))));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.cut();
        self.hall.lock().closed = true;
        let _ = TcpStream::connect(self.address); // so that the one who accepts looks
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Hall {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps a message if it is retained, and gives it to all who want it.
    fn publish(&mut self, message: Message) {
        if message.retain {
            if message.payload.is_empty() {
                self.retained.remove(&message.topic);
            } else {
                self.retained.insert(message.topic.clone(), message.clone());
            }
        }
        for guest in self.guests.values_mut() {
            guest.offer(&message, false);
        }
        self.published.push(message);
    }

    /// Whoever has the same id leaves. The session that was kept, if it is to go on.
    fn welcome(&mut self, mut guest: Guest) {
        self.arrivals += 1;
        if let Some(mut before) = self.guests.remove(&guest.id) {
            before.turn_out();
            if guest.keeps_on() {
                guest.take_over(before);
            }
        }
        guest.answer();
        self.guests.insert(guest.id.clone(), guest);
    }

    /// A connection has ended, by a goodbye or without.
    fn leave(&mut self, id: &str, arrival: u64, said_goodbye: bool) {
        let Some(guest) = self.guests.get_mut(id).filter(|guest| guest.arrival == arrival) else { return };
        let will = guest.leave().filter(|_| !said_goodbye);
        if !guest.is_kept() {
            self.guests.remove(id);
        }
        if let Some(will) = will {
            self.publish(will);
        }
    }

    fn hear(&mut self, id: &str, arrival: u64, said: Said) {
        match said {
            Said::Publish(message) => self.publish(message),
            Said::Subscribe(filter) => {
                let kept: Vec<Message> = self.retained.values().cloned().collect();
                let Some(guest) = self.guests.get_mut(id).filter(|guest| guest.arrival == arrival) else { return };
                for message in kept.iter().filter(|message| topic::matches(&filter, &message.topic)) {
                    guest.offer(message, true);
                }
            }
        }
    }
}

fn accept(listener: &TcpListener, hall: &Arc<Hall>) {
    for socket in listener.incoming() {
        if hall.lock().closed {
            return;
        }
        let Ok(socket) = socket else { continue };
        let hall = hall.clone();
        let serves = thread::Builder::new().name("broker's guest".into()).spawn(move || serve(&socket, &hall));
        drop(serves);
    }
}

/// One connection, from its greeting to its end.
fn serve(mut socket: &TcpStream, hall: &Hall) {
    let mut bytes = [0; 4096];
    let mut who: Option<(String, u64)> = None;
    let mut newcomer = Guest::arriving(socket);
    let mut said_goodbye = false;
    while let Ok(n @ 1..) = socket.read(&mut bytes) {
        let mut state = hall.lock();
        let mut at = 0;
        while at < n && !said_goodbye {
            match (&who, newcomer.take()) {
                (None, Some(mut guest)) => {
                    if guest.greet(&bytes[..n], &mut at) {
                        guest.arrival = state.arrivals + 1;
                        who = Some((guest.id.clone(), guest.arrival));
                        state.welcome(guest);
                    } else {
                        newcomer = Some(guest);
                    }
                }
                (Some((id, arrival)), _) => {
                    let here = state.guests.get_mut(id).filter(|guest| guest.arrival == *arrival);
                    let Some((said, goodbye)) = here.map(|guest| guest.hear(&bytes[..n], &mut at)) else { return };
                    said_goodbye = goodbye;
                    for said in said {
                        state.hear(id, *arrival, said);
                    }
                }
                (None, None) => return,
            }
        }
        drop(state);
        hall.changed.notify_all();
        if said_goodbye {
            break;
        }
    }
    if let Some((id, arrival)) = who {
        hall.lock().leave(&id, arrival, said_goodbye);
        hall.changed.notify_all();
    }
}
