//! The chips: one file, one line here and one feature each. Their modules are public at the root of the crate.

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod hostile;
#[allow(dead_code)] // a build with a single chip needs half of it
mod registers;
#[cfg(any(feature = "sht3x", feature = "sht4x"))]
mod sensirion;
#[cfg(test)]
pub(crate) mod specimen;

/// Declares the chips, and what their tests have in common: a chip without a `specimen` in its tests does not build.
macro_rules! chips {
    ($($chip:ident = $feature:literal)+) => {
        $(
            #[cfg(feature = $feature)]
            pub mod $chip;
        )+

        #[cfg(test)]
        fn specimens() -> std::vec::Vec<specimen::Specimen> {
            std::vec![$(#[cfg(feature = $feature)] $chip::tests::specimen()),+]
        }
    };
}

chips! {
    ads1115 = "ads1115"
    adxl345 = "adxl345"
    bh1750 = "bh1750"
    bme280 = "bme280"
    bmp390 = "bmp390"
    hx711 = "hx711"
    ina219 = "ina219"
    lm75 = "lm75"
    mcp3008 = "mcp3008"
    mcp9808 = "mcp9808"
    mpu6050 = "mpu6050"
    pms5003 = "pms5003"
    scd4x = "scd4x"
    sht3x = "sht3x"
    sht4x = "sht4x"
    tmp105 = "tmp105"
    tsl2591 = "tsl2591"
    veml7700 = "veml7700"
    vl53l0x = "vl53l0x"
}
