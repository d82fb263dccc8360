//! The readings of sensors as rows of a file, and back.
#![cfg(all(feature = "csv", feature = "bme280", feature = "mpu6050", feature = "pms5003"))]

use std::error::Error;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thingflow::adapters::csv::{Reader, Writer};
use thingflow::prelude::*;
use thingflow::sensors::bme280::Weather;
use thingflow::sensors::mpu6050::Motion;
use thingflow::sensors::pms5003::Dust;
use thingflow::sensors::{Axes, Climate};

/// The file of a reading, which it is made of again.
fn file<T>(reading: T) -> Result<String, Box<dyn Error>>
where
    T: Serialize + DeserializeOwned + Clone + Debug + PartialEq,
{
    let mut file = Vec::new();
    pipe().to(Writer::new("memory", &mut file)).feed([reading.clone()])?;
    assert_eq!(Reader::<T, _>::new("memory", file.as_slice()).flow().collect_now(), [reading]);
    Ok(String::from_utf8(file)?)
}

#[test]
fn readings_have_a_column_for_each_value() -> Result<(), Box<dyn Error>> {
    assert_eq!(file(Climate { temperature: 21.3, humidity: 48.0 })?, "temperature,humidity\n21.3,48\n");
    let weather = Weather { temperature: 21.3, humidity: None, pressure: 1013.25 };
    assert_eq!(file(weather)?, "temperature,humidity,pressure\n21.3,,1013.25\n");
    let along = Axes { x: 0.1, y: 2.0, z: 3.0 };
    let motion = Motion { acceleration: along, rotation: along };
    let names = "acceleration.x,acceleration.y,acceleration.z,rotation.x,rotation.y,rotation.z";
    assert_eq!(file(motion)?, format!("{names}\n0.1,2,3,0.1,2,3\n"));
    let dust = Dust { pm1: 1.0, pm2_5: 2.0, pm10: 3.0, counts: [6, 5, 4, 3, 2, 1] };
    let names = "pm1,pm2_5,pm10,counts_1,counts_2,counts_3,counts_4,counts_5,counts_6";
    assert_eq!(file(dust)?, format!("{names}\n1,2,3,6,5,4,3,2,1\n"));
    Ok(())
}
