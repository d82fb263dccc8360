//! Where two mechanisms meet: a pause and a thread, a `Full` and a resume in one call, an end and what was put off, two wishes
//! of one flow, a question and a cancelled schedule, a session's end and a paused source.
#![cfg(feature = "std")]

#[path = "../support/call_with.rs"]
mod call_with;
#[path = "../support/clockwork.rs"]
mod clockwork;
mod descriptors;
mod ends;
mod handles;
#[path = "../support/leaves.rs"]
mod leaves;
mod leaving;
mod questions;
mod room;
#[path = "../support/takes_all.rs"]
mod takes_all;

use thingflow_core::prelude::*;

type Sent = std::result::Result<Demand, Failure>;
