//! [`Program`]: a program with a page, which can be ended and started again.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use thingflow_core::history::Kept;
use thingflow_core::testing::{FlakySensor, ListSensor};
use thingflow_core::{DeliveryMeter, DeliveryStats, OnFailure, Stopper, prelude::*};
use thingflow_page::{Options, Slider, Token};

use crate::chromium::Done;

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// A name that would run if it were taken for markup.
pub(crate) const EVIL: &str = "<img src=x onerror=alert(1)>";

pub(crate) const TOKEN: &str = "correct-horse-battery-staple";

/// A program with a page. Dropping it ends the program.
pub(crate) struct Program {
    /// Where the page is, with the token.
    pub(crate) url: String,
    pub(crate) address: String,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Program {
    pub(crate) fn start(address: &str) -> Done<Self> {
        let (tell, told) = channel();
        let address = address.to_owned();
        let thread = thread::spawn(move || {
            let run = || -> Done {
                let mut scheduler = Scheduler::new()?;
                wire(&scheduler)?;
                let dial = Slider::new("dial", 0.0..=100.0, 40.0);
                let pressed = Arc::new(AtomicU64::new(0));
                let count = pressed.clone();
                scheduler.schedule_sensor(dial.clone(), Duration::from_millis(20), |dial| {
                    dial.map(|event| event.val > 50.0).probe("lamp").for_each(drop);
                })?;
                let page = Options::new(address)
                    .title("Greenhouse")
                    .unit("room", "°C")
                    .slider(&dial)
                    .button("flush", move || {
                        count.fetch_add(1, Relaxed);
                    })
                    .output("cloud", DeliveryMeter::new(move || delivered(pressed.load(Relaxed))))
                    .past("average", |span| Ok(past(span)))
                    .token(Token::new(TOKEN)?)
                    .allow_control()
                    .serve(&scheduler)?;
                let _ = tell.send((page.url(), page.local_addr().to_string(), scheduler.stopper()));
                scheduler.run_forever()?;
                Ok(())
            };
            run().map_err(|error| error.to_string())
        });
        match told.recv() {
            Ok((url, address, stopper)) => Ok(Self { url, address, stopper, thread: Some(thread) }),
            Err(_) => Err(format!("no program: {:?}", thread.join()).into()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What an output has delivered that does so at the press of a button.
fn delivered(delivered: u64) -> DeliveryStats {
    let mut stats = DeliveryStats::default();
    (stats.posted, stats.delivered, stats.waiting) = (1000, delivered, 1000 - delivered);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    stats.oldest = i64::try_from(now.as_secs()).ok().map(|now| Timestamp::from_secs(now - 7300));
    stats
}

/// One value a second, but for a silence, since the beginning of time.
fn past(span: Range<Timestamp>) -> Vec<Kept<f64>> {
    let (from, until) = (span.start.as_nanos(), span.end.as_nanos());
    let times = (from / SECOND * SECOND..until).step_by(SECOND as usize).filter(|time| (from..until).contains(time));
    let kept = times.filter(|time| time / SECOND % 1000 > 100).map(|time| Kept {
        number: 1,
        time: Timestamp::from_nanos(time),
        event: 17.0,
    });
    kept.collect()
}

/// A reading with the mark of a check, as those of `thingflow-signals` are.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "it is read by its `Debug`")]
struct Qualified {
    event: f64,
    quality: Quality,
}

#[derive(Clone, Debug)]
enum Quality {
    Suspect,
}

fn wire(scheduler: &Scheduler) -> Done {
    let often = Duration::from_millis(20);
    let readings: Vec<f64> = (0..1_000_000).map(|n| 20.0 + 5.0 * (f64::from(n) / 50.0).sin()).collect();
    scheduler.schedule_sensor(ListSensor::new("room", readings), often, |room| {
        room.map(|event| event.val).running_avg(5).probe("average").for_each(drop);
        let qualified = |_| Qualified { event: 17.25, quality: Quality::Suspect };
        room.map(qualified).probe("checked").for_each(drop);
        room.map(|event| event.val).delay(Duration::from_secs(60), Limit::drop_oldest(8)).named("queue").for_each(drop);
    })?;
    let evil = ListSensor::new(EVIL, vec![1; 1_000_000]);
    scheduler.schedule_sensor(evil, often, |evil| {
        evil.for_each(drop);
    })?;
    let broken: Vec<Result<f64, &'static str>> = vec![Err("no answer from the bus"); 1_000_000];
    let broken = SensorOutput::new(FlakySensor::new("broken", broken));
    broken.connect(call(drop));
    scheduler.schedule_periodic(broken, Periodic::every(often).on_failure(OnFailure::Skip))?;
    Ok(())
}
