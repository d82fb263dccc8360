//! [`Client`]: the handle of a client, which gives its inputs and its ports.

use std::fmt;
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::{DeadLetter, DeliveryMeter, DeliveryStats, SharedInput};

use super::desk::{Desk, Pass};
use super::error::OptionsError;
use super::hold::Hold;
use super::link::Link;
use super::message::{Message, Qos, Received};
use super::options::Options;
use super::status::Status;
use super::subscriptions::{Feed, Subscription};
use super::topic;
use crate::net::Scheduled;

/// A client of a broker, by one connection: schedule its [`thing`](Self::thing), connect its
/// [`publisher`](Self::publisher)s, and what follows its subscriptions. Clones are the same client.
///
/// It connects by itself, and again when a connection is lost, on the thread of the scheduler, on which nothing waits for it:
/// messages wait in the [queue](Options::queue) meanwhile. When nobody publishes any more, nobody listens, and all is
/// acknowledged, it says goodbye, and its schedule ends.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::mqtt::{Client, Message, Options, Qos, testing::Broker};
/// use thingflow_core::prelude::*;
/// let broker = Broker::start()?; // in a program: mqtt://broker.local
/// let mut scheduler = Scheduler::new()?;
/// let client = Client::new(Options::new(&broker.address())?);
/// scheduler.schedule_on_main_event_loop(client.thing())?;
///
/// let stopper = scheduler.stopper();
/// client.subscribe("lab/+", Qos::AtLeastOnce)?.for_each(move |message| {
///     assert_eq!((message.topic.as_str(), &*message.text()), ("lab/lux", "20.5"));
///     stopper.stop();
/// });
/// let lux = from_iter([20.5]).map(|lux| Message::new("lab/lux", lux.to_string()));
/// scheduler.schedule_later_one_time(lux.connect(client.publisher()), Duration::from_millis(50))?;
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    link: Shared<Link>,
    desk: Rc<Desk>,
}

impl Client {
    /// A client that is not connected yet.
    pub fn new(options: Options) -> Self {
        let desk = Rc::new(Desk::default());
        let link = Shared::without_ports(Link::new(options, desk.clone())).has_room(Link::has_room);
        Self { link, desk }
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop), once. When it is dropped, by
    /// the end of the run, the client says goodbye.
    #[must_use = "a client does nothing until its Thing is scheduled"]
    pub fn thing(&self) -> impl EventThing + use<> {
        Scheduled::new(&self.link, Link::close)
    }

    /// An input for messages, plain or tracked. A tracked one is done when the broker has acknowledged it (by QoS 0, when it
    /// has been sent), has failed if the broker refuses it, and is left to the next run if this one ends before: so nothing is
    /// lost that an outbox in front has kept.
    ///
    /// A message that cannot be published, or that the broker refuses, leaves [`refused`](Self::refused).
    pub fn publisher<E: Publish>(&self) -> Publisher<E> {
        let take: Take<E> = |link, event, cx| {
            let (message, hold) = event.split();
            link.publish(message, hold, cx)
        };
        Publisher { input: self.link.input(take), _pass: Pass::new(&self.desk) }
    }

    /// The messages of a topic, or of many: `+` stands for one level, `#` at the end for all that follow. A message is
    /// acknowledged when what is connected has taken it. Connect the port before the run, or right after this call.
    ///
    /// After a connection that has lost the session the subscription is made again.
    ///
    /// While what is connected takes nothing and some messages wait for it, the broker is not read, so that it waits, or drops
    /// what it need not keep. It is read all the same while the client's own messages wait for their acknowledgements and hold
    /// what is connected up: messages of QoS 0 for which there is no room are left out then, which is reported.
    ///
    /// # Errors
    /// A filter that MQTT does not allow.
    pub fn subscribe(&self, filter: impl Into<String>, qos: Qos) -> Result<Port<Received>, OptionsError> {
        let port = Port::new();
        self.add(filter.into(), qos, Feed::Plain(Box::new(port.clone())))?;
        Ok(port)
    }

    /// As [`subscribe`](Self::subscribe), but the broker hears of a message only when the graph is done with it: behind an
    /// outbox, when that has it on disk; behind a writer, when it has been written. What is not done when the run ends, or the
    /// process, comes again if the [session is kept](Options::keep_session).
    ///
    /// An event that has failed is reported, and acknowledged: by MQTT 5 as an error. It would come again for ever.
    ///
    /// What the operators of the graph hold back together must be less than [`Options::receive_maximum`], or they wait
    /// for messages that never come.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_tracked(
        &self,
        filter: impl Into<String>,
        qos: Qos,
    ) -> Result<Port<Tracked<Received>>, OptionsError> {
        let port = Port::new();
        self.add(filter.into(), qos, Feed::Tracked(Box::new(port.clone())))?;
        Ok(port)
    }

    fn add(&self, filter: String, qos: Qos, feed: Feed) -> Result<(), OptionsError> {
        if let Some(fault) = topic::filter_fault(&filter) {
            return Err(OptionsError::new("subscription", &filter, fault));
        }
        self.desk.subscriptions.borrow_mut().push(Subscription::new(filter, qos, feed));
        self.desk.ring();
        Ok(())
    }

    /// How the connection fares: each time that it is made, lost, or given up.
    pub fn status(&self) -> Port<Status> {
        self.desk.ring(); // it may be new
        self.desk.status.get()
    }

    /// What was refused for good: a topic that is none, a message that is too large, one that the broker does not allow. If
    /// nobody listens, it is reported.
    pub fn refused(&self) -> Port<DeadLetter<Message>> {
        self.desk.ring(); // it may be new
        self.desk.refused.get()
    }

    /// Makes the connection anew, also one that was [given up](Status::Stopped).
    pub fn reconnect(&self) {
        self.desk.reconnects.set(true);
        self.desk.ring();
    }

    /// What has become of the messages that were to be published.
    pub fn stats(&self) -> DeliveryStats {
        self.desk.stats.get()
    }

    /// The same from any thread: a live page shows it as an output.
    pub fn meter(&self) -> DeliveryMeter {
        self.desk.stats.meter()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// What can be published: a [`Message`], or a tracked one.
pub trait Publish: sealed::Split + 'static {}

impl Publish for Message {}
impl<M: 'static> Publish for Tracked<Message, M> {}

mod sealed {
    use super::{Hold, Message, Tracked};

    pub trait Split {
        fn split(self) -> (Message, Hold);
    }

    impl Split for Message {
        fn split(self) -> (Message, Hold) {
            (self, Hold::default())
        }
    }

    impl<M: 'static> Split for Tracked<Message, M> {
        fn split(self) -> (Message, Hold) {
            let (message, ack) = Tracked::split(self);
            (message, Hold::of(ack))
        }
    }
}

type Take<E> = fn(&mut Link, E, &mut Context<'_>) -> Receipt;

/// The input of a [`Client`]: connect it at the end of a chain.
pub struct Publisher<E: Publish> {
    input: SharedInput<Link, E, Take<E>>,
    _pass: Pass,
}

impl<E: Publish> InputThing<E> for Publisher<E> {
    fn next(&mut self, event: E, cx: &mut Context<'_>) -> Receipt {
        self.input.next(event, cx)
    }
    fn next_ref(&mut self, event: &E, cx: &mut Context<'_>) -> Receipt
    where
        E: Clone,
    {
        self.input.next_ref(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.input.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.input.ask(question)
    }
}

impl<E: Publish> fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publisher")
    }
}
