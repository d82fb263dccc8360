//! Every chip on a bus where nobody answers: the error names the chip, its address and what to look at.
#![cfg(all(
    feature = "ads1115",
    feature = "adxl345",
    feature = "bh1750",
    feature = "bme280",
    feature = "bmp390",
    feature = "ina219",
    feature = "lm75",
    feature = "mcp9808",
    feature = "mpu6050",
    feature = "scd4x",
    feature = "sht3x",
    feature = "sht4x",
    feature = "tmp105",
    feature = "tsl2591",
    feature = "veml7700",
    feature = "vl53l0x"
))]

use std::error::Error;

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use embedded_hal_mock::eh1::delay::NoopDelay;
use thingflow_core::Sensor;
use thingflow_sensors::*;

#[derive(Clone)]
struct Nobody;

impl ErrorType for Nobody {
    type Error = ErrorKind;
}
impl I2c for Nobody {
    fn transaction(&mut self, _: u8, _: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address))
    }
}

fn text<S, E: Error>(sensor: Result<S, E>) -> String {
    sensor.err().expect("nobody answers").to_string()
}

#[test]
fn each_chip_says_where_nobody_answers() {
    let errors = [
        ("ADS1115", "48", text(ads1115::Ads1115::new("x", Nobody, [ads1115::Input::A0]).start())),
        ("ADXL345", "53", text(adxl345::Adxl345::new("x", Nobody).sample())),
        ("BH1750", "23", text(bh1750::Bh1750::new("x", Nobody).sample())),
        ("BME280", "76", text(bme280::Bme280::new("x", Nobody).start())),
        ("BMP390", "77", text(bmp390::Bmp390::new("x", Nobody).start())),
        ("INA219", "40", text(ina219::Ina219::new("x", Nobody).sample())),
        ("LM75", "48", text(lm75::Lm75::new("x", Nobody).sample())),
        ("MCP9808", "18", text(mcp9808::Mcp9808::new("x", Nobody).sample())),
        ("MPU6050", "68", text(mpu6050::Mpu6050::new("x", Nobody).sample())),
        ("SCD4x", "62", text(scd4x::Scd4x::new("x", Nobody, NoopDelay).start())),
        ("SHT3x", "44", text(sht3x::Sht3x::new("x", Nobody).start())),
        ("SHT4x", "44", text(sht4x::Sht4x::new("x", Nobody).start())),
        ("TMP105", "48", text(tmp105::Tmp105::new("x", Nobody).sample())),
        ("TSL2591", "29", text(tsl2591::Tsl2591::new("x", Nobody).sample())),
        ("VEML7700", "10", text(veml7700::Veml7700::new("x", Nobody).sample())),
        ("VL53L0X", "29", text(vl53l0x::Vl53l0x::new("x", Nobody).start())),
    ];
    for (chip, address, error) in errors {
        assert!(error.starts_with(&format!("{chip} does not answer: ")), "{error}");
        assert!(error.ends_with(&format!("check the wiring, and that `i2cdetect -y 1` shows {address}")), "{error}");
    }
}
