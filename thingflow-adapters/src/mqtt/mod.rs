//! MQTT 3.1.1 and 5: publish and subscribe by one connection, on the thread of the scheduler.
//!
//! A [`Client`] is made of [`Options`]: which broker, and how. Its [`thing`](Client::thing) is scheduled; its publishers end chains, its
//! subscriptions begin them. It connects again by itself; nothing waits for it meanwhile.
//!
//! | what is to happen | how |
//! |---|---|
//! | publish, by a topic of the event | `.map(\|event\| Message::new(topic, payload))`, then [`Client::publisher`] |
//! | lose nothing, also when the process is killed | an outbox in front, whose tracked events are published |
//! | subscribe, with wildcards | [`Client::subscribe`] |
//! | acknowledge only what has been dealt with | [`Client::subscribe_tracked`] |
//! | keep subscriptions while the client is away | [`Options::keep_session`] |
//! | say whether the program is there | [`Options::availability`] |
//! | appear in Home Assistant | [`Options::discovery`] |
//! | see the connection come and go | [`Client::status`] |

mod carrier;
mod client;
mod desk;
mod discovery;
mod error;
mod hold;
mod identity;
mod inbound;
mod inbox;
mod link;
mod message;
mod options;
mod outbound;
mod outlet;
mod session;
mod status;
mod subscriptions;
pub mod testing;
mod topic;
mod wire;

pub use client::{Client, Publish, Publisher};
pub use discovery::Device;
pub use error::OptionsError;
pub use message::{Message, Qos, Received};
pub use options::{Options, Version};
pub use status::Status;
#[doc(hidden)]
pub use wire::packets;
