//! A boiler whose thermometer is noisy → a Kalman filter with a model of the boiler → its temperature, beside a moving average.
//!
//! ```sh
//! cargo run -p kalman
//! ```

mod boiler;
mod model;

use std::error::Error;

use thingflow::prelude::*;

use boiler::{Boiler, Reading};
use model::BoilerModel;

/// A minute, by a reading a second; the heater is on in the second and third quarter.
fn readings() -> Flow<impl Source<Item = Reading>> {
    let mut boiler = Boiler::new(20.0);
    from_iter((0..240).map(move |second| boiler.second(second / 60 % 4 == 1 || second / 60 % 4 == 2)))
}

/// What it was, what the thermometer said, what the filter and an average of ten make of it.
type Row = (f64, f64, f64, f64);

/// The rows of all seconds.
fn compare() -> Vec<Row> {
    let port = readings().output();
    let (filtered, averaged) = (port.pipe(BoilerModel::new()), port.map(|reading| reading.celsius).running_avg(10));
    let rows = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = rows.clone();
    let both = filtered.zip(averaged, Limit::fail(16));
    both.for_each(move |((reading, model), average): ((Reading, f64), f64)| {
        seen.borrow_mut().push((reading.truth, reading.celsius, model, average));
    });
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.schedule_recurring(port).expect("it is new");
    scheduler.run_forever().expect("nothing fails");
    rows.take()
}

/// How far a column is from the truth, as the root of the mean square.
fn error(rows: &[Row], column: impl Fn(&Row) -> f64) -> f64 {
    let squares: f64 = rows.iter().map(|row| (column(row) - row.0).powi(2)).sum();
    (squares / rows.len() as f64).sqrt()
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows = compare();
    println!("second  true  read  model  average of ten");
    for (second, (truth, read, model, average)) in rows.iter().enumerate().step_by(20) {
        println!("{second:>6} {truth:>5.1} {read:>5.1} {model:>6.1} {average:>7.1}");
    }
    let [read, model, average] = [error(&rows, |row| row.1), error(&rows, |row| row.2), error(&rows, |row| row.3)];
    println!("off by {read:.2} °C, {model:.2} °C with the model, {average:.2} °C by the average");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_nearer_than_the_reading_and_than_an_average() {
        let rows = compare();
        assert_eq!(rows.len(), 240);
        let [read, model, average] = [error(&rows, |row| row.1), error(&rows, |row| row.2), error(&rows, |row| row.3)];
        assert!(model < read / 2.0, "the model is off by {model} °C, the reading by {read} °C");
        assert!(model < average / 2.0, "the model is off by {model} °C, the average by {average} °C");
    }
}
