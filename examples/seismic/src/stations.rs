//! The stations, simulated: twenty minutes of readings, one a second from each, of which some arrive late.

use thingflow::prelude::*;

pub(crate) const STATIONS: usize = 12;
/// The first second, since 1970.
pub(crate) const START: i64 = 1_700_000_000;

const NAMES: [&str; STATIONS] = ["S00", "S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11"];

/// The speed of the ground, in µm/s. At station 3 a lorry passes after five minutes, at station 7 one after fifteen; after ten
/// minutes the earth quakes, and its wave comes to the next station a second later.
fn speed(station: usize, second: i64, noise: f64) -> f64 {
    let lorry = (station == 3 && (300..305).contains(&second)) || (station == 7 && (900..903).contains(&second));
    let arrival = 600 + station as i64;
    let quake = (arrival..arrival + 8).contains(&second);
    let shaking = if second % 2 == 0 { 1.0 } else { -1.0 };
    noise + shaking * (if lorry { 15.0 } else { 0.0 } + if quake { 40.0 } else { 0.0 })
}

/// What arrives, in the order of arrival: station 5 has a slow link, so that its readings come six seconds late.
pub(crate) fn readings() -> Flow<impl Source<Item = SensorEvent<f64>>> {
    let mut random = 1_u64;
    let mut noise = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    };
    let mut all = Vec::new();
    for second in 0..1200 {
        for (station, name) in NAMES.into_iter().enumerate() {
            let arrival = second + if station == 5 { 6 } else { 0 };
            let val = speed(station, second, noise());
            all.push((arrival, SensorEvent::new(name, Timestamp::from_secs(START + second), val)));
        }
    }
    all.sort_by_key(|(arrival, _)| *arrival);
    from_iter(all.into_iter().map(|(_, reading)| reading))
}
