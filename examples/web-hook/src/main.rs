//! A web hook: whoever posts readings is answered when they are on the disk, and they are not lost from then on.
//!
//! ```sh
//! cargo run -p web-hook                    # a client of its own posts five readings
//! cargo run -p web-hook -- 127.0.0.1:8080  # then, elsewhere: curl -d '{"room":"attic","lux":20.5}' http://127.0.0.1:8080/readings
//! ```

use std::error::Error;

use serde::{Deserialize, Serialize};
use thingflow::Delivery;
use thingflow::adapters::http::Writer;
use thingflow::adapters::outbox::{CommitWindow, Outbox, Outlet};
use thingflow::adapters::{outbox, webhook};
use thingflow::prelude::*;
use thingflow::testing::Recorder;
use thingflow::tracking::Tracking;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    room: String,
    lux: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        Some(address) => run(&address, None).map(drop),
        None => check(),
    }
}

/// Takes readings at an address, for ever, or until `posted` have come that it posts itself.
fn run(address: &str, posted: Option<Vec<Reading>>) -> Result<Vec<Reading>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?; // in a program, one that stays
    let mut scheduler = Scheduler::new()?;
    let hook = webhook::Options::<Reading>::json().path("/readings").without_token().listen(address)?;
    let mut outbox = Outbox::open(folder.path(), outbox::Options::new(64 << 20, CommitWindow::default()))?;
    hook.received_tracked().connect(outbox.tracked_input());
    let stored = outbox.port("shown", Outlet::default())?;
    println!("http://{}/readings", hook.local_addr());

    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    let n = posted.as_ref().map_or(usize::MAX, Vec::len);
    let kept = seen.clone();
    stored.acknowledge().also_to(seen.clone()).for_each(move |reading| {
        println!("{}: {} lux", reading.room, reading.lux);
        if kept.events().len() == n {
            stopper.stop();
        }
    });
    if let Some(posted) = posted {
        let to = Writer::json_lines(format!("http://{}/readings", hook.local_addr()));
        let (writer, _refused) = scheduler.worker("client", to, Delivery::within(Limit::block(100)))?;
        scheduler.schedule_recurring(from_iter(posted).connect(writer))?;
    }
    scheduler.schedule_on_main_event_loop(hook.thing())?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.run_forever()?;
    Ok(seen.events())
}

/// What is posted comes out.
fn check() -> Result<(), Box<dyn Error>> {
    let posted: Vec<Reading> = (0..5).map(|n| Reading { room: "attic".to_owned(), lux: 20.5 + f64::from(n) }).collect();
    let seen = run("127.0.0.1:0", Some(posted.clone()))?;
    if seen == posted { Ok(()) } else { Err(format!("{posted:?} was posted, {seen:?} was taken").into()) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_posted_comes_out() {
        super::check().expect("nothing is lost");
    }
}
