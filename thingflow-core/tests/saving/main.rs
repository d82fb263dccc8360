//! Every operator that remembers something: its state is taken out in the middle and put back into another like it, which goes on as
//! if nothing had been; or the state says that it is not whole.
#![cfg(feature = "std")]

#[path = "../support/call_with.rs"]
mod call_with;
#[path = "../support/given.rs"]
mod given;
mod joins;
mod operators;
mod restarts;
mod windows;

use std::cell::RefCell;
use std::time::Duration;

use thingflow_core::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(second: usize) -> Context<'static> {
    Context::detached(Instant::from_nanos(second as u64 * 1_000_000_000))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as `watermarks` asks for it
fn stamp(x: &i32) -> Timestamp {
    Timestamp::from_secs(i64::from(*x) + 20)
}

thread_local! {
    /// What a case forges states of.
    static FORGED: RefCell<Vec<u64>> = RefCell::new(vec![0]);
}
