//! The drawing of the graph.

use std::io;
use std::thread;
use std::time::Duration;

use thingflow_core::OnFailure;
use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor};
use thingflow_page::{Options, Token};

use super::{Done, TOKEN, get, status, with_page};

/// How many a second, what waits, the last value, and what is wrong, with a mark before it.
#[test]
fn the_drawing_says_how_a_place_fares_and_what_is_wrong_with_it() -> Done {
    let mut scheduler = Scheduler::new()?;
    scheduler.watch_on_separate_thread(Duration::from_nanos(1))?; // each call is too long
    let lux = ListSensor::new("lux", vec![21.53; 1_000_000]);
    scheduler.schedule_sensor(lux, Duration::from_millis(1), |lux| {
        let level = lux.map(|event| event.val).probe("<level>");
        level.delay(Duration::from_secs(60), Limit::drop_oldest(8)).for_each(drop);
    })?;
    let odd = SensorOutput::new(FlakySensor::new("odd", vec![Err::<f64, _>("gone"); 100_000]));
    odd.connect(call(drop));
    scheduler.schedule_periodic(odd, Periodic::every(Duration::from_millis(1)).on_failure(OnFailure::Skip))?;
    let inspector = scheduler.inspector();
    let page = Options::new("127.0.0.1:0").unit("<level>", "lx").token(Token::new(TOKEN)?).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let parts =
        ["/s</text>", ">&lt;level&gt;: 21.530 lx<", ">▲ 8 of 8 waiting<", ">▲ slow, ", ">▲ fails, ", "\"source ill\""];
    let is_dropping = |svg: &str| svg.lines().any(|line| line.contains(">▲ ") && line.contains(" dropped<"));
    let client = thread::spawn(move || {
        inspector.measure(true).map_err(io::Error::other)?; // as while a tab is open
        let mut svg = get(address, "/api/graph.svg");
        while svg.as_ref().is_ok_and(|svg| !is_dropping(svg) || parts.iter().any(|part| !svg.contains(part))) {
            thread::park_timeout(Duration::from_millis(50));
            svg = get(address, "/api/graph.svg");
        }
        stopper.stop();
        svg
    });
    scheduler.run_forever()?;
    let svg = client.join().map_err(|_| "the client has panicked")??;
    assert!(!svg.contains("<level>"), "{svg}");
    Ok(())
}

#[test]
fn a_graph_of_thousands_is_not_drawn_and_all_else_is_there() -> Done {
    let mut scheduler = Scheduler::new()?;
    for _ in 0..1001 {
        scheduler.schedule_recurring(interval(Duration::from_secs(1)).connect(call(drop)))?;
    }
    let page = Options::new("127.0.0.1:0").token(Token::new(TOKEN)?).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let answers = ["/api/graph.svg", "/health", "/metrics"].map(|path| get(address, path));
        stopper.stop();
        answers
    });
    scheduler.run_forever()?;
    let [drawing, health, metrics] = client.join().map_err(|_| "the client has panicked")?;
    let drawing = drawing?;
    assert!(status(&drawing) == 404 && drawing.contains("too large to be drawn"), "{drawing}");
    assert_eq!((status(&health?), metrics?.matches("thingflow_ticks_total{").count()), (200, 1001));
    Ok(())
}

#[test]
fn s07_names_are_text_in_the_drawing() -> Done {
    let svg = with_page(|options| options, |address| get(address, "/api/graph.svg"))?;
    assert!(svg.contains("image/svg+xml") && svg.contains("&lt;img src=x"), "{svg}");
    assert!(!svg.contains("<img"), "{svg}");
    Ok(())
}
