//! Twelve stations that listen to the ground → what is unusual at each → by the time of the events: a lorry at one of them, or an
//! earthquake at many.
//!
//! ```sh
//! cargo run -p seismic
//! ```

mod stations;

use std::error::Error;
use std::time::Duration;

use thingflow::prelude::*;
use thingflow::signals::quality::{KSigma, Quality};
use thingflow::windows::{Count, Grouped, Windowed};

use stations::{STATIONS, readings};

/// So many deviations from its mean a reading is unusual.
const SIGMAS: f64 = 6.0;
/// A wave has crossed the country in this time; what the links of the stations add is no more than the second one.
const CROSSING: Duration = Duration::from_secs(20);
const LATENESS: Duration = Duration::from_secs(10);

/// What was unusual.
#[derive(Clone, Debug, PartialEq)]
enum Anomaly {
    /// At the stations of these names.
    Local(Vec<String>),
    /// At so many.
    Global(usize),
}

/// Of so many seconds, which stations had how many unusual readings: a third of all stations is no coincidence.
fn judge(window: Windowed<Vec<(SensorId, u64)>>) -> (Timestamp, Anomaly) {
    let names = window.value;
    let anomaly = if names.len() * 3 >= STATIONS {
        Anomaly::Global(names.len())
    } else {
        Anomaly::Local(names.iter().map(|(name, _)| name.to_string()).collect())
    };
    (window.start, anomaly)
}

/// Connects and schedules all stations. The port is that of the anomalies, with the time at which they began.
fn network(scheduler: &Scheduler) -> Result<Port<(Timestamp, Anomaly)>, Box<dyn Error>> {
    let (unusual, anomalies) = (Port::new().named("unusual"), Port::new().named("anomalies"));
    let all = readings().output();
    let each = unusual.clone();
    all.group_by(|reading| reading.sensor_id).for_each(move |(_, station)| {
        let judged = station.qualify(KSigma::new(SIGMAS, 0.01, 100));
        judged.filter(|judged| judged.quality == Quality::Bad).map(|judged| judged.event).connect(each.clone());
    });
    // They come out of order: by the time of the reading, not of its arrival. An anomaly lasts until it has been quiet for a while.
    let session = Window::session(CROSSING, |(_, at): &(SensorId, Timestamp)| *at);
    let by_station = unusual
        .map(|reading: SensorEvent<f64>| (reading.sensor_id, reading.ts))
        .watermarks(|(_, at)| *at, LATENESS)
        .aggregate(session, Grouped::by(|(station, _): &(SensorId, Timestamp)| *station, Count::new()));
    by_station.map(judge).connect(anomalies.clone());
    scheduler.schedule_recurring(all)?;
    Ok(anomalies)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    network(&scheduler)?.for_each(|(began, anomaly)| match anomaly {
        Anomaly::Local(stations) => println!("{began} something at {}", stations.join(", ")),
        Anomaly::Global(stations) => println!("{began} EARTHQUAKE: {stations} of {STATIONS} stations"),
    });
    scheduler.run_forever()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn a_lorry_is_local_and_an_earthquake_is_not() -> Result<(), Box<dyn Error>> {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        network(&scheduler)?.connect(seen.clone());
        scheduler.run_forever()?;
        let at = |second| Timestamp::from_secs(stations::START + second);
        let lorry = |station: &str| Anomaly::Local(vec![station.into()]);
        let expected = [(at(300), lorry("S03")), (at(600), Anomaly::Global(STATIONS)), (at(900), lorry("S07"))];
        assert_eq!(seen.events(), expected);
        Ok(())
    }
}
