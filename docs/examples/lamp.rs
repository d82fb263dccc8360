//! The lamp of the tutorial with a mouse: a slider in place of the light sensor, a lamp on the page in place of the pin.
//!
//! ```sh
//! cargo run -p thingflow-book --example lamp    # and open the address that it shows
//! ```

use std::error::Error;
use std::time::Duration;

use thingflow::page::{Options, Slider};
use thingflow::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let lux = Slider::new("lux", 0.0..=100.0, 40.0); // in place of the sensor
    let limit = Slider::new("dark below", 0.0..=100.0, 25.0); // a parameter
    let options = Options::new("127.0.0.1:0").title("A lamp").unit("lux", "lx").unit("average", "lx");
    let page = options.slider(&lux).slider(&limit).allow_control().serve(&scheduler)?;
    scheduler.schedule_sensor(lux, Duration::from_millis(200), move |lux| {
        let average = lux.map(|event| event.val).running_avg(5).probe("average");
        average.map(move |lux| lux < limit.value()).probe("lamp").for_each(drop); // in place of the pin
    })?;
    println!("open {}", page.url());
    scheduler.run_forever()?;
    Ok(())
}
