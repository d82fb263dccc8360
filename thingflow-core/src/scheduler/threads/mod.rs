//! Everything off the reactor's thread: what may block runs on an *edge thread* and only events cross, in bounded queues.
//!
//! - To the reactor: an [`inbox`], a queue of many posters. [`Remote`] is its posting end for users.
//! - From the reactor: an [`outbox`], a queue that one thread or several take from.
//! - `crew.rs`: the threads themselves, how they are waited for; `stop_token.rs`: how they are told to end. `news.rs`: what they tell the reactor beside
//!   events, and what a Thing may know and ask on a thread.
//! - `watch.rs`: noticing from a thread that the reactor hangs.
//! - On these stand sources that are [`sampled`] there, [`private`] loops, [`sink`]s, [`pool`]s and [`worker`]s.
//!
//! The reactor keeps the time for all of them: a job carries the time at which it was given, and whoever waits for a thread
//! holds the virtual clock ([`outbox::Hold`]).

mod batch;
pub(super) mod crew;
pub(super) mod inbox;
pub(super) mod news;
pub(super) mod outbox;
mod output;
mod pool;
mod private;
mod remote;
mod sampled;
mod sink;
mod stop_token;
mod sync;
pub(super) mod watch;
mod worker;

pub use batch::{Batch, Refusal, Rejection};
pub use inbox::PostError;
pub use outbox::{DeliveryMeter, DeliveryStats};
pub use output::EdgeOutput;
pub use pool::PoolInput;
pub use remote::Remote;
pub use sink::EdgeSink;
pub use stop_token::StopToken;
pub use watch::Overrun;
pub use worker::{Delivery, OnSetup, Worker};
